import { readdir, readlink } from 'node:fs/promises';
import type { LonelypsBroker, LonelypsOptions } from '../../lib/lonelyps/index.js';
import type { LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import type { Heard } from './lonelyps-kit.js';

export { oneOutage, untilInterrupted, untilRecovered } from '../support/outages.js';
export { Told } from '../support/told.js';

/** How a handle with a port of its own is set up that is to find out soon what a broadcaster has lost. */
export const watchful: Partial<LonelypsOptions> = { checkInterval: 1_000 };

/** What a handle tells as missed. */
export class Missing {
  readonly all: string[] = [];

  constructor(broker: LonelypsBroker) {
    broker.missed.subscribe(({ channel }) => this.all.push(channel));
  }

  of(channel: string): number {
    return this.all.filter((each) => each === channel).length;
  }

  /** Waits until it has been told so often, and no more often. */
  async reaches(channel: string, times: number): Promise<void> {
    await until(() => this.of(channel) >= times, {
      timeout: 20_000,
      message: () => `${times} misses of ${channel}; those that were told: ${this.all.join(', ')}`,
    });
  }
}

/** What a promise was rejected with; undefined where it was resolved. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * Publishes on a handle until a subscriber has it, because a broadcaster confirms a subscription over a websocket a moment
 * before it is there.
 */
export async function reaches(broker: LonelypsBroker, topic: string, heard: Heard, subscribers = 1): Promise<void> {
  const text = unique('probe');
  await until(async () => (await broker.publish(topic, bytesOf(text))).notified === subscribers, { timeout: 20_000 });
  await until(() => heard.texts.includes(text), { message: () => `${text} among ${heard.texts.join(', ')}` });
}

/** A proxy on the way to a broadcaster. */
export async function proxied(server: LonelypssServer): Promise<{ proxy: Proxy; at: LonelypssServer }> {
  const proxy = await startProxy(server);
  const at = {
    auth: server.auth,
    url: `http://${proxy.host}:${proxy.port}`,
    socketUrl: `ws://${proxy.host}:${proxy.port}`,
  };
  return { proxy, at: at as unknown as LonelypssServer };
}

/** How many files of large messages this process has open. They have no names. */
export async function spoolFiles(): Promise<number> {
  const names = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.includes('/rx-weir-') && target.endsWith('(deleted)')).length;
}
