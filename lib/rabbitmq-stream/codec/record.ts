import { writeDataSection } from './amqp/data-section.js';

/**
 * Writes a record: the sections before the body as they are, and the body as a data section.
 * Gives the position behind it.
 */
export function writeRecord(out: Uint8Array, at: number, body: Uint8Array, preamble: Uint8Array | undefined): number {
  if (preamble === undefined) return writeDataSection(out, at, body);
  out.set(preamble, at);
  return writeDataSection(out, at + preamble.length, body);
}
