import type { Outgoing } from '../core/broker.js';
import { capabilities } from './capabilities.js';
import type { Item } from './ndjson.js';
import type { Kind } from './url.js';

/** What goes with each message. */
export interface Additions {
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Whether what the broker has no place for is left out. Else the broker refuses it. */
  readonly lossy: boolean;
  /** Whether the key says the partition, and is not sent. */
  readonly superStream: boolean;
}

/** A message as the broker takes it. */
export type MakeOutgoing = (item: Item) => Outgoing<Uint8Array>;

/** Makes a message of an item for a broker of that kind; what the item says goes before what is added to all. */
export function outgoingOf(kind: Kind, { key, headers, lossy, superStream }: Additions): MakeOutgoing {
  const { keys, headers: hasHeaders } = capabilities[kind];
  const withKeys = !superStream && (keys || !lossy);
  const withHeaders = hasHeaders || !lossy;
  return (item) => {
    const made: Record<string, unknown> & { value: Uint8Array } = { value: item.value };
    const itsKey = item.key ?? key;
    if (withKeys && itsKey !== undefined) made['key'] = itsKey;
    if (withHeaders && (headers !== undefined || item.headers !== undefined)) {
      made['headers'] = { ...headers, ...item.headers };
    }
    // these have a place with their own broker only, and are of no use elsewhere
    if (kind === 'liftbridge' && item.partition !== undefined) made['partition'] = item.partition;
    if (kind === 'nats-streaming' && item.replyTo !== undefined) made['replyTo'] = item.replyTo;
    if (kind === 'rabbitmq-stream' && item.properties !== undefined) made['properties'] = item.properties;
    return made;
  };
}
