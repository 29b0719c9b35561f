import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { unlessAborted } from '../../core/pause.js';
import { addressText, type Address } from '../connection/address.js';
import type { Channel, openChannel } from '../connection/channel.js';
import type { ResolvedOptions } from '../options.js';

/** What a {@link Pool} asks and tells. @internal */
export interface PoolHooks {
  /** The channel is gone, and none that anybody wanted to be rid of. */
  lost(channel: Channel, error: WeirError): void;
  /** It takes no more calls, and those that are open on it go on. */
  leaving(channel: Channel): void;
  /** Whether requests go over it that may go anywhere. */
  isMain(channel: Channel): boolean;
  /** Whether a broker is known there. */
  isKnown(address: Address): boolean;
}

/** What a {@link Pool} is made of. @internal */
export interface PoolParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly open: typeof openChannel;
  readonly hooks: PoolHooks;
}

/** How many of the calls that a broker takes at a time are kept for requests, at most. */
const mostReserved = 16;
/** How long after it was given out a channel counts as used, in milliseconds. */
const linger = 1000;

interface Pooled {
  readonly channel: Channel;
  readonly address: Address;
  /** When it was given to somebody last. */
  usedAt: number;
  /** How often it was given to somebody in this turn of the event loop, who has yet to begin a call. */
  promised: number;
  /** How much had come when it was looked at last. */
  received: number;
  cancelLook?: Cancel | undefined;
  cancelLost?: Cancel | undefined;
  cancelGoodbye?: Cancel | undefined;
}

interface Opening {
  readonly promise: Promise<Channel>;
  readonly aborter: AbortController;
  waiters: number;
}

/** The channels: one for each address, made when needed, and another one where that has no room. Those on which something is open are asked whether they live. @internal */
export class Pool {
  private readonly pooled = new Set<Pooled>();
  private readonly opening = new Map<string, Opening>();
  private readonly leaving = new Map<Channel, Promise<unknown>>();

  constructor(private readonly parts: PoolParts) {}

  /** Those over which calls can be begun. */
  get channels(): Channel[] {
    return [...this.pooled].map(({ channel }) => channel).filter(({ up }) => up);
  }

  /** The channel to that address; who asks at the same time waits for the same one. @throws what `openChannel` does */
  async get(address: Address, signal: AbortSignal | undefined): Promise<Channel> {
    signal?.throwIfAborted();
    for (;;) {
      const there = this.at(address);
      if (there) return this.give(there);
      const made = await this.made(address, signal);
      // it goes to those who have waited for it, as far as it has room for them
      if (!made.up) return made;
    }
  }

  /** Ends all, and those in the making, whose calls end with the error. Others can be made afterwards. */
  drop(error: WeirError): void {
    for (const [key, opening] of [...this.opening]) this.abandon(key, opening, error);
    for (const entry of [...this.pooled]) {
      const { channel } = entry;
      this.remove(entry);
      // closing tells nobody, and who still has a call there is to hear of it
      if (channel.calls > 0 || channel.pending > 0) channel.destroy(error);
      else this.leave(channel);
    }
  }

  /** Resolves when all that are being closed are. */
  async left(): Promise<void> {
    while (this.leaving.size > 0) await Promise.all(this.leaving.values());
  }

  /** Ends at once those that still say goodbye. */
  destroy(error: WeirError): void {
    for (const channel of [...this.leaving.keys()]) channel.destroy(error);
  }

  private at(address: Address): Pooled | undefined {
    const key = keyOf(address);
    for (const entry of this.pooled) {
      if (entry.channel.up && keyOf(entry.address) === key && hasRoom(entry)) return entry;
    }
    return undefined;
  }

  private give(entry: Pooled): Channel {
    entry.usedAt = this.parts.clock.now();
    if (entry.promised++ === 0) setImmediate(() => (entry.promised = 0));
    return entry.channel;
  }

  /** One that is being made, for all who wait for one to that address. */
  private async made(address: Address, signal: AbortSignal | undefined): Promise<Channel> {
    const key = keyOf(address);
    const opening = this.opening.get(key) ?? this.begin(key, address);
    opening.waiters++;
    try {
      return await unlessAborted(opening.promise, signal);
    } finally {
      if (--opening.waiters === 0) this.abandon(key, opening, signal?.reason);
    }
  }

  private begin(key: string, address: Address): Opening {
    const aborter = new AbortController();
    const promise = this.open(address, aborter.signal);
    const opening = { promise, aborter, waiters: 0 };
    const forget = (): void => {
      if (this.opening.get(key) === opening) this.opening.delete(key);
    };
    promise.then(forget, forget);
    this.opening.set(key, opening);
    return opening;
  }

  /** Nobody waits for it any more. What was made already is not concerned. */
  private abandon(key: string, opening: Opening, reason: unknown): void {
    if (this.opening.get(key) !== opening) return;
    this.opening.delete(key);
    opening.aborter.abort(reason);
  }

  private async open(address: Address, signal: AbortSignal): Promise<Channel> {
    const { options, clock, open } = this.parts;
    const { tls, credentials, connectTimeout, maxMessageBytes, windowBytes, logger } = options;
    const metadata = credentials && (() => credentials(address));
    const channel = await open(
      address,
      { tls, metadata, connectTimeout, maxMessageBytes, windowBytes, clock, log: logger },
      signal,
    );
    if (signal.aborted) {
      this.leave(channel);
      throw signal.reason as Error;
    }
    const entry: Pooled = { channel, address, usedAt: clock.now(), promised: 0, received: -1 };
    this.pooled.add(entry);
    this.lookLater(entry);
    entry.cancelLost = channel.onLost((error) => {
      this.remove(entry);
      options.logger.debug(`the connection to ${addressText(address)} is gone`, error);
      this.parts.hooks.lost(channel, error);
    });
    entry.cancelGoodbye = channel.onGoodbye(() => {
      options.logger.debug(`the broker at ${addressText(address)} takes no more calls on this connection`);
      this.parts.hooks.leaving(channel);
    });
    options.logger.debug(`connected to ${addressText(address)}`);
    return channel;
  }

  private lookLater(entry: Pooled): void {
    const { options, clock } = this.parts;
    if (options.pingInterval === Infinity) return;
    entry.cancelLook = clock.after(options.pingInterval, () => {
      void this.look(entry);
    });
  }

  /** Whether it lives, and is of use. A broker that hangs would otherwise be noticed by nobody who just listens. */
  private async look(entry: Pooled): Promise<void> {
    const { options, hooks } = this.parts;
    const { channel } = entry;
    if (this.isIdle(entry) && (!hooks.isKnown(entry.address) || this.isSpare(entry))) {
      options.logger.debug(`nobody needs the connection to ${addressText(entry.address)} any more: it is closed`);
      this.remove(entry);
      this.leave(channel);
      return;
    }
    const isWanted = channel.calls > 0 || channel.pending > 0 || hooks.isMain(channel);
    if (isWanted && channel.received === entry.received) await channel.probe(options.pingTimeout);
    entry.received = channel.received;
    if (this.pooled.has(entry)) this.lookLater(entry);
  }

  private isIdle({ channel, usedAt }: Pooled): boolean {
    const { clock, hooks } = this.parts;
    const isUsed = channel.calls > 0 || channel.pending > 0 || hooks.isMain(channel);
    return !isUsed && clock.now() - usedAt >= linger;
  }

  /** Whether there is another one to the same broker. */
  private isSpare(entry: Pooled): boolean {
    const there = this.at(entry.address);
    return there !== undefined && there !== entry;
  }

  private remove(entry: Pooled): void {
    this.pooled.delete(entry);
    entry.cancelLook?.();
    entry.cancelLost?.();
    entry.cancelGoodbye?.();
  }

  private leave(channel: Channel): void {
    const left = channel.close().finally(() => this.leaving.delete(channel));
    this.leaving.set(channel, left);
  }
}

/**
 * Whether a subscription more leaves room for requests, and for the question whether the broker lives: a proxy takes a hundred
 * calls or so at a time, and those of subscriptions do not end.
 */
function hasRoom({ channel, promised }: Pooled): boolean {
  const { calls, pending, limit } = channel;
  const used = calls + pending + promised;
  return used === 0 || used < limit - Math.min(limit / 4, mostReserved);
}

/** Names are the same in upper and lower case. */
function keyOf(address: Address): string {
  return addressText(address).toLowerCase();
}
