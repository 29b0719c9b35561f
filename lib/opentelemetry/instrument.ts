import type { Observable, OperatorFunction } from 'rxjs';
import type { ConfirmedReceipt, MessageFields, PublishOptions, Receipt, Sink, SourceOptions } from '../core/broker.js';
import { checkOptions, checkValue, instance } from '../core/check.js';
import type { Encoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import type { SinkSettings } from '../core/settings.js';
import { settleEach } from '../core/settle-each.js';
import { facade } from './facade.js';
import { instrumentShape, type InstrumentOptions } from './options.js';
import { Publication, publishAttributes } from './publication.js';
import { carried, withMembers } from './publications.js';
import { Telemetry } from './telemetry.js';
import { encoderIn } from './traced.js';
import { tracedReceipts } from './traced-receipts.js';
import { tracedSink } from './traced-sink.js';
import { tracedSource } from './traced-source.js';

/** A handle of any broker, seen from who only adds to it. */
export interface Instrumentable {
  messages(channel: never, options?: never): unknown;
  values(channel: never, options?: never): unknown;
  hot(channel: never, options?: never): unknown;
  publish(channel: never, value: never, options?: never): unknown;
  sink(channel: never, options?: never): unknown;
  publishTo(channel: never, options?: never): unknown;
  publishFrom(channel: never, iterable: never, options?: never): unknown;
  close(): Promise<void>;
}

type Options = MessageFields & PublishOptions & { readonly codec?: Encoder<unknown> | undefined };

/** The same without the brokers' types. */
interface Handle {
  messages(channel: unknown, options?: SourceOptions): Observable<Delivery<unknown>>;
  values(channel: unknown, options?: SourceOptions): Observable<unknown>;
  hot(channel: unknown, options?: SourceOptions): Observable<Delivery<unknown>>;
  publish(channel: unknown, value: unknown, options?: Options): Promise<ConfirmedReceipt<unknown>>;
  sink(channel: unknown, options?: SinkSettings): Sink<unknown>;
  publishTo(channel: unknown, options?: SinkSettings): OperatorFunction<unknown, Receipt<unknown>>;
  publishFrom(channel: unknown, values: Iterable<unknown>, options?: SinkSettings): Observable<Receipt<unknown>>;
  close(): Promise<void>;
}

const isHandle = instance(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['messages', 'publish', 'sink'].every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  "a broker's handle, as memory() and the others make it",
);

/**
 * A handle that is in all respects as the given one, and makes a span for each message that goes through it: `publish` from
 * the acceptance of a value to its receipt, `process` from the emission of a delivery to its settling. The context goes
 * along in the headers, `next` runs in the context of the delivery, and the metrics of the conventions are kept.
 *
 * Without an SDK messages go through the given handle as if this one were not there. Which of the two it is, is seen when a
 * source is subscribed to, a sink is made and a value is published.
 *
 * @param broker - keeps working as it is; what goes through it directly has no spans
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * const broker = instrument(rabbitmqStream({ url: 'rabbitmq-stream://localhost' }));
 * ```
 */
export function instrument<B extends Instrumentable>(broker: B, options: InstrumentOptions = {}): B {
  checkValue('instrument()', 'broker', broker, isHandle);
  checkOptions<InstrumentOptions>('instrument()', options, instrumentShape);
  const handle = broker as unknown as Handle;
  const telemetry = new Telemetry(broker, options);
  const close = async (): Promise<void> => {
    await handle.close();
    telemetry.open.abandonAll();
  };
  return facade(broker, {
    messages: (channel: unknown, given?: SourceOptions) =>
      tracedSource(telemetry, given ?? {}, handle.messages(channel, given)),
    // settled here and not by the handle, so that the span ends with it
    values: (channel: unknown, given?: SourceOptions) => {
      // for what is wrong with the options, in its own words
      handle.values(channel, given);
      return settleEach(tracedSource(telemetry, given ?? {}, handle.messages(channel, given)));
    },
    hot: (channel: unknown, given?: SourceOptions) => tracedSource(telemetry, given ?? {}, handle.hot(channel, given)),
    publish: (channel: unknown, value: unknown, given?: Options) =>
      telemetry.live ? publish(handle, telemetry, channel, value, given) : handle.publish(channel, value, given),
    sink: (channel: unknown, given?: SinkSettings) => {
      const make = (settings?: SinkSettings): Sink<unknown> => handle.sink(channel, settings);
      return telemetry.live ? tracedSink(telemetry, nameOf(channel), given ?? {}, make) : make(given);
    },
    publishTo: (channel: unknown, given?: SinkSettings): OperatorFunction<unknown, Receipt<unknown>> => {
      // made once more for each subscription; this one is for what is wrong with the options
      handle.publishTo(channel, given);
      return (values) =>
        tracedReceipts(telemetry, nameOf(channel), given ?? {}, (settings) =>
          values.pipe(handle.publishTo(channel, settings)),
        );
    },
    publishFrom: (channel: unknown, values: Iterable<unknown>, given?: SinkSettings) => {
      handle.publishFrom(channel, values, given);
      return tracedReceipts(telemetry, nameOf(channel), given ?? {}, (settings) =>
        handle.publishFrom(channel, values, settings),
      );
    },
    close,
    [Symbol.asyncDispose]: close,
  });
}

async function publish(
  handle: Handle,
  telemetry: Telemetry,
  channel: unknown,
  value: unknown,
  given: Options = {},
): Promise<ConfirmedReceipt<unknown>> {
  // options that are none are for the handle to refuse
  if (Object(given) !== given) return handle.publish(channel, value, given);
  const name = nameOf(channel);
  const publication = new Publication(telemetry, publishAttributes(telemetry, name), name, value);
  try {
    const { codec, headers } = given;
    const { value: body = value, ...members } = carried(publication, telemetry, { value, headers }, codec);
    const encoder = encoderIn(codec, () => (telemetry.propagates ? publication.context : undefined)) ?? codec;
    const receipt = await handle.publish(channel, body, withMembers(given, { ...members, codec: encoder }));
    publication.end(receipt);
    return body === value ? receipt : { ...receipt, value };
  } catch (error) {
    publication.fail(error);
    throw error;
  }
}

/** What a channel is called in a span: lonelyps takes a topic's bytes too. */
function nameOf(channel: unknown): string {
  return channel instanceof Uint8Array ? new TextDecoder().decode(channel) : String(channel);
}
