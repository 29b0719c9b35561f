import { Deque } from '../../core/deque.js';
import type { OffsetKey } from '../../core/offset.js';
import type { Chunk } from './chunk.js';

/** What tells a chunk from any other. */
type Identity = Pick<Chunk, 'first' | 'after' | 'timestamp' | 'epoch'>;

/** How far the clocks of two leaders may differ, in ms, before a later time on an earlier chunk means another log. */
const clockSkew = 1_000;
/** Chunks that are known again exactly: more than those that wait to be read when a link is lost. */
const remembered = 128;

/** What was seen of a stream, so that another one by the same name, made after it was deleted, is told from it. @internal */
export class Log {
  /** In the order of the log. */
  private readonly seen = new Deque<Identity>();
  private newest: Identity | undefined;

  /**
   * Whether a chunk can only belong to another log. A chunk never changes once it is stored, so that one with offsets of a
   * chunk that was seen is that one; and one that lies before another was not stored after it.
   */
  contradicts(chunk: Identity): boolean {
    if (this.newest === undefined || chunk.first >= this.newest.after) return false;
    for (const each of this.seen) {
      if (each.after <= chunk.first) continue;
      return each.first < chunk.after ? !isSame(each, chunk) : isLater(chunk, each);
    }
    return false;
  }

  arrived({ first, after, timestamp, epoch }: Identity): void {
    if (this.newest !== undefined && first < this.newest.after) return;
    this.newest = { first, after, timestamp, epoch };
    this.seen.push(this.newest);
    if (this.seen.length > remembered) this.seen.shift();
  }

  /** Whether chunks were seen that a leader whose last chunk begins at `end` has not got. */
  endsAfter(end: OffsetKey | undefined): boolean {
    return this.newest !== undefined && (end === undefined || end < this.newest.first);
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return (
    one.first === other.first &&
    one.after === other.after &&
    one.epoch === other.epoch &&
    one.timestamp === other.timestamp
  );
}

/** Whether a chunk was stored after another one: by a later leader, or by its time. */
function isLater(chunk: Identity, other: Identity): boolean {
  if (chunk.epoch > other.epoch) return true;
  const skew = chunk.epoch < other.epoch ? clockSkew : 0;
  return chunk.timestamp > other.timestamp + skew;
}
