import { count, either, list, object, required, secret, text, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import type { LonelypsReceive } from './receive-options.js';

/** One broadcaster. */
export interface LonelypsBroadcaster {
  /** Such as `http://host:3003` or `wss://host/prefix`. */
  readonly host: string;
  /**
   * Those of the lowest number are tried first, 0 or more.
   * @defaultValue after all that have one
   */
  readonly priority?: number | undefined;
}

/** A broadcaster, as it is asked. @internal */
export interface Broadcaster {
  /** Scheme, host, port and path prefix, without a slash at the end. */
  readonly url: string;
  /** Infinity where none was given. */
  readonly priority: number;
}

/** @internal */
export interface ResolvedBroadcasters {
  readonly transport: 'http' | 'websocket';
  readonly broadcasters: readonly Broadcaster[];
  /** Whether one of them is reached over TLS. */
  readonly secured: boolean;
}

// somebody may have put a password into an address
const address = text({ secret: true });
const broadcasterShape: Shape<LonelypsBroadcaster> = { host: required(address), priority: count({ min: 0 }) };
const broadcaster = object(broadcasterShape);

/** @internal */
export const broadcastersChecker = secret(either(address, broadcaster, list(either(address, broadcaster))));

interface Given {
  readonly broadcasters: string | LonelypsBroadcaster | readonly (string | LonelypsBroadcaster)[];
  readonly receive?: LonelypsReceive | undefined;
}

/**
 * Reads where the broadcasters are; the types were checked.
 * @throws InvalidOptionError; it prints no address
 * @internal
 */
export function resolveBroadcasters(where: string, { broadcasters, receive }: Given): ResolvedBroadcasters {
  const given = [broadcasters].flat() as readonly (string | LonelypsBroadcaster)[];
  const isOne = !Array.isArray(broadcasters);
  const parsed = given.map((each, index) => {
    const name = isOne ? 'broadcasters' : `broadcasters[${index}]`;
    if (typeof each === 'string') return { url: readAddress(where, name, each), priority: Infinity };
    return { url: readAddress(where, `${name}.host`, each.host), priority: each.priority ?? Infinity };
  });
  const sockets = parsed.filter(({ url }) => url.protocol.startsWith('ws')).length;
  if (sockets > 0 && sockets < parsed.length) {
    throw invalid(where, "broadcasters must all begin with 'http', or all with 'ws'; one handle talks one way to all");
  }
  const overSocket = sockets > 0 || (receive !== undefined && 'websocket' in receive);
  return {
    transport: overSocket ? 'websocket' : 'http',
    secured: parsed.some(({ url }) => url.protocol.endsWith('s:')),
    broadcasters: distinct(parsed.map(({ url, priority }) => ({ url: baseOf(url, overSocket), priority }))),
  };
}

function readAddress(where: string, name: string, given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isKnown = url !== undefined && /^(http|ws)s?:$/.test(url.protocol) && url.hostname !== '';
  if (!isKnown) throw invalid(where, `${name} must be a URL such as 'http://localhost:3003' or 'wss://localhost:3003'`);
  if (url.username !== '' || url.password !== '') {
    throw invalid(where, `${name} has a user or password, which lonelyps has no use for; give auth instead`);
  }
  // an empty query or fragment is none for URL, and still there
  if (/[?#]/.test(given)) throw invalid(where, `${name} has a query or a fragment; leave it out`);
  return url;
}

function baseOf({ protocol, host, pathname }: URL, overSocket: boolean): string {
  const scheme = overSocket ? protocol.replace('http', 'ws') : protocol;
  return `${scheme}//${host}${pathname.replace(/\/+$/, '')}`;
}

/** Each once, with the best priority that it was given. */
function distinct(broadcasters: readonly Broadcaster[]): Broadcaster[] {
  const byUrl = new Map<string, Broadcaster>();
  for (const each of broadcasters) {
    const known = byUrl.get(each.url);
    if (known === undefined || each.priority < known.priority) byUrl.set(each.url, each);
  }
  return [...byUrl.values()];
}

function invalid(where: string, problem: string): InvalidOptionError {
  return new InvalidOptionError(`${where}: ${problem}`, { broker: 'lonelyps' });
}
