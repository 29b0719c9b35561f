import { readAck, type Ack } from './ack.js';
import { Reader } from '../../core/wire/reader.js';
import { frameOf } from './malformed.js';

/**
 * Checks a response that holds nothing: of CreateStream, DeleteStream, PauseStream, SetStreamReadonly, SetCursor,
 * LeaveConsumerGroup, ReportConsumerGroupCoordinator. Throws `ProtocolError`.
 * @param frame - its name, for errors
 */
export function decodeEmptyResponse(bytes: Uint8Array, frame: string): void {
  const reader = new Reader(bytes, frameOf(frame));
  while (reader.next() !== 0) reader.skip();
}

/** Why a message of PublishAsync was refused. */
export interface PublishAsyncError {
  /** One of `asyncErrorCodes`. */
  code: number;
  message: string;
}

/** What became of a message that was published to a partition. `readPublishResponse` reads the same for many of them. */
export interface PublishResponse {
  /** Absent where no ack was asked for, or waited for. With an error it is there and says nothing. */
  ack: Ack | undefined;
  asyncError: PublishAsyncError | undefined;
  correlationId: string;
}

/** Throws `ProtocolError`. */
export function decodePublishResponse(bytes: Uint8Array): PublishResponse {
  const reader = new Reader(bytes, frameOf('PublishResponse'));
  const response: PublishResponse = { ack: undefined, asyncError: undefined, correlationId: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.ack = readAck(reader.message(frameOf('Ack')));
    else if (field === 2) response.asyncError = readPublishAsyncError(reader.message(frameOf('PublishAsyncError')));
    else if (field === 3) response.correlationId = reader.string();
    else reader.skip();
  }
  return response;
}

/** @internal */
export function readPublishAsyncError(reader: Reader): PublishAsyncError {
  const error: PublishAsyncError = { code: 0, message: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) error.code = reader.int32();
    else if (field === 2) error.message = reader.string();
    else reader.skip();
  }
  return error;
}

/** What became of a message that was published on a NATS subject. */
export interface PublishToSubjectResponse {
  /** The first that came; absent where none was asked for, or waited for. It may say that the message was refused. */
  ack: Ack | undefined;
}

/** Throws `ProtocolError`. */
export function decodePublishToSubjectResponse(bytes: Uint8Array): PublishToSubjectResponse {
  const reader = new Reader(bytes, frameOf('PublishToSubjectResponse'));
  const response: PublishToSubjectResponse = { ack: undefined };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.ack = readAck(reader.message(frameOf('Ack')));
    else reader.skip();
  }
  return response;
}
