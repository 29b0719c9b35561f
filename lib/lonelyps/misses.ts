import type { Cancel, Clock } from '../core/clock.js';

/** ms without another word of a loss, after which it is told: the broadcaster says each up to twenty times. @internal */
export const quiet = 1_500;
/** ms after which it is told at the latest. */
const patience = 10_000;
/** Topics that are waited for; one more ends the wait for the oldest. */
const most = 10_000;

interface Miss {
  readonly since: number;
  readonly cancel: Cancel;
}

/** Makes one of the many words of a loss, topic by topic. @internal */
export class Misses {
  private readonly waiting = new Map<string, Miss>();

  constructor(
    private readonly clock: Clock,
    private readonly tell: (channel: string) => void,
  ) {}

  add(channel: string): void {
    const known = this.waiting.get(channel);
    known?.cancel();
    const now = this.clock.now();
    const since = known?.since ?? now;
    const cancel = this.clock.after(Math.max(0, Math.min(quiet, since + patience - now)), () => {
      this.end(channel);
    });
    this.waiting.set(channel, { since, cancel });
    if (this.waiting.size > most) this.end(this.waiting.keys().next().value!);
  }

  /** Tells what waits at once. */
  flush(): void {
    for (const channel of [...this.waiting.keys()]) this.end(channel);
  }

  private end(channel: string): void {
    const miss = this.waiting.get(channel);
    if (miss === undefined) return;
    miss.cancel();
    this.waiting.delete(channel);
    this.tell(channel);
  }
}
