/** The chunks that may be on their way or wait here in any case, so that one travels while the other is read. */
const fewest = 2;
/** Small chunks are asked for in greater number, as long as all together would take fewer bytes than this. */
const byteBudget = 2 ** 20;
const most = 16;

/**
 * How many chunks the broker may send. One credit is one chunk, of one record or of thousands, so that the number that is
 * good to have out follows the size of those that came.
 * @internal
 */
export class Credits {
  /** Granted, and not yet used by the broker. */
  private out = 0;
  /** The largest chunk that came lately, in bytes; it fades away. */
  private largest = byteBudget;

  /** A new subscription begins, with the credit that it was given. */
  begin(credit: number): void {
    this.out = credit;
  }

  /** A chunk has come. */
  arrived(size: number): void {
    if (this.out > 0) this.out--;
    // falls by an eighth with each smaller chunk, so that one large chunk among many is remembered for a while
    this.largest = size >= this.largest ? size : this.largest - ((this.largest - size) >> 3);
  }

  /**
   * How many to grant, and takes them as granted.
   * @param waiting - chunks that came and were not gone through
   */
  due(waiting: number): number {
    const allowed = Math.max(fewest, Math.min(most, Math.floor(byteBudget / Math.max(this.largest, 1))));
    const open = this.out + waiting;
    // in steps of half the number, so that many small chunks don't cost a frame each
    if (open > allowed >> 1) return 0;
    const grant = allowed - open;
    this.out += grant;
    return grant;
  }
}
