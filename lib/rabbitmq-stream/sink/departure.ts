import type { Cancel, Clock } from '../../core/clock.js';

/**
 * When a frame that is not full is sent: at the end of the turn, or after a while. The turn's end is that of the event
 * loop's phase and not of the microtasks, so that what a chain of promises writes goes into one frame.
 * @internal
 */
export class Departure {
  private scheduled = false;
  private hurried = false;
  private turnEnd: NodeJS.Immediate | undefined;
  private lingerEnd: Cancel | undefined;

  /** @param linger - ms */
  constructor(
    private readonly clock: Clock,
    private readonly linger: number,
    private readonly depart: () => void,
  ) {}

  /** Something waits to be sent. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    if (this.linger === 0 || this.hurried) this.turnEnd = setImmediate(this.go);
    else this.lingerEnd = this.clock.after(this.linger, this.go);
  }

  /** From here on, until `relax`, nothing lingers beyond the turn's end. */
  hurry(): void {
    this.hurried = true;
    if (!this.scheduled) return;
    this.cancel();
    this.schedule();
  }

  relax(): void {
    this.hurried = false;
  }

  cancel(): void {
    if (!this.scheduled) return;
    this.scheduled = false;
    clearImmediate(this.turnEnd);
    this.lingerEnd?.();
    this.lingerEnd = undefined;
  }

  private readonly go = (): void => {
    this.scheduled = false;
    this.depart();
  };
}
