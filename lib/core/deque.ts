const smallest = 16;

/**
 * A queue that takes and gives at both ends in constant time: a ring that grows, and keeps nothing that was taken out.
 * @internal
 */
export class Deque<T> implements Iterable<T> {
  private ring: (T | undefined)[] = new Array<T | undefined>(smallest).fill(undefined);
  private head = 0;
  private size = 0;

  get length(): number {
    return this.size;
  }

  /** Adds at the end. */
  push(item: T): void {
    if (this.size === this.ring.length) this.resize(this.size * 2);
    this.ring[(this.head + this.size) & (this.ring.length - 1)] = item;
    this.size++;
  }

  /** Adds at the front. */
  unshift(item: T): void {
    if (this.size === this.ring.length) this.resize(this.size * 2);
    this.head = (this.head - 1) & (this.ring.length - 1);
    this.ring[this.head] = item;
    this.size++;
  }

  /** Takes the first. */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.ring[this.head];
    this.ring[this.head] = undefined;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.size--;
    this.maybeShrink();
    return item;
  }

  /** Takes the last. */
  pop(): T | undefined {
    if (this.size === 0) return undefined;
    this.size--;
    const at = (this.head + this.size) & (this.ring.length - 1);
    const item = this.ring[at];
    this.ring[at] = undefined;
    this.maybeShrink();
    return item;
  }

  /** The first, left where it is. */
  peek(): T | undefined {
    return this.size === 0 ? undefined : this.ring[this.head];
  }

  /** Takes the first one that is this very item out of the queue, in linear time. Returns whether it was there. */
  remove(item: T): boolean {
    const mask = this.ring.length - 1;
    for (let i = 0; i < this.size; i++) {
      if (this.ring[(this.head + i) & mask] !== item) continue;
      for (let j = i; j < this.size - 1; j++) {
        this.ring[(this.head + j) & mask] = this.ring[(this.head + j + 1) & mask];
      }
      this.pop();
      return true;
    }
    return false;
  }

  clear(): void {
    this.ring = new Array<T | undefined>(smallest).fill(undefined);
    this.head = 0;
    this.size = 0;
  }

  /** From first to last. What is added or taken meanwhile may be seen or not. */
  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.size; i++) {
      yield this.ring[(this.head + i) & (this.ring.length - 1)] as T;
    }
  }

  /** A burst must not keep its memory for ever; a quarter, so that a queue around one size does not copy at each step. */
  private maybeShrink(): void {
    if (this.ring.length > smallest * 64 && this.size < this.ring.length / 4) this.resize(this.ring.length / 2);
  }

  private resize(length: number): void {
    const ring = new Array<T | undefined>(length).fill(undefined);
    for (let i = 0; i < this.size; i++) {
      ring[i] = this.ring[(this.head + i) & (this.ring.length - 1)];
    }
    this.ring = ring;
    this.head = 0;
  }
}
