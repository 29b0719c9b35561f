import { randomBytes } from 'node:crypto';
import { filter, firstValueFrom, take, tap, timeout } from 'rxjs';
import type { Delivery } from '../../core/delivery.js';
import { AuthenticationError, AuthorizationError } from '../../core/errors.js';
import { earliest, fromAgo, newOnly } from '../../core/starts.js';
import { createChannel, deleteChannel } from '../create-channel.js';
import { exitCodeOf, exitCodes } from '../exit.js';
import { canReceive, type Opened } from '../open.js';
import { failed, ok, skipped, type Check } from './check.js';
import { messagesOf } from '../source.js';
import { clockCheck } from './clock.js';
import { credentialAdvice } from './session.js';

/** Publishes a message on a channel of its own, and waits for it to come back. */
export async function examineRoundTrip(
  opened: Opened,
  scratch: string | undefined,
  wait: number,
): Promise<readonly Check[]> {
  const { kind, url } = opened;
  // publishing alone shows that the credentials are good
  if (!canReceive(url)) return publishOnly(opened);
  // a channel of NATS Streaming stays: one name, so that there is one
  const channel =
    scratch ?? (kind === 'nats-streaming' ? 'rx-weir-doctor' : `rx-weir-doctor-${randomBytes(6).toString('hex')}`);
  const marker = randomBytes(16);
  try {
    if (scratch === undefined) await createChannel(opened, channel);
    const { sent, received, delivery } = await thereAndBack(opened, channel, marker, wait);
    const took = `${(received - sent).toFixed(0)} ms`;
    return [
      ...(kind === 'lonelyps' ? [ok('authentication', 'the broker lets this client in')] : []),
      ok('round trip', `a message on '${channel}' came back in ${took}`),
      clockCheck(delivery.time?.getTime(), sent, received),
    ];
  } catch (error) {
    return [failure(opened, channel, error)];
  } finally {
    if (scratch === undefined) await deleteChannel(opened, channel).catch(() => undefined);
  }
}

async function thereAndBack(
  { broker, kind }: Opened,
  channel: string,
  marker: Buffer,
  wait: number,
): Promise<{ readonly sent: number; readonly received: number; readonly delivery: Delivery }> {
  let subscribed = (): void => undefined;
  const ready = new Promise<void>((resolve) => (subscribed = resolve));
  const options =
    kind === 'lonelyps'
      ? { start: newOnly(), onReceiving: () => subscribed() }
      : { start: kind === 'nats-streaming' ? fromAgo(60_000) : earliest() };
  const source = messagesOf(broker, channel, options);
  let received = 0;
  const back = firstValueFrom(
    source.pipe(
      tap((delivery) => delivery.ack()),
      filter(({ value }) => marker.equals(value)),
      tap(() => (received = Date.now())),
      take(1),
      timeout(wait),
    ),
  );
  // it is awaited below; it must not count as unheard while the message is published
  back.catch(() => undefined);
  if (kind === 'lonelyps') await Promise.race([ready, back]);
  const sent = Date.now();
  await broker.publish(channel, marker);
  return { sent, delivery: await back, received };
}

async function publishOnly(opened: Opened): Promise<readonly Check[]> {
  const topic = 'rx-weir-doctor';
  try {
    const { notified } = await opened.broker.publish(topic, randomBytes(16));
    return [
      ok('authentication', 'the broker lets this client in'),
      ok('round trip', `a message on '${topic}' was taken, for ${String(notified ?? 0)} subscribers`),
      skipped('clock', 'the messages of lonelyps have no time'),
    ];
  } catch (error) {
    return [failure(opened, topic, error)];
  }
}

function failure(opened: Opened, channel: string, error: unknown): Check {
  const found = error instanceof Error ? error.message : String(error);
  if (error instanceof AuthenticationError) {
    return failed('authentication', found, exitCodes.auth, credentialAdvice(opened));
  }
  if (error instanceof AuthorizationError) {
    const advice = 'name a channel that the user may use with --scratch NAME, or leave this out with --no-write';
    return failed('authorization', found, exitCodes.auth, advice);
  }
  const advice = 'see whether another consumer can read there; --no-write leaves this out';
  return failed('round trip', `the message on '${channel}' did not come back: ${found}`, exitCodeOf(error), advice);
}
