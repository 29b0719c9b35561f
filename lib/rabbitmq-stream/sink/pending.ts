/** A publishing id, 64 bits unsigned: a number where that is exact, a bigint beyond. One id has one form only. @internal */
export type PublishingId = number | bigint;

/** The id in its one form. @internal */
export function publishingId(id: bigint): PublishingId {
  return id <= Number.MAX_SAFE_INTEGER ? Number(id) : id;
}

/** The id behind an id. @internal */
export function idAfter(id: PublishingId): PublishingId {
  return typeof id === 'number' && id < Number.MAX_SAFE_INTEGER ? id + 1 : BigInt(id) + 1n;
}

const smallest = 64;

/**
 * What waits under strictly increasing ids until each is taken out, in any order. Ids that follow one another, as they do
 * unless the user makes them, are found by their distance from the first; others by halving. Nothing is made for an item.
 * @internal
 */
export class Pending<T> {
  private ids: PublishingId[] = new Array<PublishingId>(smallest).fill(0);
  private items: (T | undefined)[] = new Array<T | undefined>(smallest).fill(undefined);
  private mask = smallest - 1;
  private head = 0;
  private count = 0;
  private places = 0;

  /** How many items wait. */
  get size(): number {
    return this.count;
  }

  /** How many places they take: from the first that waits to the last that was added. */
  get span(): number {
    return this.places;
  }

  /** The smallest id that waits. */
  get firstId(): PublishingId | undefined {
    return this.places === 0 ? undefined : this.ids[this.head];
  }

  /** Adds behind all others. @param id - larger than all that were added before */
  push(id: PublishingId, item: T): void {
    if (this.places > this.mask) this.grow();
    const at = (this.head + this.places) & this.mask;
    this.ids[at] = id;
    this.items[at] = item;
    this.places++;
    this.count++;
  }

  /** Takes an item out; undefined where it is not there, or not any more. */
  take(id: PublishingId): T | undefined {
    const at = this.find(id);
    if (at < 0) return undefined;
    const item = this.items[at];
    if (item === undefined) return undefined;
    this.items[at] = undefined;
    this.count--;
    if (at === this.head) this.advance();
    return item;
  }

  /** Calls for all that wait, in their order. Items may be taken meanwhile, and none added. */
  each(call: (id: PublishingId, item: T) => void): void {
    // what is taken meanwhile moves the head, and leaves the others where they are
    const { head, places, mask } = this;
    for (let i = 0; i < places; i++) {
      const at = (head + i) & mask;
      const item = this.items[at];
      if (item !== undefined) call(this.ids[at]!, item);
    }
  }

  /** Takes all out, and gives them in their order. */
  clear(): { readonly id: PublishingId; readonly item: T }[] {
    const all: { id: PublishingId; item: T }[] = [];
    this.each((id, item) => all.push({ id, item }));
    this.ids = new Array<PublishingId>(smallest).fill(0);
    this.items = new Array<T | undefined>(smallest).fill(undefined);
    this.mask = smallest - 1;
    this.head = this.count = this.places = 0;
    return all;
  }

  private find(id: PublishingId): number {
    const { ids, head, mask, places } = this;
    if (places === 0) return -1;
    const first = ids[head]!;
    if (id < first) return -1;
    let high = places;
    if (typeof id === 'number') {
      // ids increase by 1 at least, so that none stands further from the first than by their difference
      const distance = id - (first as number);
      if (distance < places) {
        const at = (head + distance) & mask;
        if (ids[at] === id) return at;
        high = distance;
      }
    }
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = (head + middle) & mask;
      const there = ids[at]!;
      if (there === id) return at;
      if (there < id) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** The first place is free: so may those behind it be. */
  private advance(): void {
    const { items, mask } = this;
    do {
      this.head = (this.head + 1) & mask;
      this.places--;
    } while (this.places > 0 && items[this.head] === undefined);
  }

  private grow(): void {
    const { ids, items, mask, head } = this;
    const length = 2 * (mask + 1);
    this.ids = new Array<PublishingId>(length).fill(0);
    this.items = new Array<T | undefined>(length).fill(undefined);
    for (let i = 0; i < this.places; i++) {
      const at = (head + i) & mask;
      this.ids[i] = ids[at]!;
      this.items[i] = items[at];
    }
    this.mask = length - 1;
    this.head = 0;
  }
}
