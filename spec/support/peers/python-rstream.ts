import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RabbitMqServer } from '../brokers/index.js';
import { cached } from '../cache.js';
import { command } from '../command.js';
import { spawnGuarded } from '../guard.js';
import { willNeed } from '../provision.js';
import { within } from '../wait.js';
import { incomingOf, outgoingJson, type RstreamIncoming, type RstreamOutgoing } from './python-rstream-values.js';

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

type Child = Awaited<ReturnType<typeof spawnGuarded>>;
type Tell = (line: Readonly<Record<string, unknown>>) => void;

interface Work {
  readonly tell: Tell;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const home = new URL('./python-rstream/', import.meta.url);
const inHome = (name: string): string => fileURLToPath(new URL(name, home));
const install =
  'Install Python 3.10 or later with its venv module (Debian, Ubuntu: apt-get install python3 python3-venv), ' +
  'or name an interpreter in RX_WEIR_PYTHON.';

let environment: Promise<string> | undefined;

/** The folder of the virtual environment, made when the cache has not got it. */
export function pythonRstream(): Promise<string> {
  environment ??= makeEnvironment();
  return environment;
}

willNeed('the Python client of RabbitMQ streams', pythonRstream);

/** A Python process with rstream, that does one or several things at once until it is stopped. */
export class Rstream {
  private readonly ended: Promise<void>;
  private readonly work = new Map<number, Work>();
  private errors = '';
  private count = 0;

  private constructor(private readonly child: Child) {
    child.ref();
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.errors += chunk));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.heard(JSON.parse(line) as Parameters<Rstream['heard']>[0]);
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.failAll(`ended with ${signal ?? `code ${code}`}`);
        resolve();
      });
    });
  }

  static async start(
    server: Pick<RabbitMqServer, 'host' | 'port' | 'username' | 'password' | 'vhost'>,
  ): Promise<Rstream> {
    const folder = await pythonRstream();
    const { host, port, username, password, vhost } = server;
    const options = Object.entries({ host, port, username, password, vhost });
    const args = options.map(([name, value]) => `--${name}=${value}`);
    const env = { PYTHONDONTWRITEBYTECODE: '1' };
    return new Rstream(await spawnGuarded(python(folder), [inHome('peer.py'), ...args], { stdin: true, env }));
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
    await this.ask({ do: 'publish', stream, messages: messages.map(outgoingJson), ...options });
  }

  /** Publishes each batch as one sub-entry, and resolves when the broker has confirmed all. */
  async publishSubEntries(
    stream: string,
    batches: readonly { readonly compression: 'No' | 'Gzip'; readonly messages: readonly RstreamOutgoing[] }[],
  ): Promise<void> {
    const lines = batches.map(({ compression, messages }) => ({ compression, messages: messages.map(outgoingJson) }));
    await this.ask({ do: 'publish_sub_entries', stream, batches: lines });
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
    const result = this.ask({ do: 'consume', stream, start: 'first', amqp: true, ...reading }, (line) => {
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
    await this.ask({ do: 'store_offset', stream, name, offset: String(offset) });
  }

  /** Undefined where nothing is stored. */
  async queryOffset(stream: string, name: string): Promise<bigint | undefined> {
    const offset = (await this.ask({ do: 'query_offset', stream, name })) as string | null;
    return offset === null ? undefined : BigInt(offset);
  }

  /** Lets it close its connections and end; kills it where it takes longer than 5 s. */
  async stop(): Promise<void> {
    this.child.stdin.end();
    await within(this.ended, 5_000).catch(() => this.kill());
  }

  /** Its connections break off. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Asks for something that must be done within 20 s, or the process is killed. */
  private async ask(request: Readonly<Record<string, unknown>>, tell: Tell = () => undefined): Promise<unknown> {
    const id = this.count++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.work.set(id, { tell, resolve, reject });
    });
    this.child.stdin.write(`${JSON.stringify({ ...request, id })}\n`);
    const timer = setTimeout(() => {
      this.failAll(`did not ${String(request['do'])} within 20 s`);
      this.child.kill('SIGKILL');
    }, 20_000);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  private heard(line: {
    readonly id: number;
    readonly tell?: Parameters<Tell>[0];
    readonly error?: string;
    readonly result?: unknown;
  }): void {
    const work = this.work.get(line.id);
    if (line.tell !== undefined) {
      work?.tell(line.tell);
      return;
    }
    this.work.delete(line.id);
    if (line.error === undefined) {
      work?.resolve(line.result);
    } else {
      work?.reject(this.failure(`failed: ${line.error}`));
    }
  }

  private failAll(reason: string): void {
    for (const { reject } of this.work.values()) {
      reject(this.failure(reason));
    }
    this.work.clear();
  }

  private failure(reason: string): Error {
    const said = this.errors.trim().slice(-4_000);
    return new Error(`The Python peer (rstream) ${reason}${said && `\n${said}`}`);
  }
}

function python(folder: string): string {
  return join(folder, 'bin', 'python');
}

async function makeEnvironment(): Promise<string> {
  const interpreter = process.env['RX_WEIR_PYTHON'] || 'python3';
  const version = await command(interpreter, ['-VV'], { install });
  return cached({
    name: 'python-rstream',
    pins: [interpreter, version, await readFile(inHome('requirements.txt'), 'utf8')],
    build: async (target) => {
      await command(interpreter, ['-m', 'venv', target], { install });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
      await command(python(target), [...pip, '-r', inHome('requirements.txt')], { install: '' });
    },
  });
}
