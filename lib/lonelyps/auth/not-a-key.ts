import { InvalidOptionError } from '../../core/errors.js';

/** The error of an HMAC secret that was not checked before. @internal */
export function notAKey(): never {
  throw new InvalidOptionError('the secret of an HMAC must be 64 bytes; what was given is not shown', {
    broker: 'lonelyps',
  });
}
