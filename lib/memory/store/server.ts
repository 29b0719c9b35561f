import type { Clock } from '../../core/clock.js';
import { Channel } from './channel.js';
import type { LogBounds, MessageLog } from './log.js';
import type { Deliver, Membership, SubscribeRequest } from './membership.js';
import type { StoredFields } from './message.js';
import { Turns } from './turns.js';

/** @internal */
export interface ServerOptions {
  readonly clock: Clock;
  /** Bytes of data and keys that a channel keeps; the newest message stays, however large. Default: no bound. */
  readonly maxBytes?: number | undefined;
  /** Messages that a channel keeps. Default: no bound. */
  readonly maxMessages?: number | undefined;
  /** Milliseconds for which a channel keeps a message. Default: no bound. */
  readonly maxAge?: number | undefined;
}

/** What a channel holds, for specs and curious people. @internal */
export interface ChannelState {
  readonly messages: number;
  readonly bytes: number;
  readonly subscriptions: number;
  readonly unacked: number;
}

/**
 * The broker inside the process: plain synchronous code on a clock. Deliveries are made at the end of the turn, in the
 * same frame under virtual time.
 *
 * Its semantics are those of NATS Streaming, and better in two places: a start at an offset or a time that is yet to
 * come waits for it.
 * @internal
 */
export class MemoryServer {
  private readonly clock: Clock;
  private readonly bounds: LogBounds;
  private readonly turns: Turns;
  private readonly known = new Map<string, Channel>();

  constructor(options: ServerOptions) {
    this.clock = options.clock;
    this.bounds = options;
    this.turns = new Turns(options.clock);
  }

  /** How many subscriptions are active. */
  get subscriptions(): number {
    let count = 0;
    for (const channel of this.known.values()) count += channel.subscriptions;
    return count;
  }

  /** The channels that have had a message, or have a subscription or a durable. */
  get channels(): string[] {
    return [...this.known.keys()];
  }

  /** Stores a copy of the data; delivery follows at the end of this turn. Returns the offset: from 1, without gaps. */
  publish(channel: string, data: Uint8Array, fields?: StoredFields): bigint {
    return BigInt(this.channel(channel).publish(data, fields));
  }

  /**
   * Begins or resumes; delivery follows at the end of this turn.
   * @throws InUseError for a durable (without queue) of this client that has an active subscription.
   */
  subscribe(request: SubscribeRequest, deliver: Deliver): Membership {
    return this.channel(request.channel).subscribe(request, deliver);
  }

  /** The offset of the oldest message that is there; undefined for a channel that is empty or unknown. */
  firstOffset(channel: string): bigint | undefined {
    const log = this.freshLog(channel);
    return log === undefined || log.length === 0 ? undefined : BigInt(log.first);
  }

  /** The offset of the newest message that is there; undefined for a channel that is empty or unknown. */
  lastOffset(channel: string): bigint | undefined {
    const log = this.freshLog(channel);
    return log === undefined || log.length === 0 ? undefined : BigInt(log.next - 1);
  }

  /**
   * Drops the position of a durable, or of a durable queue group. Returns whether there was one.
   * @throws InUseError while a subscription is active on it.
   */
  forget(
    client: object,
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): boolean {
    return this.known.get(channel)?.forget(client, position) ?? false;
  }

  /** What the channel holds; undefined for an unknown one. */
  inspect(channel: string): ChannelState | undefined {
    const log = this.freshLog(channel);
    const found = this.known.get(channel);
    if (log === undefined || found === undefined) return undefined;
    return { messages: log.length, bytes: log.bytes, subscriptions: found.subscriptions, unacked: found.unacked };
  }

  /**
   * Loses everything, as a server without a disk does when it restarts: messages, positions and subscriptions of this
   * channel, or of all. Memberships turn inactive without a word; the next message gets offset 1.
   */
  wipe(channel?: string): void {
    for (const name of channel === undefined ? this.channels : [channel]) {
      this.known.get(name)?.disband();
      this.known.delete(name);
    }
  }

  private channel(name: string): Channel {
    let channel = this.known.get(name);
    if (channel === undefined) {
      channel = new Channel(name, this.bounds, this.turns, this.clock, (unused) => {
        if (this.known.get(name) === unused) this.known.delete(name);
      });
      this.known.set(name, channel);
    }
    return channel;
  }

  private freshLog(channel: string): MessageLog | undefined {
    const log = this.known.get(channel)?.log;
    log?.expire(this.clock.now());
    return log;
  }
}
