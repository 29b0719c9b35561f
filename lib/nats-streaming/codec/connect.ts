import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Asks the server to register a client: the first message of a session. */
export interface ConnectRequest {
  clientId: string;
  /** The subject on which the client answers heartbeats. */
  heartbeatInbox: string;
  /** 1: the client sends `connId` with each publish, and pings. */
  protocol: number;
  /** Unique for each session. */
  connId: Uint8Array;
  /** Between two pings, in seconds. */
  pingInterval: number;
  /** How many pings may stay unanswered. */
  pingMaxOut: number;
}

/** The subjects on which the server listens, or why the client was refused. */
export interface ConnectResponse {
  pubPrefix: string;
  subRequests: string;
  unsubRequests: string;
  closeRequests: string;
  /** Empty: the client is registered. Otherwise no other field is set. */
  error: string;
  /** Empty on servers that can't close a subscription without forgetting it. */
  subCloseRequests: string;
  pingRequests: string;
  /** Between two pings, in seconds. */
  pingInterval: number;
  pingMaxOut: number;
  /** 1: the server answers pings. */
  protocol: number;
  /** Never set by a server. */
  publicKey: string;
}

const none = new Uint8Array(0);

export function encodeConnectRequest(request: Partial<ConnectRequest>): Uint8Array {
  return new Writer()
    .string(1, request.clientId)
    .string(2, request.heartbeatInbox)
    .int32(3, request.protocol)
    .bytes(4, request.connId)
    .int32(5, request.pingInterval)
    .int32(6, request.pingMaxOut)
    .finish();
}

/** Throws `ProtocolError`. */
export function decodeConnectRequest(bytes: Uint8Array): ConnectRequest {
  const reader = new Reader(bytes, frameOf('ConnectRequest'));
  const request: ConnectRequest = {
    clientId: '',
    heartbeatInbox: '',
    protocol: 0,
    connId: none,
    pingInterval: 0,
    pingMaxOut: 0,
  };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.clientId = reader.string();
    else if (field === 2) request.heartbeatInbox = reader.string();
    else if (field === 3) request.protocol = reader.int32();
    else if (field === 4) request.connId = reader.view();
    else if (field === 5) request.pingInterval = reader.int32();
    else if (field === 6) request.pingMaxOut = reader.int32();
    else reader.skip();
  }
  return request;
}

export function encodeConnectResponse(response: Partial<ConnectResponse>): Uint8Array {
  return new Writer()
    .string(1, response.pubPrefix)
    .string(2, response.subRequests)
    .string(3, response.unsubRequests)
    .string(4, response.closeRequests)
    .string(5, response.error)
    .string(6, response.subCloseRequests)
    .string(7, response.pingRequests)
    .int32(8, response.pingInterval)
    .int32(9, response.pingMaxOut)
    .int32(10, response.protocol)
    .string(100, response.publicKey)
    .finish();
}

/** Throws `ProtocolError`. */
export function decodeConnectResponse(bytes: Uint8Array): ConnectResponse {
  const reader = new Reader(bytes, frameOf('ConnectResponse'));
  const response: ConnectResponse = {
    pubPrefix: '',
    subRequests: '',
    unsubRequests: '',
    closeRequests: '',
    error: '',
    subCloseRequests: '',
    pingRequests: '',
    pingInterval: 0,
    pingMaxOut: 0,
    protocol: 0,
    publicKey: '',
  };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.pubPrefix = reader.string();
    else if (field === 2) response.subRequests = reader.string();
    else if (field === 3) response.unsubRequests = reader.string();
    else if (field === 4) response.closeRequests = reader.string();
    else if (field === 5) response.error = reader.string();
    else if (field === 6) response.subCloseRequests = reader.string();
    else if (field === 7) response.pingRequests = reader.string();
    else if (field === 8) response.pingInterval = reader.int32();
    else if (field === 9) response.pingMaxOut = reader.int32();
    else if (field === 10) response.protocol = reader.int32();
    else if (field === 100) response.publicKey = reader.string();
    else reader.skip();
  }
  return response;
}
