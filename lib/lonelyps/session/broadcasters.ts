import type { Clock } from '../../core/clock.js';
import type { Broadcaster } from '../broadcaster-options.js';

/** For so long one that could not be connected to comes after all others, in ms. */
const grudge = 10_000;

/** In which order broadcasters are asked. @internal */
export class Broadcasters {
  private readonly all: readonly Broadcaster[];
  /** When connecting to them failed last. */
  private readonly failed = new Map<Broadcaster, number>();

  constructor(
    all: readonly Broadcaster[],
    private readonly clock: Clock,
    private readonly random: () => number = Math.random,
  ) {
    this.all = [...all].sort((one, other) => compare(one.priority, other.priority));
  }

  /** All of them, in words. */
  get names(): string {
    return this.all.map(({ url }) => url).join(', ');
  }

  /** All of them once: by priority, by chance among equals, and those last that could not be connected to a moment ago. */
  pass(): readonly Broadcaster[] {
    if (this.all.length === 1) return this.all;
    const drawn = this.all.map((broadcaster) => ({ broadcaster, chance: this.random() }));
    drawn.sort(
      (one, other) =>
        Number(this.isAway(one.broadcaster)) - Number(this.isAway(other.broadcaster)) ||
        compare(one.broadcaster.priority, other.broadcaster.priority) ||
        one.chance - other.chance,
    );
    return drawn.map(({ broadcaster }) => broadcaster);
  }

  reached(broadcaster: Broadcaster): void {
    if (this.failed.size > 0) this.failed.delete(broadcaster);
  }

  notReached(broadcaster: Broadcaster): void {
    this.failed.set(broadcaster, this.clock.now());
  }

  private isAway(broadcaster: Broadcaster): boolean {
    const since = this.failed.get(broadcaster);
    return since !== undefined && this.clock.now() - since < grudge;
  }
}

/** Infinity less Infinity is not a number. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one - other;
}
