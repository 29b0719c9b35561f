import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Broker } from 'rx-weir';
import { authFromFile, type LonelypsOptions } from 'rx-weir/lonelyps';
import { liftbridge, type CreateStreamOptions, type LiftbridgeBroker } from 'rx-weir/liftbridge';
import { memory } from 'rx-weir/memory';
import { natsStreaming } from 'rx-weir/nats-streaming';
import { rabbitmqStream, type RabbitMqStreamBroker } from 'rx-weir/rabbitmq-stream';

/** What all programs here take; `parseArgs` of Node reads it. */
export const brokerOptions = {
  broker: { type: 'string' },
  cluster: { type: 'string', default: 'test-cluster' },
} as const;

/** Where a program's messages are. */
export interface Place {
  /** In words, for what the program prints. */
  readonly name: string;
  /** Ends the names of channels and clients, so that two runs on one server don't meet. */
  readonly run: string;
  /** How long an unsettled delivery stays away. NATS Streaming counts whole seconds, so that its shortest is 1000. */
  readonly ackWait: number;
  /** The offset of a channel's first message. */
  readonly firstOffset: bigint;
  /** Whether the members of a queue group work at once, or one at a time. */
  readonly queue: 'shared' | 'single';
  /** A handle, as a process of that name would have it. Making one connects nothing. */
  open(client?: string): Broker;
  /** A channel of this run. It is made where the broker does not make it by itself. */
  channel(name: string): Promise<string>;
}

/** The memory broker, or the server at that address. */
export function placeOf({ broker, cluster }: { broker?: string | undefined; cluster: string }): Place {
  if (broker?.startsWith('rabbitmq-stream') === true) return rabbitPlaceOf(broker);
  if (broker?.startsWith('liftbridge') === true) return liftbridgePlaceOf(broker);
  const run = randomUUID().slice(0, 8);
  const channel = (name: string): Promise<string> => Promise.resolve(`${name}-${run}`);
  const facts = { run, firstOffset: 1n, queue: 'shared', channel } as const;
  if (broker === undefined) {
    const store = memory({ closeTimeout: 2_000 });
    return { ...facts, name: 'memory', ackWait: 200, open: () => store.handle({ closeTimeout: 2_000 }) };
  }
  return {
    ...facts,
    name: `NATS Streaming at ${withoutPassword(broker)}`,
    ackWait: 1_000,
    open: (client = 'example') =>
      natsStreaming({ servers: broker, clusterId: cluster, clientId: `${client}-${run}`, closeTimeout: 2_000 }),
  };
}

/** What the programs that show RabbitMQ alone take. */
export const rabbitOptions = {
  broker: { type: 'string', default: 'rabbitmq-stream://localhost:5552' },
} as const;

/** A RabbitMQ, with all that it has beyond the others. */
export interface RabbitPlace extends Place {
  open(client?: string): RabbitMqStreamBroker;
}

/** The RabbitMQ at that address. */
export function rabbitPlaceOf(url: string): RabbitPlace {
  const run = randomUUID().slice(0, 8);
  const made = new Map<string, Promise<void>>();
  const open = (client = 'example'): RabbitMqStreamBroker =>
    rabbitmqStream({ url, connectionName: `${client}-${run}`, closeTimeout: 2_000 });
  const make = async (stream: string): Promise<void> => {
    await using broker = open('maker');
    // what is left behind goes by itself, as far as a stream can: its oldest segments, once it is large
    await broker.createStream(stream, { maxLengthBytes: 100_000_000, maxSegmentBytes: 20_000_000 });
  };
  return {
    name: `RabbitMQ at ${withoutPassword(url)}`,
    run,
    ackWait: 200,
    firstOffset: 0n,
    queue: 'single',
    open,
    async channel(name) {
      const stream = `${name}-${run}`;
      if (!made.has(stream)) made.set(stream, make(stream));
      await made.get(stream);
      return stream;
    },
  };
}

/** What the programs that show Liftbridge alone take. */
export const liftbridgeOptions = {
  broker: { type: 'string', default: 'liftbridge://localhost:9292' },
} as const;

/** A Liftbridge, with all that it has beyond the others. */
export interface LiftbridgePlace extends Place {
  open(client?: string): LiftbridgeBroker;
  channel(name: string, options?: Omit<CreateStreamOptions, 'name'>): Promise<string>;
}

/** The Liftbridge at that address. */
export function liftbridgePlaceOf(url: string): LiftbridgePlace {
  const run = randomUUID().slice(0, 8);
  const made = new Map<string, Promise<void>>();
  const open = (): LiftbridgeBroker => liftbridge({ brokers: url, closeTimeout: 2_000 });
  const make = async (options: CreateStreamOptions): Promise<void> => {
    await using broker = open();
    // what is left behind goes by itself, as far as a stream can: what is in it, after a day
    await broker.createStream({ retentionMaxAge: 86_400_000, ...options });
  };
  return {
    name: `Liftbridge at ${url.replace(/^.*\/\//, '')}`,
    run,
    ackWait: 200,
    firstOffset: 0n,
    queue: 'single',
    open,
    async channel(name, options) {
      const stream = `${name}-${run}`;
      if (!made.has(stream)) made.set(stream, make({ ...options, name: stream }));
      await made.get(stream);
      return stream;
    },
  };
}

/** What the programs that show lonelyps take. */
export const lonelypsOptions = {
  broker: { type: 'string', default: 'http://localhost:3003' },
  secrets: { type: 'string' },
} as const;

/** Where a broadcaster of lonelyps is. */
export interface LonelypsPlace {
  /** Ends the names of topics, so that two runs don't meet. */
  readonly run: string;
  /** The address of its websocket. */
  readonly socketUrl: string;
  /** What each handle has in common. */
  readonly options: Pick<LonelypsOptions, 'broadcasters' | 'auth' | 'closeTimeout'>;
}

/** The broadcaster at that address, with the secrets in that file, if it has any. */
export function lonelypsPlaceOf(values: {
  readonly broker: string;
  readonly secrets?: string | undefined;
}): LonelypsPlace {
  const { broker, secrets } = values;
  return {
    run: randomUUID().slice(0, 8),
    socketUrl: broker.replace(/^http/, 'ws'),
    options: {
      broadcasters: broker,
      auth: secrets === undefined ? undefined : authFromFile(secrets),
      closeTimeout: 2_000,
    },
  };
}

/** Reads `--broker` and `--secrets`, for programs that show lonelyps and take nothing else. */
export function lonelypsFromArguments(): LonelypsPlace {
  const { values } = parseArgs({ options: lonelypsOptions });
  return lonelypsPlaceOf(values);
}

/** Reads `--broker` and `--cluster`, for programs that take nothing else. */
export function placeFromArguments(): Place {
  const { values } = parseArgs({ options: brokerOptions });
  return placeOf(values);
}

/** Reads `--broker`, for programs that show RabbitMQ alone and take nothing else. */
export function rabbitFromArguments(): RabbitPlace {
  const { values } = parseArgs({ options: rabbitOptions });
  return rabbitPlaceOf(values.broker);
}

/** Reads `--broker`, for programs that show Liftbridge alone and take nothing else. */
export function liftbridgeFromArguments(): LiftbridgePlace {
  const { values } = parseArgs({ options: liftbridgeOptions });
  return liftbridgePlaceOf(values.broker);
}

/** A handle of any broker. */
interface Closable {
  close(): Promise<void>;
}

/** Arguments that are not understood; Node's own have such codes too. */
export class ArgumentError extends Error {
  readonly code = 'ERR_PARSE_ARGS';
}

/**
 * Runs a program: what it hands to `closing` is closed at its end, after an error, and on Ctrl-C. An error is told in one
 * line and makes the exit code 1, or 2 for arguments that are not understood.
 */
export async function run(
  name: string,
  main: (closing: <B extends Closable>(broker: B) => B) => Promise<void>,
  { onInterrupt = 'exit' }: { readonly onInterrupt?: 'exit' | 'ignore' } = {},
): Promise<void> {
  const brokers: Closable[] = [];
  const close = () => Promise.all(brokers.map((broker) => broker.close()));
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    console.error('interrupted: closing');
    void close().then(() => process.exit(130));
  };
  if (onInterrupt === 'exit') process.once('SIGINT', interrupt);
  // somebody reads the first lines only, as `head` does
  process.stdout.on('error', () => process.exit());
  try {
    await main((broker) => {
      brokers.push(broker);
      return broker;
    });
  } catch (error) {
    if (interrupted) return;
    const { code, message } = error as Error & { code?: string };
    console.error(`${name}: ${message}`);
    process.exitCode = code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
  } finally {
    process.off('SIGINT', interrupt);
    await close();
  }
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}
