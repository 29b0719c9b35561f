/** A growing set of small numbers, outside of the heap that the run measures. */
export class Bits {
  private words = new Uint8Array(1 << 12);

  has(number: number): boolean {
    return this.words[number] === 1;
  }

  /** Returns whether it is there only since then. */
  add(number: number): boolean {
    if (number >= this.words.length) {
      const words = new Uint8Array(Math.max(this.words.length * 2, number + 1));
      words.set(this.words);
      this.words = words;
    }
    const added = this.words[number] !== 1;
    this.words[number] = 1;
    return added;
  }
}

/** A growing map from offsets to numbers, outside of the heap that the run measures. */
export class Numbers {
  private words = new Float64Array(1 << 12);

  /** 0 where nothing was set. */
  get(offset: number): number {
    return this.words[offset] ?? 0;
  }

  set(offset: number, number: number): void {
    if (offset >= this.words.length) {
      const words = new Float64Array(Math.max(this.words.length * 2, offset + 1));
      words.set(this.words);
      this.words = words;
    }
    this.words[offset] = number;
  }
}
