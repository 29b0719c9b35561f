import type { Cancel, Clock } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import type { PublishingId } from './pending.js';

/** When a frame was sent, and the last id in it. */
interface Mark {
  readonly lastId: PublishingId;
  readonly at: number;
}

/** Sees that nothing stays unconfirmed for ever, with a mark for each frame and one timer for all of them. @internal */
export class ConfirmTimer {
  private readonly marks = new Deque<Mark>();
  private cancel: Cancel | undefined;

  /**
   * @param timeout - ms; Infinity: never
   * @param expired - called when all up to that id have had their time; what is confirmed is none of its business
   */
  constructor(
    private readonly clock: Clock,
    private readonly timeout: number,
    private readonly expired: (upTo: PublishingId) => void,
  ) {}

  /** @param firstId - the first that is not confirmed: what was sent before it is forgotten */
  sent(lastId: PublishingId, firstId: PublishingId): void {
    if (this.timeout === Infinity) return;
    const { marks } = this;
    for (let mark = marks.peek(); mark !== undefined && mark.lastId < firstId; mark = marks.peek()) marks.shift();
    const at = this.clock.now();
    marks.push({ lastId, at });
    if (this.cancel === undefined) this.arm(this.timeout);
  }

  /** Forgets all that was sent. */
  stop(): void {
    this.marks.clear();
    this.cancel?.();
    this.cancel = undefined;
  }

  private arm(ms: number): void {
    this.cancel = this.clock.after(ms, () => {
      this.cancel = undefined;
      this.check();
    });
  }

  private check(): void {
    const { marks } = this;
    const now = this.clock.now();
    let upTo: PublishingId | undefined;
    let mark = marks.peek();
    while (mark !== undefined && mark.at + this.timeout <= now) {
      upTo = mark.lastId;
      marks.shift();
      mark = marks.peek();
    }
    if (mark !== undefined) this.arm(mark.at + this.timeout - now);
    if (upTo !== undefined) this.expired(upTo);
  }
}
