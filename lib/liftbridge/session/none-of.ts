import { ConnectionError, type WeirError } from '../../core/errors.js';
import { asFault } from '../../core/gave-up.js';
import { addressText, type Address } from '../connection/address.js';

const broker = 'liftbridge';

/**
 * No broker could be connected to. What refuses by itself (TLS, credentials) is told as it is, where no other has a reason
 * that may pass.
 * @param errors - of those that have failed; the others have not answered
 * @param when - goes before the reasons
 * @internal
 */
export function noneOf(addresses: readonly Address[], errors: readonly unknown[], when: string): WeirError {
  const all = errors.map((error) => asFault(broker, error));
  const [first] = all;
  if (first && addresses.length === 1) return first;
  const isRetriable = all.length < addresses.length || all.some((error) => error.retriable);
  const refusal = all.find((error) => error.code === 'AUTHENTICATION');
  if (refusal && !isRetriable) return refusal;
  const reasons = all.length === 0 ? 'none has answered' : all.map((error) => error.message).join('; ');
  return new ConnectionError(
    `none of ${addresses.map(addressText).join(', ')} could be connected to${when}: ${reasons}`,
    { broker, cause: all.at(-1), retriable: isRetriable },
  );
}
