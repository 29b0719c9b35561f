import type { Clock } from '../../core/clock.js';
import type { Pattern } from './session.js';

interface Counted {
  readonly pattern: Pattern;
  count: number;
}

/** Who wants what: counts by pattern, of which only the first and the last matter to a broadcaster. @internal */
export class Wanted {
  private readonly counted = new Map<string, Counted>();
  private isTold = true;

  /** @param changed - something is wanted for the first time, or no longer; once for all changes of a turn */
  constructor(
    private readonly clock: Clock,
    private readonly changed: () => void,
  ) {}

  get size(): number {
    return this.counted.size;
  }

  add(pattern: Pattern): void {
    const known = this.counted.get(pattern.key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    this.counted.set(pattern.key, { pattern, count: 1 });
    this.tell();
  }

  /** Harmless for what is not wanted. */
  remove(pattern: Pattern): void {
    const known = this.counted.get(pattern.key);
    if (known === undefined || --known.count > 0) return;
    this.counted.delete(pattern.key);
    this.tell();
  }

  has(key: string): boolean {
    return this.counted.has(key);
  }

  keys(): IterableIterator<string> {
    return this.counted.keys();
  }

  *patterns(): IterableIterator<Pattern> {
    for (const { pattern } of this.counted.values()) yield pattern;
  }

  private tell(): void {
    if (!this.isTold) return;
    this.isTold = false;
    this.clock.soon(() => {
      this.isTold = true;
      this.changed();
    });
  }
}
