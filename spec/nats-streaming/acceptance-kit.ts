import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import { isObservable } from 'rxjs';
import type { NatsConnectionLike, NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import type { WeirError } from '../../lib/core/errors.js';
import { Tap } from '../contract/tap.js';
import type { NatsStreamingServer } from '../support/brokers/index.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text as UTF-8. */
export const bytes = (text: string): Uint8Array => encoder.encode(text);

/** The texts of deliveries. */
export const textsOf = (deliveries: readonly { readonly value: Uint8Array }[]): string[] =>
  deliveries.map(({ value }) => decoder.decode(value));

/** `from` … `to` as texts. */
export const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

/** Publishes texts in order and waits until all are confirmed. */
export async function put(broker: NatsStreamingBroker, channel: string, ...texts: string[]): Promise<void> {
  await Promise.all(texts.map((text) => broker.publish(channel, bytes(text))));
}

type Options = NonNullable<Parameters<NatsStreamingBroker['messages']>[1]> & { readonly codec?: undefined };

/** Listens to a channel and settles nothing. */
export function listen(broker: NatsStreamingBroker, channel: string, options: Options = {}) {
  return new Tap(broker.messages(channel, options));
}

/** Listens to a channel and acks each delivery at once. */
export function work(broker: NatsStreamingBroker, channel: string, options: Options = {}) {
  return new Tap(broker.messages(channel, options), (delivery) => {
    delivery.ack();
  });
}

/** What a call fails with: thrown, rejected, or as an Observable's error. */
export async function failureOf(call: () => unknown): Promise<WeirError> {
  try {
    const result = call();
    if (isObservable(result)) return (await new Tap(result).failed()) as WeirError;
    await (result as Promise<unknown>);
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it succeeded, where a failure was expected');
}

/** A subscription as the server's monitoring shows it. */
export interface ServerSubscription {
  readonly client_id: string;
  readonly durable_name?: string;
  readonly queue_name?: string;
  readonly is_offline: boolean;
  readonly max_inflight: number;
  /** Seconds. */
  readonly ack_wait: number;
  readonly last_sent: number;
  /** Sent and not acked. */
  readonly pending_count: number;
  readonly is_stalled: boolean;
}

/** The subscriptions that the server has on a channel. */
export async function subscriptionsOf(server: NatsStreamingServer, channel: string): Promise<ServerSubscription[]> {
  const path = `/streaming/channelsz?channel=${encodeURIComponent(channel)}&subs=1`;
  return (await server.monitor<{ subscriptions?: ServerSubscription[] }>(path)).subscriptions ?? [];
}

/** How many messages the server holds of a channel. */
export async function storedIn(server: NatsStreamingServer, channel: string): Promise<number> {
  return (await server.monitor<{ msgs: number }>(`/streaming/channelsz?channel=${encodeURIComponent(channel)}`)).msgs;
}

/** A NATS connection to lend, which notes the subjects that are published on. */
export class LentConnection {
  readonly sent: string[] = [];
  readonly like: NatsConnectionLike;

  private constructor(readonly real: NatsConnection) {
    const { sent } = this;
    this.like = new Proxy(real, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]): unknown => {
          if (name === 'publish') sent.push(String(given[0]));
          return Reflect.apply(member, target, given);
        };
      },
    }) as unknown as NatsConnectionLike;
  }

  static async to(url: string, options: ConnectionOptions = {}): Promise<LentConnection> {
    return new LentConnection(await connect({ ...options, servers: url }));
  }

  /** What was published beside pings and the answers to heartbeats. */
  get said(): string[] {
    return this.sent.filter((subject) => !subject.endsWith('.pings') && !subject.startsWith('_INBOX.'));
  }
}
