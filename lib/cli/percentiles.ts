/** What is told of many durations, in the unit that they are in. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Takes durations down, up to as many as were announced, and sorts them in the end. */
export class Durations {
  private readonly all: Float64Array;
  private length = 0;

  constructor(most: number) {
    this.all = new Float64Array(most);
  }

  add(duration: number): void {
    if (this.length < this.all.length) this.all[this.length++] = duration;
  }

  /** Undefined where there is none. */
  summary(): Percentiles | undefined {
    if (this.length === 0) return undefined;
    const sorted = this.all.slice(0, this.length).sort();
    return { p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99), max: at(sorted, 1) };
  }
}

/** The smallest that so large a part of all does not exceed: the nearest rank. */
function at(sorted: Float64Array, part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] as number;
}
