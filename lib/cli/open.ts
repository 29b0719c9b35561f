import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Broker } from '../core/broker.js';
import type { Logger } from '../core/logger.js';
import type { TlsOptions } from '../core/tls.js';
import type { LiftbridgeBroker, LiftbridgeOptions } from '../liftbridge/index.js';
import type { LonelypsBroker, LonelypsOptions } from '../lonelyps/index.js';
import type { NatsStreamingBroker, NatsStreamingOptions } from '../nats-streaming/index.js';
import type { RabbitMqStreamBroker, RabbitMqStreamOptions } from '../rabbitmq-stream/index.js';
import { readCredentials, type Credentials } from './credentials.js';
import { UsageError } from './exit.js';
import { memoryHandle } from './memory-store.js';
import { authorityOf, type BrokerUrl, type Kind } from './url.js';

/** A handle, and the same by its own type where a command needs what only that broker has. */
export interface Opened {
  readonly kind: Kind;
  readonly url: BrokerUrl;
  readonly broker: Broker;
  readonly rabbitmq?: RabbitMqStreamBroker;
  readonly liftbridge?: LiftbridgeBroker;
  readonly natsStreaming?: NatsStreamingBroker;
  readonly lonelyps?: LonelypsBroker;
}

/** How a handle is to be made. */
export interface OpenOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file with credentials; see docs/cli.md for what is in it. */
  readonly creds?: string | undefined;
  /** Who connects, where the URL does not say. */
  readonly user?: string | undefined;
  /** Files of TLS, where the URL does not name them. */
  readonly tls?: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>> | undefined;
  /** Whether messages are to come in. Default false. */
  readonly receives?: boolean | undefined;
  /** Whether a position is kept, which needs a name that is the same the next time. Default false. */
  readonly keepsPosition?: boolean | undefined;
  readonly logger?: Logger | undefined;
  /** Options of the factory that go before those of the URL. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes the handle that a URL names. Nothing is connected yet.
 * @throws UsageError, InvalidOptionError, and UnsupportedError for a package that is not installed
 */
export async function openBroker(url: BrokerUrl, given: OpenOptions): Promise<Opened> {
  const credentials = await readCredentials(url, given);
  const { tls: tlsOptions, ...rest } = url.options;
  const tls = await tlsOf(url, tlsOptions, given);
  const common = { logger: given.logger, ...rest, ...given.options };
  switch (url.kind) {
    case 'memory':
      return { kind: 'memory', url, broker: memoryHandle(url.path, common) };
    case 'nats-streaming': {
      const { natsStreaming } = await import('../nats-streaming/index.js');
      const broker = natsStreaming(natsOptions(url, common, credentials, tls, given));
      return { kind: url.kind, url, broker: broker as unknown as Broker, natsStreaming: broker };
    }
    case 'rabbitmq-stream': {
      const { rabbitmqStream } = await import('../rabbitmq-stream/index.js');
      const broker = rabbitmqStream(rabbitOptions(url, common, credentials, tls));
      return { kind: url.kind, url, broker: broker as unknown as Broker, rabbitmq: broker };
    }
    case 'liftbridge': {
      const { liftbridge } = await import('../liftbridge/index.js');
      const broker = liftbridge(liftbridgeOptions(url, common, credentials, tls));
      return { kind: url.kind, url, broker: broker as unknown as Broker, liftbridge: broker };
    }
    case 'lonelyps': {
      const { lonelyps } = await import('../lonelyps/index.js');
      const broker = lonelyps(lonelypsOptions(url, common, credentials, tls, given));
      return { kind: url.kind, url, broker: broker as unknown as Broker, lonelyps: broker };
    }
  }
}

type Common = Readonly<Record<string, unknown>>;

/** What is undefined is left out: the options that are absent have defaults. */
function withoutAbsent(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function natsOptions(
  url: BrokerUrl,
  common: Common,
  { user, password, token, authenticator }: Credentials,
  tls: TlsOptions | undefined,
  given: OpenOptions,
): NatsStreamingOptions {
  const scheme = url.transport === 'ws' ? (url.tls ? 'wss' : 'ws') : url.tls ? 'tls' : 'nats';
  const { natsOptions: more, ...rest } = common;
  const options: Record<string, unknown> = {
    // what is said by no certificate of ours is left to the scheme
    tls: tls && Object.keys(tls).length > 0 ? tls : undefined,
    ...(authenticator === undefined ? (token === undefined ? { user, pass: password } : { token }) : { authenticator }),
    ...(more as object | undefined),
  };
  if (url.path === '' && rest['clusterId'] === undefined) {
    throw new UsageError(
      `the URL ${url.masked}: it names no cluster; write nats-streaming://host:4222/cluster, with the id that the server was started with (-cid)`,
    );
  }
  return withoutAbsent({
    clusterId: url.path,
    clientId: given.keepsPosition === true ? 'rx-weir' : `rx-weir-${randomBytes(6).toString('hex')}`,
    servers: url.endpoints.map((each) => `${scheme}://${authorityOf(each)}`),
    natsOptions: withoutAbsent(options),
    ...rest,
  }) as unknown as NatsStreamingOptions;
}

function rabbitOptions(
  url: BrokerUrl,
  common: Common,
  { user, password }: Credentials,
  tls: TlsOptions | undefined,
): RabbitMqStreamOptions {
  const scheme = url.tls ? 'rabbitmq-stream+tls' : 'rabbitmq-stream';
  return withoutAbsent({
    url: url.endpoints.map((each) => `${scheme}://${authorityOf(each)}`),
    username: user,
    password,
    vhost: url.path === '' ? undefined : url.path,
    tls,
    ...common,
  });
}

function liftbridgeOptions(
  url: BrokerUrl,
  common: Common,
  { metadata, token }: Credentials,
  tls: TlsOptions | undefined,
): LiftbridgeOptions {
  const scheme = url.tls ? 'liftbridge+tls' : 'liftbridge';
  return withoutAbsent({
    brokers: url.endpoints.map((each) => `${scheme}://${authorityOf(each)}`),
    credentials: metadata ?? (token === undefined ? undefined : { authorization: `Bearer ${token}` }),
    tls,
    ...common,
  });
}

/** Whether messages can come in with what the URL says. Over HTTP a broadcaster has to know where we are. */
export function canReceive({ kind, transport, endpoints, options }: BrokerUrl): boolean {
  if (kind !== 'lonelyps' || transport !== 'http' || options['receive'] !== undefined) return true;
  return endpoints.every(({ host }) => loopback.test(host));
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i;

function lonelypsOptions(
  url: BrokerUrl,
  common: Common,
  { auth, token }: Credentials,
  tls: TlsOptions | undefined,
  given: OpenOptions,
): LonelypsOptions {
  const scheme = `${url.transport}${url.tls ? 's' : ''}`;
  const path = url.path === '' ? '' : `/${url.path}`;
  const asToken = token === undefined ? undefined : { toBroadcaster: { type: 'token', token } };
  const needsPort = given.receives === true && url.transport === 'http' && common['receive'] === undefined;
  if (needsPort && !canReceive(url)) {
    throw new UsageError(
      `the URL ${url.masked}: over HTTP a broadcaster calls back, and has to know where; write lonelyps+ws://, or say ` +
        'receive.listen.port=3002&receive.host=http://this-machine:3002 in the query',
    );
  }
  return withoutAbsent({
    broadcasters: url.endpoints.map((each) => `${scheme}://${authorityOf(each)}${path}`),
    receive: needsPort ? { listen: { host: '127.0.0.1', port: 0 } } : undefined,
    auth: auth ?? asToken,
    tls,
    ...common,
  }) as unknown as LonelypsOptions;
}

const files = ['ca', 'cert', 'key', 'pfx'] as const;

/** How TLS is set up: what the query says, with the contents of the files that it and the flags name. Undefined without TLS. */
export async function tlsOf(
  url: BrokerUrl,
  said: unknown,
  given: Pick<OpenOptions, 'tls'>,
): Promise<TlsOptions | undefined> {
  const named = withoutAbsent({ ...given.tls });
  if (!url.tls) {
    if (Object.keys(named).length === 0) return undefined;
    throw new UsageError(
      `the URL ${url.masked}: files of TLS are given, and its scheme has no TLS; add tls=true to it`,
    );
  }
  const options: Record<string, unknown> = { ...(said as object | undefined), ...named };
  for (const name of files) {
    const path = options[name];
    if (typeof path === 'string') options[name] = await contentsOf(`tls.${name}`, path, name);
  }
  return options;
}

async function contentsOf(option: string, path: string, name: (typeof files)[number]): Promise<string | Uint8Array> {
  try {
    return name === 'pfx' ? await readFile(path) : await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`${option}: the file '${path}' cannot be read (${code ?? 'no reason was given'})`, {
      cause: error,
    });
  }
}
