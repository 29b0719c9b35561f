import { randomBytes } from 'node:crypto';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import {
  rabbitmqStream,
  type RabbitMqStreamBroker,
  type RabbitMqStreamDelivery,
  type RabbitMqStreamOptions,
  type RabbitMqStreamSourceOptions,
} from '../../lib/rabbitmq-stream/index.js';
import { earliest } from '../../lib/core/starts.js';
import { within } from '../support/wait.js';

/** A handle on the server, for specs with another client beside it. */
export function handleOn(server: { readonly url: string }, options: RabbitMqStreamOptions = {}): RabbitMqStreamBroker {
  return rabbitmqStream({
    url: server.url,
    closeTimeout: 2_000,
    reconnect: { initialDelay: 50, maxDelay: 250 },
    ...options,
  });
}

/** Acks so many messages of a stream, from its first one unless the options say otherwise, and leaves. */
export function read(
  broker: RabbitMqStreamBroker,
  stream: string,
  count: number,
  options: RabbitMqStreamSourceOptions = {},
): Promise<RabbitMqStreamDelivery[]> {
  const messages$ = broker.messages(stream, { start: earliest(), ...options }).pipe(
    tap((delivery) => delivery.ack()),
    take(count),
    toArray(),
  );
  return within(lastValueFrom(messages$), 15_000, `${count} messages of ${stream}`);
}

/** Publishes bodies, each as the data of an AMQP message, and resolves when all are confirmed. */
export async function publishAll(
  broker: RabbitMqStreamBroker,
  stream: string,
  bodies: readonly Uint8Array[],
): Promise<void> {
  await lastValueFrom(broker.publishFrom(stream, bodies, { onError: 'throw' }));
}

/** Random bytes of lengths from none to more than the short forms of AMQP hold. */
export function payloads(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => randomBytes(i % 97 === 0 ? 0 : i % 89 === 0 ? 20_000 : (i * 7) % 300));
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textIn = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** `first` and the offsets after it. */
export const offsets = (first: number, count: number): bigint[] =>
  Array.from({ length: count }, (_, i) => BigInt(first + i));
