import { firstValueFrom, timer, take, takeUntil, type Observable } from 'rxjs';
import type { Broker, SourceOptions } from '../core/broker.js';
import type { Delivery } from '../core/delivery.js';
import { latest, untilNow, untilOffset, type Until } from '../core/starts.js';
import type { Opened } from './open.js';

/** A source with options of the broker's own, which the broker checks. */
export function messagesOf(broker: Broker, channel: unknown, options: object): Observable<Delivery> {
  // a channel of lonelyps may be a pattern
  return broker.messages(channel as string, options as SourceOptions);
}

/** For how long the last message of a NATS Streaming channel is waited for, in ms: an empty one says nothing. */
const patience = 1_000;

/**
 * The end that is at the channel's last message, as this broker can say it. NATS Streaming cannot, so the last message is
 * looked at; undefined where there is none.
 */
export async function endOf({ kind, broker }: Opened, channel: string): Promise<Until | undefined> {
  if (kind !== 'nats-streaming') return untilNow();
  const last = await peek(broker, channel, { start: latest() });
  return last?.offset === undefined ? undefined : untilOffset(last.offset);
}

/** The first message that a source gives, or undefined where it ends before, or gives none in time. It is not acked. */
export async function peek(
  broker: Broker,
  channel: string,
  options: SourceOptions,
  wait = patience,
): Promise<Delivery | undefined> {
  const source = messagesOf(broker, channel, { maxInFlight: 1, ...options });
  const first = await firstValueFrom(source.pipe(take(1), takeUntil(timer(wait))), { defaultValue: undefined });
  first?.release();
  return first;
}
