import type { SinkOptions } from './broker.js';
import type { Clock } from './clock.js';
import type { BrokerName, WeirError } from './errors.js';
import { Publisher, type PublishPort } from './publisher.js';
import { defaultBuffer, defaultWindow } from './settings.js';

/** The idle publishers of `publish()` that are kept, one a channel. */
const maxIdle = 256;

/** @internal */
export interface PublishersOptions {
  readonly broker: BrokerName;
  readonly clock: Clock;
  readonly createPort: (channel: string, options: SinkOptions) => PublishPort;
  /** Why nothing is published any more, once the handle is closing. */
  readonly closed: (channel: string) => WeirError | undefined;
}

/** All publishers of a handle: one for each sink and publishing operator, and one a channel for `publish()`. @internal */
export class Publishers {
  private readonly all = new Set<Publisher>();
  private readonly direct = new Map<string, Publisher>();

  constructor(private readonly options: PublishersOptions) {}

  /** Values accepted and not yet confirmed. */
  get pending(): number {
    let pending = 0;
    for (const publisher of this.all) pending += publisher.pending;
    return pending;
  }

  /** @param buffer - what `buffer` is where the options do not say */
  open(channel: string, options: SinkOptions, buffer: number): Publisher {
    const { broker, clock, createPort, closed } = this.options;
    const settings = {
      broker,
      channel,
      maxInFlight: options.maxInFlight ?? defaultWindow,
      buffer: options.buffer ?? buffer,
      overflow: options.overflow ?? 'error',
      resend: options.resend ?? false,
    };
    const publisher = new Publisher(createPort(channel, options), settings, clock);
    const error = closed(channel);
    if (error === undefined) this.all.add(publisher);
    else publisher.stop(error);
    return publisher;
  }

  /** Its owner has ended: it goes when all that it accepted has its receipt. */
  release(publisher: Publisher): void {
    publisher.whenFlushed(() => {
      this.all.delete(publisher);
      publisher.close();
    });
  }

  /** The one that all `publish()` calls to a channel share, and with it their window. */
  forChannel(channel: string): Publisher {
    let publisher = this.direct.get(channel);
    if (publisher === undefined) {
      if (this.direct.size >= maxIdle) this.dropIdle();
      publisher = this.open(channel, {}, defaultBuffer);
      this.direct.set(channel, publisher);
    }
    return publisher;
  }

  /** The port can write again: everything that waited goes out. */
  pump(): void {
    for (const publisher of this.all) publisher.pump();
  }

  /** No connection is to be had: what waits for one fails. */
  failQueued(error: WeirError): void {
    for (const publisher of [...this.all]) publisher.failQueued(error);
  }

  /** Takes nothing more, and resolves when all that was accepted has its receipt. */
  async drain(error: WeirError): Promise<void> {
    const all = [...this.all];
    for (const publisher of all) publisher.closing(error);
    await Promise.all(all.map((publisher) => publisher.flush()));
  }

  /** Fails what still waits. */
  stop(error: WeirError): void {
    for (const publisher of [...this.all]) publisher.stop(error);
  }

  clear(): void {
    for (const publisher of this.all) publisher.close();
    this.all.clear();
    this.direct.clear();
  }

  private dropIdle(): void {
    for (const [channel, publisher] of this.direct) {
      if (publisher.pending > 0) continue;
      this.direct.delete(channel);
      this.all.delete(publisher);
      publisher.close();
    }
  }
}
