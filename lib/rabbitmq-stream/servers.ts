import { isIP } from 'node:net';
import { InvalidOptionError } from '../core/errors.js';
import type { TlsOptions } from '../core/tls.js';
import type { Address, RabbitMqStreamOptions } from './options.js';

/** Where the broker is, and who connects how. @internal */
export interface Servers {
  readonly seeds: readonly Address[];
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly tls: TlsOptions | undefined;
}

const plainPort = 5552;
const tlsPort = 5551;

type Refuse = (problem: string) => never;

/**
 * Reads the options that say where the broker is; their types were checked.
 * @throws InvalidOptionError; it prints no address, because one may hold a password
 * @internal
 */
export function resolveServers(where: string, options: RabbitMqStreamOptions): Servers {
  const refuse: Refuse = (problem) => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'rabbitmq-stream' });
  };
  const { url, host } = options;
  if (url !== undefined && (host !== undefined || options.port !== undefined)) {
    refuse(
      `url and ${host !== undefined ? 'host' : 'port'} are both given; give url, which has host and port in it, or host and port`,
    );
  }
  const servers = url === undefined ? fromHost(options, refuse) : fromUrls(url, options, refuse);
  checkSasl(options, servers.tls, refuse);
  return servers;
}

function fromHost(options: RabbitMqStreamOptions, refuse: Refuse): Servers {
  const { host = 'localhost', username = 'guest', password = 'guest', vhost = '/' } = options;
  const tls = tlsOptions(options.tls ?? false);
  const port = options.port ?? (tls ? tlsPort : plainPort);
  const hosts = typeof host === 'string' ? [host] : host;
  const seeds = hosts.map((each, index) => {
    const name = typeof host === 'string' ? 'host' : `host[${index}]`;
    const bare = each.startsWith('[') && each.endsWith(']') ? each.slice(1, -1) : each;
    if (isIP(bare) === 0 && /[\s/@:?#]/.test(bare)) {
      refuse(
        `${name} must be a name or an IP address alone; give the port as port, and an address with more in it as url`,
      );
    }
    return { host: bare, port };
  });
  return { seeds, username, password, vhost, tls };
}

/** What one address says. */
interface Parts {
  readonly seed: Address;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly vhost: string | undefined;
}

function fromUrls(url: string | readonly string[], options: RabbitMqStreamOptions, refuse: Refuse): Servers {
  const given = typeof url === 'string' ? [url] : url;
  const parts = given.map((each, index) => readUrl(each, typeof url === 'string' ? 'url' : `url[${index}]`, refuse));
  const tls = parts.some((each) => each.tls);
  if (parts.some((each) => each.tls !== tls)) {
    refuse("url: all addresses must begin with 'rabbitmq-stream://', or all with 'rabbitmq-stream+tls://'");
  }
  if (tls && options.tls === false)
    refuse("tls is false, and url begins with 'rabbitmq-stream+tls://'; give one of them");
  if (!tls && options.tls !== undefined && options.tls !== false) {
    refuse("tls is given, and url begins with 'rabbitmq-stream://'; write 'rabbitmq-stream+tls://'");
  }
  const one = (name: 'username' | 'password' | 'vhost'): string | undefined => {
    const values = new Set(parts.map((each) => each[name]).filter((value) => value !== undefined));
    if (values.size > 1) refuse(`url: the addresses differ in their ${name}; one handle has one`);
    const [inUrl] = values;
    if (inUrl !== undefined && options[name] !== undefined)
      refuse(`url and ${name} both say the ${name}; give it once`);
    return inUrl ?? options[name];
  };
  return {
    seeds: parts.map((each) => each.seed),
    username: one('username') ?? 'guest',
    password: one('password') ?? 'guest',
    vhost: one('vhost') ?? '/',
    tls: tls ? tlsOptions(options.tls ?? true) : undefined,
  };
}

function readUrl(text: string, name: string, refuse: Refuse): Parts {
  const example = "such as 'rabbitmq-stream://user:password@localhost:5552/vhost'";
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text.trim())?.[1]?.toLowerCase();
  if (scheme === undefined) return refuse(`${name} must be an address ${example}`);
  if (scheme !== 'rabbitmq-stream' && scheme !== 'rabbitmq-stream+tls') {
    return refuse(`${name} begins with '${scheme}://'; accepted are rabbitmq-stream:// and rabbitmq-stream+tls://`);
  }
  const url = parse(text.trim());
  if (!url || url.hostname === '' || url.port === '0')
    return refuse(`${name} must be an address ${example}, with a host and a port up to 65535`);
  if (url.search !== '' || url.hash !== '') {
    return refuse(
      `${name} has a query or a fragment, which is not read; give options beside it, and encode ? as %3F and # as %23`,
    );
  }
  const path = url.pathname.replace(/^\//, '');
  if (path.includes('/')) return refuse(`${name}: the virtual host has a slash; encode it as %2F`);
  const decoded = (part: string, what: string): string | undefined => {
    if (part === '') return undefined;
    try {
      return decodeURIComponent(part);
    } catch {
      return refuse(`${name}: the ${what} is not percent-encoded as it should be; encode % as %25`);
    }
  };
  const tls = scheme === 'rabbitmq-stream+tls';
  return {
    seed: {
      host: decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'), 'host') ?? '',
      port: url.port === '' ? (tls ? tlsPort : plainPort) : Number(url.port),
    },
    tls,
    username: decoded(url.username, 'user'),
    password: decoded(url.password, 'password'),
    vhost: decoded(path, 'virtual host'),
  };
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function tlsOptions(option: boolean | TlsOptions): TlsOptions | undefined {
  if (option === false) return undefined;
  return option === true ? {} : option;
}

function checkSasl(options: RabbitMqStreamOptions, tls: TlsOptions | undefined, refuse: Refuse): void {
  if (tls && (tls.cert === undefined) !== (tls.key === undefined)) {
    refuse(
      `tls.${tls.cert === undefined ? 'key' : 'cert'} is given without tls.${tls.cert === undefined ? 'cert' : 'key'}; a client certificate needs both`,
    );
  }
  if (options.sasl !== 'external') return;
  if (tls?.cert === undefined && tls?.pfx === undefined) {
    refuse(
      "sasl 'external' takes who connects from the client certificate; give it as tls.cert and tls.key, or as tls.pfx",
    );
  }
  const given = (['username', 'password'] as const).find((name) => options[name] !== undefined);
  if (given !== undefined) refuse(`sasl 'external' takes who connects from the client certificate; leave out ${given}`);
}
