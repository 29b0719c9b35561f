import type { Receipt, Sink } from '../core/broker.js';
import { Relay } from '../core/relay.js';
import type { SinkSettings } from '../core/settings.js';
import { reportUnhandled } from '../core/sink.js';
import { facade } from './facade.js';
import { Publications } from './publications.js';
import type { Telemetry } from './telemetry.js';

/**
 * A sink of which each value has a span.
 * @param make - makes the sink as the settings say
 * @internal
 */
export function tracedSink(
  telemetry: Telemetry,
  channel: string,
  options: SinkSettings,
  make: (settings: SinkSettings) => Sink<unknown>,
): Sink<unknown> {
  const publications = new Publications(telemetry, channel, options);
  const sink = make(publications.settings);
  const told = new Relay<Receipt<unknown>>();
  const dropsByChoice = options.overflow !== undefined && options.overflow !== 'error';
  /** Those that a caller of `send` has got. */
  const handled = new WeakSet<Receipt<unknown>>();
  sink.receipts.subscribe({
    next: (receipt) => {
      publications.end(receipt);
      // to the sink they are observed, so that what it would say of a failure that nobody hears of is said here
      if (receipt.ok || told.observed) told.next(receipt);
      else if (!dropsByChoice || receipt.error.code !== 'OVERFLOW') reportUnlessHandled(receipt, handled);
    },
    error: (error: unknown) => {
      told.error(error);
    },
    complete: () => {
      told.complete();
    },
  });
  return facade(sink, {
    receipts: told.values,
    send: async (value: unknown): Promise<Receipt<unknown>> => {
      const publication = publications.announce(value);
      const receipt = await sink.send(value);
      handled.add(receipt);
      publication.end(receipt);
      return receipt;
    },
  });
}

/** The promise of `send` resolves some microtasks after the receipt was told. */
function reportUnlessHandled(receipt: Receipt<unknown>, handled: WeakSet<Receipt<unknown>>): void {
  setTimeout(() => {
    if (!handled.has(receipt)) reportUnhandled(receipt.error);
  });
}
