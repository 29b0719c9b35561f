import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Ends the session of a client id, whoever owns it: it carries no connection id. */
export interface CloseRequest {
  clientId: string;
}

/** An empty error, which is a frame of no bytes: the session is closed. */
export interface CloseResponse {
  error: string;
}

export function encodeCloseRequest(request: Partial<CloseRequest>): Uint8Array {
  return new Writer().string(1, request.clientId).finish();
}

/** Throws `ProtocolError`. */
export function decodeCloseRequest(bytes: Uint8Array): CloseRequest {
  const reader = new Reader(bytes, frameOf('CloseRequest'));
  const request: CloseRequest = { clientId: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.clientId = reader.string();
    else reader.skip();
  }
  return request;
}

export function encodeCloseResponse(response: Partial<CloseResponse>): Uint8Array {
  return new Writer().string(1, response.error).finish();
}

/** Throws `ProtocolError`. */
export function decodeCloseResponse(bytes: Uint8Array): CloseResponse {
  const reader = new Reader(bytes, frameOf('CloseResponse'));
  const response: CloseResponse = { error: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.error = reader.string();
    else reader.skip();
  }
  return response;
}
