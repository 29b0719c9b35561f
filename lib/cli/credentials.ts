import { readFile } from 'node:fs/promises';
import type { LonelypsAuth } from '../lonelyps/index.js';
import { UsageError } from './exit.js';
import type { BrokerUrl } from './url.js';

/** Who connects. */
export interface Credentials {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Made by the NATS client. */
  readonly authenticator?: unknown;
  /** Liftbridge: what goes with each call. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** lonelyps. */
  readonly auth?: Promise<LonelypsAuth> | undefined;
}

interface Given {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly creds?: string | undefined;
  readonly user?: string | undefined;
}

/**
 * Takes credentials from where they are: the URL, then a file (`--creds`, `RX_WEIR_CREDS`), then `--user` and the
 * environment (`RX_WEIR_USER`, `RX_WEIR_PASSWORD`, `RX_WEIR_TOKEN`). Arguments of a process can be seen by all users of
 * a machine, its environment and files cannot.
 * @throws UsageError where the file cannot be read; what is in it is never part of the error
 */
export async function readCredentials(url: BrokerUrl, { env, creds, user }: Given): Promise<Credentials> {
  if (url.kind === 'nats-streaming' && url.user !== undefined && url.password === undefined) return { token: url.user };
  if (url.user !== undefined && url.password !== undefined) return { user: url.user, password: url.password };
  const file = creds ?? env['RX_WEIR_CREDS'];
  if (file !== undefined && file !== '') return fromFile(url, file);
  const name = url.user ?? user ?? env['RX_WEIR_USER'];
  return {
    user: name,
    password: env['RX_WEIR_PASSWORD'],
    token: name === undefined ? env['RX_WEIR_TOKEN'] : undefined,
  };
}

async function fromFile(url: BrokerUrl, path: string): Promise<Credentials> {
  switch (url.kind) {
    case 'memory':
      return {};
    case 'nats-streaming':
      return { authenticator: await natsAuthenticator(await bytesOf(path)) };
    case 'rabbitmq-stream':
      return userAndPassword(path, (await bytesOf(path)).toString('utf8'));
    case 'liftbridge':
      return { metadata: metadataOf(path, (await bytesOf(path)).toString('utf8')) };
    case 'lonelyps': {
      const { authFromFile } = await import('../lonelyps/index.js');
      return { auth: authFromFile(path) };
    }
  }
}

/** What both generations of the NATS client have. */
interface NatsAuthenticators {
  credsAuthenticator(creds: Uint8Array): unknown;
  nkeyAuthenticator(seed: Uint8Array): unknown;
}

/** From a `.creds` file of NATS, or a file that holds a seed of an nkey. */
async function natsAuthenticator(bytes: Buffer): Promise<unknown> {
  const client: NatsAuthenticators = await import('nats').catch(() => import('@nats-io/transport-node'));
  const seed = /^\s*(SU[A-Z2-7]+)\s*$/.exec(bytes.toString('latin1'))?.[1];
  return seed === undefined ? client.credsAuthenticator(bytes) : client.nkeyAuthenticator(Buffer.from(seed));
}

function userAndPassword(path: string, text: string): Credentials {
  const line = text.split(/\r?\n/, 1)[0] as string;
  const colon = line.indexOf(':');
  if (colon < 1) throw new UsageError(`the file '${path}' must have a line of the form user:password`);
  return { user: line.slice(0, colon), password: line.slice(colon + 1) };
}

function metadataOf(path: string, text: string): Readonly<Record<string, string>> {
  try {
    const read = JSON.parse(text) as unknown;
    if (typeof read === 'object' && read !== null && Object.values(read).every((each) => typeof each === 'string')) {
      return read as Record<string, string>;
    }
  } catch {
    // an error of JSON's would show what is in the file
  }
  throw new UsageError(`the file '${path}' must hold a JSON object of strings, such as {"authorization": "Bearer …"}`);
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`the file of credentials '${path}' cannot be read (${code ?? 'no reason was given'})`, {
      cause: error,
    });
  }
}
