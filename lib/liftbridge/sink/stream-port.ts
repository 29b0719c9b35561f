import type { Cancel } from '../../core/clock.js';
import { InvalidOptionError, PublishError, RoutingError, WeirError } from '../../core/errors.js';
import type { Entry, Publisher, PublishPort } from '../../core/publisher.js';
import { encodeHeaders, headerFields } from '../codec/headers.js';
import {
  expectsOffset,
  headerEntries,
  isPartition,
  keyBytes,
  type AckPolicy,
  type LiftbridgeFields,
} from '../fields.js';
import type { Partitioner } from '../partitioners.js';
import { giveBackUnsent } from './give-back.js';
import type { SinkHost } from './host.js';
import { Lane, UnackedLane } from './lane.js';
import type { SinkSettings } from './options.js';
import type { MessageParts, Outbox } from './outbox.js';
import { SecondChance } from './second-chance.js';

const broker = 'liftbridge';
const policies: readonly AckPolicy[] = ['leader', 'all', 'none'];
const noFields: LiftbridgeFields = {};

/** The way to one stream: chooses partitions, and reads what goes with a message. @internal */
export class StreamPort implements PublishPort {
  private publisher: Publisher | undefined;
  /** By partition and policy. */
  private readonly lanes = new Map<number, Lane>();
  /** For messages without fields, where their partition is known without looking at them. */
  private readonly plain: Lane | undefined;
  private readonly partitioner: Partitioner | undefined;
  /** How many partitions there are; asked for only where one is chosen for each message. */
  private count: number | undefined = undefined;
  /** Ends the question for `count`. */
  private asking: Cancel | undefined;
  private readonly secondChance: SecondChance;

  constructor(
    private readonly channel: string,
    private readonly settings: SinkSettings,
    private readonly outbox: Outbox,
    private readonly host: SinkHost,
  ) {
    const { partition, ackPolicy } = settings;
    if (typeof partition === 'function') this.partitioner = partition;
    else if (ackPolicy !== 'none') this.plain = this.lane(partition, ackPolicy);
    this.secondChance = new SecondChance(
      host.clock,
      (entries) => {
        this.tryAgain(entries);
      },
      () => outbox.awaits(this.publisher!),
    );
  }

  /** ms */
  get ackTimeout(): number {
    return this.settings.ackTimeout;
  }

  get writable(): boolean {
    if (this.partitioner !== undefined && this.count === undefined) return false;
    return this.outbox.writable && !this.secondChance.holding;
  }

  attach(publisher: Publisher): void {
    this.publisher = publisher;
    this.outbox.attached(publisher, this);
  }

  wake(): void {
    if (!this.host.session.up) this.host.wake();
    if (this.partitioner !== undefined && this.count === undefined && this.asking === undefined) this.ask(false);
  }

  write(entry: Entry): void {
    this.secondChance.written(entry, this.publisher!.pending === 1);
    const { plain } = this;
    if (plain !== undefined && entry.fields === undefined) this.outbox.send(entry, plain, this.settings.ackTimeout);
    else this.writeWith(entry, (entry.fields as LiftbridgeFields | undefined) ?? noFields);
  }

  close(): void {
    this.asking?.();
    this.asking = undefined;
    // nothing is pending, and so nothing is kept
    this.secondChance.release();
    for (const lane of this.lanes.values()) this.outbox.dropLane(lane);
    if (this.publisher !== undefined) this.outbox.detached(this.publisher, this);
  }

  /** The handle ends. Gives what is kept here. */
  abandon(): readonly Entry[] {
    this.asking?.();
    return this.secondChance.release();
  }

  /** The broker does not know the stream, or the partition. Returns whether the message is kept, to be sent again. */
  unknown(entry: Entry): boolean {
    return this.secondChance.take(entry, this.outbox.reconnectedAt);
  }

  /** Some message was stored: the broker knows the stream. */
  known(): void {
    this.secondChance.forget();
  }

  private tryAgain(entries: readonly Entry[]): void {
    if (!this.host.session.up) this.host.wake();
    // the stream may have been made anew, with another number of partitions
    if (this.partitioner !== undefined && this.asking === undefined) this.ask(true);
    giveBackUnsent(entries);
  }

  /** Asks how many partitions there are. */
  private ask(fresh: boolean): void {
    const { session } = this.host;
    this.count = undefined;
    this.asking = session.retry(
      async (signal) => {
        const { count } = await session.stream(this.channel, { fresh, signal });
        signal.throwIfAborted();
        this.asking = undefined;
        this.count = count;
        this.publisher?.pump();
      },
      (error) => {
        this.asking = undefined;
        this.publisher?.failQueued(error);
      },
    );
  }

  private writeWith(entry: Entry, fields: LiftbridgeFields): void {
    const { channel, settings, outbox } = this;
    const { headers, expectedOffset, correlationId: id = fields.id, ackPolicy = settings.ackPolicy } = fields;
    const key = keyBytes(fields.key);
    const expected = expectsOffset(expectedOffset) ? expectedOffset : undefined;
    if (ackPolicy === 'none' && expected !== undefined) {
      throw new InvalidOptionError(
        `cannot publish to '${channel}': expectedOffset needs an ack, and ackPolicy is 'none'; take 'leader' or 'all'`,
        { broker },
      );
    }
    const lane = this.lane(this.partitionOf(entry, key, fields.partition), ackPolicy);
    const parts: MessageParts = {
      id,
      key,
      headers: headers && encodeHeaders(headerEntries(headers), headerFields.publish),
      expectedOffset: expected,
    };
    if (lane instanceof UnackedLane) outbox.sendUnacked(entry, lane, parts);
    else outbox.send(entry, lane, settings.ackTimeout, parts);
  }

  private partitionOf(entry: Entry, key: Uint8Array | undefined, given: number | undefined): number {
    const { count, partitioner } = this;
    if (given === undefined && partitioner === undefined) return this.settings.partition as number;
    const partition = given ?? this.choose(partitioner!, entry, key);
    if (count === undefined || partition < count) return partition;
    throw new RoutingError(
      `cannot publish to '${this.channel}': there is no partition ${String(partition)}, they are 0 to ${String(count - 1)}`,
      { broker, detail: { partition, partitions: count } },
    );
  }

  private choose(partitioner: Partitioner, { value, bytes }: Entry, key: Uint8Array | undefined): number {
    let partition: unknown;
    try {
      partition = partitioner({ value, bytes, key }, this.count!);
    } catch (error) {
      if (error instanceof WeirError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new PublishError(`cannot publish to '${this.channel}': the partitioner threw: ${reason}`, {
        broker,
        cause: error,
      });
    }
    if (isPartition(partition)) return partition as number;
    throw new RoutingError(
      `cannot publish to '${this.channel}': the partitioner gives an integer from 0 to ${String(this.count! - 1)}; it gave ${String(partition)}`,
      { broker },
    );
  }

  private lane(partition: number, ackPolicy: AckPolicy): Lane {
    const name = partition * policies.length + policies.indexOf(ackPolicy);
    let lane = this.lanes.get(name);
    if (lane === undefined) {
      if (ackPolicy === 'none') lane = this.outbox.unackedLane(this.channel, partition);
      else lane = new Lane(this.channel, partition, ackPolicy, this.outbox.ackedPrefix);
      this.lanes.set(name, lane);
    }
    return lane;
  }
}
