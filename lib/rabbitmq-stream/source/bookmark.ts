import { OffsetNotFoundError } from '../../core/errors.js';
import type { LogIntake } from '../../core/log-intake.js';
import { offsetBefore, offsetKey, type OffsetKey } from '../../core/offset.js';
import { newOnly, untilOffset, type Start } from '../../core/starts.js';
import { PositionKeeper } from '../../core/position-keeper.js';
import { Track, type Progress } from '../../core/track.js';
import { storedEvery } from '../../core/store-every.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import type { Connection } from '../connection/connection.js';
import type { RabbitHost } from '../host.js';
import type { Address } from '../options.js';
import { queryOffset, storeOffset } from '../positions.js';
import { lastRecord } from '../session/last-record.js';
import type { Chunk } from './chunk.js';
import { Log } from './log.js';
import type { RabbitMqStreamSourceOptions } from './options.js';
import { beginAfter, beginAt, beginning, firstChunk, lastChunk, type Beginning } from './starting.js';

/** What is read, and how. @internal */
export interface ReadRequest {
  /** As the user asked for it. */
  readonly channel: string;
  readonly stream: string;
  /** Whether it is one of a super stream's. */
  readonly isPartition: boolean;
  readonly options: RabbitMqStreamSourceOptions;
  /** ms since 1970, when the source was subscribed. */
  readonly began: number;
}

/**
 * Where a source stands in one stream: where it begins, where it goes on after a loss, whether it is still the same stream,
 * and what is stored of it at the broker.
 * @internal
 */
export class Bookmark {
  track = new Track();
  readonly keeper: PositionKeeper | undefined;
  /** What was asked for. */
  private readonly start: Start;
  /** Where it begins, or began; undefined until that is known. */
  private beginning: Beginning | undefined;
  /** Where a group without a position begins, as this member found it first: `newOnly()` stays what it was then. */
  private origin: Beginning | undefined;
  private log = new Log();
  /** Whether the track has its first chunk. */
  private placed = false;
  /** Whether no chunk came since the subscription was made. */
  private fresh = true;

  constructor(
    private readonly host: RabbitHost,
    private readonly request: ReadRequest,
    private readonly intake: LogIntake,
  ) {
    const { stream, options } = request;
    const { queue, durable, storeEvery } = options;
    this.start = startOf(options);
    const reference = queue ?? durable;
    if (reference === undefined) return;
    this.keeper = new PositionKeeper({
      clock: host.clock,
      log: host.log,
      what: `'${reference}' on '${stream}'`,
      store: (due) =>
        host.session.locator.call(async (connection) => {
          const position = due();
          if (position !== undefined) await storeOffset(connection, reference, stream, BigInt(position));
          return position;
        }),
      ...storedEvery(storeEvery),
      stalled: (offset) => {
        host.story.tell({ type: 'stalled', channel: stream, offset });
      },
    });
  }

  /** Whether a record was asked for, and has not been emitted yet. */
  wants(offset: OffsetKey): boolean {
    const from = this.beginning?.from;
    const { last } = this.track;
    return (from === undefined || offset >= from) && (last === undefined || offset > last);
  }

  /**
   * Takes note of a chunk that came, and moves it to the first record that was asked for.
   * @returns `pass` where none was; `reset` where it belongs to another stream by the same name
   */
  place(chunk: Chunk): 'take' | 'pass' | 'reset' {
    const { beginning, fresh } = this;
    this.fresh = false;
    if (this.log.contradicts(chunk)) {
      this.reset();
      return 'reset';
    }
    this.log.arrived(chunk);
    if (beginning === undefined) return 'pass';
    const { since, after, from, lastOf } = beginning;
    if (since !== undefined) {
      if (chunk.timestamp < since) return 'pass';
      // what lies behind was asked for, whatever the clock of a later leader says
      this.beginning = { ...beginning, since: undefined };
    }
    if (after !== undefined && chunk.first <= after) return 'pass';
    if (from !== undefined) {
      if (chunk.after <= from) return 'pass';
      if (fresh && beginning.expected === true && chunk.first > from) this.missed(from, chunk.first);
      chunk.skipTo(from);
      this.placeBefore(from > chunk.first ? from : chunk.first);
    } else if (fresh && lastOf !== undefined && chunk.first <= lastOf) {
      const last = offsetBefore(chunk.after)!;
      this.beginning = beginAt(last);
      chunk.skipTo(last);
      this.placeBefore(last);
    } else this.placeBefore(chunk.first);
    return 'take';
  }

  /** Where a subscription begins that is made now, for the first time or again. */
  async begin(connection: Connection, signal: AbortSignal): Promise<OffsetSpec> {
    const { options } = this.request;
    this.fresh = true;
    if (this.beginning !== undefined) return this.resume(connection, this.beginning);
    const stored = options.durable === undefined ? undefined : await this.stored(connection, options.durable);
    signal.throwIfAborted();
    this.beginning = stored === undefined ? await this.originOf(connection, signal) : beginAfter(stored);
    signal.throwIfAborted();
    await this.resolveEnd(signal);
    return this.beginning.spec;
  }

  /** Where a single active consumer begins whose turn has come. */
  async activate(connection: Connection, signal: AbortSignal): Promise<OffsetSpec> {
    const { request, keeper, track } = this;
    const { stream, options } = request;
    const stored = await queryStored(connection, options.queue!, stream);
    const known = this.beginning;
    this.fresh = true;
    // nobody else was at work meanwhile: it goes on where it stood. A track that was left knows nothing of where that is.
    if (known !== undefined && track.last !== undefined && stored === keeper?.last) {
      this.beginning = beginAfter(track.last);
      return this.beginning.spec;
    }
    if (known !== undefined) this.leaveTrack();
    keeper?.begin(stored);
    if (stored !== undefined) this.beginning = beginAfter(stored);
    else if (this.origin !== undefined) this.beginning = this.origin.again ?? this.origin;
    else this.beginning = this.origin = await this.originOf(connection, signal);
    if (known === undefined) await this.resolveEnd(signal);
    return this.beginning.spec;
  }

  /** The role was given away: the position is stored, and what is still in hand says nothing any more. */
  async passivate(): Promise<void> {
    await this.keeper?.flush(this.track);
    this.leaveTrack();
  }

  /** Stores where it stands, and remembers what the next subscription of the durable should know. Never rejects. */
  async end(): Promise<void> {
    const { keeper, host, track, request } = this;
    const { stream, options } = request;
    if (keeper !== undefined && this.beginning !== undefined) {
      try {
        await keeper.flush(track);
      } catch (error) {
        host.log.warn(`the offset of '${stream}' was not stored`, error);
      }
      if (options.durable !== undefined) {
        const progress = track.progress();
        host.progress.remember(stream, options.durable, progress && { ...progress, stored: keeper.last });
      }
    }
    keeper?.stop();
    track.alive = false;
  }

  /**
   * Where a subscription begins that has no position yet. With "new only", one that is tracked gets its position here: what
   * is published while nobody listens, later on, is new as well. An empty stream has none to give.
   */
  private async originOf(connection: Connection, signal: AbortSignal): Promise<Beginning> {
    const { host, keeper, track } = this;
    const { stream, began } = this.request;
    const { start } = this;
    if (keeper === undefined || start.kind !== 'newOnly') return beginning(start, connection, stream, began);
    const last = await lastRecord(host.session, host.clock, stream, signal);
    if (last === undefined) return { spec: { type: 'first' } };
    track.skip(last.offset);
    keeper.placed(track);
    return beginAfter(last.offset);
  }

  /** The first records that were asked for have come: the position before them outlives a crash, whatever the start was. */
  private placeBefore(first: OffsetKey): void {
    const { keeper, track, placed } = this;
    this.placed = true;
    if (keeper === undefined || placed || track.last !== undefined) return;
    const before = offsetBefore(first);
    if (before === undefined) return;
    track.skip(before);
    keeper.placed(track);
  }

  /** The stream was deleted and made again: what was settled means nothing for the new one, and all of it is new. */
  private reset(): void {
    const { host, request } = this;
    const { last } = this.track;
    this.leaveTrack();
    this.log = new Log();
    this.keeper?.begin(undefined);
    this.beginning = { spec: { type: 'first' } };
    host.story.tell({ type: 'reset', channel: request.stream, last: last === undefined ? undefined : BigInt(last) });
  }

  private leaveTrack(): void {
    const { track } = this;
    this.intake.drop(track);
    this.track = new Track();
    this.track.until = track.until;
    this.track.ended = track.ended;
    this.placed = false;
  }

  /** The position under the durable's name: the broker's, or what this process knows to have settled beyond it. */
  private async stored(connection: Connection, durable: string): Promise<OffsetKey | undefined> {
    const { stream } = this.request;
    const stored = await queryStored(connection, durable, stream);
    this.keeper?.begin(stored);
    const progress = this.host.progress.recall(stream, durable);
    // somebody else moved it, or the stream is another by the same name
    if (
      progress === undefined ||
      (progress.stored !== stored && !(await this.outlived(connection, stored, progress)))
    ) {
      return stored;
    }
    this.track = new Track(progress);
    const settled = positionIn(progress);
    if (stored === undefined || settled === undefined) return stored ?? settled;
    return settled > stored ? settled : stored;
  }

  /** Whether the position is only gone because retention has removed what it pointed to. */
  private async outlived(connection: Connection, stored: OffsetKey | undefined, progress: Progress): Promise<boolean> {
    if (stored !== undefined || progress.stored === undefined) return false;
    const first = await firstChunk(connection, this.request.stream);
    return first !== undefined && first > progress.stored;
  }

  /** Where it stood. What of the last chunk was read comes again, and tells whether it is the same stream. */
  private async resume(connection: Connection, known: Beginning): Promise<OffsetSpec> {
    const { stream } = this.request;
    const { last } = this.track;
    this.beginning = last === undefined ? (known.again ?? known) : beginAfter(last);
    const { leader } = await this.host.session.placement(stream);
    // a replica may only lag behind
    if (isAt(connection, leader) && this.log.endsAfter(await lastChunk(connection, stream))) this.reset();
    return this.beginning.spec;
  }

  private async resolveEnd(signal: AbortSignal): Promise<void> {
    const { host, request, track, intake, beginning } = this;
    const { until } = request.options;
    const from = beginning?.from;
    if (until?.kind !== 'untilNow') {
      track.until = until;
      if (until?.kind === 'untilOffset' && from !== undefined && BigInt(from) > until.offset) intake.end(track);
      return;
    }
    const last = await lastRecord(host.session, host.clock, request.stream, signal);
    const since = beginning?.since;
    const none =
      last === undefined ||
      (from !== undefined && from > last.offset) ||
      (since !== undefined && since > last.timestamp) ||
      // what begins behind the end has nothing to come, however it was said
      (this.start.kind === 'newOnly' && from === undefined);
    if (none) intake.end(track);
    else track.until = untilOffset(last.offset);
  }

  private missed(from: OffsetKey, first: OffsetKey): void {
    const { stream, options } = this.request;
    // what the filter keeps back is not missing
    if (options.filter?.values !== undefined) return;
    this.host.story.tell({
      type: 'gap',
      channel: stream,
      from: BigInt(from),
      to: BigInt(first) - 1n,
      reason: 'retention has removed these messages meanwhile',
    });
  }
}

/** "Since now" is told by what is stored, and not by a clock, in whose millisecond messages lie on both sides of it. */
function startOf({ start = newOnly() }: RabbitMqStreamSourceOptions): Start {
  return start.kind === 'fromAgo' && start.ms === 0 ? newOnly() : start;
}

/** The last offset before the first that was not settled. */
function positionIn({ last, unsettled }: Progress): OffsetKey | undefined {
  let lowest: OffsetKey | undefined;
  for (const key of unsettled) if (lowest === undefined || key < lowest) lowest = key;
  return lowest === undefined ? last : offsetBefore(lowest);
}

/** The offset stored under a name; undefined where there is none. */
async function queryStored(connection: Connection, reference: string, stream: string): Promise<OffsetKey | undefined> {
  try {
    return offsetKey(await queryOffset(connection, reference, stream));
  } catch (error) {
    if (error instanceof OffsetNotFoundError) return undefined;
    throw error;
  }
}

/** Whether a connection goes to a node, which may be known by another address behind a load balancer. */
function isAt({ remote, advertised }: Connection, node: Address | undefined): boolean {
  return [remote, advertised].some((each) => each !== undefined && each.host === node?.host && each.port === node.port);
}
