import type { MessageFields, Outgoing } from './broker.js';
import type { Encoder } from './codec.js';
import { DecodeError, PublishError, WeirError, type BrokerName } from './errors.js';
import { Entry, type Publisher, type ReceiptListener } from './publisher.js';

/** How values become entries: the user's `message` and `codec`, and the broker's own check of the fields. @internal */
export interface Maker {
  readonly broker: BrokerName;
  readonly codec?: Encoder<unknown> | undefined;
  readonly message?: ((value: unknown) => Outgoing<unknown>) | undefined;
  /** Whether the codec makes whole messages. */
  readonly whole?: boolean | undefined;
  /** Throws `InvalidOptionError` for a field that the broker cannot carry. */
  readonly checkFields: (fields: MessageFields & { readonly value?: unknown }) => void;
}

const noBytes = new Uint8Array(0);

/**
 * Makes the entry for a value and offers it. A value that cannot be encoded gets a failed receipt instead of an
 * exception: one bad value must not tear down the stream that it came in.
 * @internal
 */
export function offer(
  publisher: Publisher,
  maker: Maker,
  value: unknown,
  fields: MessageFields | undefined,
  listener: ReceiptListener,
  waits = false,
): Entry | undefined {
  let body = value;
  let entry: Entry;
  try {
    if (maker.message !== undefined) {
      const message = maker.message(value);
      body = message.value;
      fields = message;
    }
    if (fields !== undefined) maker.checkFields(fields);
    entry = new Entry(publisher, value, encoded(body, maker), fields, listener, maker.whole);
  } catch (error) {
    entry = new Entry(publisher, value, noBytes, fields, listener);
    entry.state = 'done';
    const channel = publisher.settings.channel;
    listener.receipt({ ok: false, error: unsendable(error, channel, maker.broker), value, channel }, entry);
    return undefined;
  }
  return publisher.offer(entry, waits) ? entry : undefined;
}

function encoded(body: unknown, maker: Maker): Uint8Array {
  const bytes = maker.codec === undefined ? body : maker.codec.encode(body);
  if (bytes instanceof Uint8Array) return bytes;
  throw new TypeError(
    `it is a Uint8Array unless a codec makes one of it; got ${describe(bytes)}: pass codec: json(), text or your own`,
  );
}

function describe(value: unknown): string {
  return value === null
    ? 'null'
    : typeof value === 'object'
      ? (value.constructor?.name ?? 'an object')
      : `a ${typeof value}`;
}

function unsendable(error: unknown, channel: string, broker: BrokerName): WeirError {
  // a codec knows neither the broker nor the channel
  const own = error instanceof DecodeError && error.broker === undefined;
  if (error instanceof WeirError && !own) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `cannot make a message for '${channel}': ${reason}`;
  return own
    ? new DecodeError(message, { broker, cause: error.cause ?? error })
    : new PublishError(message, { broker, cause: error });
}
