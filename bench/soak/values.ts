import type { Bits } from './bits.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The values of one sink: numbers from 0 on, and which of them the server has confirmed. */
export interface Line {
  readonly name: string;
  readonly channel: string;
  sent: number;
  readonly told: Bits;
  readonly confirmed: Bits;
}

/** A value as it goes over the wire. */
export function encodeValue(line: number, number: number): Uint8Array {
  return encoder.encode(`${line}:${number}`);
}

export function decodeValue(bytes: Uint8Array): { line: number; number: number } {
  const [line, number] = decoder.decode(bytes).split(':').map(Number);
  return { line: line!, number: number! };
}
