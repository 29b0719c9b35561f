import { context, type Context } from '@opentelemetry/api';
import { checkOptions, checkValue, codec as codecChecker, flag } from '../core/check.js';
import { isWhole, type Codec, type DecodeInfo, type Decoder, type Encoder } from '../core/codec.js';
import { DecodeError, InvalidOptionError } from '../core/errors.js';
import { inject } from './carrier.js';
import { setEnvelopeOf } from './delivery-context.js';

/** What `traced` takes. */
export interface TracedOptions {
  /**
   * Accepts messages without an envelope too, as they come from publishers that put none around them.
   * @defaultValue false
   */
  readonly bare?: boolean | undefined;
}

const prefix = 'trace/1 ';
const lineFeed = 0x0a;
/** Bytes of the first line: a context is a few hundred, with baggage some thousand. */
const longestLine = 16_384;

const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true });
const prefixBytes = /* @__PURE__ */ encoder.encode(prefix);

const encodeIn = Symbol('encodeIn');
const isTraced = Symbol('isTraced');

/**
 * A codec that puts an envelope with the trace context around what another one makes: for brokers whose messages have no
 * headers, NATS Streaming and lonelyps. The envelope is one line before the bytes: `trace/1 `, a JSON object whose values are
 * strings, and a line feed.
 *
 * In a handle of `instrument` it carries the context of the `publish` span, elsewhere the one that is active; `contextOf`
 * finds it again. All who read the channel have to know of the envelope.
 *
 * @throws InvalidOptionError for a codec of whole messages, which have headers
 * @throws DecodeError while decoding, for bytes without an envelope unless `bare` accepts them
 *
 * @example
 * ```ts
 * const orders = traced(json<Order>());
 * await broker.publish('orders', order, { codec: orders });
 * ```
 */
export function traced<In, Out>(codec: Codec<In, Out>, options?: TracedOptions): Codec<In, Out>;
export function traced<In>(codec: Encoder<In>, options?: TracedOptions): Encoder<In>;
export function traced<Out>(codec: Decoder<Out>, options?: TracedOptions): Decoder<Out>;
export function traced<In, Out>(
  codec: Codec<In, Out> | Encoder<In> | Decoder<Out>,
  options: TracedOptions = {},
): Partial<Codec<In, Out>> {
  checkValue('traced()', 'codec', codec, codecChecker());
  checkOptions<TracedOptions>('traced()', options, { bare: flag() });
  if (isWhole(codec)) {
    throw new InvalidOptionError(
      'traced() is for messages without headers; messages of this codec have some, and carry the context by themselves',
    );
  }
  return new TracedCodec<In, Out>(codec as Codec<In, Out>, options.bare ?? false) as Partial<Codec<In, Out>>;
}

class TracedCodec<In, Out> {
  readonly [isTraced] = true;
  readonly encode: ((value: In) => Uint8Array) | undefined;
  readonly decode: ((bytes: Uint8Array, info: DecodeInfo) => Out) | undefined;

  constructor(
    private readonly inner: Codec<In, Out>,
    private readonly bare: boolean,
  ) {
    const { encode, decode } = inner as Partial<Codec<In, Out>>;
    this.encode = encode && ((value) => this[encodeIn](value, context.active()));
    this.decode = decode && ((bytes, info) => this.open(bytes, info));
  }

  /** With a context, or with none at all. */
  [encodeIn](value: In, its: Context | undefined): Uint8Array {
    const carrier = (its && inject(its, undefined)) ?? {};
    const line = encoder.encode(`${prefix}${JSON.stringify(carrier)}\n`);
    const body = this.inner.encode(value);
    const bytes = new Uint8Array(line.length + body.length);
    bytes.set(line);
    bytes.set(body, line.length);
    return bytes;
  }

  private open(bytes: Uint8Array, info: DecodeInfo): Out {
    const end = hasPrefix(bytes) ? bytes.subarray(0, longestLine).indexOf(lineFeed) : -1;
    const carrier = end < 0 ? undefined : carrierOf(bytes.subarray(prefix.length, end));
    if (carrier === undefined) {
      if (this.bare) return this.inner.decode(bytes, info);
      throw new DecodeError(
        `the message on '${info.channel}' has no envelope of traced(); publish with it, or accept such messages with bare: true`,
      );
    }
    // sources give the delivery itself
    setEnvelopeOf(info, carrier);
    const headers = carrier.size === 0 ? info.headers : new Map([...info.headers, ...carrier]);
    return this.inner.decode(bytes.subarray(end + 1), { channel: info.channel, headers });
  }
}

/** An encoder that puts a given context into its envelopes; undefined where the codec makes none. @internal */
export function encoderIn(codec: unknown, its: () => Context | undefined): Encoder<unknown> | undefined {
  if (typeof codec !== 'object' || codec === null || !(isTraced in codec)) return undefined;
  const envelope = codec as TracedCodec<unknown, unknown>;
  return { encode: (value) => envelope[encodeIn](value, its()) };
}

function hasPrefix(bytes: Uint8Array): boolean {
  return prefixBytes.every((byte, index) => bytes[index] === byte);
}

function carrierOf(json: Uint8Array): ReadonlyMap<string, string> | undefined {
  try {
    const carrier: unknown = JSON.parse(decoder.decode(json));
    if (typeof carrier !== 'object' || carrier === null || Array.isArray(carrier)) return undefined;
    const entries = Object.entries(carrier);
    return entries.every(([, value]) => typeof value === 'string') ? new Map(entries as [string, string][]) : undefined;
  } catch {
    return undefined;
  }
}
