import type { SinkOptions } from '../../core/broker.js';
import { count, duration, flag, func, instance, object, oneOf, required, text, type Shape } from '../../core/check.js';
import { InvalidOptionError } from '../../core/errors.js';
import { defaultWindow } from '../../core/settings.js';
import { encodeText } from '../../core/wire/text.js';
import type { Compression } from '../compression/compressor.js';
import { isRouting, type RabbitMqStreamRouting } from '../routing.js';

/** See `RabbitMqStreamSinkOptions.batchSize`. */
const defaultBatchSize = 1000;

/** Several messages in one, compressed together. */
export interface SubEntryOptions {
  /**
   * Messages in a batch, 1 to 65 535. A batch is sent before it is full where `linger` ends, or where it would outgrow a
   * frame.
   */
  readonly size: number;
  /**
   * `none`, `gzip` and `lz4` are always there, `zstd` where Node has it (22.15); otherwise install `@bokuweb/zstd-wasm`,
   * and for `snappy` the package `snappy`.
   * @defaultValue 'none'
   */
  readonly compression?: Compression | undefined;
}

/** What a sink of a RabbitMQ stream takes. All durations are milliseconds. */
export interface RabbitMqStreamSinkOptions extends SinkOptions {
  /**
   * The producer's name, 1 to 255 bytes of UTF-8: the broker drops what it has seen from that name already. The sink goes
   * on behind the last id that the broker has stored for it, and what was unconfirmed when a link was lost is sent again
   * without a duplicate. One sink at a time can have it. RabbitMQ remembers 255 names a stream, so give one only to
   * producers that last.
   *
   * With `subEntry` the broker compares batches, not messages. In a super stream each partition counts on its own.
   */
  readonly producer?: string | undefined;
  /**
   * How long a message may wait for others that go into the same frame. 0: until the end of the turn.
   * @defaultValue 0
   */
  readonly linger?: number | undefined;
  /**
   * Messages after which a frame is sent without waiting for more. A frame also ends at the limit of its size.
   * @defaultValue 1000
   */
  readonly batchSize?: number | undefined;
  /** Sends several messages as one, compressed or not. Does not go with filter values. */
  readonly subEntry?: SubEntryOptions | undefined;
  /**
   * Gives what consumers can filter a value by; undefined: nothing. It gets the value as the sink did, before `message`.
   * Needs RabbitMQ 3.13.
   */
  readonly filterValue?: ((value: never) => string | undefined) | undefined;
  /** Whether the channel is a super stream, whose partitions share the values out as `routing` says. */
  readonly superStream?: boolean | undefined;
  /** Made by `routeByHash` or `routeByKey`; goes with `superStream: true`. */
  readonly routing?: RabbitMqStreamRouting | undefined;
  /**
   * How long a message may stay unconfirmed after it was sent; then its receipt is a `PublishUncertainError`. The time
   * does not run while the link is down. Infinity: for ever.
   * @defaultValue 30 000
   */
  readonly confirmTimeout?: number | undefined;
}

/** The options that are the broker's own. @internal */
export const rabbitMqStreamSinkShape: Shape<Omit<RabbitMqStreamSinkOptions, keyof SinkOptions>> = {
  producer: text({
    words: 'of 1 to 255 bytes of UTF-8',
    problem: (name) => {
      const { length } = encodeText(name);
      return length > 255 ? `it has ${String(length)} bytes` : undefined;
    },
  }),
  linger: duration(),
  batchSize: count({ max: 65_535 }),
  subEntry: object<SubEntryOptions>({
    size: required(count({ max: 65_535 })),
    compression: oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  }),
  filterValue: func(),
  superStream: flag(),
  routing: instance(isRouting, 'what routeByHash(keyOf) or routeByKey(keyOf) gives'),
  confirmTimeout: duration({ min: 1, infinity: true }),
};

/**
 * Refuses options that don't go together.
 * @param where - the call, as its caller wrote it
 * @throws InvalidOptionError
 * @internal
 */
export function checkSinkCombinations(where: string, options: RabbitMqStreamSinkOptions): void {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'rabbitmq-stream' });
  };
  if (options.subEntry !== undefined && options.filterValue !== undefined) {
    refuse('subEntry and filterValue are both given; RabbitMQ filters single messages only, so leave one out');
  }
  if (options.superStream === true && options.routing === undefined) {
    refuse('superStream needs routing, which says how a partition is found: routeByHash(keyOf) or routeByKey(keyOf)');
  }
  if (options.superStream !== true && options.routing !== undefined) {
    refuse('routing goes with superStream: true; a stream that is no super stream has no partitions');
  }
}

/** The options with their defaults. @internal */
export interface SinkSettings {
  /** Empty: none, and no deduplication. */
  readonly producer: string;
  readonly maxInFlight: number;
  readonly resend: boolean;
  readonly linger: number;
  readonly batchSize: number;
  readonly subEntry: { readonly size: number; readonly compression: Compression } | undefined;
  readonly filterValue: ((value: unknown) => string | undefined) | undefined;
  readonly routing: RabbitMqStreamRouting | undefined;
  readonly confirmTimeout: number;
}

/** @internal */
export function resolveSinkSettings(options: RabbitMqStreamSinkOptions): SinkSettings {
  const { subEntry } = options;
  return {
    producer: options.producer ?? '',
    maxInFlight: options.maxInFlight ?? defaultWindow,
    resend: options.resend ?? false,
    linger: options.linger ?? 0,
    batchSize: options.batchSize ?? defaultBatchSize,
    subEntry: subEntry && { size: subEntry.size, compression: subEntry.compression ?? 'none' },
    filterValue: options.filterValue as SinkSettings['filterValue'],
    routing: options.routing,
    confirmTimeout: options.confirmTimeout ?? 30_000,
  };
}
