import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Where a subscription begins, as the wire numbers it. */
export const startPositions = {
  newOnly: 0,
  lastReceived: 1,
  timeDelta: 2,
  sequence: 3,
  first: 4,
} as const;

/** Asks for the messages of a channel. */
export interface SubscriptionRequest {
  clientId: string;
  /** The channel. */
  subject: string;
  qGroup: string;
  /** Where the messages shall be sent. */
  inbox: string;
  maxInFlight: number;
  /** In whole seconds, at least 1. */
  ackWaitInSecs: number;
  durableName: string;
  /** One of {@link startPositions}; a number that is none of them is kept as it came. */
  startPosition: number;
  startSequence: bigint;
  /** How long ago, in nanoseconds by the server's clock. */
  startTimeDelta: bigint;
}

/** Where acks go, or why there is no subscription. It answers unsubscribing too, with a frame of no bytes for success. */
export interface SubscriptionResponse {
  ackInbox: string;
  error: string;
}

export function encodeSubscriptionRequest(request: Partial<SubscriptionRequest>): Uint8Array {
  return new Writer()
    .string(1, request.clientId)
    .string(2, request.subject)
    .string(3, request.qGroup)
    .string(4, request.inbox)
    .int32(5, request.maxInFlight)
    .int32(6, request.ackWaitInSecs)
    .string(7, request.durableName)
    .int32(10, request.startPosition)
    .int64(11, request.startSequence)
    .int64(12, request.startTimeDelta)
    .finish();
}

/** Throws `ProtocolError`. */
export function decodeSubscriptionRequest(bytes: Uint8Array): SubscriptionRequest {
  const reader = new Reader(bytes, frameOf('SubscriptionRequest'));
  const request: SubscriptionRequest = {
    clientId: '',
    subject: '',
    qGroup: '',
    inbox: '',
    maxInFlight: 0,
    ackWaitInSecs: 0,
    durableName: '',
    startPosition: startPositions.newOnly,
    startSequence: 0n,
    startTimeDelta: 0n,
  };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.clientId = reader.string();
    else if (field === 2) request.subject = reader.string();
    else if (field === 3) request.qGroup = reader.string();
    else if (field === 4) request.inbox = reader.string();
    else if (field === 5) request.maxInFlight = reader.int32();
    else if (field === 6) request.ackWaitInSecs = reader.int32();
    else if (field === 7) request.durableName = reader.string();
    else if (field === 10) request.startPosition = reader.int32();
    else if (field === 11) request.startSequence = reader.uint64();
    else if (field === 12) request.startTimeDelta = reader.int64();
    else reader.skip();
  }
  return request;
}

export function encodeSubscriptionResponse(response: Partial<SubscriptionResponse>): Uint8Array {
  // there is no field 1
  return new Writer().string(2, response.ackInbox).string(3, response.error).finish();
}

/** Throws `ProtocolError`. */
export function decodeSubscriptionResponse(bytes: Uint8Array): SubscriptionResponse {
  const reader = new Reader(bytes, frameOf('SubscriptionResponse'));
  const response: SubscriptionResponse = { ackInbox: '', error: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) response.ackInbox = reader.string();
    else if (field === 3) response.error = reader.string();
    else reader.skip();
  }
  return response;
}
