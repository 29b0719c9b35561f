import { encodeText } from '../../core/wire/text.js';

/** How many digits a generated guid ends in: enough for each counter that is a safe integer. */
export const guidDigits = 16;

const half = 1e8;
const zero = 0x30;
const nine = 0x39;

/** A generated guid as the wire and receipts have it: the prefix, and the counter in {@link guidDigits} digits. */
export function guidText(prefix: string, counter: number): string {
  return prefix + String(counter).padStart(guidDigits, '0');
}

/** The bytes of a generated guid with the counter 0. */
export function guidTemplate(prefix: string): Uint8Array {
  return encodeText(guidText(prefix, 0));
}

/**
 * Writes the digits of a counter so that they end before `end`.
 * @param previous - the counter whose digits stand there; its successor is written much faster than others
 */
export function writeCounter(out: Uint8Array, end: number, counter: number, previous: number): void {
  if (counter === previous + 1) {
    countUp(out, end);
    return;
  }
  // In two halves, because arithmetic on 32 bits is much cheaper than on 53.
  const high = Math.floor(counter / half);
  writeDigits(out, end, counter - high * half);
  writeDigits(out, end - guidDigits / 2, high);
}

/** The counter whose digits end before `end`; -1 if they are no digits, or no safe integer. */
export function readCounter(bytes: Uint8Array, end: number): number {
  const high = readDigits(bytes, end - guidDigits / 2);
  const low = readDigits(bytes, end);
  if (high < 0 || low < 0) return -1;
  const counter = high * half + low;
  return counter <= Number.MAX_SAFE_INTEGER ? counter : -1;
}

function countUp(out: Uint8Array, end: number): void {
  let pos = end - 1;
  while (out[pos] === nine) out[pos--] = zero;
  out[pos] = out[pos]! + 1;
}

function writeDigits(out: Uint8Array, end: number, value: number): void {
  let rest = value | 0;
  for (let pos = end - 1; pos >= end - guidDigits / 2; pos--) {
    const next = (rest / 10) | 0;
    out[pos] = zero + rest - next * 10;
    rest = next;
  }
}

function readDigits(bytes: Uint8Array, end: number): number {
  let value = 0;
  for (let pos = end - guidDigits / 2; pos < end; pos++) {
    const digit = bytes[pos]! - zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
