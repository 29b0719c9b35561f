import { offsetBefore, type OffsetKey } from '../../core/offset.js';
import type { Progress } from '../../core/track.js';

/** What the broker says of the log and of the position in it. @internal */
export interface BrokerView {
  /** The cursor. */
  readonly stored: OffsetKey | undefined;
  readonly newest: OffsetKey | undefined;
  /** How often the handle has lost its link by now. */
  readonly outages: number;
  /** Whether others move the cursor as well, as the members of a group in other processes do. */
  readonly isShared: boolean;
}

/**
 * What the knowledge of this process is worth: `good` counts beside the cursor. With `old` the cursor alone counts, and with `cut`
 * it is to be told that the log has become another one.
 * @internal
 */
export function worthOf(progress: Progress, view: BrokerView): 'good' | 'old' | 'cut' {
  const { stored, newest, outages, isShared } = view;
  if (newest === undefined || progress.last > newest) {
    // a leader that had less was elected: which of the offsets mean other messages by now is not known
    return stored === undefined || (newest !== undefined && stored <= newest) ? 'cut' : 'old';
  }
  // a broker that was restarted does not see what is stored until something is stored again; else somebody moved the cursor
  const isBlind = stored === undefined && progress.outages !== outages;
  const { stored: before } = progress;
  if (before === stored || isBlind) return 'good';
  const isAhead = stored !== undefined && (before === undefined || stored > before);
  return isShared && isAhead ? 'good' : 'old';
}

/** The last offset before the first that was not settled. @internal */
export function positionIn({ last, unsettled }: Progress): OffsetKey | undefined {
  let lowest: OffsetKey | undefined;
  for (const key of unsettled) if (lowest === undefined || key < lowest) lowest = key;
  return lowest === undefined ? last : offsetBefore(lowest);
}
