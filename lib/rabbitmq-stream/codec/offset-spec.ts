import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/**
 * Where a subscription begins, as the wire has it. The broker delivers whole chunks, so all but `next` can begin before
 * what was meant. `none` stands in replies to ConsumerUpdate alone: what was said when subscribing holds.
 */
export type OffsetSpec =
  | { readonly type: 'none' | 'first' | 'last' | 'next' }
  | { readonly type: 'offset'; readonly offset: bigint }
  /** In ms since 1970. */
  | { readonly type: 'timestamp'; readonly timestamp: bigint };

const numbers = { none: 0, first: 1, last: 2, next: 3, offset: 4, timestamp: 5 } as const;
const plain = ['none', 'first', 'last', 'next'] as const;

/** The value is written for those types only that have one: a broker drops the connection otherwise. */
export function writeOffsetSpec<W extends Writer>(writer: W, spec: OffsetSpec): W {
  writer.u16(numbers[spec.type]);
  if (spec.type === 'offset') writer.u64(spec.offset);
  else if (spec.type === 'timestamp') writer.u64(spec.timestamp);
  return writer;
}

/** Throws `ProtocolError`. */
export function readOffsetSpec(reader: Reader): OffsetSpec {
  const at = reader.pos;
  const number = reader.u16();
  if (number === numbers.offset) return { type: 'offset', offset: reader.u64() };
  if (number === numbers.timestamp) return { type: 'timestamp', timestamp: reader.i64() };
  const type = plain[number];
  if (type === undefined) throw reader.error(`${String(number)} is no type of offset`, at);
  return { type };
}
