import { InvalidOptionError } from '../../core/errors.js';

/** What the option `servers` says, taken apart. @internal */
export interface ServerList {
  /** The addresses as the NATS client takes them, without credentials. */
  readonly servers: readonly string[];
  /** Whether they are reached through a websocket. */
  readonly websocket: boolean;
  /** Whether an address insists on TLS. */
  readonly tls: boolean;
  /** What stands before the `@` of an address. */
  readonly credentials: { readonly user: string; readonly pass: string } | { readonly token: string } | undefined;
}

const address = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:([^@/]*)@)?([^@\s]+)$/;

/**
 * Reads the option `servers`.
 * @throws InvalidOptionError; it names no address whole, because one may hold a password
 * @internal
 */
export function readServers(where: string, option: string | readonly string[]): ServerList {
  const given = typeof option === 'string' ? [option] : option;
  const refuse = (index: number, problem: string): never => {
    const name = typeof option === 'string' ? 'servers' : `servers[${index}]`;
    throw new InvalidOptionError(`${where}: ${name} ${problem}`, { broker: 'nats-streaming' });
  };
  const servers: string[] = [];
  let [sockets, tls] = [0, false];
  let credentials: ServerList['credentials'];
  given.forEach((each, index) => {
    const parts = address.exec(each.trim());
    if (!parts) return refuse(index, "must be an address such as 'nats://localhost:4222'");
    const scheme = parts[1]?.toLowerCase();
    const [, , secret, place] = parts as unknown as [string, string | undefined, string | undefined, string];
    if (scheme === 'ws' || scheme === 'wss') sockets++;
    else if (scheme === 'tls') tls = true;
    else if (scheme !== undefined && scheme !== 'nats') {
      return refuse(index, `begins with '${scheme}://'; accepted are nats://, tls://, ws:// and wss://`);
    }
    if (secret !== undefined && secret !== '') credentials ??= readCredentials(secret);
    servers.push(scheme === undefined ? place : `${scheme}://${place}`);
  });
  if (sockets !== 0 && sockets !== servers.length) {
    refuse(0, 'and the others must be all websockets (ws://, wss://), or none');
  }
  return { servers, websocket: sockets !== 0, tls, credentials };
}

function readCredentials(secret: string): NonNullable<ServerList['credentials']> {
  const colon = secret.indexOf(':');
  if (colon < 0) return { token: unescaped(secret) };
  return { user: unescaped(secret.slice(0, colon)), pass: unescaped(secret.slice(colon + 1)) };
}

/** A part of an address, where `@` and `:` stand as `%40` and `%3A`. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
