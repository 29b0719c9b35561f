import { BaseSource, type SourceHost, type SourceRequest } from '../../core/base-source.js';
import type { Cancel } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import { asWeirError } from '../../core/publisher.js';
import { earliest, newOnly, untilOffset, type Start } from '../../core/starts.js';
import type { MemoryConnection } from '../connection/connection.js';
import { StoredDelivery } from '../delivery.js';
import type { Faults } from '../faults.js';
import type { Membership } from '../store/membership.js';
import type { StoredMessage } from '../store/message.js';
import type { MemoryServer } from '../store/server.js';

/** What the sources of one handle share. @internal */
export interface MemoryHost extends SourceHost {
  readonly server: MemoryServer;
  readonly connection: MemoryConnection;
  readonly faults: Faults;
  readonly live: Set<MemorySource>;
  /** Connects, if nothing did yet. */
  wake(): void;
}

/** A message that `faults.delay` holds back. */
interface Delayed {
  /** When it is handed over, in ms of the clock. */
  readonly due: number;
  readonly message: StoredMessage;
  readonly redeliveries: number;
}

/** One subscriber's subscription to the store. @internal */
export class MemorySource extends BaseSource {
  private membership: Membership | undefined;
  private readonly delayed = new Deque<Delayed>();
  private cancelDelay: Cancel | undefined;

  constructor(
    private readonly host: MemoryHost,
    request: SourceRequest,
  ) {
    super(host, request);
  }

  get channel(): string {
    return this.request.channel;
  }

  /** The connection is there, for the first time or again. */
  connected(): void {
    const { membership } = this;
    if (membership === undefined) {
      this.subscribe(this.request.settings.start ?? newOnly());
      return;
    }
    for (const key of this.lane.recentlySettled()) membership.ack(key);
    membership.resume();
  }

  interrupted(): void {
    this.membership?.pause();
  }

  /** The store lost everything: what it holds from here on is read from its first message. */
  wiped(): void {
    if (this.membership === undefined) return;
    if (this.stopped) {
      // it only waited for acks, and those mean nothing any more
      this.finish();
      return;
    }
    this.membership.close();
    this.membership = undefined;
    this.clearDelayed();
    this.intake.restart(this.lane);
    this.subscribe(earliest());
    if (!this.host.connection.up) this.interrupted();
  }

  ack(delivery: StoredDelivery<unknown>): void {
    // while the connection is down the lane remembers it
    if (this.host.connection.up) this.membership?.ack(delivery.offsetKey);
  }

  release(): void {
    // as on NATS Streaming: it comes again after ackWait
  }

  protected begin(): void {
    this.host.live.add(this);
    if (this.host.connection.up) this.subscribe(this.request.settings.start ?? newOnly());
    else this.host.wake();
  }

  protected end(done: () => void): void {
    this.host.live.delete(this);
    this.clearDelayed();
    this.membership?.close();
    this.membership = undefined;
    done();
  }

  private subscribe(start: Start): void {
    const { server } = this.host;
    const { channel, settings, ackWait, receiver } = this.request;
    const { durable, queue, maxInFlight } = settings;
    const last = server.lastOffset(channel);
    const request = { client: server, channel, start, durable, queue, maxInFlight, ackWait };
    let membership: Membership;
    try {
      membership = server.subscribe(request, (message, redeliveries) => {
        this.deliver(message, redeliveries);
      });
    } catch (error) {
      receiver.error(asWeirError(error, 'memory'));
      return;
    }
    this.membership = membership;
    if (this.nothingToCome(membership, last)) receiver.complete();
  }

  /** Whether the end of the source lies before all that can come. Sets the end, where it is what was last just now. */
  private nothingToCome(membership: Membership, last: bigint | undefined): boolean {
    const { until } = this.request.settings;
    if (until?.kind === 'untilNow') {
      if (last === undefined || membership.position > last) return true;
      this.intake.endAt(untilOffset(last));
      return false;
    }
    return until?.kind === 'untilOffset' && membership.position > until.offset;
  }

  private deliver(message: StoredMessage, redeliveries: number): void {
    const { faults, clock } = this.host;
    // what comes behind one that is held back waits too, because a wire keeps the order
    if (faults.delayed === 0 && this.delayed.length === 0) {
      this.take(message, redeliveries);
      return;
    }
    this.delayed.push({ due: clock.now() + faults.delayed, message, redeliveries });
    this.awaitDelayed();
  }

  private awaitDelayed(): void {
    const first = this.delayed.peek();
    if (first === undefined || this.cancelDelay !== undefined) return;
    const { clock } = this.host;
    this.cancelDelay = clock.after(Math.max(0, first.due - clock.now()), () => {
      this.cancelDelay = undefined;
      const now = clock.now();
      for (let next = this.delayed.peek(); next !== undefined && next.due <= now; next = this.delayed.peek()) {
        this.delayed.shift();
        this.take(next.message, next.redeliveries);
      }
      this.awaitDelayed();
    });
  }

  private take(message: StoredMessage, redeliveries: number): void {
    const again = redeliveries > 0;
    this.intake.arrive(this.lane, new StoredDelivery(this.channel, message, redeliveries, again), 0);
    if (this.host.faults.takeDuplicate()) {
      this.intake.arrive(this.lane, new StoredDelivery(this.channel, message, redeliveries + 1, true), 0);
    }
  }

  private clearDelayed(): void {
    this.cancelDelay?.();
    this.cancelDelay = undefined;
    this.delayed.clear();
  }
}
