import { correlationText } from '../codec/correlation.js';

const range = 1024;
const lastDigits = 2;

/** The last two digits of all that share the others. */
const tails = /* @__PURE__ */ Array.from({ length: range }, (_, n) => n.toString(32).padStart(lastDigits, '0'));

/** The texts of generated correlation ids. One whose neighbour was asked for before costs one short string. @internal */
export class CorrelationTexts {
  private block = -1;
  /** The prefix and all digits but the last two. */
  private head = '';

  constructor(private readonly prefix: string) {}

  of(counter: number): string {
    const block = Math.floor(counter / range);
    if (block !== this.block) {
      this.block = block;
      this.head = correlationText(this.prefix, counter).slice(0, -lastDigits);
    }
    return this.head + tails[counter - block * range]!;
  }
}
