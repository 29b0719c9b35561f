const smallest = 64;

/**
 * What waits for an answer, under numbers that follow one another, until each is taken out, in any order. An item is found by
 * the distance of its number from the first; nothing is made for it. One that waits far longer than those behind it is moved
 * aside, so that the room that is taken stays in proportion to what waits.
 * @internal
 */
export class InFlight<T> {
  private items = new Array<T | undefined>(smallest).fill(undefined);
  private mask = smallest - 1;
  private head = 0;
  /** The number of the item at the head. */
  private first = 1;
  /** From the first that waits to the last that was added. */
  private places = 0;
  /** How many of the places are taken. */
  private count = 0;
  /** Moved aside, in the order of their numbers, all of which are smaller than `first`. */
  private readonly strays = new Map<number, T>();

  /** How many items wait. */
  get size(): number {
    return this.count + this.strays.size;
  }

  /** The number that the next item gets; the first is 1. */
  get next(): number {
    return this.first + this.places;
  }

  /** Adds behind all others, and gives its number. */
  push(item: T): number {
    if (this.places > this.mask) this.makeRoom();
    const number = this.first + this.places;
    this.items[(this.head + this.places) & this.mask] = item;
    this.places++;
    this.count++;
    return number;
  }

  /** Takes an item out; undefined where it is not there, or not any more. */
  take(number: number): T | undefined {
    const distance = number - this.first;
    if (!(distance >= 0 && distance < this.places)) return this.strays.size === 0 ? undefined : this.takeStray(number);
    const at = (this.head + distance) & this.mask;
    const item = this.items[at];
    if (item === undefined) return undefined;
    this.items[at] = undefined;
    this.count--;
    if (distance === 0) this.advance();
    return item;
  }

  /** The item of a number, left where it is. */
  peek(number: number): T | undefined {
    const distance = number - this.first;
    if (distance >= 0 && distance < this.places) return this.items[(this.head + distance) & this.mask];
    return this.strays.get(number);
  }

  /** Calls for all that wait, in their order. Items may be taken meanwhile, and none added. */
  each(call: (number: number, item: T) => void): void {
    // what is taken meanwhile moves the head, and leaves the others where they are
    const { head, first, places, mask } = this;
    for (const [number, item] of this.strays) call(number, item);
    for (let i = 0; i < places; i++) {
      const item = this.items[(head + i) & mask];
      if (item !== undefined) call(first + i, item);
    }
  }

  private takeStray(number: number): T | undefined {
    const item = this.strays.get(number);
    if (item !== undefined) this.strays.delete(number);
    return item;
  }

  /** The first place is free: so may those behind it be. */
  private advance(): void {
    const { items, mask } = this;
    do {
      this.head = (this.head + 1) & mask;
      this.first++;
      this.places--;
    } while (this.places > 0 && items[this.head] === undefined);
  }

  private makeRoom(): void {
    if (this.count > this.places / 2) {
      this.grow();
      return;
    }
    while (this.places > this.mask) {
      this.strays.set(this.first, this.items[this.head]!);
      this.items[this.head] = undefined;
      this.count--;
      this.advance();
    }
  }

  private grow(): void {
    const { items, mask, head, places } = this;
    const length = 2 * (mask + 1);
    this.items = new Array<T | undefined>(length).fill(undefined);
    for (let i = 0; i < places; i++) this.items[i] = items[(head + i) & mask];
    this.mask = length - 1;
    this.head = 0;
  }
}
