import { routeByHash, routeByKey } from '../rabbitmq-stream/routing.js';
import { UsageError } from './exit.js';
import type { Item } from './ndjson.js';
import type { Kind } from './url.js';

/** What the flags say beside the options of the broker. */
export interface SinkFlags {
  readonly superStream: boolean;
  /** The key of messages that have none of their own. */
  readonly key: string | undefined;
}

/**
 * The options of a sink, where those that are functions were said in words: `filterValue=blue` gives each message that filter
 * value, and a super stream is shared out by the key, `routing=key` asking the broker instead of the hash.
 * @throws UsageError
 */
export function sinkOptionsOf(
  kind: Kind,
  options: Readonly<Record<string, unknown>>,
  { superStream, key }: SinkFlags,
): Readonly<Record<string, unknown>> {
  const { filterValue, routing, ...rest } = options;
  if (superStream && kind !== 'rabbitmq-stream') throw new UsageError('--super-stream is for RabbitMQ');
  const made: Record<string, unknown> = { ...rest };
  if (filterValue !== undefined) made['filterValue'] = () => filterValue;
  if (superStream) {
    if (routing !== undefined && routing !== 'hash' && routing !== 'key') {
      throw new UsageError(`routing is hash or key; got ${JSON.stringify(routing)}`);
    }
    const keyOf = (item: Item): string =>
      item.key === undefined ? (key ?? '') : Buffer.from(item.key).toString('utf8');
    Object.assign(made, { superStream: true, routing: routing === 'key' ? routeByKey(keyOf) : routeByHash(keyOf) });
  }
  return made;
}
