import { TestScheduler } from 'rxjs/testing';
import { schedulerClock } from '../../../lib/core/clock.js';
import { earliest } from '../../../lib/core/starts.js';
import type { Membership, SubscribeRequest } from '../../../lib/memory/store/membership.js';
import type { StoredMessage } from '../../../lib/memory/store/message.js';
import { MemoryServer, type ServerOptions } from '../../../lib/memory/store/server.js';

/** A subscription that writes down what it gets: `3` for a first delivery, `3r1` for the first redelivery. */
export class Tap {
  log: string[] = [];
  readonly offsets: number[] = [];
  /** Called with each message, after it was written down. */
  then: (message: StoredMessage, redeliveries: number) => void = () => undefined;
  member!: Membership;

  ack(...offsets: number[]): void {
    for (const offset of offsets) this.member.ack(offset);
  }

  /** What came since the last look. */
  take(): string {
    const seen = this.log.join(' ');
    this.log = [];
    return seen;
  }
}

/** A server in virtual time that moves by hand. */
export class World {
  readonly scheduler = new TestScheduler(() => undefined);
  readonly server: MemoryServer;
  readonly client = {};

  constructor(bounds: Omit<ServerOptions, 'clock'> = {}) {
    this.server = new MemoryServer({ clock: schedulerClock(this.scheduler), ...bounds });
  }

  get timers(): number {
    return this.scheduler.actions.length;
  }

  /** Moves the time and runs what falls due; without an argument, what is due in this frame. */
  advance(ms = 0): void {
    const { scheduler } = this;
    // an action at the end, because virtual time stands still where nothing is scheduled
    scheduler.schedule(() => undefined, ms);
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
  }

  put(count: number, channel = 'c'): void {
    for (let i = 0; i < count; i++) this.server.publish(channel, new Uint8Array([i]));
  }

  /** Subscribes to `c` from the earliest on with a window of 100 and an ackWait of 100, if not told otherwise. */
  join(request: Partial<SubscribeRequest> = {}, then?: Tap['then']): Tap {
    const tap = new Tap();
    if (then !== undefined) tap.then = then;
    tap.member = this.server.subscribe(
      { client: this.client, channel: 'c', start: earliest(), maxInFlight: 100, ackWait: 100, ...request },
      (message, redeliveries) => {
        tap.log.push(redeliveries === 0 ? String(message.offset) : `${message.offset}r${redeliveries}`);
        tap.offsets.push(message.offset);
        tap.then(message, redeliveries);
      },
    );
    return tap;
  }

  /** Joins and lets the time stand, so that what is there has come. */
  joined(request: Partial<SubscribeRequest> = {}): Tap {
    const tap = this.join(request);
    this.advance();
    return tap;
  }
}

/** A tap's reaction that acks everything at once. */
export function acking(tap: Tap): Tap {
  tap.then = (message) => {
    tap.member.ack(message.offset);
  };
  return tap;
}
