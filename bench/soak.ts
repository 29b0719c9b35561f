import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseArgs } from 'node:util';
import { connect, type NatsConnection } from 'nats';
import { earliest, latest, newOnly } from '../lib/core/starts.js';
import { natsStreaming, type NatsStreamingBroker } from '../lib/nats-streaming/index.js';
import {
  startNatsServer,
  startNatsStreaming,
  stopAll,
  type BrokerServer,
  type NatsStreamingServer,
} from '../spec/support/brokers/index.js';
import { startProxy } from '../spec/support/proxy.js';
import { until, within } from '../spec/support/wait.js';
import { runFaults } from './soak/faults.js';
import { ackTimeout, Load } from './soak/load.js';
import { Bits } from './soak/bits.js';
import { Random } from './soak/random.js';
import { Story } from './soak/story.js';
import { Subscriber, type SubscriberPlan } from './soak/subscriber.js';
import type { Line } from './soak/values.js';

// Lets a real server and the links to it fail at random, and looks whether anything is lost, doubled or left behind.
// The seed repeats the course of the faults; what the machine makes of it differs a little each time.

// `external`: the streaming server runs apart from its NATS server. `loud`: the story is printed as it goes.
const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    store: { type: 'string', default: 'file' },
    external: { type: 'boolean', default: false },
    loud: { type: 'boolean', default: false },
  },
});
const seed = Number(args.seed);
const ms = Number(args.minutes) * 60_000;
if (!Number.isSafeInteger(seed) || !(ms > 0) || (args.store !== 'file' && args.store !== 'memory')) {
  console.error('npm run soak -- [--minutes 2] [--seed N] [--store file|memory] [--external] [--loud]');
  process.exit(2);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const random = new Random(seed);
const story = new Story(args.loud);
const ackWait = 1_000;
const settleWithin = 90_000;
/** NATS subscriptions that the server makes at its first request. */
const lazy = 1;

try {
  await soak(args.store);
} catch (error) {
  story.wrong(`the run itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
} finally {
  await stopAll();
}
if (story.problems.length > 0) {
  console.error(`\n${story.beginning}\n\nseed ${seed}, ${args.minutes} minutes, store ${args.store}:`);
  for (const problem of story.problems) console.error(`- ${problem}`);
  process.exit(1);
}

async function soak(store: 'file' | 'memory'): Promise<void> {
  // apart from its NATS server, the streaming server has a link of its own that can fail
  const nats = args.external ? await startNatsServer() : undefined;
  const behind = nats && (await startProxy(nats));
  const server = await startNatsStreaming({
    store,
    ...(behind && { externalNats: behind }),
    needs: 'process',
    hb: { interval: 500, timeout: 500, failCount: 2 },
  });
  const idle = { resources: resources(), nats: await natsSubscriptions(nats ?? server) };
  const proxies = await Promise.all([0, 1, 2].map(() => startProxy(nats ?? server)));
  const lent: NatsConnection[] = [];
  const lend = async (servers: string): Promise<NatsConnection> => {
    const connection = await connect({ servers, maxReconnectAttempts: 20, reconnectTimeWait: 100 });
    lent.push(connection);
    return connection;
  };
  const brokers = proxies.map(({ url }, index) =>
    natsStreaming({
      clusterId: server.cluster,
      clientId: `soak-${index}`,
      // one lends its connections, and makes another where one was closed
      ...(index === 1 ? { nats: () => lend(url) } : { servers: url }),
      pingInterval: 1_000,
      pingMaxOut: 1,
      connectTimeout: 2_000,
      ackTimeout,
      closeTimeout: 5_000,
      reconnect: { initialDelay: 50, maxDelay: 500 },
    }),
  );
  brokers.forEach((broker, index) => {
    broker.status.subscribe(({ state }) => {
      story.epoch++;
      story.tell(`handle ${index} is ${state}`);
    });
    broker.events.subscribe((event) => {
      story.epoch++;
      story.tell(`handle ${index}: ${event.type} ${'session' in event ? event.session : ''}`);
      if (event.type === 'reset' || event.type === 'replaced' || event.type === 'protocol') {
        story.wrong(`handle ${index} told of ${event.type}: ${'error' in event ? event.error.message : ''}`);
      }
    });
  });
  const channels = ['a', 'b'].map((name) => `soak.${name}`);
  const lines: Line[] = channels.flatMap((channel) =>
    ['careful', 'again'].map((name) => ({
      name: `${name} to ${channel}`,
      channel,
      sent: 0,
      told: new Bits(),
      confirmed: new Bits(),
    })),
  );
  const loads = lines.map((line, index) => {
    const broker = brokers[index % brokers.length]!;
    return new Load(broker, line, index, line.name.startsWith('again'), random.fork(), story);
  });
  const subscribers = channels
    .flatMap((channel) => plans(channel, brokers))
    .map((plan) => new Subscriber(plan, lines, random.fork(), story));

  // a first connect may fail, and then it is the user's turn
  await Promise.all(brokers.map((broker) => broker.connect()));
  for (const subscriber of subscribers) subscriber.start();
  for (const load of loads) load.begin();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ms);
  const heaps: number[] = [];
  const sampler = setInterval(() => {
    collect();
    heaps.push(process.memoryUsage().heapUsed / 2 ** 20);
  }, 5_000);
  const faults = await runFaults(
    random.fork(),
    { server, proxies: behind ? [...proxies, behind] : proxies, kills: store === 'file' },
    story,
    stop.signal,
  );
  clearTimeout(timer);
  story.tell('no more faults');

  await within(Promise.all(loads.map((load) => load.end())), settleWithin, 'all receipts');
  for (const subscriber of subscribers) subscriber.settle();
  await settled(server, subscribers, lines);
  clearInterval(sampler);
  checkHeap(heaps);

  for (const subscriber of subscribers) subscriber.rest();
  await Promise.all(brokers.map((broker) => broker.close()));
  for (const connection of lent) await connection.close();
  for (const proxy of proxies) await proxy.stop();
  await leftovers(server, nats ?? server, idle);
  await behind?.stop();
  const sent = lines.reduce((sum, line) => sum + line.sent, 0);
  const emitted = subscribers.reduce((sum, subscriber) => sum + subscriber.emitted, 0);
  const uncertain = loads.reduce((sum, load) => sum + load.uncertain, 0);
  console.log(
    `seed ${seed}: ${faults} faults, ${sent} values published, ${uncertain} of them uncertain, ${emitted} deliveries, ` +
      `heap ${heaps[0]?.toFixed(0) ?? '?'} to ${heaps.at(-1)?.toFixed(0) ?? '?'} MiB, ${story.problems.length} problems`,
  );
}

function plans(channel: string, brokers: readonly NatsStreamingBroker[]): SubscriberPlan[] {
  const base = { start: earliest(), maxInFlight: 64, ackWait };
  const [first, second, third] = brokers as [NatsStreamingBroker, NatsStreamingBroker, NatsStreamingBroker];
  const plan = (
    name: string,
    broker: NatsStreamingBroker,
    options: Partial<SubscriberPlan['options']>,
    comesAndGoes: boolean,
  ): SubscriberPlan => ({
    name: `${name} of ${channel} on ${broker.clientId}`,
    broker,
    channel,
    options: { ...base, ...options },
    comesAndGoes,
  });
  return [
    plan('plain', first, {}, false),
    plan('plain', second, { maxInFlight: 16 }, false),
    plan('durable', first, { durable: 'stays' }, false),
    plan('durable that comes and goes', second, { durable: 'moves' }, true),
    plan('narrow durable that comes and goes', third, { durable: 'narrow', maxInFlight: 8 }, true),
    plan('member', first, { queue: 'q', durable: 'shared' }, true),
    plan('member', second, { queue: 'q', durable: 'shared', maxInFlight: 16 }, true),
    plan('member', third, { queue: 'q', durable: 'shared' }, false),
    plan('guest', first, { start: newOnly() }, true),
    plan('guest', third, { start: latest(), maxInFlight: 16 }, true),
    plan('loose member', second, { queue: 'loose', start: newOnly() }, true),
  ];
}

interface Subscribed {
  readonly client_id: string;
  readonly durable_name?: string;
  readonly queue_name?: string;
  readonly is_offline: boolean;
  readonly last_sent: number;
  readonly pending_count: number;
}

async function subscriptionsOf(server: NatsStreamingServer, channel: string): Promise<Subscribed[]> {
  const page = await server.monitor<{ subscriptions?: Subscribed[] }>(`/streaming/channelsz?channel=${channel}&subs=1`);
  return (page.subscriptions ?? []).filter(({ is_offline }) => !is_offline);
}

/** Waits until every value that was confirmed has come wherever it must, and all is acked. */
async function settled(
  server: NatsStreamingServer,
  subscribers: readonly Subscriber[],
  lines: readonly Line[],
): Promise<void> {
  const channels = [...new Set(lines.map(({ channel }) => channel))];
  let problems: string[] = [];
  const look = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const channel of channels) {
      const own = subscribers.filter(({ plan }) => plan.channel === channel);
      for (const subscriber of own) {
        const { name } = subscriber.plan;
        if (subscriber.unsettled > 0) found.push(`${name}: ${subscriber.unsettled} unsettled`);
        if (subscriber.plan.options.start.kind !== 'earliest' || subscriber.plan.options.queue !== undefined) continue;
        lines.forEach((line, index) => {
          if (line.channel === channel) found.push(...missing(line, [subscriber.arrived[index]!], name));
        });
      }
      const group = own.filter(({ plan }) => plan.options.queue === 'q');
      lines.forEach((line, index) => {
        const all = group.map(({ arrived }) => arrived[index]!);
        if (line.channel === channel) found.push(...missing(line, all, `the group of ${channel}`));
      });
      const there = await subscriptionsOf(server, channel);
      if (there.length !== own.length) {
        const names = there.map((one) => `${one.client_id}/${one.queue_name ?? ''}/${one.durable_name ?? ''}`).sort();
        found.push(`the server has ${there.length} subscriptions of ${channel}, not ${own.length}: ${names.join(' ')}`);
      }
      for (const one of there) {
        if (one.pending_count > 0) {
          found.push(
            `the server waits for ${one.pending_count} acks of ${one.client_id} on ${channel}` +
              ` (durable ${one.durable_name ?? '-'}, queue ${one.queue_name ?? '-'}, last sent ${one.last_sent})`,
          );
        }
      }
    }
    return found;
  };
  try {
    await until(
      async () => {
        problems = await look();
        return problems.length === 0;
      },
      { timeout: settleWithin / 2, every: 250 },
    );
  } catch (error) {
    for (const problem of problems) story.wrong(problem);
    if (problems.length === 0) throw error;
  }
}

function missing(line: Line, arrived: readonly Bits[], who: string): string[] {
  const lost: number[] = [];
  for (let n = 0; n < line.sent; n++) {
    if (line.confirmed.has(n) && !arrived.some((bits) => bits.has(n))) lost.push(n);
  }
  return lost.length === 0 ? [] : [`${who}: ${lost.length} of ${line.name} missing: ${lost.slice(0, 8).join(', ')} …`];
}

/** The books are kept outside of the heap, so that what grows is the library's. */
function checkHeap(heaps: readonly number[]): void {
  if (heaps.length < 12) return;
  const third = Math.floor(heaps.length / 3);
  const middle = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
  const growth = middle(heaps.slice(-third)) - middle(heaps.slice(0, third));
  if (growth > 8) story.wrong(`the heap grew by ${growth.toFixed(1)} MiB: ${heaps.map((h) => h.toFixed(0)).join(' ')}`);
}

async function natsSubscriptions(server: BrokerServer): Promise<number> {
  return (await server.monitor<{ num_subscriptions: number }>('/subsz')).num_subscriptions;
}

async function leftovers(
  server: NatsStreamingServer,
  nats: BrokerServer,
  idle: { resources: Record<string, number>; nats: number },
): Promise<void> {
  let found = '';
  const look = async (): Promise<boolean> => {
    const { clients = [] } = await server.monitor<{ clients?: unknown[] }>('/streaming/clientsz');
    const subscriptions = await natsSubscriptions(nats);
    const here = resources();
    found = `${clients.length} clients, ${subscriptions} NATS subscriptions and at first ${idle.nats}, ${JSON.stringify(here)} here, at first ${JSON.stringify(idle.resources)}`;
    for (const channel of ['soak.a', 'soak.b']) {
      const left = (await subscriptionsOf(server, channel)).length;
      found += `, ${left} on ${channel}`;
      if (left > 0) return false;
    }
    const same = Object.entries(here).every(([kind, count]) => count <= (idle.resources[kind] ?? 0) + 1);
    return clients.length === 0 && subscriptions <= idle.nats + lazy && same;
  };
  try {
    await until(look, { timeout: 15_000, every: 250 });
  } catch {
    story.wrong(`left behind after close: ${found}`);
  }
}

/** What keeps this process alive, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/TCP|TLS|Timeout/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
