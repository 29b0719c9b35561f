import { setTimeout as delay } from 'node:timers/promises';
import { Subject } from 'rxjs';
import type { Broker, BrokerEvent, Status } from '../core/broker.js';
import { ClosedError, WeirError, type WeirErrorOptions } from '../core/errors.js';
import { load, type Load } from '../core/load.js';
import { firstLine } from '../core/optional-package.js';
import type { BrokerSettings, SinkFeature, SourceFeature } from './module-options.js';
import { nestCommon } from './packages.js';
import { WatchedSource, type SourceHost } from './watched-source.js';

/** Milliseconds that a shutdown waits, where `drainTimeout` does not say. */
const defaultDrainTimeout = 10_000;

/** Milliseconds between two looks at what is still at work. */
const lookEvery = 10;

/** A broker as an app has it: its handle, its sources, how it stands, and how it ends. @internal */
export class ManagedBroker implements SourceHost {
  readonly sources: WatchedSource[] = [];
  status: Status = { state: 'idle' };
  /** When the status changed, in ms since the epoch. */
  since = Date.now();
  /** Why another process has its name, if one has. */
  replaced: string | undefined;
  /** Whether the app shuts down. */
  stopping = false;
  readonly stopped = new Subject<void>();
  private starting: boolean;
  private readonly drainTimeout: number;
  /** Milliseconds that `drain` has used. */
  private drained = 0;

  constructor(
    readonly name: string,
    readonly handle: Broker,
    private readonly settings: Pick<BrokerSettings, 'connect' | 'drainTimeout'>,
  ) {
    this.drainTimeout = settings.drainTimeout ?? defaultDrainTimeout;
    this.starting = this.connects;
    // both complete with the handle
    handle.status.subscribe((status) => {
      this.status = status;
      this.since = Date.now();
      if (status.state === 'connected') this.replaced = undefined;
    });
    handle.events.subscribe((event) => {
      this.happened(event);
    });
  }

  /** Whether the app connects while it starts. */
  get connects(): boolean {
    return this.settings.connect ?? true;
  }

  get isStarting(): boolean {
    return this.starting && this.status.state !== 'connected';
  }

  get load(): Load {
    return (this.handle as Partial<Record<typeof load, Load>>)[load] ?? { inFlight: 0, unconfirmed: 0 };
  }

  /** A source that ends when the app shuts down. */
  source(feature: SourceFeature): WatchedSource['deliveries'] {
    const { source, channel = source, hot, options } = feature;
    const from =
      hot === true ? this.handle.hot(channel, options as object) : this.handle.messages(channel, options as object);
    const watched = new WatchedSource(source, from, this);
    this.sources.push(watched);
    return watched.deliveries;
  }

  sink(feature: SinkFeature): unknown {
    const { sink, channel = sink, options } = feature;
    return this.handle.sink(channel, options as object);
  }

  /** Connects where the app asked for it. @throws WeirError of the class that the handle's own error has */
  async connect(): Promise<void> {
    if (!this.connects) return;
    try {
      await this.handle.connect();
      this.starting = false;
    } catch (error) {
      throw startError(this.name, error);
    }
  }

  /** Ends the sources, and waits until what they have emitted is settled. */
  async drain(): Promise<void> {
    if (this.stopping) return;
    const begin = performance.now();
    this.stop();
    const elapsed = (): number => performance.now() - begin;
    while (this.sources.some((source) => source.unsettled > 0) && elapsed() < this.drainTimeout) await delay(lookEvery);
    this.drained = elapsed();
  }

  /** Closes the handle, and waits for that as long as `drain` has left of the time. */
  async close(): Promise<void> {
    this.stop();
    const left = Math.max(0, this.drainTimeout - this.drained);
    const late = new AbortController();
    const closed = this.handle.close().then(() => true);
    const isClosed = await Promise.race([closed, delay(left, false, { signal: late.signal })]);
    late.abort();
    if (!isClosed) this.tellLate();
  }

  stoppedError(source: string): ClosedError | undefined {
    return this.stopping
      ? new ClosedError(`source '${source}' of broker '${this.name}': the app shuts down`)
      : undefined;
  }

  private stop(): void {
    this.stopping = true;
    this.stopped.next();
  }

  private happened(event: BrokerEvent): void {
    if (event.type === 'replaced') this.replaced = event.reason;
    if (event.type === 'abandoned') this.warn(`closed with ${leftBehind(event.unsettled, event.unconfirmed)}`);
  }

  private tellLate(): void {
    const { inFlight, unconfirmed } = this.load;
    this.warn(
      `is not closed after a drainTimeout of ${this.drainTimeout} ms, with ${leftBehind(inFlight, unconfirmed)}`,
    );
  }

  private warn(what: string): void {
    nestCommon().Logger.warn(`broker '${this.name}' ${what}`, 'BrokerModule');
  }
}

function leftBehind(unsettled: number, unconfirmed: number): string {
  return (
    `${unsettled} deliveries that were not settled (a durable gets them again) and ` +
    `${unconfirmed} publishes that were not confirmed`
  );
}

/** The same error, and what the app was at. */
function startError(name: string, cause: unknown): unknown {
  const broker = name === 'default' ? 'the broker' : `broker '${name}'`;
  const advice = 'the app does not start without it; with connect: false it does, and connects on first use';
  const message = `BrokerModule: ${broker} cannot be reached: ${firstLine(cause)} (${advice})`;
  if (!(cause instanceof WeirError)) return new Error(message, { cause });
  const { broker: of, retriable, detail } = cause;
  // all classes of errors have the same constructor but the base, which nothing throws itself
  const SameError = cause.constructor as new (message: string, options: WeirErrorOptions) => WeirError;
  return new SameError(message, { cause, broker: of, retriable, detail });
}
