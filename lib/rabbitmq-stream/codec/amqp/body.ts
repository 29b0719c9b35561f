import { codes, sections } from './codes.js';
import { bodyStart } from './data-section.js';
import { valueEnd } from './layout.js';
import { findSections, type SectionTable } from './sections.js';

const nothing = new Uint8Array(0);

/**
 * The body of a record as bytes: of its data sections, together if there are several, or of a value that is a string or
 * binary. A record with another body, or that is no AMQP message, is given as it is. Never throws.
 *
 * The bytes are a view of the record's, except where several sections had to be put together.
 */
export function bodyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const simple = bodyStart(bytes, start, end);
  if (simple >= 0) return bytes.subarray(simple, end);
  const record = bytes.subarray(start, end);
  if (record[0] === codes.described) {
    const table = findSections(record);
    if (table.problem === undefined) return bytesOfBody(record, table) ?? record;
  }
  return record;
}

/** The body as `bodyOf` gives it; undefined if it is a sequence, or a value that is neither a string nor binary. */
export function bytesOfBody(record: Uint8Array, table: SectionTable): Uint8Array | undefined {
  const { bodies, bodyKind } = table;
  const first = bodies[0];
  if (first === undefined) return nothing;
  if (bodyKind === sections.sequence) return undefined;
  if (bodies.length === 1) return contentOf(record, first);
  const parts = bodies.map((at) => contentOf(record, at) ?? nothing);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let pos = 0;
  for (const part of parts) {
    whole.set(part, pos);
    pos += part.length;
  }
  return whole;
}

/** The bytes in a binary or string; undefined if the value is of another type. */
function contentOf(record: Uint8Array, at: number): Uint8Array | undefined {
  const code = record[at];
  const end = valueEnd(record, at, record.length);
  if (code === codes.binary8 || code === codes.string8) return record.subarray(at + 2, end);
  if (code === codes.binary32 || code === codes.string32) return record.subarray(at + 5, end);
  return undefined;
}
