import { encodeText } from '../../core/wire/text.js';

// A generated correlation id is a counter in digits of a fixed number, so that it is written into a template and read
// without a string being made. Digits of base 32 are what `Number.prototype.toString` has for it: 0-9, a-v.

/** How many digits: enough for each counter that is a safe integer. */
export const correlationDigits = 11;

const lowDigits = 6;
const lowRange = 2 ** 30;
const zero = 0x30;
const nine = 0x39;
const letterA = 0x61;
const letterV = 0x76;

/** A generated id as the wire and receipts have it: the prefix, and the counter in {@link correlationDigits} digits. */
export function correlationText(prefix: string, counter: number): string {
  return prefix + counter.toString(32).padStart(correlationDigits, '0');
}

/** The counter of such an id; -1 for any other. To be asked of ids that callers choose, which must not be taken for one. */
export function correlationCounter(prefix: string, id: string): number {
  const bytes = encodeText(id);
  return readCorrelation(bytes, 0, bytes.length, encodeText(prefix));
}

/** The same of the bytes between two positions. */
export function readCorrelation(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): number {
  const { length } = prefix;
  if (end - start !== length + correlationDigits) return -1;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== prefix[i]) return -1;
  const high = readDigits(bytes, start + length, end - lowDigits);
  const low = readDigits(bytes, end - lowDigits, end);
  if ((high | low) < 0) return -1;
  const counter = high * lowRange + low;
  return counter <= Number.MAX_SAFE_INTEGER ? counter : -1;
}

/**
 * Writes the digits of a counter so that they end before `end`.
 * @param previous - the counter whose digits stand there; its successor is written much faster than others
 */
export function writeCorrelation(out: Uint8Array, end: number, counter: number, previous: number): void {
  if (counter === previous + 1) {
    countUp(out, end);
    return;
  }
  // in two parts, because arithmetic on 32 bits is much cheaper than on 53
  const high = Math.floor(counter / lowRange);
  writeDigits(out, end - lowDigits, end, counter - high * lowRange);
  writeDigits(out, end - correlationDigits, end - lowDigits, high);
}

function countUp(out: Uint8Array, end: number): void {
  let pos = end - 1;
  while (out[pos] === letterV) out[pos--] = zero;
  out[pos] = out[pos] === nine ? letterA : out[pos]! + 1;
}

function writeDigits(out: Uint8Array, start: number, end: number, value: number): void {
  let rest = value;
  for (let pos = end - 1; pos >= start; pos--, rest >>>= 5) {
    const digit = rest & 31;
    out[pos] = digit < 10 ? zero + digit : letterA - 10 + digit;
  }
}

/** Negative if one is no digit. */
function readDigits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (byte >= zero && byte <= nine) value = (value << 5) | (byte - zero);
    else if (byte >= letterA && byte <= letterV) value = (value << 5) | (byte - letterA + 10);
    else return -1;
  }
  return value;
}
