import { wireName } from './enums.js';
import { decodeText } from '../../core/wire/text.js';

/** The status codes of gRPC, which a call's trailers end with. */
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** What a status code is called: `FAILED_PRECONDITION`; the number itself where there is no such code. */
export function grpcStatusName(code: number): string {
  return wireName(grpcStatus, code);
}

/** The text of a `grpc-message` trailer. What is no percent-encoding in it is left as it is. */
export function decodeGrpcMessage(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  return encoded.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
    const bytes = Uint8Array.from(escaped.slice(1).split('%'), (pair) => Number.parseInt(pair, 16));
    return decodeText(bytes, 0, bytes.length);
  });
}
