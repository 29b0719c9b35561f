import { guidText } from '../codec/guid.js';

/** How many guids in a row share the beginning of their text. */
const block = 10_000;

/** The texts of our guids. One whose neighbour was asked for before costs a short string and no more. @internal */
export class GuidTexts {
  private blockOfHead = -1;
  /** The prefix and all digits but the last four. */
  private head = '';

  constructor(private readonly prefix: string) {}

  of(counter: number): string {
    const blocks = Math.floor(counter / block);
    if (blocks !== this.blockOfHead) {
      this.blockOfHead = blocks;
      this.head = guidText(this.prefix, counter).slice(0, -4);
    }
    // the digit before the four is cut off: it keeps their zeros
    return this.head + String(block + counter - blocks * block).slice(1);
  }
}
