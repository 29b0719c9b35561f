import type { Start } from '../../core/starts.js';
import type { MessageLog } from './log.js';

/** Where a position begins. @internal */
export interface StartingPoint {
  /** The offset of the first delivery; it may be beyond the log, and is waited for then. */
  readonly next: number;
  /** What was stored before that time is passed over; -Infinity for none. */
  readonly notBefore: number;
}

/** Finds a start in the log as it is at this moment. @internal */
export function startingPoint(log: MessageLog, start: Start, now: number): StartingPoint {
  const { first, next } = log;
  switch (start.kind) {
    case 'newOnly':
      return at(next);
    case 'latest':
      return at(Math.max(first, next - 1));
    case 'earliest':
      return at(first);
    case 'fromOffset':
      // a number may round what is beyond 2^53, which no log in memory reaches
      return at(Math.max(first, Number(start.offset)));
    case 'fromTime':
      return since(log, start.time);
    case 'fromAgo':
      // within no time there is nothing old, not even what was stored in this millisecond
      return start.ms === 0 ? at(next) : since(log, now - start.ms);
  }
}

function at(next: number): StartingPoint {
  return { next, notBefore: -Infinity };
}

/** A time to come is waited for. */
function since(log: MessageLog, time: number): StartingPoint {
  const next = log.search(time);
  return { next, notBefore: next === log.next ? time : -Infinity };
}
