import type { RabbitMqServer } from '../brokers/index.js';
import { PythonEnvironment } from './python-environment.js';
import { incomingOf, outgoingJson, type RstreamIncoming, type RstreamOutgoing } from './python-rstream-values.js';
import { PythonWorker } from './python-worker.js';

// rstream, the Python client of RabbitMQ streams, as the other side of a spec. It runs in a virtual environment of its own.

/** What the peer reads, and what it does with it. */
export interface RstreamReading {
  /** How many messages it takes before it leaves. */
  readonly count: number;
  /** Default `first`. */
  readonly start?: 'first' | 'next' | number;
  /** Whether it decodes AMQP messages; else it gives the bytes of each record. Default true. */
  readonly amqp?: boolean;
  /** The name under which it stores the offset of each message. */
  readonly name?: string;
  /** Whether it starts behind the offset that is stored under its name, if one is. Default false. */
  readonly resume?: boolean;
  /** Whether it is a member of the group of single active consumers of that name. It resumes when it becomes active. */
  readonly single?: boolean;
  readonly filter?: {
    readonly values: readonly string[];
    readonly matchUnfiltered?: boolean;
    /** An application property: what has not the first of the values there is dropped after it came. */
    readonly property?: string;
  };
}

/** A consumer of the peer at work. */
export interface RstreamReader {
  /** Resolves when the broker has confirmed the subscription. */
  readonly ready: Promise<void>;
  /** What came so far. */
  readonly soFar: readonly RstreamIncoming[];
  /** Whether the broker has made it the active one of its group. */
  readonly active: boolean;
  /** Resolves with all messages after the peer has left. */
  readonly messages: Promise<RstreamIncoming[]>;
}

const environment = new PythonEnvironment({
  name: 'python-rstream',
  title: 'the Python client of RabbitMQ streams',
  oldest: '3.10',
});

/** The folder of the virtual environment, made when the cache has not got it. */
export function pythonRstream(): Promise<string> {
  return environment.folder();
}

/** A Python process with rstream, that does one or several things at once until it is stopped. */
export class Rstream {
  private constructor(private readonly worker: PythonWorker) {}

  static async start(
    server: Pick<RabbitMqServer, 'host' | 'port' | 'username' | 'password' | 'vhost'>,
  ): Promise<Rstream> {
    const { host, port, username, password, vhost } = server;
    return new Rstream(await PythonWorker.start('rstream', environment, { host, port, username, password, vhost }));
  }

  /**
   * Publishes in order and resolves when the broker has confirmed all.
   * @param options - `name`: of the producer; `filter`: the application property with the filter value, which all have
   */
  async publish(
    stream: string,
    messages: readonly RstreamOutgoing[],
    options: { readonly name?: string; readonly filter?: string } = {},
  ): Promise<void> {
    await this.worker.ask({ do: 'publish', stream, messages: messages.map(outgoingJson), ...options });
  }

  /** Publishes each batch as one sub-entry, and resolves when the broker has confirmed all. */
  async publishSubEntries(
    stream: string,
    batches: readonly { readonly compression: 'No' | 'Gzip'; readonly messages: readonly RstreamOutgoing[] }[],
  ): Promise<void> {
    const lines = batches.map(({ compression, messages }) => ({ compression, messages: messages.map(outgoingJson) }));
    await this.worker.ask({ do: 'publish_sub_entries', stream, batches: lines });
  }

  read(stream: string, reading: RstreamReading): RstreamReader {
    const soFar: RstreamIncoming[] = [];
    let active = false;
    let isReady: () => void = () => undefined;
    let isNotReady: (error: unknown) => void = () => undefined;
    const ready = new Promise<void>((resolve, reject) => {
      isReady = resolve;
      isNotReady = reject;
    });
    const result = this.worker.ask({ do: 'consume', stream, start: 'first', amqp: true, ...reading }, (line) => {
      if ('ready' in line) {
        isReady();
      } else if ('active' in line) {
        active = line['active'] === true;
      } else {
        soFar.push(incomingOf(String(line['offset']), line['message'] as Record<string, unknown>));
      }
    });
    const messages = result.then(() => soFar);
    messages.catch(isNotReady);
    // Callers that only await one of the two are told by that one.
    ready.catch(() => undefined);
    return {
      ready,
      soFar,
      messages,
      get active() {
        return active;
      },
    };
  }

  async storeOffset(stream: string, name: string, offset: bigint): Promise<void> {
    await this.worker.ask({ do: 'store_offset', stream, name, offset: String(offset) });
  }

  /** Undefined where nothing is stored. */
  async queryOffset(stream: string, name: string): Promise<bigint | undefined> {
    const offset = (await this.worker.ask({ do: 'query_offset', stream, name })) as string | null;
    return offset === null ? undefined : BigInt(offset);
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
