import type { Backoff } from '../../core/backoff.js';
import type { Cancel, Clock } from '../../core/clock.js';
import { BrokerTimeoutError, ConnectionError } from '../../core/errors.js';
import type { WeirError } from '../../core/errors.js';
import { decodePingResponse, encodePing } from '../codec/ping.js';
import type { Link } from '../connection/link.js';
import type { Registration } from './register.js';

/** Who is told what the pings find. @internal */
export interface PingHooks {
  /** The server knows this client. */
  good(): void;
  /** The server does not know this client, and never will again under this registration. */
  gone(cause: ConnectionError): void;
  /** While watching: nobody listens, or more pings than may be are unanswered. The watch is over. */
  silent(cause: WeirError): void;
  /** While probing: the attempts are used up. */
  exhausted(): void;
  /** The answer was none. */
  fault(error: WeirError): void;
}

/** @internal */
export interface PingParts {
  readonly link: Link;
  readonly registration: Registration;
  /** Milliseconds. */
  readonly interval: number;
  readonly maxOut: number;
  /** Paces the probes. */
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly hooks: PingHooks;
}

const broker = 'nats-streaming';

/**
 * Asks the server whether it still knows a registration: now and then while all is well (`watch`), or again and again until
 * it answers (`probe`). A server that comes back answers a ping either way, so there is no need for anything but pings.
 * @internal
 */
export class Pings {
  private mode: 'off' | 'watch' | 'probe' = 'off';
  /** Pings of the watch without an answer. */
  private unanswered = 0;
  /** Whether a ping out of turn is under way. */
  private verifying = false;
  private cancelTimer: Cancel | undefined;
  private readonly frame: Uint8Array;

  constructor(private readonly parts: PingParts) {
    this.frame = encodePing({ connId: parts.registration.connId });
  }

  /** Pings at each interval. */
  watch(): void {
    this.stop();
    this.mode = 'watch';
    this.later(this.parts.interval);
  }

  /** Pings at once, and after longer and longer waits, up to the interval, until `good` or `gone`. */
  probe(): void {
    this.stop();
    this.mode = 'probe';
    this.turn();
  }

  /** A ping out of turn. While one is under way, nothing. */
  verify(): void {
    if (this.mode !== 'watch' || this.verifying) return;
    this.verifying = true;
    this.send();
  }

  /** No more pings; replies that still come are dropped. */
  stop(): void {
    this.mode = 'off';
    this.unanswered = 0;
    this.verifying = false;
    this.cancelTimer?.();
  }

  /** What came on the ping inbox. */
  replied(data: Uint8Array, status: number): void {
    if (this.mode === 'off') return;
    this.verifying = false;
    if (status !== 0) {
      // as empty as a good reply, and means the opposite
      if (this.mode === 'watch') this.silence(nobody(this.subject));
      return;
    }
    if (data.length === 0) {
      this.unanswered = 0;
      this.parts.hooks.good();
      return;
    }
    let said: string;
    try {
      said = decodePingResponse(data).error;
    } catch (error) {
      this.parts.hooks.fault(error as WeirError);
      return;
    }
    if (said === '') {
      this.unanswered = 0;
      this.parts.hooks.good();
      return;
    }
    this.stop();
    this.parts.hooks.gone(
      new ConnectionError(`the NATS Streaming server no longer knows this client (${said})`, {
        broker,
        detail: { error: said },
      }),
    );
  }

  private get subject(): string {
    return this.parts.registration.subjects.pingRequests;
  }

  private later(ms: number): void {
    this.cancelTimer = this.parts.clock.after(ms, () => {
      this.turn();
    });
  }

  private turn(): void {
    const { interval, maxOut, backoff, hooks } = this.parts;
    this.verifying = false;
    if (this.mode === 'watch') {
      if (++this.unanswered > maxOut) {
        this.silence(tooQuiet(this.subject, maxOut, interval));
        return;
      }
      this.later(interval);
    } else {
      const wait = backoff.next();
      if (wait === undefined) {
        this.stop();
        hooks.exhausted();
        return;
      }
      // a ping costs little, and the sooner the return is seen the better
      this.later(Math.min(wait, interval));
    }
    this.send();
  }

  private send(): void {
    const { link, registration, hooks } = this.parts;
    try {
      link.publish(this.subject, this.frame, registration.pingInbox);
    } catch (error) {
      // the link tells of its end by itself
      hooks.fault(error as WeirError);
    }
  }

  private silence(cause: WeirError): void {
    this.stop();
    this.parts.hooks.silent(cause);
  }
}

function nobody(subject: string): WeirError {
  return new ConnectionError(`the NATS Streaming server is not there: nobody listens on ${subject}`, {
    broker,
    detail: { subject, noResponders: true },
  });
}

function tooQuiet(subject: string, maxOut: number, interval: number): WeirError {
  const seconds = ((maxOut + 1) * interval) / 1000;
  return new BrokerTimeoutError(`the NATS Streaming server has not answered a ping on ${subject} for ${seconds} s`, {
    broker,
    detail: { subject, unanswered: maxOut },
  });
}
