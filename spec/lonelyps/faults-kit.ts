import { readdir, readlink } from 'node:fs/promises';
import type { LonelypsBroker, LonelypsOptions } from '../../lib/lonelyps/index.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';

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

  /** Waits until something was told as missed on this channel: a broadcaster takes its time to say so. */
  async reaches(channel: string, times = 1): Promise<void> {
    await until(() => this.of(channel) >= times, {
      timeout: 30_000,
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
export async function reaches(
  broker: LonelypsBroker,
  topic: string,
  heard: { readonly texts: readonly string[] },
  subscribers = 1,
): Promise<void> {
  const text = unique('probe');
  await until(async () => (await broker.publish(topic, bytesOf(text))).notified === subscribers, {
    timeout: 20_000,
    message: `${subscribers} subscribers of ${topic}`,
  });
  await until(() => heard.texts.includes(text), { message: () => `${text} among ${heard.texts.join(', ')}` });
}

/** Where something is, as a handle is told. */
interface Address {
  readonly url: string;
  readonly socketUrl: string;
}

/** Something that stands between, instead of what it stands before. */
export function through<T extends Address>(between: { readonly port: number }, server: T): T {
  const place = `127.0.0.1:${between.port}`;
  // a server has its facts on its prototype, where a spread does not see them
  return Object.create(server, {
    url: { value: `http://${place}` },
    socketUrl: { value: `ws://${place}` },
  }) as T;
}

/** A way in for broadcasters with a proxy on it, and the option of a handle that listens behind it. */
export async function guardedDoor(): Promise<{ proxy: Proxy; receive: NonNullable<LonelypsOptions['receive']> }> {
  const port = await freePort();
  const proxy = await startProxy({ host: '127.0.0.1', port });
  const receive = { listen: { host: '127.0.0.1', port }, host: `http://127.0.0.1:${proxy.port}` };
  return { proxy, receive };
}

/** How many files of large messages this process has open. They have no names. */
export async function spoolFiles(): Promise<number> {
  const names = await readdir('/proc/self/fd');
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.includes('/rx-weir-') && target.endsWith('(deleted)')).length;
}
