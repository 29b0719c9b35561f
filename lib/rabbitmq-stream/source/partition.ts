import { Deque } from '../../core/deque.js';
import { OffsetNotFoundError, ProtocolError } from '../../core/errors.js';
import type { LogIntake } from '../../core/log-intake.js';
import { offsetAfter, offsetBefore, offsetKey, type OffsetKey } from '../../core/offset.js';
import { asWeirError } from '../../core/publisher.js';
import { newOnly, untilOffset } from '../../core/starts.js';
import { Track, type Progress } from '../../core/track.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import { loadCompressor } from '../compression/compressors.js';
import type { Connection } from '../connection/connection.js';
import { RecordDelivery } from '../delivery.js';
import type { RabbitHost } from '../host.js';
import type { Address } from '../options.js';
import { queryOffset } from '../positions.js';
import { Chunk, type ChunkReader } from './chunk.js';
import { Credits } from './credits.js';
import { lastRecord } from './last-record.js';
import { Log } from './log.js';
import type { RabbitMqStreamSourceOptions } from './options.js';
import { PositionKeeper } from './position-keeper.js';
import { beginAfter, beginAt, beginning, committedChunk, firstChunk, storedBefore, type Beginning } from './starting.js';
import { Subscription } from './subscription.js';

/** What a partition tells the source around it. @internal */
export interface PartitionOwner {
  readonly intake: LogIntake;
  /** There is something to hand in, if there is room. */
  arrived(): void;
  /** The source is to end with an error. */
  failed(error: unknown): void;
  /** Deliveries of a chunk that is done with hold on to so many bytes. */
  retains(chunk: Chunk): void;
  /** None of them is left. */
  letGo(chunk: Chunk): void;
}

/** @internal */
export interface PartitionRequest {
  /** As the user asked for it. */
  readonly channel: string;
  readonly stream: string;
  /** Whether it is one of a super stream's. */
  readonly isPartition: boolean;
  readonly options: RabbitMqStreamSourceOptions;
  /** ms since 1970, when the source was subscribed. */
  readonly began: number;
}

const storeMessages = 10_000;
const storeMs = 5_000;
/** Milliseconds that deliveries in hand get to be settled when the active role is taken away. The broker waits 60 s. */
const handOver = 5_000;
/** Malformed chunks in a row, at the same place, after which it is the stream that is bad and not the connection. */
const maxMalformed = 3;

/** One stream within a source: reads its chunks, knows where it stands, and goes on after whatever happens to its link. @internal */
export class Partition implements ChunkReader {
  track = new Track();
  private readonly subscription: Subscription;
  private readonly credits = new Credits();
  private readonly chunks = new Deque<Chunk>();
  private readonly keeper: PositionKeeper | undefined;
  /** What of the log was seen, to know it again. */
  private log = new Log();
  /** Where it begins, or began; undefined until that is known. */
  private beginning: Beginning | undefined;
  /** Where the log began when the subscription was made, if that matters. */
  private oldest: OffsetKey | undefined;
  /** Whether a chunk came since the subscription was made. */
  private fresh = true;
  /** For a single active consumer: whether it is the active one. */
  private active: boolean;
  private loading = false;
  private malformed = 0;
  private waitingForSettled: (() => void) | undefined;
  private over = false;

  constructor(
    private readonly host: RabbitHost,
    private readonly request: PartitionRequest,
    private readonly owner: PartitionOwner,
  ) {
    const { stream, options, channel } = request;
    const { queue, durable, storeEvery, filter } = options;
    this.active = queue === undefined;
    const reference = queue ?? durable;
    if (reference !== undefined) {
      this.keeper = new PositionKeeper({
        session: host.session,
        clock: host.clock,
        log: host.log,
        stream,
        reference,
        messages: storeEvery?.messages ?? storeMessages,
        ms: storeEvery?.ms ?? storeMs,
        stalled: (offset) => {
          host.story.tell({ type: 'stalled', channel: stream, offset });
        },
      });
    }
    const properties: Record<string, string> = {};
    if (reference !== undefined) properties['name'] = reference;
    if (queue !== undefined) properties['single-active-consumer'] = 'true';
    if (request.isPartition) properties['super-stream'] = channel;
    filter?.values?.forEach((value, index) => (properties[`filter.${index}`] = value));
    if (filter?.matchUnfiltered === true) properties['match-unfiltered'] = 'true';
    this.subscription = new Subscription(
      host.session,
      { stream, properties },
      {
        begin: async (connection, signal) => {
          const spec = await this.begin(connection, signal);
          await this.findOldest(connection);
          return spec;
        },
        subscribed: () => {
          this.grant();
        },
        chunk: (bytes, start, end, owned) => {
          this.chunk(bytes, start, end, owned);
        },
        flushed: () => {
          owner.arrived();
          this.grant();
        },
        update: (active, reply) => {
          void this.update(active, reply);
        },
        lost: () => {
          this.lost();
        },
        failed: (error) => {
          owner.failed(error);
        },
      },
    );
  }

  get stream(): string {
    return this.request.stream;
  }

  start(): void {
    this.subscription.start();
  }

  /** Hands in what there is while there is room. */
  pull(): void {
    const { chunks } = this;
    const { intake } = this.owner;
    if (!this.active) return;
    try {
      while (intake.room && !this.track.ended) {
        const chunk = chunks.peek();
        if (chunk === undefined) break;
        if (chunk.next()) this.record(chunk, intake);
        else if (chunk.missing === undefined) this.finish(chunk);
        else {
          this.load(chunk.missing);
          break;
        }
      }
    } catch (error) {
      this.broken(error);
    }
    this.grant();
  }

  /** A delivery of one of its chunks was settled. */
  settled(chunk: Chunk, track: Track): void {
    if (chunk.open === 0 && chunk.done) this.owner.letGo(chunk);
    if (track !== this.track) return;
    this.keeper?.settled(track);
    if (track.oldest === undefined) this.waitingForSettled?.();
  }

  /** Has the broker send nothing more. */
  async unsubscribe(): Promise<void> {
    this.over = true;
    this.chunks.clear();
    await this.subscription.end();
  }

  /** Stores where it stands and ends. Never rejects. */
  async end(): Promise<void> {
    const { keeper, host, request, track } = this;
    const { durable } = request.options;
    try {
      // a group's next member asks as soon as this one is gone
      if (keeper !== undefined && this.active && this.beginning !== undefined) await keeper.flush(track);
    } catch (error) {
      host.log.warn(`the offset of '${request.stream}' was not stored`, error);
    }
    keeper?.stop();
    track.alive = false;
    if (durable !== undefined && this.beginning !== undefined) {
      const progress = track.progress();
      host.progress.remember(request.stream, durable, progress && { ...progress, stored: keeper?.last });
    }
    await this.unsubscribe();
  }

  // from here on: where to begin

  private async begin(connection: Connection, signal: AbortSignal): Promise<OffsetSpec> {
    const { stream, options, began } = this.request;
    this.chunks.clear();
    this.fresh = true;
    this.credits.begin(this.subscription.initialCredit);
    if (options.queue !== undefined) {
      // the broker says when it is this one's turn, and asks then
      this.active = false;
      return { type: 'first' };
    }
    const known = this.beginning;
    if (known === undefined) {
      const stored = options.durable === undefined ? undefined : await this.stored(connection, options.durable);
      signal.throwIfAborted();
      const start = options.start ?? newOnly();
      this.beginning =
        stored === undefined ? await beginning(start, connection, stream, began) : beginAt(offsetAfter(stored), true);
      signal.throwIfAborted();
      await this.resolveEnd(signal);
      return this.beginning.spec;
    }
    return this.resume(connection, known);
  }

  /** The position under the durable's name: the broker's, or what this process knows to have settled beyond it. */
  private async stored(connection: Connection, durable: string): Promise<OffsetKey | undefined> {
    const { stream } = this.request;
    const stored = await queryStored(connection, durable, stream);
    this.keeper?.begin(stored);
    const progress = this.host.progress.recall(stream, durable);
    // somebody else moved it, or the stream is another by the same name
    if (progress === undefined || (progress.stored !== stored && !(await this.outlived(connection, stored, progress)))) {
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

  /** Where it stood. What of the last chunk was read comes again, and tells whether it is the same log. */
  private async resume(connection: Connection, known: Beginning): Promise<OffsetSpec> {
    const { last } = this.track;
    const { stream } = this.request;
    this.beginning = last === undefined ? (known.again ?? known) : beginAfter(last);
    const { leader } = await this.host.session.placement(stream);
    // a replica may only lag behind
    if (isAt(connection, leader) && this.log.endsAfter(await committedChunk(connection, stream))) this.reset();
    return this.beginning.spec;
  }

  /** Asked before chunks come, because a gap is told before what lies behind it is emitted. */
  private async findOldest(connection: Connection): Promise<void> {
    this.oldest = this.beginning?.expected === true ? await firstChunk(connection, this.request.stream) : undefined;
  }

  private async resolveEnd(signal: AbortSignal): Promise<void> {
    const { options, stream } = this.request;
    const { until } = options;
    const { track, beginning } = this;
    const from = beginning?.from;
    if (until?.kind !== 'untilNow') {
      track.until = until;
      if (until?.kind === 'untilOffset' && from !== undefined && BigInt(from) > until.offset)
        this.owner.intake.end(track);
      return;
    }
    const last = await lastRecord(this.host.session, this.host.clock, stream, signal);
    const { start } = options;
    const none =
      last === undefined ||
      (from !== undefined && from > last.offset) ||
      (beginning?.spec.type === 'timestamp' && beginning.spec.timestamp > BigInt(last.timestamp)) ||
      ((start === undefined || start.kind === 'newOnly') && from === undefined);
    if (none) this.owner.intake.end(track);
    else track.until = untilOffset(last.offset);
  }

  // from here on: what comes

  private chunk(bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    // what was on its way when the role was given up is the next one's
    if (this.over || this.track.ended || !this.active) return;
    const { beginning, request } = this;
    let chunk: Chunk;
    try {
      chunk = new Chunk(bytes, start, end, owned, this);
    } catch (error) {
      if (this.malformedAgain(error)) return;
      throw error;
    }
    this.credits.arrived(chunk.size);
    const first = this.fresh;
    this.fresh = false;
    if (this.log.contradicts(chunk)) {
      // read from its first message
      this.reset();
      this.subscription.again();
      return;
    }
    this.log.arrived(chunk);
    if (beginning?.since !== undefined && chunk.timestamp < beginning.since) return;
    if (beginning?.after !== undefined && storedBefore(chunk, beginning.after, request.began)) return;
    const from = beginning?.from;
    if (from !== undefined) {
      if (chunk.after <= from) return;
      if (first && beginning?.expected === true && chunk.first > from) this.missing(from, chunk.first);
      chunk.skipTo(from);
    } else if (first && beginning?.lastOf !== undefined && storedBefore(chunk, beginning.lastOf, request.began)) {
      const last = offsetBefore(chunk.after)!;
      this.beginning = beginAt(last);
      chunk.skipTo(last);
    }
    this.chunks.push(chunk);
  }

  private record(chunk: Chunk, intake: LogIntake): void {
    const { offset } = chunk;
    const { track } = this;
    const from = this.beginning!.from;
    if (from !== undefined && offset < from) return;
    if (track.last !== undefined && offset <= track.last) return;
    const { channel, stream, isPartition, options } = this.request;
    const delivery = new RecordDelivery<Uint8Array>(
      channel,
      isPartition ? stream : undefined,
      offset,
      chunk.bytes,
      chunk.start,
      chunk.end,
      chunk,
    );
    const earlier = track.earlier(offset);
    const wanted = options.filter?.postFilter;
    if (earlier === 'settled' || (wanted !== undefined && !wanted(delivery))) {
      intake.pass(track, delivery);
      return;
    }
    if (earlier === 'unsettled') delivery.redeliveries = 1;
    chunk.open++;
    intake.admit(track, delivery);
  }

  private finish(chunk: Chunk): void {
    this.chunks.shift();
    this.malformed = 0;
    if (chunk.open > 0) this.owner.retains(chunk);
    else chunk.clear();
  }

  private grant(): void {
    if (!this.over && !this.track.ended) this.subscription.grant(this.credits.due(this.chunks.length));
  }

  private load(compression: number): void {
    if (this.loading) return;
    this.loading = true;
    loadCompressor(compression).then(
      () => {
        this.loading = false;
        this.owner.arrived();
      },
      (error: unknown) => {
        this.loading = false;
        this.owner.failed(asWeirError(error, 'rabbitmq-stream'));
      },
    );
  }

  private missing(from: OffsetKey, first: OffsetKey): void {
    const { request, oldest } = this;
    // what the filter keeps back is not missing, and the broker's own notes have offsets too
    if (request.options.filter?.values !== undefined || oldest === undefined || oldest <= from) return;
    this.host.story.tell({
      type: 'gap',
      channel: request.stream,
      from: BigInt(from),
      to: BigInt(first) - 1n,
      reason: 'retention has removed these messages meanwhile',
    });
  }

  // from here on: what goes wrong

  private lost(): void {
    this.chunks.clear();
    if (this.request.options.queue !== undefined) this.active = false;
    this.waitingForSettled?.();
  }

  /** The stream was deleted and made again: what was settled means nothing for the new one, and all of it is new. */
  private reset(): void {
    const { track, host, request } = this;
    const { last } = track;
    this.owner.intake.drop(track);
    this.track = new Track();
    this.track.until = track.until;
    this.log = new Log();
    this.chunks.clear();
    this.keeper?.begin(undefined);
    this.beginning = { spec: { type: 'first' } };
    host.story.tell({ type: 'reset', channel: request.stream, last: last === undefined ? undefined : BigInt(last) });
  }

  private malformedAgain(error: unknown): boolean {
    const problem = asWeirError(error, 'rabbitmq-stream');
    this.host.story.tell({ type: 'protocol', channel: this.request.stream, error: problem });
    if (++this.malformed < maxMalformed) return false;
    this.owner.failed(problem);
    return true;
  }

  /** A record or sub-entry inside of a chunk is not what it says; or the user's own filter threw. */
  private broken(error: unknown): void {
    this.chunks.clear();
    if (error instanceof ProtocolError) {
      if (!this.malformedAgain(error)) this.subscription.drop(error);
      return;
    }
    this.owner.failed(error);
  }

  // from here on: the active role

  private async update(active: boolean, reply: (spec: OffsetSpec) => void): Promise<void> {
    const { connection } = this.subscription;
    if (connection === undefined) return;
    try {
      const spec = active ? await this.activate(connection) : await this.passivate();
      if (active) await this.findOldest(connection);
      // a chunk can follow the answer at once
      this.active = active;
      reply(spec);
    } catch (error) {
      // where it should begin is not known, so that no answer would be right: it is subscribed again
      this.subscription.drop(asWeirError(error, 'rabbitmq-stream'));
    }
  }

  private async activate(connection: Connection): Promise<OffsetSpec> {
    const { request, keeper, track, owner } = this;
    const { stream, options, began } = request;
    const reference = options.queue!;
    const stored = await queryStored(connection, reference, stream);
    const known = this.beginning;
    this.chunks.clear();
    this.fresh = true;
    // nobody else was at work meanwhile: it goes on where it stood
    if (known !== undefined && track.alive && stored === keeper?.last) {
      this.beginning = track.last === undefined ? (known.again ?? known) : beginAfter(track.last);
      return this.beginning.spec;
    }
    if (known !== undefined) {
      owner.intake.drop(track);
      this.track = new Track();
      this.track.until = track.until;
    }
    this.beginning =
      stored === undefined
        ? await beginning(options.start ?? newOnly(), connection, stream, began)
        : beginAt(offsetAfter(stored), true);
    keeper?.begin(stored);
    if (known === undefined) await this.resolveEnd(new AbortController().signal);
    return this.beginning.spec;
  }

  /** Lets what is in hand be settled, for a while; then the position is stored, and the next one begins after it. */
  private async passivate(): Promise<OffsetSpec> {
    this.active = false;
    this.chunks.clear();
    const { track, keeper, host, owner } = this;
    if (track.oldest !== undefined) {
      await new Promise<void>((resolve) => {
        const cancel = host.clock.after(handOver, resolve);
        this.waitingForSettled = () => {
          cancel();
          resolve();
        };
      });
      this.waitingForSettled = undefined;
    }
    if (this.over) return { type: 'none' };
    await keeper?.flush(track);
    // what is still in hand may be with the next one: acks for it say nothing any more
    owner.intake.drop(track);
    this.track = new Track();
    this.track.until = track.until;
    return { type: 'none' };
  }
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

/** The last offset before the first that was not settled. */
function positionIn({ last, unsettled }: Progress): OffsetKey | undefined {
  let lowest: OffsetKey | undefined;
  for (const key of unsettled) if (lowest === undefined || key < lowest) lowest = key;
  return lowest === undefined ? last : offsetBefore(lowest);
}
