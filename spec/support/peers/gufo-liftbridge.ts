import { PythonEnvironment } from './python-environment.js';
import { PythonWorker } from './python-worker.js';

// gufo-liftbridge, the asynchronous Python client, as the other side of a spec. It runs in a virtual environment of its own.

/** A message that gufo-liftbridge publishes. */
export interface GufoOutgoing {
  readonly value: Uint8Array;
  readonly key?: Uint8Array;
  readonly headers?: Readonly<Record<string, Uint8Array>>;
}

/** A message that gufo-liftbridge has read. */
export interface GufoIncoming {
  readonly offset: bigint;
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint;
  readonly subject: string;
  readonly partition: number;
  /** Empty where there is none. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, Uint8Array>>;
}

/** Where and how it publishes. Default: partition 0, acknowledged by its leader. */
export interface GufoPublishing {
  readonly partition?: number;
  readonly ack?: 'leader' | 'all' | 'none';
}

const environment = new PythonEnvironment({
  name: 'gufo-liftbridge',
  title: 'gufo-liftbridge',
  oldest: '3.10',
});

/** The folder of the virtual environment, made when the cache has not got it. */
export function gufoLiftbridge(): Promise<string> {
  return environment.folder();
}

/** A Python process with gufo-liftbridge, that does one or several things at once until it is stopped. It has no TLS. */
export class GufoLiftbridge {
  private constructor(private readonly worker: PythonWorker) {}

  /** @param urls - `host:port` of one or several servers */
  static async start(...urls: readonly string[]): Promise<GufoLiftbridge> {
    return new GufoLiftbridge(await PythonWorker.start('gufo-liftbridge', environment, { urls: urls.join(',') }));
  }

  /** Its subject is its name unless given; one partition and one replica. */
  async createStream(
    stream: string,
    options: { readonly subject?: string; readonly partitions?: number; readonly replicas?: number } = {},
  ): Promise<void> {
    await this.worker.ask({ do: 'create_stream', stream, subject: stream, partitions: 1, replicas: 1, ...options });
  }

  /**
   * Publishes one after the other. The server has taken the messages when this resolves, and may store them a moment
   * later, for the client sets no deadline.
   */
  async publish(stream: string, messages: readonly GufoOutgoing[], options: GufoPublishing = {}): Promise<void> {
    await this.worker.ask({ do: 'publish', ...publishing(stream, messages, options) });
  }

  /** Publishes all at once and gives the offset of each, in their order. With `none` for acks it would wait for ever. */
  async publishBulk(
    stream: string,
    messages: readonly GufoOutgoing[],
    options: GufoPublishing & { readonly ack?: 'leader' | 'all' } = {},
  ): Promise<bigint[]> {
    const offsets = await this.worker.ask({ do: 'publish_bulk', ...publishing(stream, messages, options) });
    return (offsets as string[]).map(BigInt);
  }

  /**
   * Resolves with the messages once `count` are there. A stream that is not there is waited for.
   * @param options - `start`: a number is an offset, default `earliest`; `partition`: default 0
   */
  async subscribe(
    stream: string,
    options: {
      readonly count: number;
      readonly start?: 'earliest' | 'latest' | number;
      readonly partition?: number;
    },
  ): Promise<GufoIncoming[]> {
    const { count, start = 'earliest', partition = 0 } = options;
    const got: GufoIncoming[] = [];
    const where = { stream, count, partition, start: typeof start === 'number' ? start : start.toUpperCase() };
    await this.worker.ask({ do: 'subscribe', ...where }, (line) => got.push(incomingOf(line as unknown as Line)));
    return got;
  }

  /** Lets it close its connections and end; kills it where it takes longer than 5 s. */
  stop(): Promise<void> {
    return this.worker.stop();
  }

  /** Its connections break off. */
  kill(): Promise<void> {
    return this.worker.kill();
  }
}

interface Line {
  readonly offset: string;
  readonly timestamp: string;
  readonly subject: string;
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

function incomingOf({ offset, timestamp, subject, partition, key, value, headers }: Line): GufoIncoming {
  return {
    offset: BigInt(offset),
    timestamp: BigInt(timestamp),
    subject,
    partition,
    key: bytes(key),
    value: bytes(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, bytes(each)])),
  };
}

function publishing(
  stream: string,
  messages: readonly GufoOutgoing[],
  { partition = 0, ack = 'leader' }: GufoPublishing,
): Readonly<Record<string, unknown>> {
  const lines = messages.map(({ value, key, headers = {} }) => ({
    value: hex(value),
    key: key && hex(key),
    headers: Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, hex(each)])),
  }));
  return { stream, partition, ack: ack.toUpperCase(), messages: lines };
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
