import type { Observable, Subscription } from 'rxjs';
import { ack, asOutcome, type Outcome } from './outcome.js';
import type { ReplyPacket } from './packets.js';

/** What is sent of an answer; the id is put to it on its way. @internal */
export type Answer = Omit<ReplyPacket, 'id'>;

/**
 * Sends what a handler emits, each value as it comes and the end with the last one where both come in one turn.
 * An outcome among the values, or thrown, is not sent: it says what becomes of the request. Any other error is sent, and
 * with that the request is done.
 * @param send - must not throw; the sending goes on while it is pending
 * @param teardown - what unsubscribes
 * @returns the outcome, when all is sent; rejects when something could not be sent
 * @internal
 */
export function answer(
  source: Observable<unknown>,
  send: (part: Answer) => Promise<unknown>,
  teardown: Subscription,
): Promise<Outcome | undefined> {
  return new Promise((resolve, reject) => {
    let outcome: Outcome | undefined;
    let waiting: Answer | undefined;
    let unsent = 0;
    let ended = false;
    const settle = (): void => {
      if (ended && unsent === 0) resolve(outcome);
    };
    const put = (part: Answer): void => {
      unsent++;
      send(part).then(
        () => {
          unsent--;
          settle();
        },
        (error: unknown) => {
          subscription.unsubscribe();
          reject(error);
        },
      );
    };
    const flush = (): void => {
      if (waiting === undefined) return;
      const part = waiting;
      waiting = undefined;
      put(part);
    };
    const end = (last: Answer): void => {
      ended = true;
      // a request that is given back is answered by who gets it next
      if (outcome?.kind !== 'release') put({ ...last, isDisposed: true });
      settle();
    };
    const take = (): Answer => {
      const part = waiting ?? {};
      waiting = undefined;
      return part;
    };
    const subscription = source.subscribe({
      next: (response) => {
        const found = asOutcome(response);
        if (found !== undefined) {
          outcome = found;
          return;
        }
        flush();
        waiting = { response };
        queueMicrotask(flush);
      },
      error: (error: unknown) => {
        const thrown = asOutcome(error);
        outcome = thrown ?? ack();
        if (thrown?.kind === 'ack') {
          end(take());
          return;
        }
        flush();
        end({ err: thrown === undefined ? error : thrown.reason });
      },
      complete: () => {
        if (outcome?.kind === 'deadLetter') {
          flush();
          end({ err: outcome.reason });
        } else end(take());
      },
    });
    teardown.add(subscription);
    teardown.add(() => {
      resolve(outcome);
    });
  });
}
