import type { Cancel } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import type { LiveSource } from '../../core/log-handle.js';
import { LogIntake, type LogProtocol } from '../../core/log-intake.js';
import { SourceLife, type LifeRequest } from '../../core/source-life.js';
import type { LogDelivery } from '../../core/track.js';
import type { Consumer } from '../codec/requests.js';
import type { MessageDelivery } from '../delivery.js';
import type { LiftbridgeHost } from '../host.js';
import { Membership, type Assignment } from '../group/membership.js';
import type { LiftbridgeSourceOptions } from './options.js';
import { Partition, type PartitionOwner } from './partition.js';

/** Milliseconds for which an unsubscribed source waits for what it emitted to be settled, where nothing else says. */
const linger = 30_000;
/** Milliseconds until a partition that another member took is tried again, if it is still this one's by then. */
const takeBack = 500;

/** One subscriber's subscription to partitions of a stream, all in one window. @internal */
export class LiftbridgeSource extends SourceLife implements LogProtocol, LiveSource, PartitionOwner {
  readonly intake: LogIntake;
  private readonly options: LiftbridgeSourceOptions;
  private readonly partitions = new Map<number, Partition>();
  /** Those that have something to hand in, the one that waits longest first. */
  private readonly waiting = new Deque<Partition>();
  private membership: Membership | undefined;
  private assignment: Assignment | undefined;
  /** ms since 1970; undefined until its turn has come */
  private began: number | undefined;
  private opened = false;
  private cancelOpening: Cancel | undefined;
  private cancelTakeBack: Cancel | undefined;
  /** Partitions that were taken away and store where they stood. */
  private readonly leaving = new Map<number, Promise<unknown>>();

  constructor(
    private readonly host: LiftbridgeHost,
    request: LifeRequest,
  ) {
    const { settings } = request;
    // the position of a durable can move as long as the handle lives
    super(host, request, settings.durable === undefined ? linger : Infinity);
    this.options = settings;
    this.intake = new LogIntake(settings, request.receiver, this, host.clock);
  }

  located(): void {
    if (!this.over && !this.opened && this.began !== undefined) this.open();
  }

  // what the window asks

  settled(delivery: LogDelivery<unknown>): void {
    (delivery as MessageDelivery<unknown>).origin.settled(delivery.track!, delivery.offsetKey);
  }

  pull(): void {
    const { waiting, intake } = this;
    for (let n = waiting.length; n > 0 && intake.room; n--) {
      const partition = waiting.shift()!;
      partition.queued = false;
      partition.pull();
    }
  }

  reached(): void {
    let all = this.partitions.size > 0;
    for (const partition of this.partitions.values()) {
      if (partition.track.ended) partition.rest();
      else all = false;
    }
    if (all) this.request.receiver.complete();
  }

  // what the partitions tell

  waits(partition: Partition): void {
    if (partition.queued) return;
    partition.queued = true;
    this.waiting.push(partition);
  }

  arrived(partition: Partition): void {
    this.waits(partition);
    this.intake.advance();
  }

  replaced(partition: Partition): void {
    if (this.over) return;
    this.giveUp((number) => number === partition.partition);
    this.membership?.refresh();
    this.cancelTakeBack ??= this.host.clock.after(takeBack, () => {
      this.cancelTakeBack = undefined;
      if (this.assignment !== undefined) this.assigned(this.assignment);
    });
  }

  private consumer(): Consumer | undefined {
    const { membership, assignment } = this;
    const { queue } = this.options;
    if (membership === undefined || assignment === undefined || queue === undefined) return undefined;
    return { groupId: queue, groupEpoch: assignment.epoch, consumerId: membership.consumerId };
  }

  failed(error: unknown): void {
    this.request.receiver.error(error);
    this.finish();
  }

  // its life

  protected begin(): void {
    this.host.live.add(this);
    this.began = this.host.clock.now();
    if (this.host.session.up) this.open();
    else this.host.wake();
  }

  protected override silence(): void {
    // a member of a group keeps its partitions until what it has of them is settled, so that no other reads that too
    if (this.options.queue === undefined) for (const partition of this.partitions.values()) partition.unsubscribe();
  }

  protected end(done: () => void): void {
    this.host.live.delete(this);
    this.cancelOpening?.();
    this.cancelTakeBack?.();
    this.host.session.resumed(this);
    // one that waited for its turn on a durable leaves at once, so that the next can wait
    if (this.partitions.size === 0 && this.membership === undefined) {
      done();
      return;
    }
    const ending: Promise<void> = this.leave().then(() => {
      this.host.ending.delete(ending);
      done();
    });
    this.host.ending.add(ending);
  }

  /** The positions are stored before the partitions are given away: who reads them next asks for them. */
  private async leave(): Promise<void> {
    await Promise.all([...this.leaving.values(), ...[...this.partitions.values()].map((partition) => partition.end())]);
    await this.membership?.end();
  }

  private open(): void {
    this.opened = true;
    const { channel } = this.request;
    const { partition, queue } = this.options;
    if (queue !== undefined) {
      this.join(queue);
    } else if (typeof partition === 'number') {
      this.read([partition]);
    } else if (partition !== undefined && partition !== 'all') {
      this.read(partition);
    } else {
      this.cancelOpening = this.host.session.retry(
        async (signal) => {
          const { count } = await this.host.session.stream(channel, { signal });
          if (!signal.aborted) this.read([...Array(count).keys()]);
        },
        (error) => {
          this.failed(error);
        },
      );
    }
  }

  private read(partitions: readonly number[]): void {
    const { options, request } = this;
    const consumer = (): Consumer | undefined => this.consumer();
    const added = partitions.map((partition) => {
      const read = { stream: request.channel, partition, options, began: this.began!, consumer };
      const reader = new Partition(this.host, read, this);
      this.partitions.set(partition, reader);
      return reader;
    });
    for (const reader of added) {
      const leaving = this.leaving.get(reader.partition);
      // where it was read before by this very member, its position is to be stored before it is asked for
      if (leaving === undefined) reader.start();
      else
        void leaving.then(() => {
          reader.start();
        });
    }
  }

  private join(group: string): void {
    this.membership = new Membership(
      this.host,
      { group, stream: this.request.channel },
      {
        assigned: (assignment) => {
          this.assigned(assignment);
        },
        revoked: () => {
          this.assignment = undefined;
          this.giveUp(() => true);
        },
        failed: (error) => {
          this.failed(error);
        },
      },
    );
    this.membership.start();
  }

  private assigned(assignment: Assignment): void {
    if (this.over || this.intake.stopped) return;
    this.assignment = assignment;
    const mine = new Set(assignment.partitions);
    this.giveUp((partition) => !mine.has(partition));
    for (const number of this.partitions.keys()) mine.delete(number);
    this.read([...mine]);
  }

  /** Partitions are another member's: what is in hand of them moves no position any more. */
  private giveUp(which: (partition: number) => boolean): void {
    for (const [number, partition] of this.partitions) {
      if (!which(number)) continue;
      this.partitions.delete(number);
      const { track } = partition;
      const before = this.leaving.get(number);
      const leaving: Promise<unknown> = Promise.all([before, partition.end()]).then(() => {
        if (this.leaving.get(number) === leaving) this.leaving.delete(number);
      });
      this.leaving.set(number, leaving);
      // what is released from here on is for the other to emit
      this.intake.drop(track);
    }
  }
}
