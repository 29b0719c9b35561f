import { offsetAfter, offsetKey, type OffsetKey } from '../../core/offset.js';
import type { Start } from '../../core/starts.js';
import { startPositions } from '../codec/enums.js';
import type { PartitionTail } from '../session/session.js';
import type { Place } from './peek.js';
import type { Position } from './subscription.js';

/** Where a partition is read from: what the broker is told, and what is passed over because it was not asked for. @internal */
export interface Beginning {
  readonly position: Position;
  /** Messages below this offset were not asked for. */
  readonly from?: OffsetKey | undefined;
  /** Messages up to the first that was received at this time or later were not asked for. Nanoseconds since the Unix epoch. */
  readonly since?: bigint | undefined;
  /** Whether the message at `from` is there, or will be, unless retention or compaction has removed it. */
  readonly expected?: boolean | undefined;
}

/** From an offset on; where that is removed, from the first that is left. @internal */
export function beginAt(from: OffsetKey): Beginning {
  return { position: { startPosition: startPositions.offset, startOffset: from }, from };
}

/** All that there is. @internal */
export function beginEarliest(): Beginning {
  return { position: { startPosition: startPositions.earliest } };
}

/**
 * After what was read already. That comes once more, and tells whether it is the same log. @internal
 */
export function beginAfter(last: OffsetKey): Beginning {
  return {
    position: { startPosition: startPositions.offset, startOffset: last },
    from: offsetAfter(last),
    expected: true,
  };
}

/** What the tail of a log and a look at single messages tell of where to begin. @internal */
export interface Search {
  readonly tail: PartitionTail;
  /** The first message at an offset or behind it; there is one up to the high watermark. */
  readonly peek: (offset: OffsetKey) => Promise<Place>;
}

/**
 * Where a subscription begins that has no position yet. All starts become offsets, so that the same subscription made again,
 * after a link was lost, misses nothing of what came meanwhile.
 * @param now - ms since 1970, when the source was subscribed: a start that is relative counts from there
 * @internal
 */
export async function beginning(start: Start, search: Search, now: number): Promise<Beginning> {
  const { newest } = search.tail;
  switch (start.kind) {
    case 'earliest':
      return beginEarliest();
    case 'fromOffset':
      return beginAt(offsetKey(start.offset));
    case 'fromTime':
      return beginSince(nanoseconds(start.time), search);
    case 'fromAgo':
      // "since now" is told by what is stored, and not by a clock, in whose millisecond messages lie on both sides of it
      return start.ms === 0 ? beginAt(afterNewest(newest)) : beginSince(nanoseconds(now - start.ms), search);
    case 'latest':
      return beginAt(newest ?? 0);
    case 'newOnly':
      return beginAt(afterNewest(newest));
  }
}

function nanoseconds(ms: number): bigint {
  const time = Math.max(ms, 0);
  const whole = Math.floor(time);
  // a number of nanoseconds since 1970 is exact to some 200 of them only, and a message can lie right on the millisecond
  return BigInt(whole) * 1_000_000n + BigInt(Math.ceil((time - whole) * 1e6));
}

/** The offset that the next message gets. @internal */
export function afterNewest(newest: OffsetKey | undefined): OffsetKey {
  return newest === undefined ? 0 : offsetAfter(newest);
}

/**
 * From a time on. The server's own search begins at the end where the newest segment of the log is empty, as it is after a
 * segment was rolled (liftbridge 1.9), so the offset is searched for here: in the middle, and so on.
 * @param since - nanoseconds since the Unix epoch
 * @internal
 */
export async function beginSince(since: bigint, { tail, peek }: Search): Promise<Beginning> {
  const { highWatermark } = tail;
  if (highWatermark === undefined) return { ...beginAt(0), since };
  const last = await peek(highWatermark);
  if (last.timestamp < since) return { ...beginAt(offsetAfter(highWatermark)), since };
  // what lies below `low` is older, and the first message at `high` or behind it is not
  let low = 0n;
  let high = BigInt(last.offset);
  while (low < high) {
    const middle = (low + high) / 2n;
    const place = await peek(offsetKey(middle));
    if (place.timestamp < since) low = BigInt(place.offset) + 1n;
    else high = middle;
  }
  return { ...beginAt(offsetKey(low)), since };
}
