import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../guard.js';
import { freePort } from '../ports.js';
import { PythonEnvironment } from './python-environment.js';
import { PythonWorker } from './python-worker.js';

// lonelypsc, the Python client, as the other side of a spec. It shares the virtual environment of the broadcaster.

const environment = new PythonEnvironment({
  name: 'lonelyps',
  title: 'lonelypsc',
  oldest: '3.10',
  folder: 'python-lonelypsc',
  requirements: '../../servers/lonelypss/requirements.txt',
});

/** The folder of the virtual environment, made when the cache has not got it. */
export function pythonLonelypsc(): Promise<string> {
  return environment.folder();
}

/** The part of a broadcaster that the peer needs. */
export interface PythonLonelypscServer {
  readonly url: string;
  readonly socketUrl: string;
  /** The text of subscriber-secrets.json. */
  secrets(): string;
}

/** How it talks to its broadcasters. */
export interface PythonLonelypscOptions {
  readonly transport: 'http' | 'websocket';
  /** Over HTTP: what its address ends with, a path and a fragment such as `/a#b`. Default: nothing. */
  readonly path?: string;
  /** Over HTTP: how often it looks whether it is still subscribed, in ms. Default 300 000. */
  readonly resubscribeInterval?: number;
  /** Over a websocket: the longest message that it sends, in bytes. Default 16 MiB. */
  readonly maxFrameBytes?: number;
  /** Over a websocket: whether headers have no names. Default true. */
  readonly minimalHeaders?: boolean;
  /** Over a websocket: whether it asks for compression. Default true. */
  readonly zstd?: boolean;
}

/** A message that it has received. */
export interface PythonLonelypscMessage {
  readonly topic: Uint8Array;
  /** The hash of what came, in hex. */
  readonly sha512: string;
  /** The hash that was announced, in hex. */
  readonly announced: string;
  readonly length: number;
  /** Undefined where there is more than a MiB. */
  readonly value: Uint8Array | undefined;
}

/** What it has sent: to how many subscribers, by the broadcaster's count, and its hash in hex. */
export interface PythonLonelypscNotified {
  readonly notified: number;
  readonly sha512: string;
}

/** What became of its connection. */
export type PythonLonelypscEvent = 'lost' | 'established' | 'abandoned';

/** Something that it is subscribed to. Topics are bytes, or text. */
export interface PythonLonelypscTopics {
  readonly exact?: readonly (string | Uint8Array)[];
  readonly glob?: readonly string[];
  /** Has the client say so, as undefined among the messages, when none came in so many ms. Default: it waits for ever. */
  readonly timeout?: number;
}

/** A Python process with one client of lonelypsc, until it is stopped. */
export class PythonLonelypsc {
  private constructor(
    private readonly worker: PythonWorker,
    private readonly folder: string,
    /** Where it listens, over HTTP, without its path. */
    readonly listensAt: string | undefined,
  ) {}

  /** Connects it. Several broadcasters must have the secrets of the first. */
  static async start(
    servers: PythonLonelypscServer | readonly PythonLonelypscServer[],
    options: PythonLonelypscOptions,
  ): Promise<PythonLonelypsc> {
    const list = Array.isArray(servers) ? (servers as PythonLonelypscServer[]) : [servers as PythonLonelypscServer];
    const { transport, path, resubscribeInterval, maxFrameBytes, minimalHeaders = true, zstd = true } = options;
    const port = transport === 'http' ? await freePort() : undefined;
    const folder = await temporaryFolder();
    const secrets = join(folder, 'subscriber-secrets.json');
    await writeFile(secrets, list[0]?.secrets() ?? '', { mode: 0o600 });
    const worker = await PythonWorker.start('lonelypsc', environment, {
      transport,
      urls: list.map(({ url, socketUrl }) => (transport === 'http' ? url : socketUrl)).join(','),
      secrets,
      port,
      path,
      resubscribe: resubscribeInterval === undefined ? undefined : resubscribeInterval / 1_000,
      frame: maxFrameBytes,
      expanded: minimalHeaders ? 0 : 1,
      zstd: zstd ? 1 : 0,
    });
    const peer = new PythonLonelypsc(worker, folder, port === undefined ? undefined : `http://127.0.0.1:${port}`);
    try {
      await worker.ask({ do: 'open' });
      return peer;
    } catch (error) {
      await peer.kill();
      throw error;
    }
  }

  /** Resolves when the broadcaster has confirmed it. Messages are collected from then on. */
  async subscribe(topics: PythonLonelypscTopics): Promise<PythonLonelypscSubscription> {
    const { exact = [], glob = [], timeout } = topics;
    const id = await this.worker.ask({
      do: 'subscribe',
      exact: exact.map(hex),
      glob,
      timeout: timeout === undefined ? null : timeout / 1_000,
    });
    return new PythonLonelypscSubscription(this.worker, id as number);
  }

  /** @param value - bytes or text; a number makes so many bytes, the `counted` ones, and reads them from a file */
  async notify(topic: string | Uint8Array, value: string | Uint8Array | number): Promise<PythonLonelypscNotified> {
    const what = typeof value === 'number' ? { value: null, size: value } : { value: hex(value) };
    return (await this.worker.ask({ do: 'notify', topic: hex(topic), ...what })) as PythonLonelypscNotified;
  }

  /** Everything that became of its connection so far. */
  async events(): Promise<PythonLonelypscEvent[]> {
    return (await this.worker.ask({ do: 'events' })) as PythonLonelypscEvent[];
  }

  /** Lets it unsubscribe, close its connections and end; kills it where it takes longer than 5 s. */
  async stop(): Promise<void> {
    await this.worker.stop();
    await removeFolder(this.folder);
  }

  /** Its connections break off. */
  async kill(): Promise<void> {
    await this.worker.kill();
    await removeFolder(this.folder);
  }
}

/** Messages that the peer collects until they are taken. */
export class PythonLonelypscSubscription {
  constructor(
    private readonly worker: PythonWorker,
    private readonly id: number,
  ) {}

  /**
   * Waits for so many, for up to 20 s, and gives them, without those that were taken before. With a `timeout`, undefined
   * stands for each time that it passed.
   *
   * @throws Error when the client has given up its connection
   */
  async take(count: number): Promise<(PythonLonelypscMessage | undefined)[]> {
    const lines = (await this.worker.ask({ do: 'take', subscription: this.id, count })) as (Line | null)[];
    return lines.map((line) => line ?? undefined).map((line) => line && messageOf(line));
  }

  /** Waits for so many and gives them as texts. */
  async texts(count: number): Promise<string[]> {
    return (await this.take(count)).map((message) => Buffer.from(message?.value ?? []).toString());
  }

  /** How often messages began to flow with a possible gap before. */
  async receiving(): Promise<number> {
    return (await this.worker.ask({ do: 'receiving', subscription: this.id })) as number;
  }

  async stop(): Promise<void> {
    await this.worker.ask({ do: 'unsubscribe', subscription: this.id });
  }
}

/** Bytes that count up to 250 again and again, which the peer sends where it is asked for a number of them. */
export function counted(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index % 251);
}

/** The SHA-512 of bytes, in hex. */
export function sha512(value: Uint8Array): string {
  return createHash('sha512').update(value).digest('hex');
}

interface Line {
  readonly error?: string;
  readonly topic: string;
  readonly announced: string;
  readonly sha512: string;
  readonly length: number;
  readonly value: string | null;
}

function messageOf({ error, topic, value, ...rest }: Line): PythonLonelypscMessage {
  if (error !== undefined) {
    throw new Error(`The Python peer (lonelypsc) receives nothing more: ${error}`);
  }
  return { ...rest, topic: bytes(topic), value: value === null ? undefined : bytes(value) };
}

function hex(value: string | Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
