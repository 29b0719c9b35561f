import { BaseSource, type SourceRequest } from '../../core/base-source.js';
import { ProtocolError, type WeirError } from '../../core/errors.js';
import { offsetBefore } from '../../core/offset.js';
import { AckEncoder } from '../codec/ack.js';
import { checkCrc } from '../codec/check-crc.js';
import { scanMessage, timestampMs } from '../codec/msg-proto.js';
import { StanDelivery } from '../delivery.js';
import type { LiveSource, StanHost } from '../host.js';
import { fromFirst, resumption, type Resumption } from './resume.js';
import { Subscribing, type Subscribed } from './subscribe.js';

/** Milliseconds; the server's own default too. @internal */
export const defaultAckWait = 30_000;

/** One subscriber's subscription: subscribed when the session is there, and again when that had to be renewed. @internal */
export class StanSource extends BaseSource implements LiveSource {
  private readonly acks: AckEncoder;
  /** ms since the Unix epoch: where a start that is relative to the first subscription counts from. */
  private begunAt: number | undefined;
  /** Under way to be subscribed. */
  private subscribing: Subscribing | undefined;
  /** What the server knows this by; undefined while it is not subscribed. */
  private current: Subscribed | undefined;
  /** Whether messages older than asked for may come and are to be passed over. */
  private trims: boolean;
  /** Set by a new subscription to what went before: the next message tells whether something is missing. */
  private resumed = false;

  constructor(
    private readonly host: StanHost,
    request: SourceRequest,
  ) {
    super(host, request);
    const { durable, queue } = request.settings;
    this.acks = new AckEncoder(request.channel);
    this.lane.lossy = true;
    this.trims = durable === undefined && queue === undefined;
  }

  /** The session answers, for the first time or again. */
  connected(kept: boolean): void {
    if (this.over) return;
    if (this.current !== undefined) {
      if (kept) this.ackAgain(this.current);
    } else if (this.subscribing !== undefined) this.subscribing.nudge();
    else if (this.begunAt !== undefined) this.subscribe();
  }

  /** The link dropped or the server is silent: the next message need not be the first that was sent. */
  interrupted(): void {
    this.resumed = false;
  }

  /** The server does not know the session any more, nor any subscription of it. */
  lost(): void {
    this.current?.drop();
    this.current = undefined;
    this.subscribing?.drop();
    this.subscribing = undefined;
  }

  ack(delivery: StanDelivery<unknown>): void {
    const { current } = this;
    // one that came by an earlier subscription is acked when its copy comes: the same sequence may mean another message
    if (current !== undefined && delivery.registration === current) {
      this.host.write(current.ackInbox, this.acks.encode(delivery.sequence));
    }
  }

  release(): void {
    // the protocol has no word for it: the server sends it again after ackWait
  }

  protected begin(): void {
    this.begunAt = this.host.clock.now();
    this.host.live.add(this);
    if (this.host.session.connected) this.subscribe();
    else this.host.wake();
  }

  protected end(done: () => void): void {
    this.host.live.delete(this);
    const { subscribing, current } = this;
    this.subscribing = undefined;
    this.current = undefined;
    if (subscribing !== undefined) subscribing.cancel(done);
    else if (current !== undefined) current.close(done);
    else done();
  }

  private subscribe(again = this.resumption()): void {
    const { host } = this;
    const { channel, settings, ackWait } = this.request;
    if (again.gap !== undefined) host.story.tell({ type: 'gap', channel, reason: again.gap });
    this.resumed = again.overlaps;
    this.subscribing = new Subscribing(
      host,
      {
        channel,
        queue: settings.queue,
        durable: settings.durable,
        maxInFlight: settings.maxInFlight,
        ackWait,
        start: again.start,
      },
      {
        subscribed: (subscribed) => {
          this.subscribing = undefined;
          this.current = subscribed;
        },
        message: (data, subscribed) => {
          this.arrived(data, subscribed);
        },
        failed: (error) => {
          this.subscribing = undefined;
          this.fail(error);
        },
      },
    );
    this.subscribing.begin();
  }

  private resumption(): Resumption {
    const { host, lane } = this;
    const { settings } = this.request;
    const now = host.clock.now();
    return resumption(settings, lane, now, this.begunAt ?? now, host.renewals > 0);
  }

  private fail(error: WeirError): void {
    this.request.receiver.error(error);
    this.finish();
  }

  private arrived(data: Uint8Array, subscribed: Subscribed): void {
    const { lane } = this;
    const delivery = new StanDelivery(this.request.channel, data, subscribed);
    try {
      scanMessage(data, delivery);
      if (delivery.crc32 !== 0) checkCrc(data, delivery);
    } catch (error) {
      this.malformed(error);
      return;
    }
    const stamp = timestampMs(delivery);
    const key = delivery.sequence;
    if (lane.last !== undefined) {
      if (this.resumed) this.skipRemoved(key);
      if (key <= lane.last) {
        if (lane.contradicts(key, stamp)) {
          if (this.beginAgain()) return;
        } else {
          const known = lane.find(key);
          if (known !== undefined) (known as StanDelivery<unknown>).registration = subscribed;
        }
      }
    }
    this.resumed = false;
    if (this.trims && this.isBefore(delivery, stamp)) this.pass(delivery, stamp);
    else this.intake.arrive(lane, delivery, stamp);
  }

  /**
   * The channel was emptied, and the subscription had resumed in the middle: what the new channel holds below would be
   * missed, so it is read from its first message. Returns whether that was necessary.
   */
  private beginAgain(): boolean {
    const { current } = this;
    if (
      current === undefined ||
      this.request.settings.durable !== undefined ||
      this.request.settings.queue !== undefined
    )
      return false;
    this.intake.restart(this.lane);
    this.current = undefined;
    this.trims = false;
    current.close(() => undefined);
    this.subscribe(fromFirst);
    return true;
  }

  /** A subscription that was made again began at the lowest unsettled message, or at the first that is left after it. */
  private skipRemoved(key: number | bigint): void {
    const { lane } = this;
    const { channel } = this.request;
    const first = lane.resumeAt!;
    // what waits here for a place was received, wherever else it is gone
    if (key <= first || lane.held.size > 0) return;
    lane.settledOffsets?.skip(first, offsetBefore(key)!);
    if (key <= lane.last!) return;
    const from = BigInt(lane.last!) + 1n;
    const to = BigInt(key) - 1n;
    if (from > to) return;
    this.host.story.tell({ type: 'gap', channel, from, to, reason: 'the server has removed these messages meanwhile' });
  }

  /** Whether a message is older than the start asked for, where the wire cannot say it exactly. */
  private isBefore(delivery: StanDelivery<unknown>, stamp: number): boolean {
    const { start } = this.request.settings;
    if (start?.kind === 'fromOffset' && delivery.sequence < start.offset) return true;
    if (start?.kind === 'fromTime' && stamp < start.time) return true;
    this.trims = false;
    return false;
  }

  /** Acks what was not asked for and counts it as settled. */
  private pass(delivery: StanDelivery<unknown>, stamp: number): void {
    this.lane.arrived(delivery.sequence, stamp);
    this.lane.settle(delivery.sequence);
    this.ack(delivery);
  }

  private ackAgain(current: Subscribed): void {
    for (const key of this.lane.recentlySettled()) this.host.write(current.ackInbox, this.acks.encode(key));
  }

  private malformed(error: unknown): void {
    const problem =
      error instanceof ProtocolError
        ? error
        : new ProtocolError(String(error), { broker: 'nats-streaming', cause: error });
    this.host.story.tell({ type: 'protocol', channel: this.request.channel, error: problem });
  }
}
