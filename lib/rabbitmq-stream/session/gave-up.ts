import { ConnectionError, WeirError } from '../../core/errors.js';

/** The attempts are used up. @internal */
export function gaveUp(what: string, attempts: number, last: WeirError): ConnectionError {
  return new ConnectionError(`${what} in ${attempts} attempts; the last: ${last.message}`, {
    broker: 'rabbitmq-stream',
    cause: last,
    retriable: false,
  });
}

/** What a failed attempt threw; something that is none of ours is a defect that no further attempt will mend. @internal */
export function asWeirError(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  return new ConnectionError(`something failed that should not: ${String(error)}`, {
    broker: 'rabbitmq-stream',
    cause: error,
    retriable: false,
  });
}
