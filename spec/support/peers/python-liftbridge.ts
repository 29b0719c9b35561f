import type { LiftbridgeServer } from '../brokers/index.js';
import { PythonEnvironment } from './python-environment.js';
import { PythonWorker } from './python-worker.js';

// python-liftbridge, the Python client of 2020, as the other side of a spec. It runs in a virtual environment of its own.

/** A message that python-liftbridge publishes; it takes text alone, and leaves an empty key away. */
export interface PythonLiftbridgeOutgoing {
  readonly value: string;
  readonly key?: string;
}

/** A message that python-liftbridge has read. It knows no headers. */
export interface PythonLiftbridgeIncoming {
  readonly offset: bigint;
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint;
  readonly subject: string;
  /** Empty where there is none. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A subscription of the peer at work. */
export interface PythonLiftbridgeSubscriber {
  /** Resolves when the server has confirmed the subscription: what is published from then on is seen. */
  readonly ready: Promise<void>;
  /** Resolves with all messages after the peer has left. */
  readonly messages: Promise<PythonLiftbridgeIncoming[]>;
}

const environment = new PythonEnvironment({
  name: 'python-liftbridge',
  title: 'python-liftbridge',
  oldest: '3.10',
});

/** The folder of the virtual environment, made when the cache has not got it. */
export function pythonLiftbridge(): Promise<string> {
  return environment.folder();
}

/** A Python process with python-liftbridge, that does one or several things at once until it is stopped. */
export class PythonLiftbridge {
  private constructor(private readonly worker: PythonWorker) {}

  /** With certificates it speaks TLS; it has none of its own to present. */
  static async start({ url, certificates }: Pick<LiftbridgeServer, 'url' | 'certificates'>): Promise<PythonLiftbridge> {
    return new PythonLiftbridge(
      await PythonWorker.start('python-liftbridge', environment, { url, ca: certificates?.ca }),
    );
  }

  /** Makes a stream of one partition. Its subject is its name unless given. */
  async createStream(
    stream: string,
    options: { readonly subject?: string; readonly replicas?: number } = {},
  ): Promise<void> {
    await this.worker.ask({ do: 'create_stream', stream, subject: stream, replicas: 1, ...options });
  }

  /**
   * Publishes in order to partition 0. The server has taken the messages when this resolves, and may store them a
   * moment later, for the client sets no deadline.
   */
  async publish(stream: string, messages: readonly PythonLiftbridgeOutgoing[]): Promise<void> {
    await this.worker.ask({ do: 'publish', stream, messages });
  }

  /**
   * Subscribes to partition 0.
   * @param options - `start`: a number is an offset, default `earliest`; `count`: after how many messages it leaves
   */
  subscribe(
    stream: string,
    options: { readonly count: number; readonly start?: 'earliest' | 'new' | number },
  ): PythonLiftbridgeSubscriber {
    const got: PythonLiftbridgeIncoming[] = [];
    let isReady: () => void = () => undefined;
    let isNotReady: (error: unknown) => void = () => undefined;
    const ready = new Promise<void>((resolve, reject) => {
      isReady = resolve;
      isNotReady = reject;
    });
    const result = this.worker.ask({ do: 'subscribe', stream, start: 'earliest', ...options }, (line) => {
      if ('ready' in line) {
        isReady();
      } else {
        const { offset, timestamp, subject, key, value } = line as Readonly<Record<string, string>>;
        got.push({
          offset: BigInt(offset ?? ''),
          timestamp: BigInt(timestamp ?? ''),
          subject: subject ?? '',
          key: new Uint8Array(Buffer.from(key ?? '', 'hex')),
          value: new Uint8Array(Buffer.from(value ?? '', 'hex')),
        });
      }
    });
    const messages = result.then(() => got);
    messages.catch(isNotReady);
    // Callers that only await one of the two are told by that one.
    ready.catch(() => undefined);
    return { ready, messages };
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
