import { WeirError, type ErrorCode } from '../core/errors.js';

/** What the command exits with. */
export const exitCodes = {
  ok: 0,
  /** Something failed that has no code of its own; with `pub`, a message that was not confirmed. */
  failed: 1,
  /** The command line, the URL or an option of it is not understood. */
  usage: 2,
  /** The broker was not reached, or does not answer. */
  connection: 3,
  /** The broker does not accept the credentials, or they do not allow what was asked. */
  auth: 4,
  /** There is no such stream, or no such position. */
  notFound: 5,
  /** The broker, or this version of it, cannot do that; or a package for it is not installed. */
  unsupported: 6,
  /** Ended by SIGINT. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;

/** The command line is not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const codes: Partial<Record<ErrorCode, number>> = {
  CONNECTION: exitCodes.connection,
  TIMEOUT: exitCodes.connection,
  AUTHENTICATION: exitCodes.auth,
  AUTHORIZATION: exitCodes.auth,
  STREAM_NOT_FOUND: exitCodes.notFound,
  OFFSET_NOT_FOUND: exitCodes.notFound,
  UNSUPPORTED: exitCodes.unsupported,
  INVALID_OPTION: exitCodes.usage,
};

/** What the command exits with because of this error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  return error instanceof WeirError ? (codes[error.code] ?? exitCodes.failed) : exitCodes.failed;
}
