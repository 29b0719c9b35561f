import { UsageError } from './exit.js';
import { optionValue, setOption } from './values.js';

/** The brokers that a URL can name. */
export type Kind = 'memory' | 'nats-streaming' | 'rabbitmq-stream' | 'liftbridge' | 'lonelyps';

/** A place to connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a URL says. */
export interface BrokerUrl {
  readonly kind: Kind;
  /** What is spoken to get there: the wire itself, or a websocket or HTTP where the broker has those. */
  readonly transport: 'none' | 'tcp' | 'ws' | 'http';
  readonly tls: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** What stands behind the host: the cluster id, the virtual host, a path prefix; without the first slash, decoded. */
  readonly path: string;
  /** The query: options of the broker's factory, nested where their names have dots. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The same URL without anything secret. */
  readonly masked: string;
}

type Way = Pick<BrokerUrl, 'transport' | 'tls'>;

interface Scheme {
  readonly kind: Kind;
  readonly ways: Readonly<Record<string, Way>>;
  /** Plain, and with TLS. */
  readonly ports: readonly [number, number];
}

const tcp: Readonly<Record<string, Way>> = {
  '': { transport: 'tcp', tls: false },
  s: { transport: 'tcp', tls: true },
  '+tls': { transport: 'tcp', tls: true },
};
const ws: Readonly<Record<string, Way>> = {
  '+ws': { transport: 'ws', tls: false },
  '+wss': { transport: 'ws', tls: true },
};

const streaming: Scheme = { kind: 'nats-streaming', ways: { ...tcp, ...ws }, ports: [4222, 4222] };
const lonely: Scheme = {
  kind: 'lonelyps',
  ways: {
    '': { transport: 'http', tls: false },
    s: { transport: 'http', tls: true },
    '+tls': { transport: 'http', tls: true },
    '+http': { transport: 'http', tls: false },
    '+https': { transport: 'http', tls: true },
    ...ws,
  },
  ports: [3003, 443],
};
const schemes: Readonly<Record<string, Scheme>> = {
  'nats-streaming': streaming,
  stan: streaming,
  'rabbitmq-stream': { kind: 'rabbitmq-stream', ways: tcp, ports: [5552, 5551] },
  liftbridge: { kind: 'liftbridge', ways: tcp, ports: [9292, 9292] },
  lonelyps: lonely,
};

const forms = [
  'memory:',
  'nats-streaming://host:4222/cluster?clientId=me',
  'rabbitmq-stream://user:password@host:5552/vhost',
  'liftbridge://host:9292,host2:9292',
  'lonelyps+http://host:3003 or lonelyps+ws://host:3003',
];

const pattern = /^([a-z][a-z0-9+.-]*):(?:\/\/(?:([^/?#]*)@)?([^/?#@]*))?([^?#]*)(?:\?([^#]*))?$/i;

/** Whether an argument is meant as a URL of a broker, right or wrong, and not as a channel. */
export function looksLikeUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^memory:/i.test(text);
}

/**
 * Reads a broker's URL: `scheme://[user[:password]@]host[:port][,host[:port]…][/path][?option=value&…]`.
 * @throws UsageError that says what is wrong, without a secret
 */
export function parseUrl(text: string): BrokerUrl {
  const parts = pattern.exec(text.trim());
  if (!parts) throw new UsageError(`the URL is not understood; it looks like ${forms.join(', ')}`);
  const [, scheme = '', userinfo, authority, rawPath = '', query = ''] = parts;
  const masked = maskUrl(text);
  const { options, tls } = readQuery(masked, query);
  if (scheme.toLowerCase() === 'memory') {
    if (authority !== undefined && authority !== '') refuse(masked, "the memory broker has no host; write 'memory:'");
    const path = decode(masked, rawPath.replace(/^\/+/, ''), 'name');
    return nowhere(path, options, masked);
  }
  const { kind, ways, ports, suffix } = schemeOf(scheme.toLowerCase());
  const way = withTls(masked, ways[suffix] as Way, tls);
  if (authority === undefined || authority === '') refuse(masked, 'it names no host');
  const endpoints = authority.split(',').map((each) => endpointOf(masked, each, ports[way.tls ? 1 : 0]));
  const colon = userinfo?.indexOf(':') ?? -1;
  const user = userinfo === undefined ? undefined : colon < 0 ? userinfo : userinfo.slice(0, colon);
  return hideSecrets({
    kind,
    ...way,
    endpoints,
    user: user === undefined || user === '' ? undefined : decode(masked, user, 'user'),
    password: colon < 0 ? undefined : decode(masked, (userinfo as string).slice(colon + 1), 'password'),
    path: decode(masked, rawPath.replace(/^\//, ''), 'path'),
    options,
    masked,
  });
}

const secretNames = /(^|\.)(pass|password|passphrase|token|secret|authorization|key|nkey|seed|jwt)$/i;

/** The URL without its password, a token that stands for the user, and the secrets among its options. */
export function maskUrl(text: string): string {
  const [, head = '', tail = ''] = /^([^?]*)(\?.*)?$/s.exec(text) ?? [];
  const masked = head.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/]*)@/i, (_, scheme: string, userinfo: string) => {
    const colon = userinfo.indexOf(':');
    return `${scheme}${colon < 0 ? '***' : `${userinfo.slice(0, colon)}:***`}@`;
  });
  const query = tail.replace(/([?&])([^=&]*)=([^&]*)/g, (all, mark: string, name: string) =>
    isSecret(name) ? `${mark}${name}=***` : all,
  );
  return masked + query;
}

function isSecret(name: string): boolean {
  return secretNames.test(name) || name.startsWith('credentials.');
}

function nowhere(path: string, options: Record<string, unknown>, masked: string): BrokerUrl {
  const none = { user: undefined, password: undefined };
  return { kind: 'memory', transport: 'none', tls: false, endpoints: [], ...none, path, options, masked };
}

function schemeOf(scheme: string): Scheme & { readonly suffix: string } {
  for (const [name, found] of Object.entries(schemes)) {
    const suffix = scheme.startsWith(name) ? scheme.slice(name.length) : undefined;
    if (suffix !== undefined && Object.hasOwn(found.ways, suffix)) return { ...found, suffix };
  }
  const meant = /^(amqps?|rabbitmq)/.test(scheme)
    ? '; RabbitMQ Streams have a protocol and a port of their own: rabbitmq-stream://host:5552'
    : /^(nats|tls)/.test(scheme)
      ? '; NATS Streaming is meant by nats-streaming://host:4222/cluster'
      : /^(https?|wss?)$/.test(scheme)
        ? `; lonelyps is meant by lonelyps+${scheme}://host`
        : '';
  throw new UsageError(`there is no broker '${scheme}:'${meant}. A URL looks like ${forms.join(', ')}`);
}

/** `tls=true`, or an option of TLS, says the same as a scheme with TLS. */
function withTls(masked: string, way: Way, tls: boolean | undefined): Way {
  if (tls === false && way.tls)
    refuse(masked, 'its scheme has TLS, and tls=false says otherwise; leave one of them out');
  return { ...way, tls: tls ?? way.tls };
}

function endpointOf(masked: string, text: string, defaultPort: number): Endpoint {
  const [, bracketed, bare, digits] = /^(?:\[([0-9a-f:.%]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? bare;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined) {
    return refuse(masked, `'${text}' is no host with or without a port; an IPv6 address goes into brackets`);
  }
  if (port < 1 || port > 65_535) return refuse(masked, 'a port is a number from 1 to 65535');
  return { host, port };
}

function readQuery(
  masked: string,
  query: string,
): { readonly options: Record<string, unknown>; readonly tls: boolean | undefined } {
  const options: Record<string, unknown> = {};
  let tls: boolean | undefined;
  // a plus is a plus here: nobody writes a space so in a URL of a broker
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    const read = optionValue(name, value);
    if (name === 'tls') {
      if (typeof read !== 'boolean') refuse(masked, 'tls is true or false; how it is done is said by tls.ca and so on');
      tls = read;
    } else {
      setOption(options, name, read);
    }
  }
  if (tls === false && 'tls' in options) refuse(masked, 'tls is false, and options of TLS are given');
  return { options, tls: tls ?? ('tls' in options ? true : undefined) };
}

function decode(masked: string, text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse(masked, `its ${what} is not percent-encoded as it should be; write % as %25`);
  }
}

function refuse(masked: string, problem: string): never {
  throw new UsageError(`the URL ${masked}: ${problem}`);
}

/** What prints the URL, or a part of it, prints no secret. */
function hideSecrets(url: BrokerUrl): BrokerUrl {
  for (const name of ['user', 'password', 'options'] as const) {
    Object.defineProperty(url, name, { enumerable: false });
  }
  return url;
}

/** A host and port as a URL has them. */
export function authorityOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
