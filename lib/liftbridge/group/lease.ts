import type { Cancel, Clock } from '../../core/clock.js';
import { ConnectionError, type WeirError } from '../../core/errors.js';

/** How long this member may believe that it is one: the coordinator hands on its partitions when it hears nothing. @internal */
export class Lease {
  private cancel: Cancel | undefined;
  private from = 0;
  private cause: WeirError | undefined;

  /** @param lapsed - the coordinator has not answered for that long. Once, until it is renewed. */
  constructor(
    private readonly clock: Clock,
    private readonly lapsed: (silence: WeirError) => void,
  ) {}

  /** When the last sign of life was given that had an answer. */
  get since(): number {
    return this.from;
  }

  /** @param asked - when the sign of life was given: the coordinator has had it at that time at the earliest */
  renew(asked: number, ms: number): void {
    this.end();
    this.from = asked;
    this.cause = undefined;
    this.cancel = this.clock.after(Math.max(0, asked + ms - this.clock.now()), () => {
      this.cancel = undefined;
      const silence = `the coordinator of the consumer group has not answered for ${ms} ms, and may have dealt out anew`;
      this.lapsed(new ConnectionError(silence, { broker: 'liftbridge', cause: this.cause }));
    });
  }

  /** What went wrong meanwhile. */
  blame(cause: WeirError): void {
    this.cause = cause;
  }

  end(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
