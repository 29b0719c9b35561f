import type { OffsetKey } from '../../core/offset.js';
import type { Chunk } from './chunk.js';

/** How far the clocks of two leaders may differ, in ms, before a later time on an earlier chunk means another log. */
const clockSkew = 1_000;

/** What was seen of a stream, so that another one by the same name, made after it was deleted, is told from it. @internal */
export class Log {
  private last: Pick<Chunk, 'first' | 'timestamp' | 'epoch'> | undefined;

  /** Whether a chunk can only belong to another log: it has an earlier offset, and was stored later. */
  contradicts(chunk: Chunk): boolean {
    const { last } = this;
    if (last === undefined || chunk.first > last.first) return false;
    if (chunk.epoch > last.epoch) return true;
    const skew = chunk.epoch < last.epoch ? clockSkew : 0;
    return chunk.timestamp > last.timestamp + skew;
  }

  arrived({ first, timestamp, epoch }: Chunk): void {
    if (this.last === undefined || first >= this.last.first) this.last = { first, timestamp, epoch };
  }

  /** Whether chunks were seen that a leader whose last chunk begins at `committed` has not got. */
  endsAfter(committed: OffsetKey | undefined): boolean {
    return this.last !== undefined && (committed === undefined || committed < this.last.first);
  }
}
