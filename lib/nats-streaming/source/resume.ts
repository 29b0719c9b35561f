import type { SourceSettings } from '../../core/settings.js';
import type { Lane } from '../../core/lane.js';
import { offsetBefore } from '../../core/offset.js';
import { newOnly } from '../../core/starts.js';
import { startPositions } from '../codec/subscription.js';
import { fromSequence, since, startFields, timeMargin, type StartFields } from './start.js';

/** Where a subscription that is made again begins. @internal */
export interface Resumption {
  readonly start: StartFields;
  /** Whether it begins at a message that was seen before, so that a reset channel and a gap can be told. */
  readonly overlaps: boolean;
  /** What cannot be known, in words. */
  readonly gap?: string;
}

/** From the first message that there is. @internal */
export const fromFirst: Resumption = {
  start: { startPosition: startPositions.first, startSequence: 0n, startTimeDelta: 0n },
  overlaps: false,
};

/**
 * Where to subscribe, at first and after a session was lost (design: Resume).
 * - durable: the server knows; where it does not any more, the channel was emptied, and all of it is new
 * - queue group: others may have gone on, so from what was seen last
 * - else the lowest offset that is not known to be settled, overlapped by one
 * @param begun - ms since the Unix epoch, when the source first asked
 * @param again - whether an earlier session may have had this subscription
 * @internal
 */
export function resumption(
  settings: SourceSettings,
  lane: Lane,
  now: number,
  begun: number,
  again: boolean,
): Resumption {
  const start = settings.start ?? newOnly();
  const { resumeAt } = lane;
  if (settings.durable !== undefined && settings.queue === undefined && again && lane.last !== undefined) {
    return fromFirst;
  }
  if (settings.queue !== undefined && lane.last !== undefined) {
    return { start: since(now - lane.lastStamp + timeMargin), overlaps: false };
  }
  if (settings.durable === undefined && settings.queue === undefined && resumeAt !== undefined) {
    const overlapped = BigInt(offsetBefore(resumeAt) ?? 0);
    return { start: fromSequence(overlapped > 0n ? overlapped : 1n), overlaps: true };
  }
  if (again && (start.kind === 'newOnly' || start.kind === 'latest') && now > begun) {
    return {
      start: since(now - begun),
      overlaps: false,
      gap: 'nothing had arrived before the session was lost; resumed by time, to the accuracy of the way to the server',
    };
  }
  if (start.kind === 'fromAgo') return { start: since(start.ms + (now - begun)), overlaps: false };
  return { start: startFields(start, now), overlaps: false };
}
