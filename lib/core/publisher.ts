import type { ConfirmedReceipt, MessageFields, Receipt } from './broker.js';
import type { Clock } from './clock.js';
import { Deque } from './deque.js';
import { publishTold, receiptTold } from './diagnostics.js';
import { OverflowError, PublishUncertainError, WeirError, type BrokerName } from './errors.js';

/** Who is told what became of a value. @internal */
export interface ReceiptListener {
  receipt(receipt: Receipt<unknown>, entry: Entry): void;
}

/**
 * One value on its way to the broker: `queued` until the port has written it, `written` until it is confirmed.
 * @internal
 */
export class Entry {
  state: 'queued' | 'written' | 'done' = 'queued';
  /** The id on the wire, given by the port when it writes. */
  id: string | bigint | undefined = undefined;
  /** When it was written, by the port's clock, in ms. */
  writtenAt = 0;
  /** Which flush has to wait for it. */
  epoch = 0;

  constructor(
    readonly publisher: Publisher,
    readonly value: unknown,
    readonly bytes: Uint8Array,
    readonly fields: MessageFields | undefined,
    readonly listener: ReceiptListener,
    /** Whether the bytes are the whole message, not its body. */
    readonly whole = false,
  ) {}
}

/**
 * A broker's way to write: it tells the publisher when it can, writes entries, and reports what became of each by
 * `confirmed`, `refused` or `uncertain`.
 * @internal
 */
export interface PublishPort {
  /** Whose port it is; told once, before anything else. */
  attach?(publisher: Publisher): void;
  /** Whether `write` would reach the broker. When that turns true, the port calls `publisher.pump()`. */
  readonly writable: boolean;
  /** Writes at once. Throws a `WeirError` for an entry that cannot be sent at all; nothing was sent then. */
  write(entry: Entry): void;
  /** Asks for a connection, where there is none yet. */
  wake(): void;
  /** Somebody waits for all that was written to be confirmed: nothing is to linger for company. */
  hurry?(): void;
  /** Its publisher is done: nothing is pending and nothing comes any more. Called once. */
  close?(): void;
}

/** @internal */
export interface PublisherSettings {
  readonly broker: BrokerName;
  readonly channel: string;
  readonly maxInFlight: number;
  readonly buffer: number;
  readonly overflow: 'error' | 'drop-newest' | 'drop-oldest';
  readonly resend: boolean;
}

interface FlushWaiter {
  readonly epoch: number;
  readonly resolve: () => void;
}

/**
 * A window of unconfirmed messages with a bounded queue before it. Counters and one object per message; it knows no
 * Observable, so that `publish`, sinks and operators all stand on it.
 * @internal
 */
export class Publisher {
  /** Called when the window got room, and when nothing is taken any more, so that nobody waits in vain. */
  onRoom: (() => void) | undefined = undefined;
  /** Called when the handle begins to close: what pulls values in has to end. */
  onClosing: ((error: WeirError) => void) | undefined = undefined;
  /** Called at the end of a turn in which the number of unconfirmed messages changed. */
  onPending: ((count: number) => void) | undefined = undefined;

  private readonly queue = new Deque<Entry>();
  private written = 0;
  private epoch = 0;
  private inEpoch = 0;
  private readonly earlier = new Map<number, number>();
  private flushes: FlushWaiter[] = [];
  private pumping = false;
  /** Whether `together` tells of several. */
  private holding = false;
  private telling = false;
  private stopped: WeirError | undefined;
  private closed = false;

  constructor(
    private readonly port: PublishPort,
    readonly settings: PublisherSettings,
    private readonly clock: Clock,
  ) {
    port.attach?.(this);
  }

  /** Values accepted and not yet confirmed. */
  get pending(): number {
    return this.queue.length + this.written;
  }

  /** Whether a value given now would be written without waiting for another. */
  get room(): boolean {
    return this.pending < this.settings.maxInFlight;
  }

  /** Why nothing is taken any more; undefined while something is. */
  get failure(): WeirError | undefined {
    return this.stopped;
  }

  /**
   * Takes a value. One that is not accepted gets its failed receipt at once.
   * @param waits - for callers that wait for room themselves: the entry may queue beyond `buffer`
   * @returns whether it was accepted
   */
  offer(entry: Entry, waits = false): boolean {
    if (this.stopped !== undefined) {
      this.tellFailure(entry, this.stopped);
      return false;
    }
    const { buffer, overflow } = this.settings;
    // the buffer bounds what waits; what the window has room for does not wait
    const waiting = this.pending - this.settings.maxInFlight;
    if (!waits && waiting >= buffer) {
      const oldest = overflow === 'drop-oldest' ? this.queue.shift() : undefined;
      if (oldest === undefined) {
        this.tellFailure(entry, this.overflow());
        return false;
      }
      this.finish(oldest, { ok: false, error: this.overflow(), ...told(oldest) });
    }
    entry.epoch = this.epoch;
    this.inEpoch++;
    this.queue.push(entry);
    if (publishTold.hasSubscribers) this.tellPublish(entry);
    this.port.wake();
    this.pump();
    this.changed();
    return true;
  }

  /** Writes what the window and the port have room for. */
  pump(): void {
    if (this.pumping || this.holding) return;
    this.pumping = true;
    let failed = false;
    try {
      while (this.queue.length > 0 && this.written < this.settings.maxInFlight && this.port.writable) {
        const entry = this.queue.shift()!;
        this.written++;
        entry.state = 'written';
        try {
          this.port.write(entry);
        } catch (error) {
          this.written--;
          failed = true;
          this.fail(entry, asWeirError(error, this.settings.broker));
        }
      }
    } finally {
      this.pumping = false;
    }
    if (failed) this.freed();
  }

  /** The broker has it. */
  confirmed(entry: Entry, offset?: bigint, notified?: number, confirmed = true): void {
    if (entry.state !== 'written') return;
    this.written--;
    const receipt: { -readonly [K in keyof ConfirmedReceipt<unknown>]: ConfirmedReceipt<unknown>[K] } = {
      ok: true,
      confirmed,
      value: entry.value,
      channel: this.settings.channel,
      id: entry.id!,
    };
    if (offset !== undefined) receipt.offset = offset;
    if (notified !== undefined) receipt.notified = notified;
    this.finish(entry, receipt);
    this.pump();
    this.freed();
  }

  /**
   * For ports that learn of many entries at once: what becomes of each is told at once, but the room that comes free is
   * filled after the last of them. One step for many messages costs a third less than as many steps.
   */
  together(tell: () => void): void {
    if (this.holding) {
      tell();
      return;
    }
    this.holding = true;
    try {
      tell();
    } finally {
      this.holding = false;
      this.pump();
      this.freed();
    }
  }

  /** The broker will not have it, or it never got there. */
  refused(entry: Entry, error: WeirError): void {
    if (entry.state === 'written') this.written--;
    this.fail(entry, error);
    this.pump();
    this.freed();
  }

  /**
   * The link was lost with these written and unconfirmed, oldest first. They are queued again where duplicates are
   * accepted (or `safe` says that the broker cannot have them), else each fails as uncertain.
   */
  lost(entries: readonly Entry[], reason: string, cause: unknown, safe = false): void {
    if ((safe || this.settings.resend) && this.stopped === undefined) {
      for (let i = entries.length - 1; i >= 0; i--) {
        const entry = entries[i]!;
        if (entry.state !== 'written') continue;
        this.written--;
        entry.state = 'queued';
        this.queue.unshift(entry);
      }
      this.pump();
      return;
    }
    for (const entry of entries) this.refused(entry, this.uncertain(entry, reason, cause));
  }

  uncertain(entry: Entry, reason: string, cause: unknown): PublishUncertainError {
    const { broker, channel } = this.settings;
    return new PublishUncertainError(
      `message ${String(entry.id)} for '${channel}' was sent and not confirmed: ${reason}; it may be stored or not (resend: true sends such a message again and accepts duplicates)`,
      { broker, cause },
    );
  }

  /** Takes an entry back that was not written. Returns whether that came in time. */
  withdraw(entry: Entry): boolean {
    if (entry.state !== 'queued' || !this.queue.remove(entry)) return false;
    entry.state = 'done';
    this.leave(entry);
    return true;
  }

  /** Fails everything that waits, and everything to come, with this error; what was written is still awaited. */
  stop(error: WeirError): void {
    this.stopped ??= error;
    for (let entry = this.queue.shift(); entry !== undefined; entry = this.queue.shift()) this.fail(entry, error);
    this.freed();
  }

  /** The handle closes: what was taken is still published, but nobody is to be asked for more. */
  closing(error: WeirError): void {
    this.onClosing?.(error);
  }

  /** Fails what waits, because no connection could be made. What comes later tries anew. */
  failQueued(error: WeirError): void {
    for (let n = this.queue.length; n > 0; n--) {
      const entry = this.queue.shift();
      if (entry !== undefined) this.fail(entry, error);
    }
    this.freed();
  }

  /** Resolves when all that is pending has its receipt. */
  flush(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenFlushed(resolve);
    });
  }

  /** The same with a callback, for callers in virtual time. */
  whenFlushed(resolve: () => void): void {
    if (this.pending === 0) {
      resolve();
      return;
    }
    // an epoch of nothing would never end: then it is the one before that is waited for
    if (this.inEpoch > 0) {
      this.earlier.set(this.epoch, this.inEpoch);
      this.epoch++;
      this.inEpoch = 0;
    }
    this.flushes.push({ epoch: this.epoch - 1, resolve });
    this.port.hurry?.();
  }

  /** Its owner has let go of it, and all that it took has its receipt. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.port.close?.();
  }

  private freed(): void {
    if (this.holding || this.onRoom === undefined) return;
    if (this.room || this.stopped !== undefined) this.onRoom();
  }

  private overflow(): OverflowError {
    const { broker, channel, buffer, maxInFlight } = this.settings;
    return new OverflowError(
      `'${channel}': ${maxInFlight} messages are unconfirmed and ${buffer} wait; await ready() or send(), or raise maxInFlight or buffer`,
      { broker },
    );
  }

  private fail(entry: Entry, error: WeirError): void {
    if (entry.state === 'done') return;
    this.finish(entry, { ok: false, error, ...told(entry) });
  }

  private tellFailure(entry: Entry, error: WeirError): void {
    entry.state = 'done';
    this.tell(entry, { ok: false, error, ...told(entry) });
  }

  private finish(entry: Entry, receipt: Receipt<unknown>): void {
    entry.state = 'done';
    this.tell(entry, receipt);
    this.leave(entry);
  }

  private tell(entry: Entry, receipt: Receipt<unknown>): void {
    if (receiptTold.hasSubscribers) {
      const { broker, channel } = this.settings;
      receiptTold.publish({ broker, channel, receipt, publishing: entry });
    }
    entry.listener.receipt(receipt, entry);
  }

  private tellPublish(entry: Entry): void {
    const { broker, channel } = this.settings;
    const { value, bytes } = entry;
    publishTold.publish({ broker, channel, value, bytes: bytes.length, publishing: entry });
  }

  private leave(entry: Entry): void {
    if (entry.epoch === this.epoch) this.inEpoch--;
    else {
      const left = this.earlier.get(entry.epoch)! - 1;
      if (left > 0) this.earlier.set(entry.epoch, left);
      else {
        this.earlier.delete(entry.epoch);
        this.flushed();
      }
    }
    this.changed();
  }

  /** Ends the flushes for which nothing of their epoch or an earlier one is left. */
  private flushed(): void {
    let oldest = Infinity;
    for (const epoch of this.earlier.keys()) oldest = Math.min(oldest, epoch);
    const done = this.flushes.filter((flush) => flush.epoch < oldest);
    if (done.length === 0) return;
    this.flushes = this.flushes.filter((flush) => flush.epoch >= oldest);
    for (const flush of done) flush.resolve();
  }

  private changed(): void {
    if (this.onPending === undefined || this.telling) return;
    this.telling = true;
    this.clock.soon(() => {
      this.telling = false;
      this.onPending?.(this.pending);
    });
  }
}

/** What every receipt says of its entry. */
function told(entry: Entry): { value: unknown; channel: string; id?: string | bigint } {
  const shape = { value: entry.value, channel: entry.publisher.settings.channel };
  return entry.id === undefined ? shape : { ...shape, id: entry.id };
}

/** @internal */
export function asWeirError(error: unknown, broker: BrokerName): WeirError {
  if (error instanceof WeirError) return error;
  return new WeirError(error instanceof Error ? error.message : String(error), 'PUBLISH', { broker, cause: error });
}
