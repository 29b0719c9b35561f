import { BrokerTimeoutError, type WeirError } from '../../core/errors.js';
import type { DurableHolder } from '../../core/durables.js';
import { decodeSubscriptionResponse } from '../codec/subscription.js';
import { encodeUnsubscribeRequest } from '../codec/unsubscribe.js';
import type { StanHost } from '../host.js';
import { refusal } from '../session/refusals.js';
import { startFields } from './start.js';
import { Subscribing, type Subscribed } from './subscribe.js';

/**
 * Drops the position of a durable. The server forgets only what is subscribed to, so this subscribes to it and
 * unsubscribes. A durable queue group that others are members of keeps its position: only its last member can drop it.
 * @throws InUseError while a subscription holds the durable
 * @internal
 */
export async function forgetDurable(
  host: StanHost,
  channel: string,
  position: { readonly durable: string; readonly queue?: string | undefined },
  connected: () => Promise<void>,
): Promise<void> {
  const { durable, queue } = position;
  await connected();
  if (queue !== undefined) {
    await subscribeAndUnsubscribe(host, channel, durable, queue);
    return;
  }
  const holder: DurableHolder = { stopped: false, finish: () => undefined };
  await new Promise<void>((resolve) => {
    host.durables.claim(channel, durable, holder, resolve);
  });
  try {
    await subscribeAndUnsubscribe(host, channel, durable, undefined);
    host.durables.forget(channel, durable);
  } finally {
    host.durables.release(channel, durable, holder);
  }
}

async function subscribeAndUnsubscribe(
  host: StanHost,
  channel: string,
  durable: string,
  queue: string | undefined,
): Promise<void> {
  const subscribed = await new Promise<Subscribed>((resolve, reject) => {
    const start = startFields({ kind: 'newOnly' }, host.clock.now());
    const request = { channel, durable, queue, maxInFlight: 1, ackWait: 1_000, start };
    new Subscribing(host, request, { subscribed: resolve, message: () => undefined, failed: reject }).begin();
  });
  subscribed.drop();
  const { session, resolved: options } = host;
  const where = `forget('${channel}')`;
  await new Promise<void>((resolve, reject) => {
    const request = encodeUnsubscribeRequest({
      clientId: options.clientId,
      subject: channel,
      inbox: subscribed.ackInbox,
    });
    if (!session.connected) {
      reject(new BrokerTimeoutError(`${where}: the connection dropped; try again`, { broker: 'nats-streaming' }));
      return;
    }
    session.request(session.subjects.unsubRequests, request, options.connectTimeout, (error, reply) => {
      const failure = error ?? refused(where, reply);
      if (failure === undefined) resolve();
      else reject(failure);
    });
  });
}

function refused(where: string, reply: Uint8Array | undefined): WeirError | undefined {
  try {
    const { error } = decodeSubscriptionResponse(reply ?? new Uint8Array(0));
    return error === '' ? undefined : refusal(where, error);
  } catch (error) {
    return error as WeirError;
  }
}
