import type { SourceOptions } from '../../core/broker.js';
import { flag, func, kinds, list, object, text, type Shape } from '../../core/check.js';
import { InvalidOptionError } from '../../core/errors.js';
import type {
  Earliest,
  FromAgo,
  FromOffset,
  FromTime,
  Latest,
  NewOnly,
  UntilNow,
  UntilOffset,
  UntilTime,
} from '../../core/starts.js';
import { storeEveryChecker, type StoreEvery } from '../../core/store-every.js';
import type { RabbitMqStreamDelivery } from '../delivery.js';

/** Where a subscription to a stream can begin. */
export type RabbitMqStreamStart = NewOnly | Latest | Earliest | FromOffset | FromTime | FromAgo;

/** Where a subscription to a stream can end by itself. */
export type RabbitMqStreamUntil = UntilNow | UntilOffset | UntilTime;

/** Which messages are wanted, by the filter value that their publisher gave them. */
export interface RabbitMqStreamFilter {
  /**
   * The broker sends only chunks that may hold a message with one of these filter values; none or one of 255 bytes each.
   * A chunk comes whole, with whatever else it holds: see `postFilter`. Needs RabbitMQ 3.13.
   */
  readonly values?: readonly string[] | undefined;
  /** Whether chunks that hold messages without a filter value come too. Default false. */
  readonly matchUnfiltered?: boolean | undefined;
  /**
   * Whether a message that came is wanted: sees it before the codec does. What it drops counts as settled. The filter value
   * itself is not part of a message, so look at what it was made from: a property, a header, the body.
   */
  readonly postFilter?: ((delivery: RabbitMqStreamDelivery) => boolean) | undefined;
}

/** What a source of RabbitMQ Streams takes. */
export interface RabbitMqStreamSourceOptions extends SourceOptions<RabbitMqStreamStart, RabbitMqStreamUntil> {
  /**
   * The name, of 1 to 255 bytes, under which the broker stores this subscription's offset. A stored one goes before
   * `start`. Other clients go on from it, and the other way round.
   */
  readonly durable?: string | undefined;
  /**
   * The name of a group of single active consumers, of 1 to 255 bytes: one is at work, the others stand by. The group's
   * position is stored under that name, so `durable` is not given with it.
   */
  readonly queue?: string | undefined;
  /** Milliseconds after which an unsettled delivery is emitted again. Default: never. */
  readonly ackWait?: number | undefined;
  /** Default: `{ messages: 10_000, ms: 5000 }`. Only with `durable` or `queue`. */
  readonly storeEvery?: StoreEvery | undefined;
  readonly filter?: RabbitMqStreamFilter | undefined;
  /** Whether the channel is a super stream, to be read with all its partitions in one window. Default false. */
  readonly superStream?: boolean | undefined;
}

const name = (): ReturnType<typeof text> => text({ words: 'of 1 to 255 bytes', problem: tooLong });

/** The checkers of what is this broker's own among a source's options. @internal */
export const sourceShape: Shape = {
  start: kinds('newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'),
  until: kinds('untilNow', 'untilOffset', 'untilTime'),
  durable: name(),
  queue: name(),
  storeEvery: storeEveryChecker,
  filter: object<RabbitMqStreamFilter>({
    values: list(text({ words: 'of 1 to 255 bytes', problem: tooLong })),
    matchUnfiltered: flag(),
    postFilter: func(),
  }),
  superStream: flag(),
};

/**
 * Refuses combinations that make no sense.
 * @throws InvalidOptionError
 * @internal
 */
export function checkCombination(where: string, options: RabbitMqStreamSourceOptions): void {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'rabbitmq-stream' });
  };
  const { durable, queue, storeEvery, filter, until } = options;
  if (durable !== undefined && queue !== undefined) {
    refuse('durable and queue are both given; a queue stores its position under its own name, so leave durable out');
  }
  if (storeEvery !== undefined && durable === undefined && queue === undefined) {
    refuse('storeEvery is given, but nothing that is stored; give durable or queue with it');
  }
  if (filter?.matchUnfiltered !== undefined && filter.values === undefined) {
    refuse('filter.matchUnfiltered goes with filter.values; without values everything comes');
  }
  if (filter?.values !== undefined && until?.kind === 'untilNow') {
    refuse(
      'untilNow() cannot be told with filter.values, because the broker may keep the last chunk back; filter by filter.postFilter alone',
    );
  }
}

function tooLong(value: string): string | undefined {
  const bytes = new TextEncoder().encode(value).length;
  return bytes > 255 ? `it has ${bytes} bytes` : undefined;
}
