import { setTimeout as delay } from 'node:timers/promises';
import type { NatsStreamingServer } from '../../spec/support/brokers/index.js';
import type { Proxy } from '../../spec/support/proxy.js';
import type { Random } from './random.js';
import type { Story } from './story.js';

/** What can be made to fail. */
export interface Targets {
  readonly server: NatsStreamingServer;
  /** One a handle. */
  readonly proxies: readonly Proxy[];
  /** Whether the server keeps its memory when it is killed. */
  readonly kills: boolean;
}

type Fault = (random: Random, targets: Targets, story: Story) => Promise<void>;

/** Mostly a moment, sometimes longer than the ping limit and than the server's patience. */
const lasting = (random: Random): number =>
  random.chance(0.6) ? random.between(20, 900) : random.between(2_500, 7_000);

const some = (random: Random, proxies: readonly Proxy[]): { list: readonly Proxy[]; words: string } => {
  if (random.chance(0.4)) return { list: proxies, words: 'all' };
  const index = random.between(0, proxies.length - 1);
  return { list: [proxies[index]!], words: `handle ${index}` };
};

const cut: Fault = (random, { proxies }, story) => {
  const { list, words } = some(random, proxies);
  const reset = random.chance(0.5);
  return story.fault(`cut ${words}${reset ? ' with a reset' : ''}`, async () => {
    for (const proxy of list) proxy.cut({ reset });
    await delay(50);
  });
};

const refuse: Fault = (random, { proxies }, story) => {
  const { list, words } = some(random, proxies);
  const ms = lasting(random);
  return story.fault(`refuse ${words} for ${ms} ms`, async () => {
    for (const proxy of list) await proxy.refuse(true);
    for (const proxy of list) proxy.cut();
    await delay(ms);
    for (const proxy of list) await proxy.refuse(false);
  });
};

const stall: Fault = (random, { proxies }, story) => {
  const { list, words } = some(random, proxies);
  const ms = lasting(random);
  const way = random.pick(['stall', 'stallToClient', 'stallToServer'] as const);
  const thenCut = random.chance(0.3);
  return story.fault(`${way} ${words} for ${ms} ms${thenCut ? ', then cut' : ''}`, async () => {
    for (const proxy of list) proxy[way](true);
    await delay(ms);
    if (thenCut) for (const proxy of list) proxy.cut();
    for (const proxy of list) proxy[way](false);
  });
};

const kill: Fault = (random, { server }, story) => {
  const ms = random.chance(0.5) ? 0 : random.between(10, 4_000);
  return story.fault(`kill -9, restart after ${ms} ms`, async () => {
    await server.kill();
    await delay(ms);
    // a server whose own link fails does not start
    for (let attempt = 1; ; attempt++) {
      try {
        await server.restart();
        return;
      } catch (error) {
        if (attempt === 20) throw error;
        await delay(500);
      }
    }
  });
};

const pause: Fault = (random, { server }, story) => {
  const ms = lasting(random);
  return story.fault(`SIGSTOP for ${ms} ms`, async () => {
    await server.pause();
    await delay(ms);
    await server.resume();
  });
};

/** One course of faults after another until the signal, each on its own part: one on the links, one on the server. */
export async function runFaults(random: Random, targets: Targets, story: Story, signal: AbortSignal): Promise<number> {
  let count = 0;
  const course = async (own: Random, faults: readonly Fault[], pauses: readonly [number, number]): Promise<void> => {
    while (!signal.aborted) {
      await delay(own.chance(0.25) ? own.between(0, 100) : own.between(...pauses), undefined, { signal }).catch(
        () => undefined,
      );
      if (signal.aborted) return;
      count++;
      await own.pick(faults)(own, targets, story);
    }
  };
  await Promise.all([
    course(random.fork(), [cut, refuse, stall, stall], [300, 4_000]),
    course(random.fork(), targets.kills ? [kill, pause] : [pause], [2_000, 10_000]),
  ]);
  return count;
}
