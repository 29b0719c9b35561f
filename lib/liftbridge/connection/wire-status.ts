import { constants, type IncomingHttpHeaders } from 'node:http2';
import { decodeGrpcMessage, grpcStatus, grpcStatusName } from '../codec/grpc-status.js';
import type { CallStatus } from './call.js';

/** A status with its name. @internal */
export function callStatus(code: number, message: string): CallStatus {
  return { code, name: grpcStatusName(code), message };
}

/** The status that trailers have, or headers where nothing follows them; undefined where they have none that is a number. @internal */
export function statusOfTrailers(trailers: IncomingHttpHeaders): CallStatus | undefined {
  const code = only(trailers['grpc-status']);
  if (code === undefined || !/^\d{1,9}$/.test(code)) return undefined;
  return callStatus(Number(code), decodeGrpcMessage(only(trailers['grpc-message']) ?? ''));
}

/** What an HTTP status means that came without a gRPC status: from something that is no gRPC server. @internal */
export function statusOfHttp(http: number): CallStatus {
  const code = httpCodes[http] ?? grpcStatus.unknown;
  return callStatus(code, `it answered with the HTTP status ${String(http)}`);
}

const httpCodes: Readonly<Record<number, number>> = {
  400: grpcStatus.internal,
  401: grpcStatus.unauthenticated,
  403: grpcStatus.permissionDenied,
  404: grpcStatus.unimplemented,
  429: grpcStatus.unavailable,
  502: grpcStatus.unavailable,
  503: grpcStatus.unavailable,
  504: grpcStatus.unavailable,
};

/** What the code of a RST_STREAM means that came in place of trailers. @internal */
export function statusOfReset(reset: number): CallStatus {
  const name = resetName(reset);
  switch (reset) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return callStatus(grpcStatus.unavailable, `it refused the call before it looked at it (${name})`);
    case constants.NGHTTP2_CANCEL:
      return callStatus(grpcStatus.cancelled, `it cancelled the call (${name})`);
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return callStatus(grpcStatus.resourceExhausted, `bandwidth exhausted, it asks for less (${name})`);
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return callStatus(grpcStatus.permissionDenied, `it wants a safer connection (${name})`);
    case constants.NGHTTP2_HTTP_1_1_REQUIRED:
      return callStatus(grpcStatus.unknown, `it wants HTTP/1.1 (${name})`);
    default:
      return callStatus(grpcStatus.internal, `it reset the call (${name})`);
  }
}

/** What an error code of HTTP/2 is called. @internal */
export function resetName(code: number): string {
  return resetNames.get(code) ?? `error code ${String(code)}`;
}

const resetNames = new Map<number, string>(
  (
    [
      'NO_ERROR',
      'PROTOCOL_ERROR',
      'INTERNAL_ERROR',
      'FLOW_CONTROL_ERROR',
      'SETTINGS_TIMEOUT',
      'STREAM_CLOSED',
      'FRAME_SIZE_ERROR',
      'REFUSED_STREAM',
      'CANCEL',
      'COMPRESSION_ERROR',
      'CONNECT_ERROR',
      'ENHANCE_YOUR_CALM',
      'INADEQUATE_SECURITY',
      'HTTP_1_1_REQUIRED',
    ] as const
  ).map((name) => [constants[`NGHTTP2_${name}`], name]),
);

function only(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value;
}
