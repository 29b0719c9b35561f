import { Deque } from '../../core/deque.js';
import { ProtocolError } from '../../core/errors.js';
import type { LogIntake } from '../../core/log-intake.js';
import type { OffsetKey } from '../../core/offset.js';
import { asWeirError } from '../../core/publisher.js';
import type { Track } from '../../core/track.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import { loadCompressor } from '../compression/compressors.js';
import type { Connection } from '../connection/connection.js';
import { RecordDelivery } from '../delivery.js';
import type { RabbitHost } from '../host.js';
import { Bookmark, type ReadRequest } from './bookmark.js';
import { Chunk, type ChunkReader } from './chunk.js';
import { Credits } from './credits.js';
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

/** Milliseconds that deliveries in hand get to be settled when the active role is taken away. The broker waits 60 s. */
const handOver = 5_000;
/** Malformed chunks in a row, at the same place, after which it is the stream that is bad and not the connection. */
const maxMalformed = 3;

/** One stream within a source: takes its chunks in, hands their records on, and gives credit back as they go. @internal */
export class Partition implements ChunkReader {
  private readonly bookmark: Bookmark;
  private readonly subscription: Subscription;
  private readonly credits = new Credits();
  private readonly chunks = new Deque<Chunk>();
  /** For a single active consumer: whether it is the active one. */
  private active: boolean;
  private loading = false;
  private malformed = 0;
  /** The end of what was taken so far: beyond it is another place. */
  private furthest: OffsetKey | undefined;
  /** Who waits for the deliveries in hand to be settled. */
  private handedOver: (() => void) | undefined;
  private readonly ending = new AbortController();

  constructor(
    private readonly host: RabbitHost,
    private readonly request: ReadRequest,
    private readonly owner: PartitionOwner,
  ) {
    this.bookmark = new Bookmark(host, request, owner.intake);
    this.active = request.options.queue === undefined;
    this.subscription = new Subscription(
      host.session,
      { stream: request.stream, properties: propertiesOf(request) },
      {
        begin: (connection, signal) => this.begin(connection, signal),
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

  get track(): Track {
    return this.bookmark.track;
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
    // what is settled without the role is stored when it is taken up again, if nobody else had it
    if (this.active) this.bookmark.keeper?.settled(track);
    if (track.oldest === undefined) this.handedOver?.();
  }

  /** Has the broker send nothing more. Never rejects. */
  async unsubscribe(): Promise<void> {
    this.ending.abort();
    this.chunks.clear();
    this.handedOver?.();
    await this.subscription.end();
  }

  /** Stores where it stands and ends. Never rejects. */
  async end(): Promise<void> {
    // a group's next member asks as soon as this one is gone; a passive one has nothing to say
    if (this.active) await this.bookmark.end();
    this.bookmark.keeper?.stop();
    await this.unsubscribe();
  }

  private get over(): boolean {
    return this.ending.signal.aborted;
  }

  private async begin(connection: Connection, signal: AbortSignal): Promise<OffsetSpec> {
    this.chunks.clear();
    this.credits.begin(this.subscription.initialCredit);
    if (this.request.options.queue === undefined) return this.bookmark.begin(connection, signal);
    // the broker says when it is this one's turn, and asks then
    this.active = false;
    return { type: 'first' };
  }

  private chunk(bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    // its credit is used up, whatever becomes of it
    this.credits.arrived(end - start);
    // what was on its way when the role was given up is the next one's
    if (this.over || this.track.ended || !this.active) return;
    let chunk: Chunk;
    try {
      chunk = new Chunk(bytes, start, end, owned, this);
    } catch (error) {
      if (this.isHopeless(error)) return;
      throw error;
    }
    const what = this.bookmark.place(chunk);
    if (what === 'take') {
      this.chunks.push(chunk);
      if (this.furthest !== undefined && chunk.after <= this.furthest) return;
      this.furthest = chunk.after;
      this.malformed = 0;
    } else if (what === 'reset') {
      this.furthest = undefined;
      this.chunks.clear();
      this.subscription.again();
    }
  }

  private record(chunk: Chunk, intake: LogIntake): void {
    const { bookmark } = this;
    const { offset } = chunk;
    if (!bookmark.wants(offset)) return;
    const { track } = bookmark;
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
    if (chunk.open > 0) this.owner.retains(chunk);
    else chunk.clear();
  }

  private grant(): void {
    // without a connection it would count as granted, and nobody had got it
    if (this.over || this.track.ended || this.subscription.connection === undefined) return;
    this.subscription.grant(this.credits.due(this.chunks.length));
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

  private lost(): void {
    this.chunks.clear();
    if (this.request.options.queue !== undefined) {
      this.active = false;
      this.bookmark.keeper?.stop();
    }
    this.handedOver?.();
  }

  /** Tells of it. Whether the source has ended, because the same place is malformed each time it is read. */
  private isHopeless(error: unknown): boolean {
    const problem = asWeirError(error, 'rabbitmq-stream');
    this.host.story.tell({ type: 'protocol', channel: this.request.stream, error: problem });
    if (++this.malformed < maxMalformed) return false;
    this.owner.failed(problem);
    return true;
  }

  /** A record or sub-entry inside of a chunk is not what it says; or the user's own filter threw. */
  private broken(error: unknown): void {
    this.chunks.clear();
    if (!(error instanceof ProtocolError)) this.owner.failed(error);
    else if (!this.isHopeless(error)) this.subscription.drop(error);
  }

  private async update(active: boolean, reply: (spec: OffsetSpec) => void): Promise<void> {
    const { connection } = this.subscription;
    if (connection === undefined) return;
    this.chunks.clear();
    try {
      const spec = active
        ? await this.bookmark.activate(connection, this.ending.signal)
        : await this.passivate(connection);
      // a chunk can follow the answer at once
      this.active = active;
      reply(spec);
    } catch (error) {
      // where it should begin is not known, so that no answer would be right: it is subscribed again
      this.subscription.drop(asWeirError(error, 'rabbitmq-stream'));
    }
  }

  /** Lets what is in hand be settled, for a while; then the position is stored, and the next one begins after it. */
  private async passivate(connection: Connection): Promise<OffsetSpec> {
    this.active = false;
    if (this.track.oldest !== undefined) await this.settledOrLate();
    // with the link gone, another may be at work already, and further
    if (this.over || this.subscription.connection === connection) await this.bookmark.passivate();
    return { type: 'none' };
  }

  private async settledOrLate(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.host.clock.after(handOver, resolve);
      this.handedOver = () => {
        cancel();
        resolve();
      };
    });
    this.handedOver = undefined;
  }
}

function propertiesOf({ channel, isPartition, options }: ReadRequest): Record<string, string> {
  const { queue, durable, filter } = options;
  const properties: Record<string, string> = {};
  const name = queue ?? durable;
  if (name !== undefined) properties['name'] = name;
  if (queue !== undefined) properties['single-active-consumer'] = 'true';
  if (isPartition) properties['super-stream'] = channel;
  filter?.values?.forEach((value, index) => (properties[`filter.${index}`] = value));
  if (filter?.matchUnfiltered === true) properties['match-unfiltered'] = 'true';
  return properties;
}
