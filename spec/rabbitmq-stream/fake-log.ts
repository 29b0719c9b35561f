import { gzipSync } from 'node:zlib';
import { keys } from '../../lib/rabbitmq-stream/codec/keys.js';
import type { OffsetSpec } from '../../lib/rabbitmq-stream/codec/offset-spec.js';
import type { SubEntry } from '../../lib/rabbitmq-stream/codec/publish.js';
import { responseCodes } from '../../lib/rabbitmq-stream/codec/response-codes.js';
import type { FakeConnection, FakeFrame, FakeRabbitMq } from '../support/fake-rabbitmq.js';
import {
  encodeChunk,
  encodeConsumerUpdate,
  encodeDeliver,
  encodeMetadataUpdate,
  encodeQueryOffsetResponse,
  encodeResponse,
  encodeStreamStatsResponse,
  type ChunkFields,
} from '../support/rabbitmq-frames.js';
import { until } from '../support/wait.js';

/** A subscription at the fake broker. */
export interface Subscribed {
  readonly connection: FakeConnection;
  readonly id: number;
  readonly offset: OffsetSpec;
  readonly properties: ReadonlyMap<string, string> | undefined;
  /** All the credit that it was ever given. */
  granted: number;
  /** Chunks that it may still be sent. */
  credit: number;
  /** Chunks that it was sent. */
  sent: number;
  /** The chunk that comes next. */
  next: number;
  over: boolean;
  /** Whether it is one of a group, and not the one at work. */
  passive: boolean;
}

/** Says what is written in place of a Deliver frame, by the place of its chunk and how often that was sent before. */
export type Spoil = (frame: Buffer, chunk: number, times: number, to: Subscribed) => Uint8Array | 'end' | undefined;

/** One stream of a fake broker, which hands its chunks out as far as there is credit, and keeps positions. */
export class FakeLog {
  readonly chunks: ChunkFields[] = [];
  readonly subscriptions: Subscribed[] = [];
  /** The answers to ConsumerUpdate. */
  readonly replies: FakeFrame[] = [];
  readonly stored = new Map<string, bigint>();
  spoil: Spoil = () => undefined;
  /** What follows the answer to Subscribe in the same write, where it does. */
  together = false;
  /** The questions of `echo` without an answer. */
  private readonly echoes = new Set<number>();
  private echoed = 0x7000_0000;
  private readonly times = new Map<number, number>();

  constructor(private readonly fake: FakeRabbitMq) {
    fake.on(keys.subscribe, (frame, connection) => {
      this.subscribed(frame, connection);
    });
    fake.on(keys.credit, (frame, connection) => {
      const { subscriptionId, credit } = frame.fields() as { subscriptionId: number; credit: number };
      const one = this.live.find((each) => each.connection === connection && each.id === subscriptionId);
      if (one === undefined) return;
      one.granted += credit;
      // a passive consumer keeps what it is given
      if (one.passive) return;
      one.credit += credit;
      this.feed(one);
    });
    fake.on(keys.unsubscribe, (frame, connection, proceed) => {
      const { subscriptionId } = frame.fields();
      for (const each of this.live) if (each.connection === connection && each.id === subscriptionId) each.over = true;
      proceed();
    });
    fake.on(keys.streamStats, ({ correlationId }, connection) => {
      const first = this.chunks.at(-1)?.firstOffset ?? -1n;
      connection.raw(encodeStreamStatsResponse(correlationId, new Map([['committed_chunk_id', BigInt(first)]])));
    });
    fake.on(keys.storeOffset, (frame) => {
      const { reference, offset } = frame.fields() as { reference: string; offset: bigint };
      this.stored.set(reference, offset);
    });
    fake.on(keys.queryOffset, (frame, connection) => {
      const stored = this.stored.get(frame.fields()['reference'] as string);
      const code = stored === undefined ? responseCodes.NO_OFFSET : responseCodes.OK;
      connection.raw(encodeQueryOffsetResponse(frame.correlationId, stored ?? 0, code));
    });
    fake.on(keys.consumerUpdate | 0x8000, (frame) => {
      if (!this.echoes.delete(frame.correlationId)) this.replies.push(frame);
    });
  }

  /** The subscriptions that are there now. */
  get live(): Subscribed[] {
    return this.subscriptions.filter((each) => !each.over && !each.connection.closed);
  }

  /** Chunks of so many records each come to its end, named by their offsets. */
  grow(...sizes: number[]): void {
    for (const size of sizes) {
      const entries = Array.from({ length: size }, (_, n) => data(`value ${this.after + n}`));
      this.add({ entries });
    }
  }

  add(chunk: Omit<ChunkFields, 'firstOffset'>): void {
    this.chunks.push({ timestamp: 1_700_000_000_000 + this.chunks.length, firstOffset: this.after, ...chunk });
    for (const each of this.live) this.feed(each);
  }

  /** The offset that the next record gets. */
  get after(): number {
    return this.chunks.reduce((sum, { entries, recordCount }) => sum + (recordCount ?? countOf(entries)), 0);
  }

  /** How many connections carry subscriptions. */
  get connections(): number {
    return new Set(this.subscriptions.map(({ connection }) => connection)).size;
  }

  /** Makes a single active consumer active or passive. */
  update(one: Subscribed, correlationId: number, active: boolean): void {
    const { connection, id } = one;
    if (!active) {
      one.passive = true;
      one.credit = 0;
    }
    connection.raw(encodeConsumerUpdate(correlationId, id, active));
  }

  /**
   * Asks on a connection what is answered at once and changes nothing: a ConsumerUpdate for nobody. The answer comes behind
   * what the client wrote before, which had read before what it was sent. Also resolves when the connection ends.
   */
  async echo(connection: FakeConnection): Promise<void> {
    const correlationId = this.echoed++;
    this.echoes.add(correlationId);
    connection.raw(encodeConsumerUpdate(correlationId, 255, false));
    await until(() => !this.echoes.has(correlationId) || connection.closed, { every: 1, message: 'an echo' });
    this.echoes.delete(correlationId);
  }

  /** Hands chunks out from where the last reply to ConsumerUpdate says. */
  activate(one: Subscribed): void {
    const offset = this.replies.at(-1)!.fields()['offset'] as OffsetSpec;
    one.next = this.indexOf(offset.type === 'none' ? one.offset : offset);
    one.passive = false;
    one.credit = one.granted - one.sent;
    this.feed(one);
  }

  /** Tells all connections that the stream has moved, so many times in one write. */
  move(stream: string, times: number): void {
    for (const each of this.live) each.over = true;
    this.storm(stream, times);
  }

  /** Tells all connections of a stream that it has moved, and does nothing else. */
  storm(stream: string, times: number): void {
    const frame = encodeMetadataUpdate(stream);
    const storm = Buffer.concat(Array.from({ length: times }, () => frame));
    for (const connection of this.fake.connections) if (!connection.closed) connection.raw(storm);
  }

  private subscribed(frame: FakeFrame, connection: FakeConnection): void {
    const { subscriptionId, offset, credit, properties } = frame.fields() as {
      subscriptionId: number;
      offset: OffsetSpec;
      credit: number;
      properties: ReadonlyMap<string, string> | undefined;
    };
    const one: Subscribed = {
      connection,
      id: subscriptionId,
      offset,
      properties,
      granted: credit,
      credit,
      sent: 0,
      next: this.indexOf(offset),
      over: false,
      passive: properties?.get('single-active-consumer') === 'true',
    };
    this.subscriptions.push(one);
    const answer = encodeResponse(keys.subscribe, frame.correlationId);
    if (one.passive) {
      one.credit = 0;
      connection.raw(answer);
    } else if (this.together) this.feed(one, answer);
    else {
      connection.raw(answer);
      this.feed(one);
    }
  }

  /** Sends as many chunks as there is credit for, in one write. */
  private feed(one: Subscribed, before: Uint8Array = new Uint8Array(0)): void {
    const frames = [before];
    let ends = false;
    while (!ends && one.credit > 0 && one.next < this.chunks.length) {
      const at = one.next++;
      one.credit--;
      one.sent++;
      const times = this.times.get(at) ?? 0;
      this.times.set(at, times + 1);
      const frame = Buffer.from(encodeDeliver(one.id, encodeChunk(this.chunks[at]!)));
      const spoilt = this.spoil(frame, at, times, one);
      ends = spoilt === 'end';
      frames.push(ends ? frame.subarray(0, frame.length >> 1) : ((spoilt as Uint8Array | undefined) ?? frame));
    }
    const bytes = Buffer.concat(frames);
    if (bytes.length > 0) one.connection.raw(bytes);
    if (ends) {
      one.over = true;
      one.connection.end();
    }
  }

  private indexOf(offset: OffsetSpec): number {
    const { chunks } = this;
    if (offset.type === 'first') return 0;
    if (offset.type === 'last') return Math.max(chunks.length - 1, 0);
    if (offset.type !== 'offset') return chunks.length;
    const behind = chunks.findIndex(({ firstOffset }) => BigInt(firstOffset) > offset.offset);
    return Math.max((behind < 0 ? chunks.length : behind) - 1, 0);
  }
}

/** A record with that text as its body. */
export function data(text: string): Uint8Array {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x00, 0x53, 0x75, 0xa0, body.length]), body]);
}

/** A sub-entry of these records. */
export function bundle(records: readonly Uint8Array[], compression = 0, changes: Partial<SubEntry> = {}): SubEntry {
  const plain = Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(record.length);
      return [length, record];
    }),
  );
  const bytes = compression === 1 ? gzipSync(plain) : plain;
  return { compression, records: records.length, uncompressedSize: plain.length, data: bytes, ...changes };
}

function countOf(entries: ChunkFields['entries']): number {
  return entries.reduce((sum, entry) => sum + (entry instanceof Uint8Array ? 1 : entry.records), 0);
}
