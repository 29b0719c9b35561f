import { StreamNotFoundError } from '../core/errors.js';
import { earliest, latest, untilNow } from '../core/starts.js';
import { capabilities } from './capabilities.js';
import type { Opened } from './open.js';
import { peek } from './source.js';

/** A message's place. */
export interface Place {
  readonly offset: bigint | undefined;
  readonly time: Date | undefined;
}

/** A log of its own: the channel, or one of its partitions. */
export interface ChannelPart {
  readonly name: string;
  /** Undefined: it is empty. */
  readonly first: Place | undefined;
  readonly last: Place | undefined;
}

/** What is told of the servers, where they tell. */
export interface ClusterFacts {
  readonly brokers?: readonly { readonly id: string; readonly address: string; readonly leads: number }[];
  readonly streams?: readonly string[];
}

/** How long to wait for a message that should be there, in ms. */
const patience = 5_000;

/** What Liftbridge tells; the other brokers do not. */
export async function clusterOf({ liftbridge }: Opened): Promise<ClusterFacts> {
  if (liftbridge === undefined) return {};
  const { brokers, streams } = await liftbridge.metadata();
  return {
    brokers: brokers.map(({ id, host, port, leaderCount }) => ({ id, address: `${host}:${port}`, leads: leaderCount })),
    // those that begin so are the server's own
    streams: streams.map(({ name }) => name).filter((name) => !name.startsWith('__')),
  };
}

/**
 * The first and last message of a channel, by partition.
 * @throws StreamNotFoundError
 */
export async function placesOf(opened: Opened, channel: string): Promise<readonly ChannelPart[]> {
  if (!capabilities[opened.kind].replay) return [];
  const { rabbitmq, liftbridge } = opened;
  if (rabbitmq !== undefined) {
    const streams = (await rabbitmq.streamExists(channel)) ? [channel] : await rabbitmq.partitions(channel);
    return Promise.all(streams.map((stream) => partOf(opened, stream, stream)));
  }
  if (liftbridge !== undefined) {
    const [stream] = (await liftbridge.metadata({ streams: [channel] })).streams;
    if (stream === undefined) {
      throw new StreamNotFoundError(`there is no stream '${channel}'; make it, or check its name`, {
        broker: 'liftbridge',
      });
    }
    return Promise.all(
      stream.partitions.map(({ id }) => partOf(opened, channel, `${channel} partition ${id}`, { partition: id })),
    );
  }
  return [await partOf(opened, channel, channel)];
}

async function partOf(opened: Opened, channel: string, name: string, more: object = {}): Promise<ChannelPart> {
  const isStan = opened.kind === 'nats-streaming';
  const end = isStan ? {} : { until: untilNow() };
  const wait = isStan ? undefined : patience;
  const [first, last] = await Promise.all([
    peek(opened.broker, channel, { start: earliest(), ...end, ...more }, wait),
    peek(opened.broker, channel, { start: latest(), ...end, ...more }, wait),
  ]);
  return { name, first: placeOf(first), last: placeOf(last) };
}

function placeOf(message: Place | undefined): Place | undefined {
  return message && { offset: message.offset, time: message.time };
}
