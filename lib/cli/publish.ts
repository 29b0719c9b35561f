import type { Receipt, SinkOptions } from '../core/broker.js';
import { PublishUncertainError, type ErrorCode, type WeirError } from '../core/errors.js';
import { errorLines } from './error-lines.js';
import { exitCodeOf, exitCodes } from './exit.js';
import type { CliIo } from './io.js';
import type { Item } from './ndjson.js';
import type { Opened } from './open.js';
import type { MakeOutgoing } from './outgoing.js';
import { Pump } from './pump.js';

/** What is to be published. */
export interface Publishing {
  readonly opened: Opened;
  readonly channel: string;
  /** Gives the messages, and ends when the signal says so. */
  readonly items: (signal: AbortSignal) => AsyncGenerator<Iterable<Item>>;
  /** Unconfirmed at a time. */
  readonly window: number;
  /** Further options of the sink. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly make: MakeOutgoing;
  readonly io: Pick<CliIo, 'stderr' | 'signal'>;
  /** Told of each receipt. */
  readonly onReceipt?: ((receipt: Receipt<Item>) => void) | undefined;
}

/** What became of all. */
export interface PublishOutcome {
  /** The broker has them, or took them without saying so. */
  readonly ok: number;
  /** Of those, written to a broker that never confirms. */
  readonly unconfirmed: number;
  /** Sent, and nobody can tell whether they are stored. */
  readonly uncertain: number;
  readonly failed: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly code: number;
}

/** Failures that each further message would meet again. */
const final: ReadonlySet<ErrorCode> = new Set([
  'AUTHENTICATION',
  'AUTHORIZATION',
  'STREAM_NOT_FOUND',
  'INVALID_OPTION',
  'UNSUPPORTED',
  'CLOSED',
]);

/** How many failures are told one by one. */
const mostTold = 5;

/**
 * Publishes all, a message as soon as the window has room for it. Resolves when each has its receipt. When the signal says so
 * it takes no more, and waits for the receipts of what was taken, for as long as closing the handle may take.
 */
export function publishItems(publishing: Publishing, told: { ok: number } = { ok: 0 }): Promise<PublishOutcome> {
  const { opened, channel, items, window, options, make, io, onReceipt } = publishing;
  const begun = performance.now();
  let [unconfirmed, uncertain, failed, bytes] = [0, 0, 0, 0];
  let code: number = exitCodes.ok;
  const stop = new AbortController();
  const sink = opened.broker.sink<Item>(
    channel,
    // which further options there are is the broker's matter, and it checks them
    { ...options, maxInFlight: window, message: make } as unknown as SinkOptions & { readonly message: MakeOutgoing },
  );
  const fail = (error: WeirError): void => {
    if (error instanceof PublishUncertainError) uncertain++;
    else failed++;
    if (uncertain + failed <= mostTold) io.stderr.write(errorLines(error));
    if (uncertain + failed === mostTold + 1) io.stderr.write('rx-weir: further failures are counted only\n');
    if (code === exitCodes.ok) code = exitCodes.failed;
    if (!final.has(error.code) || stop.signal.aborted) return;
    code = exitCodeOf(error);
    stop.abort();
  };
  const receive = (receipt: Receipt<Item>): void => {
    onReceipt?.(receipt);
    if (!receipt.ok) {
      fail(receipt.error);
      return;
    }
    told.ok++;
    if (!receipt.confirmed) unconfirmed++;
    bytes += receipt.value.value.length;
  };
  return new Promise((resolve, reject) => {
    const done = (error: Error | undefined): void => {
      io.signal.removeEventListener('abort', interrupt);
      const seconds = (performance.now() - begun) / 1000;
      if (error === undefined) resolve({ ok: told.ok, unconfirmed, uncertain, failed, bytes, seconds, code });
      // it is what reading the input has failed with
      else reject(error);
    };
    const batches = items(AbortSignal.any([io.signal, stop.signal]));
    const pump = new Pump(sink, batches, window, { receipt: receive, done });
    const interrupt = (): void => {
      pump.end();
      void opened.broker.close();
    };
    stop.signal.addEventListener('abort', () => pump.end(), { once: true });
    io.signal.addEventListener('abort', interrupt, { once: true });
    pump.begin();
    if (io.signal.aborted) interrupt();
  });
}
