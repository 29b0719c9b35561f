import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/**
 * Ends a subscription: on the subject for unsubscribing a durable is forgotten, on the one for closing it is kept.
 * A SubscriptionResponse answers.
 */
export interface UnsubscribeRequest {
  clientId: string;
  /** The channel. */
  subject: string;
  /** The subscription's ack inbox; where that never came, the server also finds it by the message inbox. */
  inbox: string;
  /** Not looked at by the server. */
  durableName: string;
}

export function encodeUnsubscribeRequest(request: Partial<UnsubscribeRequest>): Uint8Array {
  return new Writer()
    .string(1, request.clientId)
    .string(2, request.subject)
    .string(3, request.inbox)
    .string(4, request.durableName)
    .finish();
}

/** Throws `ProtocolError`. */
export function decodeUnsubscribeRequest(bytes: Uint8Array): UnsubscribeRequest {
  const reader = new Reader(bytes, frameOf('UnsubscribeRequest'));
  const request: UnsubscribeRequest = { clientId: '', subject: '', inbox: '', durableName: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.clientId = reader.string();
    else if (field === 2) request.subject = reader.string();
    else if (field === 3) request.inbox = reader.string();
    else if (field === 4) request.durableName = reader.string();
    else reader.skip();
  }
  return request;
}
