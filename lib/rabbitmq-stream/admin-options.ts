import {
  checkOptions,
  checkValue,
  count,
  duration,
  either,
  flag,
  list,
  oneOf,
  text,
  type Checker,
  type Shape,
} from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';

/** How much a stream keeps, and where it lives. Fixed when it is made. */
export interface StreamArguments {
  /** Bytes that the stream keeps; the oldest segments go first. Default: no bound, or the broker's policy. */
  readonly maxLengthBytes?: number | undefined;
  /**
   * How long the stream keeps a message: milliseconds, rounded up to seconds, or digits and one of `Y M D h m s`, such as
   * `'7D'`. Whole segments go, so that it may keep more. Default: no bound, or the broker's policy.
   */
  readonly maxAge?: number | string | undefined;
  /** Bytes in one segment, up to 3 000 000 000. Default: the broker's, 500 000 000. */
  readonly maxSegmentBytes?: number | undefined;
  /** Bytes of the filter that each chunk has for the filter values in it, from 16 to 255. Default: the broker's, 16. */
  readonly filterSizeBytes?: number | undefined;
  /**
   * Which node gets the leader: the one that this client is connected to, or one with few leaders. `least-leaders` is the old
   * name of `balanced`. Default: the broker's, `client-local`; for the partitions of a super stream `balanced`.
   */
  readonly leaderLocator?: 'client-local' | 'balanced' | 'least-leaders' | undefined;
  /** How many nodes of the cluster hold the stream. Default: the broker's. */
  readonly initialClusterSize?: number | undefined;
}

/** What `createStream` takes. */
export interface CreateStreamOptions extends StreamArguments {
  /** Whether a stream that is there already, with the same arguments, is fine. Default false. */
  readonly ifNotExists?: boolean | undefined;
}

/** What `createSuperStream` takes: `partitions` or `bindingKeys`, and what holds for each of the streams. */
export interface CreateSuperStreamOptions extends StreamArguments {
  /** How many streams. They are called `name-0`, `name-1` … and their routing keys are `'0'`, `'1'` … */
  readonly partitions?: number | undefined;
  /** One stream for each routing key, called `name-key`. */
  readonly bindingKeys?: readonly string[] | undefined;
  /** Whether a super stream with the same partitions that is there already is fine. Default false. */
  readonly ifNotExists?: boolean | undefined;
}

/** What `deleteStream` and `deleteSuperStream` take. */
export interface DeleteStreamOptions {
  /** Whether it is fine that there is none. Default false. */
  readonly ifExists?: boolean | undefined;
}

const argumentsShape: Shape<StreamArguments> = {
  maxLengthBytes: count({ max: Number.MAX_SAFE_INTEGER }),
  maxAge: either(
    duration({ min: 1 }),
    // RabbitMQ drops the connection for what it cannot read
    text({ pattern: /^0*[1-9][0-9]{0,15}[YMDhms]$/, words: "of digits and one of Y M D h m s, such as '7D'" }),
  ),
  maxSegmentBytes: count({ max: 3_000_000_000 }),
  filterSizeBytes: count({ min: 16, max: 255 }),
  leaderLocator: oneOf('client-local', 'balanced', 'least-leaders'),
  initialClusterSize: count({ max: 65_535 }),
};

const createStreamShape: Shape<CreateStreamOptions> = { ...argumentsShape, ifNotExists: flag() };
const createSuperStreamShape: Shape<CreateSuperStreamOptions> = {
  ...createStreamShape,
  partitions: count({ max: 65_535 }),
  bindingKeys: list(text({ problem: nameProblem })),
};
const deleteStreamShape: Shape<DeleteStreamOptions> = { ifExists: flag() };

/** What the wire's strings hold. */
const maxBytes = 255;

/** What is wrong with a stream's name, in words that fit after "got 'x': ". @internal */
export function nameProblem(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes > maxBytes) return `it has ${bytes} bytes, and ${maxBytes} are the most`;
  if (/[\r\n]/.test(name)) return 'it has a line break, which RabbitMQ would drop';
  if (/\p{Surrogate}/u.test(name)) return 'it has half of a surrogate pair, which is no character';
  return undefined;
}

/** The name of a stream, of a super stream; also a channel. @internal */
export const streamName: Checker = text({ problem: nameProblem });

/** The name of a stream to make. @internal */
export const newStreamName: Checker = text({
  problem: (name) =>
    nameProblem(name) ?? (name.startsWith('amq.') ? "RabbitMQ keeps names with 'amq.' to itself" : undefined),
});

/** The name that an offset is stored under, or a producer's. @internal */
export const reference: Checker = text({
  words: `of up to ${maxBytes} bytes`,
  problem: (name) => (Buffer.byteLength(name) > maxBytes ? `it has ${Buffer.byteLength(name)}` : undefined),
});

/** @throws InvalidOptionError @internal */
export function checkCreateStream(where: string, name: unknown, options: unknown): void {
  checkValue(where, 'name', name, newStreamName);
  checkOptions(where, options, createStreamShape);
}

/** @throws InvalidOptionError @internal */
export function checkDelete(where: string, name: unknown, options: unknown): void {
  checkValue(where, 'name', name, streamName);
  checkOptions(where, options, deleteStreamShape);
}

/** A super stream's streams and their routing keys, which are as many. @internal */
export interface Partitioning {
  readonly partitions: readonly string[];
  readonly bindingKeys: readonly string[];
}

/** @throws InvalidOptionError @internal */
export function checkCreateSuperStream(where: string, name: string, options: CreateSuperStreamOptions): Partitioning {
  checkValue(where, 'name', name, newStreamName);
  checkOptions(where, options, createSuperStreamShape);
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'rabbitmq-stream' });
  };
  const { partitions: size, bindingKeys: given } = options;
  if (size === undefined && given === undefined) {
    refuse('it is not said what its partitions are; give partitions, their number, or bindingKeys, one for each');
  }
  if (size !== undefined && given !== undefined) {
    refuse('partitions and bindingKeys are both given; give one of them, the keys are as many as the partitions');
  }
  const bindingKeys = given ?? Array.from({ length: size ?? 0 }, (_, index) => String(index));
  bindingKeys.forEach((key, index) => {
    if (bindingKeys.indexOf(key) !== index) refuse(`bindingKeys must differ from each other; '${key}' is there twice`);
  });
  const partitions = bindingKeys.map((key) => `${name}-${key}`);
  for (const partition of partitions) {
    const problem = nameProblem(partition);
    if (problem !== undefined) refuse(`the partition '${partition}' cannot be called so: ${problem}`);
  }
  return { partitions, bindingKeys };
}

/** The arguments as the wire has them. @internal */
export function wireArguments(options: StreamArguments): Record<string, string> {
  const { maxLengthBytes, maxAge, maxSegmentBytes, filterSizeBytes, leaderLocator, initialClusterSize } = options;
  const args: Record<string, string | number | undefined> = {
    'max-length-bytes': maxLengthBytes,
    'max-age': typeof maxAge === 'number' ? `${Math.ceil(maxAge / 1000)}s` : maxAge,
    'stream-max-segment-size-bytes': maxSegmentBytes,
    'stream-filter-size-bytes': filterSizeBytes,
    'queue-leader-locator': leaderLocator,
    'initial-cluster-size': initialClusterSize,
  };
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(args)) if (value !== undefined) given[name] = String(value);
  return given;
}
