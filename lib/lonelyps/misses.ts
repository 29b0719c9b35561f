import type { Clock } from '../core/clock.js';
import { Quiet } from './quiet.js';

/** Topics that are waited for; one more ends the wait for the oldest. */
const most = 10_000;

/** Makes one of the many words of a loss, topic by topic. @internal */
export class Misses {
  private readonly waiting = new Map<string, Quiet>();

  constructor(
    private readonly clock: Clock,
    private readonly tell: (channel: string) => void,
  ) {}

  add(channel: string): void {
    let quiet = this.waiting.get(channel);
    if (quiet === undefined) {
      quiet = new Quiet(this.clock, () => {
        this.end(channel);
      });
      this.waiting.set(channel, quiet);
      if (this.waiting.size > most) this.end(this.waiting.keys().next().value!);
    }
    quiet.hear();
  }

  /** Tells what waits at once. */
  flush(): void {
    for (const channel of [...this.waiting.keys()]) this.end(channel);
  }

  private end(channel: string): void {
    this.waiting.get(channel)?.forget();
    if (this.waiting.delete(channel)) this.tell(channel);
  }
}
