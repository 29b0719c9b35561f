import { writeU32 } from './integers.js';
import { keys } from './keys.js';

/** The most that one Credit can grant: the broker reads the number as signed. */
export const maxCredit = 0x7fff;

/** How many bytes a Credit frame has, its size included. */
export const creditFrameBytes = 11;

/** Writes a Credit frame into bytes that have room for {@link creditFrameBytes} at `at`; gives the position behind it. */
export function writeCredit(out: Uint8Array, at: number, subscriptionId: number, credit: number): number {
  writeU32(out, at, creditFrameBytes - 4);
  writeU32(out, at + 4, (keys.credit << 16) | 1);
  out[at + 8] = subscriptionId;
  out[at + 9] = credit >>> 8;
  out[at + 10] = credit;
  return at + creditFrameBytes;
}

/** Lets the broker deliver so many more chunks, 1 to {@link maxCredit}. */
export function encodeCredit(subscriptionId: number, credit: number): Uint8Array {
  const frame = new Uint8Array(creditFrameBytes);
  writeCredit(frame, 0, subscriptionId, credit);
  return frame;
}
