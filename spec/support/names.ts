import { randomBytes } from 'node:crypto';

/** A name that no other spec, run or server has seen: `prefix-` and 12 hex digits. Fit for channels, clients, durables and groups. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

/** A channel name of its own. */
export function channelName(): string {
  return unique('channel');
}

/** A client id of its own. */
export function clientName(): string {
  return unique('client');
}
