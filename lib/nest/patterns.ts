import { InvalidOptionError } from '../core/errors.js';

/**
 * A pattern that has more to it than its channel: several handlers share the channel, and each gets the messages that
 * were sent to its own pattern.
 */
export interface ChannelPattern {
  readonly channel: string;
  readonly [key: string]: unknown;
}

/**
 * The channel of a pattern: a string is its own, an object says it as `channel`.
 * @throws InvalidOptionError
 * @internal
 */
export function channelOf(pattern: unknown): string {
  const channel: unknown =
    typeof pattern === 'object' && pattern !== null ? (pattern as Partial<ChannelPattern>).channel : pattern;
  if (typeof channel === 'string' && channel !== '') return channel;
  throw new InvalidOptionError(
    `a pattern must be the name of a channel, or an object with a channel and what tells its messages apart, such as { channel: 'orders', type: 'paid' }; got ${show(pattern)}`,
  );
}

/** Whether a pattern says nothing but its channel, and so takes whatever comes there. @internal */
export function isBare(pattern: unknown): boolean {
  return typeof pattern !== 'object' || pattern === null || Object.keys(pattern).every((key) => key === 'channel');
}

function show(pattern: unknown): string {
  try {
    return JSON.stringify(pattern) ?? String(pattern);
  } catch {
    return 'something that has no form in JSON';
  }
}
