import type { LiveSource } from '../../core/log-handle.js';
import { LogIntake, type LogProtocol } from '../../core/log-intake.js';
import { SourceLife, type LifeRequest } from '../../core/source-life.js';
import type { LogDelivery } from '../../core/track.js';
import type { Cancel } from '../../core/clock.js';
import type { RecordDelivery } from '../delivery.js';
import type { RabbitHost } from '../host.js';
import type { Chunk } from './chunk.js';
import type { RabbitMqStreamSourceOptions } from './options.js';
import { Partition, type PartitionOwner } from './partition.js';

/** Milliseconds for which an unsubscribed source waits for what it emitted to be settled, where nothing else says. */
const linger = 30_000;
/** Bytes of chunks that may be held only by unsettled deliveries. Beyond it, the deliveries take their own bytes along. */
const maxRetained = 4 * 2 ** 20;

/** One subscriber's subscription to a stream, or to all partitions of a super stream in one window. @internal */
export class RabbitSource extends SourceLife implements LogProtocol, LiveSource, PartitionOwner {
  readonly intake: LogIntake;
  private readonly options: RabbitMqStreamSourceOptions;
  private partitions: readonly Partition[] = [];
  /** ms since 1970; undefined until its turn has come */
  private began: number | undefined;
  private opened = false;
  private cancelOpening: Cancel | undefined;
  /** Which partition is asked first; they take turns. */
  private next = 0;
  private retained = new Set<Chunk>();
  private retainedBytes = 0;

  constructor(
    private readonly host: RabbitHost,
    request: LifeRequest,
  ) {
    const { settings } = request;
    // the position of a durable can move as long as the handle lives
    super(host, request, settings.durable === undefined ? linger : Infinity);
    this.options = settings;
    this.intake = new LogIntake(settings, request.receiver, this, host.clock);
  }

  located(): void {
    if (!this.over && !this.opened && this.began !== undefined) this.open(this.began);
  }

  // what the window asks

  settled(delivery: LogDelivery<unknown>): void {
    (delivery as RecordDelivery<unknown>).origin.settled(delivery.track!);
  }

  pull(): void {
    const { partitions } = this;
    const { length } = partitions;
    for (let n = 0; n < length && this.intake.room; n++) {
      partitions[this.next]!.pull();
      this.next = (this.next + 1) % length;
    }
  }

  reached(): void {
    if (this.partitions.every(({ track }) => track.ended)) this.request.receiver.complete();
  }

  // what the partitions tell

  arrived(): void {
    this.intake.advance();
  }

  failed(error: unknown): void {
    this.request.receiver.error(error);
    this.finish();
  }

  retains(chunk: Chunk): void {
    this.retained.add(chunk);
    this.retainedBytes += chunk.size;
    if (this.retainedBytes <= Math.max(maxRetained, 2 * chunk.size)) return;
    for (const { track } of this.partitions) {
      for (let each = track.oldest; each !== undefined; each = each.newer) {
        const record = each as RecordDelivery<unknown>;
        if (this.retained.has(record.origin as Chunk)) record.detach();
      }
    }
    for (const each of this.retained) each.clear();
    this.retained.clear();
    this.retainedBytes = 0;
  }

  letGo(chunk: Chunk): void {
    if (!this.retained.delete(chunk)) return;
    this.retainedBytes -= chunk.size;
    chunk.clear();
  }

  // its life

  protected begin(): void {
    this.host.live.add(this);
    this.began = this.host.clock.now();
    if (this.host.session.up) this.open(this.began);
    else this.host.wake();
  }

  protected override silence(): void {
    // a single active consumer hands over when it ends, so it stays the active one until what it has is settled
    if (this.options.queue === undefined) for (const partition of this.partitions) void partition.unsubscribe();
  }

  protected end(done: () => void): void {
    this.host.live.delete(this);
    this.cancelOpening?.();
    this.host.session.resumed(this);
    // one that waited for its turn on a durable leaves at once, so that the next can wait
    if (this.partitions.length === 0) {
      done();
      return;
    }
    const ending = Promise.all(this.partitions.map((partition) => partition.end())).then(() => {
      this.host.ending.delete(ending);
      done();
    });
    this.host.ending.add(ending);
  }

  private open(began: number): void {
    this.opened = true;
    const { channel } = this.request;
    if (this.options.superStream !== true) {
      this.read([channel], began);
      return;
    }
    this.cancelOpening = this.host.session.retry(
      async (signal) => {
        const streams = await this.host.session.partitions(channel, signal);
        if (!signal.aborted) this.read(streams, began);
      },
      (error) => {
        this.failed(error);
      },
    );
  }

  private read(streams: readonly string[], began: number): void {
    const { channel } = this.request;
    const isPartition = this.options.superStream === true;
    this.partitions = streams.map(
      (stream) => new Partition(this.host, { channel, stream, isPartition, options: this.options, began }, this),
    );
    for (const partition of this.partitions) partition.start();
  }
}
