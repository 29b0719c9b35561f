import type { OffsetKey } from '../../core/offset.js';
import type { Progress } from '../../core/track.js';
import type { Beginning } from './starting.js';

/** How many partitions are remembered at most. */
const capacity = 1024;

/**
 * What the members of a group in this process have read of one partition: whoever of them reads it next begins with that. It
 * is the same object for all that read the same log.
 * @internal
 */
export class Standing {
  /** What the last reader has left; undefined where nobody has read anything. */
  private progress: (Progress & { readonly unsettled: Set<OffsetKey> }) | undefined;
  /** Where those began that have read nothing. */
  private start: Beginning | undefined;
  /** What was settled by readers that had left, and may be in the hands of the one after them. */
  private readonly late = new Set<OffsetKey>();

  get left(): Progress | undefined {
    return this.progress;
  }

  get beginning(): Beginning | undefined {
    return this.progress === undefined ? this.start : undefined;
  }

  /** A reader has left. @param progress - undefined where it has read nothing */
  leave(progress: Progress | undefined, beginning: Beginning): void {
    if (progress === undefined) {
      this.start ??= beginning;
      return;
    }
    const unsettled = new Set(progress.unsettled);
    for (const key of this.late) unsettled.delete(key);
    this.late.clear();
    this.progress = { ...progress, unsettled };
  }

  /** A reader that had left has settled what it had in hand: it is not emitted again if it was not yet. */
  settled(key: OffsetKey): void {
    if (this.progress?.unsettled.delete(key) === true) this.late.add(key);
  }
}

/** The standings of all groups in one handle, those that were asked for last. @internal */
export class Standings {
  private readonly known = new Map<string, Standing>();

  /**
   * @param log - the partition of that very stream, and not of one of the same name
   * @param cursor - that of the group
   */
  of(log: string, cursor: string): Standing {
    const standing = this.known.get(keyOf(log, cursor)) ?? new Standing();
    return this.keep(log, cursor, standing);
  }

  /** The same offsets mean other messages from here on. */
  renew(log: string, cursor: string): Standing {
    return this.keep(log, cursor, new Standing());
  }

  forget(log: string, cursor: string): void {
    this.known.delete(keyOf(log, cursor));
  }

  private keep(log: string, cursor: string, standing: Standing): Standing {
    const key = keyOf(log, cursor);
    this.known.delete(key);
    this.known.set(key, standing);
    if (this.known.size <= capacity) return standing;
    for (const oldest of this.known.keys()) {
      this.known.delete(oldest);
      break;
    }
    return standing;
  }
}

/** Names of streams have no line breaks, so that two pairs never make the same key. */
function keyOf(log: string, cursor: string): string {
  return `${log}\n${cursor}`;
}
