import { createInterface } from 'node:readline';
import { spawnGuarded } from '../guard.js';
import { unique } from '../names.js';
import { PythonEnvironment } from './python-environment.js';

// asyncio-nats-streaming, the Python client, as the other side of a spec. It runs in a virtual environment of its own.

/** Whom the peer talks to, and as whom. */
export interface PythonStanSession {
  readonly server: { readonly url: string; readonly cluster: string };
  readonly channel: string;
  /** Its client id. A fresh one unless given. */
  readonly client?: string;
  /** Milliseconds for its whole work. Default 30 000. */
  readonly timeout?: number;
}

/** What the peer subscribes to, and what it does with it. */
export interface PythonStanSubscription extends PythonStanSession {
  /** How many messages it takes before it closes its session. What the server sends beyond stays unacknowledged. */
  readonly count: number;
  /** Where it starts; a number is a sequence. Default `new`. */
  readonly start?: 'first' | 'last' | 'new' | number | bigint;
  readonly durable?: string;
  readonly queue?: string;
  /** Whether it acknowledges each message. Default `each`. */
  readonly acks?: 'each' | 'none';
  readonly maxInFlight?: number;
  /** Milliseconds, rounded up to seconds. Default 30 000. */
  readonly ackWait?: number;
  /** Whether it unsubscribes at the end, which removes a durable. Default false: it closes. */
  readonly forget?: boolean;
}

/** A message that the peer got. */
export interface PythonStanMessage {
  readonly sequence: bigint;
  readonly data: Uint8Array;
  readonly redelivered: boolean;
}

/** A subscription of the peer at work. */
export interface PythonStanSubscriber {
  /** Resolves when the server has confirmed the subscription: what is published from then on is seen. */
  readonly ready: Promise<void>;
  /** Resolves with all messages after the peer has closed its session and ended. */
  readonly messages: Promise<PythonStanMessage[]>;
}

const environment = new PythonEnvironment({
  name: 'python-stan',
  title: 'the Python client of NATS Streaming',
  oldest: '3.9',
  packages: ['sitecustomize.py'],
});

/** The folder of the virtual environment, made when the cache has not got it. */
export function pythonStan(): Promise<string> {
  return environment.folder();
}

/** Publishes messages in order. Resolves with how many were acknowledged, which is all of them. */
export async function publish(session: PythonStanSession, messages: readonly Uint8Array[]): Promise<number> {
  const input = messages.map((message) => `${Buffer.from(message).toString('hex')}\n`).join('');
  let acked = 0;
  await run('publish.py', sessionArguments(session), input, () => acked++);
  return acked;
}

/** Subscribes and gives what came once `count` messages are there. */
export function subscribe(subscription: PythonStanSubscription): PythonStanSubscriber {
  const { count, start, durable, queue, acks, maxInFlight, ackWait, forget } = subscription;
  const args = [...sessionArguments(subscription), '--count', String(count)];
  const options = {
    start,
    durable,
    queue,
    acks,
    'max-in-flight': maxInFlight,
    'ack-wait': ackWait === undefined ? undefined : Math.ceil(ackWait / 1000),
  };
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) {
      args.push(`--${name}`, String(value));
    }
  }
  if (forget) {
    args.push('--forget');
  }
  let isReady: () => void = () => undefined;
  let isNotReady: (error: unknown) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    isReady = resolve;
    isNotReady = reject;
  });
  const messages: PythonStanMessage[] = [];
  const result = run('subscribe.py', args, '', (line) => {
    if (line === 'ready') {
      isReady();
      return;
    }
    const [sequence = '', hex = '', redelivered] = line.split(' ');
    const data = new Uint8Array(Buffer.from(hex === '-' ? '' : hex, 'hex'));
    messages.push({ sequence: BigInt(sequence), data, redelivered: redelivered === '1' });
  }).then(() => messages);
  result.catch(isNotReady);
  // Callers that only await one of the two are told by that one.
  ready.catch(() => undefined);
  return { ready, messages: result };
}

function sessionArguments({ server, channel, client, timeout = 30_000 }: PythonStanSession): string[] {
  const connection = ['--url', server.url, '--cluster', server.cluster, '--client', client ?? unique('python')];
  return [...connection, '--channel', channel, '--timeout', String(timeout / 1000)];
}

async function run(script: string, args: string[], input: string, onLine: (line: string) => void): Promise<void> {
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  const python = await environment.python();
  const child = await spawnGuarded(python, [environment.path(script), ...args], { stdin: true, env });
  child.ref();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  createInterface({ input: child.stdout }).on('line', onLine);
  child.stdin.end(input);
  await new Promise<void>((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve();
      } else {
        const end = signal ?? `code ${code}`;
        reject(new Error(`The Python peer (${script}) ended with ${end}: ${errors.trim().slice(-4_000)}`));
      }
    });
  });
}
