import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Asks the server whether it still knows the session. */
export interface Ping {
  connId: Uint8Array;
}

/** An empty error, which is a frame of no bytes: the session lives. */
export interface PingResponse {
  error: string;
}

export function encodePing(ping: Partial<Ping>): Uint8Array {
  return new Writer().bytes(1, ping.connId).finish();
}

/** Throws `ProtocolError`. */
export function decodePing(bytes: Uint8Array): Ping {
  const reader = new Reader(bytes, frameOf('Ping'));
  const ping: Ping = { connId: new Uint8Array(0) };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) ping.connId = reader.view();
    else reader.skip();
  }
  return ping;
}

export function encodePingResponse(response: Partial<PingResponse>): Uint8Array {
  return new Writer().string(1, response.error).finish();
}

/** Throws `ProtocolError`. */
export function decodePingResponse(bytes: Uint8Array): PingResponse {
  const reader = new Reader(bytes, frameOf('PingResponse'));
  const response: PingResponse = { error: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.error = reader.string();
    else reader.skip();
  }
  return response;
}
