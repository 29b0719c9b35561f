import { StreamUnavailableError } from '../../core/errors.js';
import type { LogIntake } from '../../core/log-intake.js';
import { offsetBefore, type OffsetKey } from '../../core/offset.js';
import { pause, unlessAborted } from '../../core/pause.js';
import { PositionKeeper } from '../../core/position-keeper.js';
import { newOnly, untilOffset } from '../../core/starts.js';
import { Track, type Progress } from '../../core/track.js';
import { storedEvery } from '../../core/store-every.js';
import type { Consumer } from '../codec/requests.js';
import type { MessageDelivery } from '../delivery.js';
import type { LiftbridgeHost } from '../host.js';
import { cursorOf, logOf } from '../positions.js';
import type { PartitionTail } from '../session/session.js';
import type { LiftbridgeSourceOptions } from './options.js';
import { knock, peek, type PeekLimits } from './peek.js';
import { positionIn, worthOf } from './recall.js';
import type { Standing } from './standings.js';
import {
  afterNewest,
  beginAfter,
  beginAt,
  beginEarliest,
  beginning,
  beginSince,
  type Beginning,
  type Search,
} from './starting.js';
import type { Position } from './subscription.js';
import { askTail } from './tail.js';

/** What is read, and how. @internal */
export interface ReadRequest {
  readonly stream: string;
  readonly partition: number;
  readonly options: LiftbridgeSourceOptions;
  /** ms since 1970, when the source was subscribed. */
  readonly began: number;
  /** For whom it is read, where that is a member of a group. */
  readonly consumer: () => Consumer | undefined;
}

/** Milliseconds for a group's member in another process to store where it stood when its partition is taken. */
const handOverTime = 100;

/**
 * Where a source stands in one partition: where it begins, where it goes on after a loss, whether it is still the same log,
 * and what is stored of it in a cursor.
 * @internal
 */
export class Bookmark {
  track = new Track();
  readonly keeper: PositionKeeper | undefined;
  /** What this process knows of where the group stands, once it is known in which log. */
  private standing: Standing | undefined;
  /** Whether the position is not this source's any more. */
  private hasLeft = false;
  /** The id of the cursor. */
  private readonly cursor: string | undefined;
  /** Where it begins, or began; undefined until that is known. */
  private beginning: Beginning | undefined;
  /** When the stream was created, by the broker's word. */
  private created = 0n;
  /** The message that came last. After a loss it comes again. */
  private newest: MessageDelivery<unknown> | undefined;
  /** Whether nothing came since the subscription was made. */
  private fresh = true;
  /** Whether the track has its first message. */
  private placed = false;
  /** Stores go one after the other, so that an older position never comes behind a newer one. */
  private storing: Promise<unknown> = Promise.resolve();
  /** Whether the log is another one than that of which the cursor tells. */
  private isAnew = false;
  /** Of what is being stored when the position is not this source's any more. */
  private readonly aborter = new AbortController();

  constructor(
    private readonly host: LiftbridgeHost,
    private readonly request: ReadRequest,
    private readonly intake: LogIntake,
    /** Resolves when nobody else in this process reads for the group. */
    private readonly alone: () => Promise<void>,
  ) {
    const { stream, partition, options } = request;
    const cursor = cursorOf(options);
    this.cursor = cursor;
    if (cursor === undefined) return;
    this.keeper = new PositionKeeper({
      clock: host.clock,
      log: host.log,
      what: `'${cursor}' in partition ${partition} of '${stream}'`,
      ...storedEvery(options.storeEvery),
      store: (due) => this.store(cursor, due),
      stalled: (offset) => {
        host.story.tell({ type: 'stalled', channel: stream, offset });
      },
    });
  }

  /** Where a subscription begins that is made now, for the first time or again. */
  async begin(signal: AbortSignal): Promise<Position> {
    const { clock, resolved } = this.host;
    const limits = { clock, requestTimeout: resolved.requestTimeout, signal };
    const known = this.beginning;
    if (known === undefined) await this.takeOver(limits);
    // the cursor before the end of the log: who reads for the same group moves both meanwhile, and a cursor beyond the end
    // would be that of another log
    const stored = known === undefined ? await this.storedPosition(signal) : undefined;
    const tail = await askTail(this.host.session, this.request, limits);
    signal.throwIfAborted();
    const search = this.search(tail, limits);
    this.fresh = true;
    if (known !== undefined) {
      const resumed = await this.resumed(known, search);
      signal.throwIfAborted();
      this.beginning = resumed;
    } else {
      this.created = tail.created;
      if (this.isGroup) this.standing = this.host.standings.of(this.logName, this.cursor!);
      const found = this.tracked(stored, tail) ?? (await this.origin(search));
      signal.throwIfAborted();
      this.beginning = found;
      this.resolveEnd(found, tail);
    }
    return this.beginning.position;
  }

  /** Takes note of a message that came. @returns whether it was asked for and has not been emitted yet */
  wants(delivery: MessageDelivery<unknown>): boolean {
    if (this.fresh) this.compare(delivery);
    this.newest = delivery;
    const { from, since } = this.beginning!;
    const { last } = this.track;
    const { offsetKey } = delivery;
    if ((from !== undefined && offsetKey < from) || (last !== undefined && offsetKey <= last)) return false;
    if (since !== undefined) {
      if (delivery.timestamp < since) return false;
      // what lies behind was asked for, whatever the clock of a later leader says
      this.beginning = { ...this.beginning!, since: undefined };
    }
    if (!this.placed) this.place(offsetKey);
    return true;
  }

  /** A delivery was settled; this side's only where it is of this log. */
  settled(track: Track, offset: OffsetKey): void {
    if (track !== this.track) return;
    if (this.hasLeft) this.standing?.settled(offset);
    else this.keeper?.settled(track);
  }

  /**
   * Stores where it stands at the call, and remembers what the next subscription of the durable should know. Never rejects.
   * @param mine - whether the position is still this source's to store
   */
  async end(mine: boolean): Promise<void> {
    const { keeper, host, track, request } = this;
    const { stream, partition, options } = request;
    this.hasLeft = true;
    if (!mine) this.aborter.abort(new StreamUnavailableError('another member of the group reads the partition'));
    else if (keeper !== undefined && this.beginning !== undefined) {
      try {
        if (!this.isGroup) await keeper.flush(track);
        else await this.handOver(keeper, track);
      } catch (error) {
        host.log.warn(`the position in partition ${partition} of '${stream}' was not stored`, error);
      }
      if (options.durable !== undefined) host.progress.remember(this.logName, options.durable, this.progress());
    }
    if (this.beginning !== undefined) this.standing?.leave(this.progress(), this.beginning);
    keeper?.stop();
    this.newest = undefined;
    track.alive = false;
  }

  private get isGroup(): boolean {
    return this.request.options.queue !== undefined;
  }

  /** What the next in this process should know. */
  private progress(): Progress | undefined {
    const progress = this.track.progress();
    return progress && { ...progress, stored: this.keeper?.last, outages: this.host.outages };
  }

  /**
   * A group's partition is taken from the member that read it before. One in this process is waited for. One in another hears
   * of it by the end of its subscription, stores where it stood, and gets a moment for that: what it has settled is not
   * emitted again then.
   */
  private async takeOver(limits: PeekLimits): Promise<void> {
    const { stream, partition, consumer } = this.request;
    const member = consumer();
    if (member === undefined) return;
    const channel = await this.host.session.leader(stream, partition, { signal: limits.signal });
    await knock(channel, { stream, partition, resume: this.request.options.resume, consumer: member }, limits);
    await Promise.all([pause(handOverTime, limits.clock, limits.signal), unlessAborted(this.alone(), limits.signal)]);
  }

  /** Stores where the track stands now, unless who has taken the partition over unheard has come further. */
  private async handOver(keeper: PositionKeeper, { position }: Track): Promise<void> {
    const { stream, partition } = this.request;
    if (position === undefined || (keeper.last !== undefined && position <= keeper.last)) return;
    await this.storing;
    if (!this.isAnew) {
      const stored = await this.host.cursors.fetch(stream, partition, this.cursor!, this.aborter.signal);
      if (stored !== undefined && stored >= position) return;
    }
    // settling moves the track no further once the partition is given away
    const standing = new Track();
    standing.skip(position);
    await keeper.flush(standing);
  }

  private get logName(): string {
    return logOf(this.request.stream, this.request.partition, this.created);
  }

  /** The position before the first message that is emitted is stored at once, so that a crash before the first ack loses nothing. */
  private place(offset: OffsetKey): void {
    this.placed = true;
    const before = offsetBefore(offset);
    if (before === undefined) return;
    this.track.skip(before);
    this.keeper?.placed(this.track);
  }

  /** The first message of a subscription: what it tells of the log. */
  private compare(delivery: MessageDelivery<unknown>): void {
    const { beginning, newest } = this;
    const { offsetKey } = delivery;
    this.fresh = false;
    if (newest?.offsetKey === offsetKey && newest.timestamp !== delivery.timestamp) {
      // a leader that had not got it was elected, and gave its offset to another message
      this.reset();
      this.beginning = beginAt(offsetKey);
      return;
    }
    const { from, expected } = beginning!;
    if (expected === true && from !== undefined && offsetKey > from) {
      this.host.story.tell({
        type: 'gap',
        channel: this.request.stream,
        from: BigInt(from),
        to: BigInt(offsetKey) - 1n,
        reason: `retention or compaction has removed these messages of partition ${this.request.partition} meanwhile`,
      });
    }
  }

  /** The same offsets mean other messages from here on. */
  private reset(): void {
    const { host, request, track } = this;
    const { last } = track;
    this.intake.drop(track);
    this.track = new Track();
    this.track.until = track.until;
    this.track.ended = track.ended;
    this.placed = false;
    this.newest = undefined;
    this.beginAnew();
    host.story.tell({ type: 'reset', channel: request.stream, last: last === undefined ? undefined : BigInt(last) });
  }

  /** Where it goes on after a loss. */
  private async resumed(known: Beginning, search: Search): Promise<Beginning> {
    const { last } = this.track;
    const { newest, created } = search.tail;
    // what came so far may all have been older than what was asked for
    const { since } = known;
    if (created !== this.created) {
      this.created = created;
      this.reset();
      return { ...beginEarliest(), since };
    }
    if (last === undefined) return known;
    if (newest !== undefined && newest >= last) return { ...beginAfter(last), since };
    // the leader has not got what was read: what it got instead, and is to get, has the same offsets and is younger
    const read = this.newest?.timestamp;
    const found = read === undefined ? beginAt(afterNewest(newest)) : await beginSince(read + 1n, search);
    this.reset();
    return found;
  }

  private async storedPosition(signal: AbortSignal): Promise<OffsetKey | undefined> {
    const { stream, partition } = this.request;
    const { cursor } = this;
    return cursor === undefined ? undefined : this.host.cursors.fetch(stream, partition, cursor, signal);
  }

  /** Where the cursor says, or what this process knows to have settled beyond it. */
  private tracked(stored: OffsetKey | undefined, tail: PartitionTail): Beginning | undefined {
    const { host, cursor } = this;
    const { stream } = this.request;
    if (cursor === undefined) return undefined;
    this.keeper?.begin(stored);
    const known = this.recall(stored, tail);
    if (known !== undefined) this.track = new Track(known);
    const settled = known && positionIn(known);
    const position = stored === undefined || (settled !== undefined && settled > stored) ? settled : stored;
    // no offset is before 0, so that there is no position to store while that is unsettled
    if (position === undefined) return known === undefined ? this.standing?.beginning : beginAt(0);
    if (tail.newest !== undefined && position <= tail.newest) {
      this.track.skip(position);
      return beginAfter(position);
    }
    this.track = new Track();
    this.beginAnew();
    host.story.tell({ type: 'reset', channel: stream, last: BigInt(position) });
    return beginEarliest();
  }

  /** What is stored is of another log. */
  private beginAnew(): void {
    this.isAnew = true;
    this.keeper?.begin(undefined);
    if (this.isGroup) this.standing = this.host.standings.renew(this.logName, this.cursor!);
  }

  /** What an earlier subscription of the durable or the group in this process has settled, unless it means nothing any more. */
  private recall(stored: OffsetKey | undefined, { newest }: PartitionTail): Progress | undefined {
    const { host, request, isGroup } = this;
    const { durable } = request.options;
    const progress = durable === undefined ? this.standing?.left : host.progress.recall(this.logName, durable);
    if (progress === undefined) return undefined;
    const worth = worthOf(progress, { stored, newest, outages: host.outages, isShared: isGroup });
    if (worth === 'good') return progress;
    if (worth === 'cut') host.story.tell({ type: 'reset', channel: request.stream, last: BigInt(progress.last) });
    if (isGroup) this.standing = host.standings.renew(this.logName, this.cursor!);
    return undefined;
  }

  /**
   * Where a subscription begins that has no position yet. With "new only", one that is tracked gets its position here: what
   * is published while nobody listens, later on, is new as well. An empty log has none to give.
   */
  private async origin(search: Search): Promise<Beginning> {
    const { options, began } = this.request;
    const start = options.start ?? newOnly();
    const found = await beginning(start, search, began);
    if (start.kind === 'newOnly') this.place(found.from!);
    return found;
  }

  private search(tail: PartitionTail, limits: PeekLimits): Search {
    const { stream, partition } = this.request;
    return {
      tail,
      peek: async (offset) => {
        const channel = await this.host.session.leader(stream, partition, { signal: limits.signal });
        return peek(channel, stream, partition, offset, limits);
      },
    };
  }

  private resolveEnd({ from }: Beginning, { newest }: PartitionTail): void {
    const { track, intake } = this;
    const { until } = this.request.options;
    if (until?.kind !== 'untilNow') {
      track.until = until;
      if (until?.kind === 'untilOffset' && from !== undefined && BigInt(from) > until.offset) intake.end(track);
      return;
    }
    if (newest === undefined || (from !== undefined && from > newest)) intake.end(track);
    else track.until = untilOffset(BigInt(newest));
  }

  private store(cursor: string, due: () => OffsetKey | undefined): Promise<OffsetKey | undefined> {
    const { stream, partition } = this.request;
    const storing = this.storing.then(async () => {
      const position = due();
      const { signal } = this.aborter;
      if (position !== undefined) await this.host.cursors.set(stream, partition, cursor, BigInt(position), signal);
      return position;
    });
    this.storing = storing.catch(() => undefined);
    return storing;
  }
}
