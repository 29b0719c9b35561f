import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { inspect } from 'node:util';
import type { LonelypsBroker } from '../../lib/lonelyps/index.js';
import type { LonelypsHandle } from '../../lib/lonelyps/broker.js';
import { resources, untilResources } from '../support/resources.js';
import { until } from '../support/wait.js';

/** What a process has of the system. */
export interface Possessions {
  /** Sockets and timers, by kind. */
  readonly resources: Record<string, number>;
  /** File descriptors, undefined where the system does not show them. */
  readonly descriptors: number | undefined;
  /** Names of files of large messages. */
  readonly files: number;
}

export async function possessions(): Promise<Possessions> {
  const [descriptors, names] = await Promise.all([
    readdir('/proc/self/fd').then(
      ({ length }) => length,
      () => undefined,
    ),
    readdir(tmpdir()),
  ]);
  return {
    resources: resources(),
    descriptors,
    files: names.filter((name) => /^rx-weir-[0-9a-f]{24}$/.test(name)).length,
  };
}

/** Waits until there is no more of anything than there was. */
export async function untilGone(before: Possessions): Promise<void> {
  await untilResources(before.resources);
  let now = before;
  await until(
    async () => {
      now = await possessions();
      return (now.descriptors ?? 0) <= (before.descriptors ?? 0) && now.files <= before.files;
    },
    { message: () => `${inspect(before)}; there is ${inspect(now)}` },
  );
}

/** What a handle keeps of those who listen. */
export function kept(broker: LonelypsBroker): { readonly names: readonly string[]; readonly wanted: number } {
  const { dispatcher, session } = broker as unknown as LonelypsHandle;
  const { wanted } = session as unknown as { wanted: { size: number } };
  return { names: dispatcher.names(), wanted: wanted.size };
}

/** A stream that gives so many bytes, and neither more nor its end. */
export function endless(size: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(new Uint8Array(size));
    },
  });
}

/** Publishes different large messages, also those that nobody answers yet, until it is said that it is enough; one more follows. */
export async function pressed(
  publisher: LonelypsBroker,
  topic: string,
  isEnough: () => boolean,
): Promise<Promise<unknown>[]> {
  const published: Promise<unknown>[] = [];
  const publish = (): void => {
    const message = Buffer.alloc(100_000, String(published.length));
    const receipt = publisher.publish(topic, message);
    receipt.catch(() => undefined);
    published.push(receipt);
  };
  await until(
    () => {
      publish();
      return isEnough();
    },
    { every: 100 },
  );
  publish();
  return published;
}
