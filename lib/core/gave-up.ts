import { ConnectionError, WeirError, type BrokerName } from './errors.js';

/** The attempts are used up. @internal */
export function gaveUp(broker: BrokerName, what: string, attempts: number, last: WeirError): ConnectionError {
  return new ConnectionError(`${what} in ${attempts} attempts; the last: ${last.message}`, {
    broker,
    cause: last,
    retriable: false,
  });
}

/** What a failed attempt threw; something that is none of ours is a defect that no further attempt will mend. @internal */
export function asFault(broker: BrokerName, error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  return new ConnectionError(`something failed that should not: ${String(error)}`, {
    broker,
    cause: error,
    retriable: false,
  });
}
