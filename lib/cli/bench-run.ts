import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../core/delivery.js';
import { earliest, fromOffset, latest, newOnly, untilNow, type Start } from '../core/starts.js';
import { capabilities } from './capabilities.js';
import { exitCodes } from './exit.js';
import type { CliIo } from './io.js';
import type { Item } from './ndjson.js';
import type { Opened } from './open.js';
import { Durations, type Percentiles } from './percentiles.js';
import { publishItems } from './publish.js';
import { endOf, messagesOf, peek } from './source.js';

/** What is measured. */
export interface BenchSettings {
  readonly messages: number;
  /** Bytes of each. */
  readonly size: number;
  readonly window: number;
  /** At most so many a second; undefined: as fast as it goes. */
  readonly rate: number | undefined;
  /** Options of the broker's own. */
  readonly sink: Readonly<Record<string, unknown>>;
  readonly source: Readonly<Record<string, unknown>>;
  /** Whether only what comes from now on is received, instead of what is there. */
  readonly fresh: boolean;
}

/** One line of the result. */
export interface BenchRow {
  readonly label: string;
  readonly messages: number;
  readonly seconds: number;
  /** Milliseconds: from handing over to the confirmation, or to the delivery. Undefined where nothing was measured. */
  readonly latency: Percentiles | undefined;
  readonly code: number;
}

/** Shown while it runs. */
export interface BenchProgress {
  published: number;
  received: number;
}

/** For how long nothing may come before the rest counts as lost, in ms. */
const patience = 10_000;
const headBytes = 16;

type World = Pick<CliIo, 'signal' | 'stderr'>;
type Timed = Item & { readonly at: number };

/** Publishes, and measures how long each confirmation takes. */
export async function benchPub(
  opened: Opened,
  channel: string,
  settings: BenchSettings,
  io: World,
  progress: BenchProgress,
  run: Buffer = randomBytes(8),
): Promise<BenchRow> {
  const { messages, window, sink } = settings;
  const durations = new Durations(messages);
  const outcome = await publishItems({
    opened,
    channel,
    items: (signal) => loadOf(settings, run, signal),
    window,
    options: sink,
    make: ({ value }) => ({ value }),
    io,
    onReceipt: (receipt) => {
      progress.published++;
      if (receipt.ok) durations.add(performance.now() - (receipt.value as Timed).at);
    },
  });
  const { ok, seconds, code } = outcome;
  return { label: 'publish', messages: ok, seconds, latency: durations.summary(), code };
}

/** Receives what is there, or what comes, and acks it. */
export async function benchSub(
  opened: Opened,
  channel: string,
  settings: BenchSettings,
  io: World,
  progress: BenchProgress,
): Promise<BenchRow> {
  const { fresh, messages } = settings;
  const until = fresh ? undefined : await endOf(opened, channel);
  if (!fresh && until === undefined) return rowOf(new Reception(messages, undefined));
  const reception = new Reception(messages, undefined);
  const options = { start: fresh ? newOnly() : earliest(), ...(until === undefined ? {} : { until }) };
  const stop = reception.begin(opened, channel, { ...options, ...settings.source }, settings.window, progress);
  await Promise.race([reception.ended, aborted(io.signal)]);
  stop();
  return rowOf(reception);
}

/** Publishes and receives at the same time, and measures how long each message is under way. */
export async function benchBoth(
  opened: Opened,
  channel: string,
  settings: BenchSettings,
  io: World,
  progress: BenchProgress,
): Promise<readonly BenchRow[]> {
  const run = randomBytes(8);
  const reception = new Reception(settings.messages, settings.size >= headBytes ? run : undefined);
  const { options, ready } = await freshSource(opened, channel);
  const stop = reception.begin(opened, channel, { ...options, ...settings.source }, settings.window, progress);
  try {
    await Promise.race([ready, reception.ended]);
    const published = await benchPub(opened, channel, settings, io, progress, run);
    let before = -1;
    while (!reception.over && reception.count < published.messages && reception.count > before && !io.signal.aborted) {
      before = reception.count;
      await Promise.race([
        reception.ended,
        reception.reached(published.messages),
        delay(patience, undefined, { ref: false }),
      ]);
    }
    const row = rowOf(reception);
    const lost = row.messages < published.messages && !io.signal.aborted;
    return [published, lost ? { ...row, code: exitCodes.failed } : row];
  } finally {
    stop();
  }
}

/** Where only what is published from now on comes, whenever the subscription is at work. */
async function freshSource(
  opened: Opened,
  channel: string,
): Promise<{ readonly options: object; readonly ready: Promise<unknown> }> {
  const { kind, broker } = opened;
  if (!capabilities[kind].replay) {
    // lonelyps tells when it has subscribed
    let told = (): void => undefined;
    const ready = new Promise<void>((resolve) => (told = resolve));
    return { options: { onReceiving: () => told() }, ready };
  }
  const end = kind === 'nats-streaming' ? {} : { until: untilNow() };
  const last = await peek(broker, channel, { start: latest(), ...end });
  const start: Start = last?.offset === undefined ? earliest() : fromOffset(last.offset + 1n);
  return { options: { start }, ready: Promise.resolve() };
}

/** Counts and acks what comes. */
class Reception {
  count = 0;
  over = false;
  readonly ended: Promise<void>;
  private readonly durations: Durations;
  private failure: Error | undefined;
  private first = 0;
  private last = 0;
  private end: () => void = () => undefined;
  private wanted = Infinity;
  private onWanted: () => void = () => undefined;

  /** @param run - only messages that begin with these bytes count, and have their time behind them */
  constructor(
    private readonly most: number,
    private readonly run: Buffer | undefined,
  ) {
    this.durations = new Durations(run === undefined ? 0 : most);
    this.ended = new Promise((resolve) => {
      this.end = () => {
        this.over = true;
        resolve();
      };
    });
  }

  begin(opened: Opened, channel: string, options: object, window: number, progress: BenchProgress): () => void {
    const source = messagesOf(opened.broker, channel, { maxInFlight: window, ...options });
    this.first = performance.now();
    const subscription = source.subscribe({
      next: (delivery) => {
        delivery.ack();
        if (this.over || !this.counts(delivery)) return;
        this.last = performance.now();
        progress.received = ++this.count;
        if (this.count >= this.wanted) this.onWanted();
        if (this.count >= this.most) this.end();
      },
      error: (error: unknown) => {
        this.failure = error as Error;
        this.end();
      },
      complete: () => this.end(),
    });
    return () => subscription.unsubscribe();
  }

  /** Resolves when so many have come. */
  reached(count: number): Promise<void> {
    this.wanted = count;
    return new Promise((resolve) => {
      this.onWanted = resolve;
      if (this.count >= count) resolve();
    });
  }

  /** @throws what the source has failed with */
  result(): { readonly seconds: number; readonly latency: Percentiles | undefined } {
    if (this.failure !== undefined) throw this.failure;
    return { seconds: Math.max(0, this.last - this.first) / 1000, latency: this.durations.summary() };
  }

  private counts({ value }: Delivery): boolean {
    if (this.run === undefined) return true;
    if (value.length < headBytes || this.run.compare(value, 0, 8) !== 0) return false;
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    this.durations.add(performance.now() - view.getFloat64(8));
    return true;
  }
}

function rowOf(reception: Reception): BenchRow {
  const { seconds, latency } = reception.result();
  return { label: 'receive', messages: reception.count, seconds, latency, code: exitCodes.ok };
}

async function* loadOf(settings: BenchSettings, run: Buffer, signal: AbortSignal): AsyncGenerator<Iterable<Item>> {
  if (settings.rate === undefined) yield await Promise.resolve(atOnce(settings, run, signal));
  else yield* atRate(settings, settings.rate, run, signal);
}

function* atOnce(settings: BenchSettings, run: Buffer, signal: AbortSignal): Generator<Timed> {
  const filler = fillerOf(settings.size);
  for (let n = 0; n < settings.messages && !signal.aborted; n++) yield messageOf(filler, run);
}

async function* atRate(
  settings: BenchSettings,
  rate: number,
  run: Buffer,
  signal: AbortSignal,
): AsyncGenerator<Iterable<Timed>> {
  const filler = fillerOf(settings.size);
  const begun = performance.now();
  for (let n = 0; n < settings.messages; n++) {
    const wait = begun + (n * 1000) / rate - performance.now();
    if (wait >= 1) await delay(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    yield [messageOf(filler, run)];
  }
}

/** Random, so that nothing on the way can compress it. */
function fillerOf(size: number): Buffer {
  return randomBytes(size);
}

function messageOf(filler: Buffer, run: Buffer): Timed {
  const at = performance.now();
  if (filler.length < headBytes) return { value: filler, at };
  const value = Buffer.from(filler);
  run.copy(value, 0);
  value.writeDoubleBE(at, 8);
  return { value, at };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
