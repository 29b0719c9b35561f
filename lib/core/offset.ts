/** An offset as the hot path keeps it: a number where that is exact, else a bigint. @internal */
export type OffsetKey = number | bigint;

/** The same offset as the hot path keeps it: a number where that is exact. @internal */
export function offsetKey(offset: OffsetKey): OffsetKey {
  return typeof offset === 'bigint' && offset <= Number.MAX_SAFE_INTEGER ? Number(offset) : offset;
}

/** The offset after it. @internal */
export function offsetAfter(offset: OffsetKey): OffsetKey {
  if (typeof offset === 'bigint') return offset + 1n;
  return offset < Number.MAX_SAFE_INTEGER ? offset + 1 : BigInt(offset) + 1n;
}

/** The offset before it; undefined before 0. @internal */
export function offsetBefore(offset: OffsetKey): OffsetKey | undefined {
  if (typeof offset === 'bigint') return offsetKey(offset - 1n);
  return offset > 0 ? offset - 1 : undefined;
}
