import { keys } from '../codec/keys.js';
import type { CommandVersions } from '../codec/requests.js';

/** What this client says that it knows in more versions than the first. Naming Deliver is what brings version 2 of it. */
export const ownVersions: readonly CommandVersions[] = [
  { key: keys.publish, min: 1, max: 2 },
  { key: keys.deliver, min: 1, max: 2 },
];

/** Commands of the handshake and of the broker, which it does not list. */
const unlisted = new Set<number>([
  keys.publishConfirm,
  keys.publishError,
  keys.deliver,
  keys.metadataUpdate,
  keys.peerProperties,
  keys.saslHandshake,
  keys.saslAuthenticate,
  keys.tune,
  keys.open,
  keys.consumerUpdate,
  keys.exchangeCommandVersions,
]);

/** The last command of the first release of the protocol. */
const lastOfFirst = keys.partitions;

/**
 * Whether a broker of this version tells which commands it knows: RabbitMQ 3.11 and later. One whose version cannot be
 * read is taken for a late one.
 * @internal
 */
export function tellsVersions(version: string | undefined): boolean {
  const found = /^(\d+)\.(\d+)/.exec(version ?? '');
  if (!found) return true;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major > 3 || (major === 3 && minor >= 11);
}

/**
 * Whether a broker knows a version of a command.
 * @param listed - what it told; undefined where it does not tell
 * @internal
 */
export function supportsCommand(
  listed: ReadonlyMap<number, CommandVersions> | undefined,
  key: number,
  version: number,
): boolean {
  if (listed === undefined) return key <= lastOfFirst && version === 1;
  const range = listed.get(key);
  if (range) return version >= range.min && version <= range.max;
  return unlisted.has(key) && version <= (key === keys.deliver ? 2 : 1);
}
