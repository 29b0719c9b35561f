import { isIP } from 'node:net';
import { InvalidOptionError } from '../core/errors.js';
import type { TlsOptions } from '../core/tls.js';
import type { Address } from './connection/address.js';
import type { LiftbridgeOptions } from './options.js';

/** Where the brokers are, and whether they are spoken to over TLS. @internal */
export interface Seeds {
  readonly seeds: readonly Address[];
  readonly tls: TlsOptions | undefined;
}

const defaultPort = 9292;
const plain = 'liftbridge://';
const secured = 'liftbridge+tls://';

/** What one address says; `tls` is undefined where it does not say. */
interface Parts {
  readonly address: Address;
  readonly tls: boolean | undefined;
}

type Refuse = (problem: string) => never;

/**
 * Reads the options that say where the brokers are; their types were checked.
 * @throws InvalidOptionError; it prints no address, because somebody may have put a password into one
 * @internal
 */
export function resolveSeeds(where: string, options: LiftbridgeOptions): Seeds {
  const refuse: Refuse = (problem) => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'liftbridge' });
  };
  const { brokers = `localhost:${defaultPort}` } = options;
  const parts =
    typeof brokers === 'string'
      ? [readAddress(brokers, 'brokers', refuse)]
      : brokers.map((each, index) => readAddress(each, `brokers[${index}]`, refuse));
  const tls = parts[0]?.tls;
  if (parts.some((each) => each.tls !== tls)) {
    refuse(`brokers: all addresses must begin with '${plain}', or all with '${secured}', or none with either`);
  }
  if (tls === true && options.tls === false)
    refuse(`tls is false, and brokers begins with '${secured}'; give one of them`);
  if (tls === false && options.tls !== undefined && options.tls !== false) {
    refuse(`tls is given, and brokers begins with '${plain}'; write '${secured}'`);
  }
  const asked = options.tls ?? tls ?? false;
  const resolved = asked === false ? undefined : asked === true ? {} : asked;
  if (resolved && (resolved.cert === undefined) !== (resolved.key === undefined)) {
    const [given, missing] = resolved.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    refuse(`tls.${given} is given without tls.${missing}; a client certificate needs both`);
  }
  return { seeds: distinct(parts.map((each) => each.address)), tls: resolved };
}

function readAddress(text: string, name: string, refuse: Refuse): Parts {
  const bad = (): never =>
    refuse(
      `${name} must be a host with or without a port, such as 'localhost:${defaultPort}', or '${plain}localhost:${defaultPort}' ` +
        `(with TLS '${secured}…'); nothing else goes into it`,
    );
  const trimmed = text.trim();
  const scheme = /^([a-z][a-z0-9+.-]*:\/\/)/i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== plain && scheme !== secured) {
    return refuse(`${name} begins with '${scheme}'; accepted are ${plain} and ${secured}, or no scheme`);
  }
  const rest = trimmed.slice(scheme?.length ?? 0).replace(/\/$/, '');
  const tls = scheme === undefined ? undefined : scheme === secured;
  // an IPv6 address has brackets where a port follows, and may do without them where none does
  if (isIP(rest) === 6) return { address: { host: rest, port: defaultPort }, tls };
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^\s/@:?#[\]]+))(?::([0-9]{1,5}))?$/.exec(rest) ?? bad();
  if (bracketed !== undefined && isIP(bracketed) !== 6) return bad();
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65_535) return refuse(`${name} must have a port from 1 to 65535`);
  return { address: { host: (bracketed ?? bare) as string, port }, tls };
}

function distinct(addresses: readonly Address[]): Address[] {
  return addresses.filter(
    (each, index) => addresses.findIndex((other) => other.port === each.port && other.host === each.host) === index,
  );
}
