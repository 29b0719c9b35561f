import type { SourceOptions } from '../../core/broker.js';
import { count, either, flag, kinds, list, oneOf, type Shape } from '../../core/check.js';
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
import { cursorId } from '../names.js';

/** Where a subscription to a stream can begin. */
export type LiftbridgeStart = NewOnly | Latest | Earliest | FromOffset | FromTime | FromAgo;

/** Where a subscription to a stream can end by itself; each partition ends on its own. */
export type LiftbridgeUntil = UntilNow | UntilOffset | UntilTime;

/** What a source of Liftbridge takes. */
export interface LiftbridgeSourceOptions extends SourceOptions<LiftbridgeStart, LiftbridgeUntil> {
  /**
   * Which partitions to read, merged into one window: one, some, or all that the stream has.
   * @defaultValue 'all'
   */
  readonly partition?: number | readonly number[] | 'all' | undefined;
  /**
   * The id of the cursors, one a partition, in which the position is kept: the offset of the last message up to which all
   * are settled. A stored one goes before `start`. go-liftbridge goes on from it, and the other way round. Needs a server
   * with `cursors.stream.partitions`; the source errors with an UnsupportedError where there is none.
   */
  readonly durable?: string | undefined;
  /**
   * The id of a consumer group: each partition is read by one of its members, and dealt out anew when one comes or goes.
   * The position is kept in cursors with the id `__group:<queue>`, as go-liftbridge has it, so `durable` is not given with it.
   */
  readonly queue?: string | undefined;
  /** Milliseconds after which an unsettled delivery is emitted again. Default: never. */
  readonly ackWait?: number | undefined;
  /** Default: `{ messages: 10_000, ms: 5000 }`. Only with `durable` or `queue`. */
  readonly storeEvery?: StoreEvery | undefined;
  /**
   * Whether to read from any replica that is in sync instead of the partition's leader, which takes load off that. What it
   * has may be a moment older. Not with `queue`.
   * @defaultValue false
   */
  readonly readIsrReplica?: boolean | undefined;
  /**
   * Whether a partition that is paused, or is paused meanwhile, is to be resumed. Without it such a partition ends the source
   * with a `StreamUnavailableError`.
   * @defaultValue false
   */
  readonly resume?: boolean | undefined;
}

const maxPartition = 2 ** 31 - 1;
const partition = (): ReturnType<typeof count> => count({ min: 0, max: maxPartition });

/** The checkers of what is this broker's own among a source's options. @internal */
export const liftbridgeSourceShape: Shape = {
  start: kinds('newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'),
  until: kinds('untilNow', 'untilOffset', 'untilTime'),
  partition: either(oneOf('all'), partition(), list(partition())),
  durable: cursorId,
  queue: cursorId,
  storeEvery: storeEveryChecker,
  readIsrReplica: flag(),
  resume: flag(),
};

/** Offsets are signed on the wire. */
const maxOffset = 2n ** 63n - 1n;

/**
 * Refuses combinations that make no sense.
 * @throws InvalidOptionError
 * @internal
 */
export function checkSourceCombinations(where: string, options: LiftbridgeSourceOptions): void {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'liftbridge' });
  };
  const { durable, queue, storeEvery, start, until, readIsrReplica } = options;
  const asked = options.partition;
  if (durable !== undefined && queue !== undefined) {
    refuse('durable and queue are both given; a queue keeps its position in cursors of its own, so leave durable out');
  }
  if (queue !== undefined && readIsrReplica === true) {
    refuse('readIsrReplica does not go with queue: the members of a group read from the leaders; leave it out');
  }
  if (queue !== undefined && asked !== undefined && asked !== 'all') {
    refuse('partition does not go with queue, whose members are told what to read; leave it out');
  }
  if (Array.isArray(asked) && new Set(asked).size < asked.length) {
    refuse(`partition names one twice: ${asked.join(', ')}`);
  }
  if (storeEvery !== undefined && durable === undefined && queue === undefined) {
    refuse('storeEvery is given, but nothing that is stored; give durable or queue with it');
  }
  for (const [name, each] of Object.entries({ start, until })) {
    if (each !== undefined && 'offset' in each && each.offset > maxOffset) {
      refuse(`${name} is offset ${each.offset}, and those of Liftbridge end at 2^63 - 1`);
    }
  }
}
