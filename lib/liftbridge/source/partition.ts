import type { WeirError } from '../../core/errors.js';
import type { LogIntake } from '../../core/log-intake.js';
import type { OffsetKey } from '../../core/offset.js';
import type { Track } from '../../core/track.js';
import { emptyMessageScan, readMessage } from '../codec/message.js';
import { MessageDelivery, type Origin } from '../delivery.js';
import type { Neighbour } from '../group/neighbours.js';
import type { LiftbridgeHost } from '../host.js';
import { Bookmark, type ReadRequest } from './bookmark.js';
import { Subscription } from './subscription.js';

/** What a partition tells the source around it. @internal */
export interface PartitionOwner {
  readonly intake: LogIntake;
  /** It has something to hand in, as soon as there is room. */
  waits(partition: Partition): void;
  /** The same, and there may be room. */
  arrived(partition: Partition): void;
  /** Another member of the group reads it, or is to: it is not this one's any more. */
  replaced(partition: Partition): void;
  /** The source is to end with an error. */
  failed(error: unknown): void;
}

/** Malformed messages in a row, at the same place, after which it is the log that is bad and not the connection. */
const maxMalformed = 3;

const scan = emptyMessageScan();

/**
 * One partition within a source: takes its messages in while the window has room, and lets the broker wait when it has none.
 * No message waits here but the one that came when the window was full; the rest stays with HTTP/2 flow control.
 * @internal
 */
export class Partition implements Origin, Neighbour {
  readonly channel: string;
  readonly partition: number;
  /** Whether it waits in the source's queue. */
  queued = false;
  private readonly bookmark: Bookmark;
  private readonly subscription: Subscription;
  /** Whether no other may read for the same position. */
  private readonly isAlone: boolean;
  /** Came when there was no room. */
  private held: MessageDelivery<Uint8Array> | undefined;
  /** Whether the broker was made to wait. */
  private stopped = false;
  private pulling = false;
  /** How often in a row what came could not be read, and behind which offset. */
  private malformed = { times: 0, after: undefined as OffsetKey | undefined };
  private over = false;
  private ending: Promise<void> | undefined;

  constructor(
    private readonly host: LiftbridgeHost,
    private readonly request: ReadRequest,
    private readonly owner: PartitionOwner,
  ) {
    const { stream, partition, options } = request;
    this.channel = stream;
    this.partition = partition;
    this.isAlone = options.queue === undefined;
    this.bookmark = new Bookmark(host, request, owner.intake, () => host.neighbours.follow(this.place, this));
    this.subscription = new Subscription(
      { session: host.session, clock: host.clock, requestTimeout: host.resolved.requestTimeout },
      {
        stream,
        partition,
        resume: options.resume === true,
        readIsrReplica: options.readIsrReplica === true,
      },
      {
        begin: (signal) => this.bookmark.begin(signal),
        consumer: request.consumer,
        message: (bytes, start, end) => this.message(bytes, start, end),
        lost: () => {
          this.letGo();
        },
        exhausted: () => {
          owner.intake.end(this.track);
        },
        replaced: () => {
          owner.replaced(this);
        },
        malformed: (error) => {
          this.broken(error);
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

  get epoch(): bigint | undefined {
    return this.request.consumer()?.groupEpoch;
  }

  start(): void {
    if (this.over) return;
    if (!this.isAlone) this.host.neighbours.enter(this.place, this);
    this.subscription.start();
  }

  /** Hands in what there is while there is room. */
  pull(): void {
    const { intake } = this.owner;
    this.pulling = true;
    if (this.held !== undefined && intake.room) this.hand(this.held);
    if (this.stopped && this.held === undefined && intake.room && !this.track.ended) {
      this.stopped = false;
      this.subscription.resume();
    }
    this.pulling = false;
    if (this.stopped && !this.over && !this.track.ended) this.owner.waits(this);
  }

  /** The rest is not asked for. A group's member stays subscribed, because that is how it hears who reads next. */
  rest(): void {
    this.letGo();
    if (this.isAlone) this.subscription.end();
  }

  settled(track: Track, offset: OffsetKey): void {
    this.bookmark.settled(track, offset);
  }

  makeWay(): Promise<void> {
    if (this.ending === undefined) this.owner.replaced(this);
    return this.end();
  }

  /** Has the broker send nothing more. */
  unsubscribe(): void {
    this.over = true;
    this.letGo();
    this.subscription.end();
  }

  /** Stores where it stands and ends. Never rejects. */
  end(): Promise<void> {
    this.ending ??= this.leave();
    return this.ending;
  }

  private async leave(): Promise<void> {
    // who was without a subscription may have been replaced, and would store less than the one who reads has reached
    const mine = this.isAlone || this.subscription.wasLive;
    this.unsubscribe();
    await this.bookmark.end(mine);
    this.host.neighbours.leave(this.place, this);
  }

  /** What others of its group find it by. */
  private get place(): string {
    const { stream, partition, options } = this.request;
    return `${stream}/${partition}\n${options.queue ?? ''}`;
  }

  private letGo(): void {
    this.held = undefined;
    this.stopped = false;
  }

  private message(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.over || this.track.ended) return false;
    readMessage(bytes, start, end, scan);
    const delivery = new MessageDelivery<Uint8Array>(
      this,
      scan.offset,
      bytes,
      start,
      end,
      scan.valueStart,
      scan.valueEnd,
    );
    const { intake } = this.owner;
    // within a pull there is room, or it would have been stopped before
    if (this.pulling) this.hand(delivery);
    else {
      this.held = delivery;
      this.owner.arrived(this);
    }
    if (this.over || this.track.ended) return false;
    if (this.held === undefined && intake.room) return true;
    this.stopped = true;
    this.owner.waits(this);
    return false;
  }

  private hand(delivery: MessageDelivery<Uint8Array>): void {
    const { bookmark } = this;
    const { intake } = this.owner;
    this.held = undefined;
    const wanted = bookmark.wants(delivery);
    const { track } = bookmark;
    const earlier = wanted ? track.earlier(delivery.offsetKey) : undefined;
    if (!wanted || earlier === 'settled') {
      intake.pass(track, delivery);
      return;
    }
    if (earlier === 'unsettled') delivery.redeliveries = 1;
    intake.admit(track, delivery);
    if (!delivery.settled) delivery.detach();
  }

  /** Tells of it, and ends the source where the same place is malformed each time it is read. */
  private broken(error: WeirError): void {
    const { last } = this.track;
    this.host.story.tell({ type: 'protocol', channel: this.channel, error });
    const { times, after } = this.malformed;
    this.malformed = { times: after === last ? times + 1 : 1, after: last };
    if (this.malformed.times < maxMalformed) return;
    this.owner.failed(error);
  }
}
