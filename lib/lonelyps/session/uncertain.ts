import { PublishUncertainError, type WeirError } from '../../core/errors.js';

/** A message was written, and nobody can tell what became of it. @internal */
export function uncertain(cause: WeirError, resend: boolean): PublishUncertainError {
  const advice = resend ? '' : '; with resend: true it is sent again, and may then arrive twice';
  return new PublishUncertainError(
    `the message was sent, and it is not known whether it was delivered: ${cause.message}${advice}`,
    { broker: 'lonelyps', cause, detail: cause.detail },
  );
}
