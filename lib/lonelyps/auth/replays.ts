/** How far the clocks of both sides may be apart, and so how long a code is good, in seconds. @internal */
export const maxSkew = 120;

const defaultLimit = 1_048_576;
/** Seconds of timestamps that are forgotten together. */
const span = 16;

/**
 * Remembers which codes were used, for as long as their timestamps would be accepted again.
 *
 * Codes lie in buckets by their timestamps. The same code always has the same timestamp, which is signed too, so one
 * bucket is looked at, and a bucket is forgotten as a whole when the last of its timestamps is too old. Of a code 64 of
 * its 512 bits are kept; nobody without the secret can make two codes that agree in them.
 * @internal
 */
export class Replays {
  private readonly buckets = new Map<number, CodeSet>();
  private size = 0;

  /** @param limit - codes that are remembered at most: 8 to 24 bytes each */
  constructor(private readonly limit = defaultLimit) {}

  /** How many codes are remembered. */
  get length(): number {
    return this.size;
  }

  /**
   * Notes a code that is right and in time.
   * @param now - seconds since the Unix epoch
   * @returns false where it was used before, or where there is no room: nothing is forgotten to make some
   */
  use(timestamp: number, code: Uint8Array, now: number): boolean {
    const number = Math.floor(timestamp / span);
    let bucket = this.buckets.get(number);
    if (bucket === undefined || this.size >= this.limit) this.forget(now);
    if (this.size >= this.limit) return false;
    if (bucket === undefined) {
      bucket = new CodeSet();
      this.buckets.set(number, bucket);
    }
    if (!bucket.add(code)) return false;
    this.size++;
    return true;
  }

  /** Lets go of the buckets whose timestamps are all too old to be accepted. */
  private forget(now: number): void {
    for (const [number, bucket] of this.buckets) {
      if (now <= (number + 1) * span - 1 + maxSkew) continue;
      this.size -= bucket.length;
      this.buckets.delete(number);
    }
  }
}

/** The first 64 bits of codes in open addressing; a code is random, so that its bits are their own hash. */
class CodeSet {
  length = 0;
  private words = new Uint32Array(64);

  /** False: it was there. */
  add(code: Uint8Array): boolean {
    // half full at most, so that a free place is near
    if (this.length * 4 >= this.words.length) this.grow();
    const high = word(code, 0);
    // two zeros are a free place
    const low = word(code, 4) || 1;
    const at = this.place(high, low);
    if (this.words[at + 1] !== 0) return false;
    this.words[at] = high;
    this.words[at + 1] = low;
    this.length++;
    return true;
  }

  /** Where it lies, or would. */
  private place(high: number, low: number): number {
    const { words } = this;
    const mask = words.length - 1;
    let at = (high * 2) & mask;
    while (words[at + 1] !== 0 && (words[at] !== high || words[at + 1] !== low)) at = (at + 2) & mask;
    return at;
  }

  private grow(): void {
    const old = this.words;
    this.words = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const [high, low] = [old[at]!, old[at + 1]!];
      if (low !== 0) this.words.set([high, low], this.place(high, low));
    }
  }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
