import { expect } from 'chai';
import { connect, type NatsConnection } from 'nats';
import { earliest, newOnly } from '../../lib/core/starts.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { Handles, Told } from './support.js';

describe('NATS Streaming: what is left behind', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming();
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  async function serverSubscriptions(clientId: string): Promise<number> {
    const client = (await server.monitor(`/streaming/clientsz?client=${clientId}&subs=1`)) as {
      subscriptions?: Record<string, unknown[]>;
    };
    return Object.values(client.subscriptions ?? {}).flat().length;
  }

  async function natsSubscriptions(): Promise<number> {
    const { num_subscriptions: count } = (await server.monitor('/subsz')) as { num_subscriptions: number };
    return count;
  }

  it('does not grow with 10 000 subscriptions that come and go', async () => {
    const clientId = unique('cycles');
    const broker = handles.make(server, { clientId });
    const channel = unique('cycles');
    await broker.connect();
    await broker.publish(channel, new Uint8Array(1));
    const pause = unique('pause');
    const cycle = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 100) {
        // some go before the server has answered, some with a message in hand that is acked, some through an AbortSignal
        const aborter = new AbortController();
        const subscriptions = Array.from({ length: 100 }, (_, n) =>
          broker
            .messages(channel, {
              start: n % 3 === 0 ? earliest() : newOnly(),
              ...(n % 20 === 0 && { signal: aborter.signal }),
            })
            .subscribe((delivery) => delivery.ack()),
        );
        if (i % 300 !== 0) await broker.publish(pause, new Uint8Array(0));
        aborter.abort();
        for (const subscription of subscriptions) subscription.unsubscribe();
      }
      await until(async () => (await serverSubscriptions(clientId)) === 0, { message: 'the subscriptions to end' });
    };
    await cycle(1_000);
    global.gc?.();
    const before = { heap: process.memoryUsage().heapUsed, nats: await natsSubscriptions(), resources: resources() };
    await cycle(9_000);
    global.gc?.();
    expect(resources()).to.deep.equal(before.resources);
    await until(async () => (await natsSubscriptions()) <= before.nats);
    expect((process.memoryUsage().heapUsed - before.heap) / 2 ** 20, 'growth of the heap in MiB').to.be.below(8);
  });

  it('leaves nothing on a borrowed connection', async () => {
    const nats: NatsConnection = await connect({ servers: server.url });
    try {
      await nats.flush();
      const before = await natsSubscriptions();
      const broker = handles.make(server, { nats });
      const channel = unique('borrowed');
      broker.messages(channel, { start: earliest(), durable: 'd' }).subscribe((delivery) => delivery.ack());
      await broker.publish(channel, new Uint8Array(1));
      expect(await natsSubscriptions()).to.be.greaterThan(before);
      await broker.close();
      await nats.flush();
      expect(nats.isClosed()).to.equal(false);
      expect(await natsSubscriptions()).to.equal(before);
    } finally {
      await nats.close();
    }
  });

  it('releases sockets and timers on close, in every state', async () => {
    await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
    const before = resources();
    const proxy = await startProxy(server);
    const servers = `nats://${proxy.host}:${proxy.port}`;
    try {
      // connected, connecting, reconnecting, and never used
      const connected = handles.make(server, { servers });
      await connected.connect();
      const reconnecting = handles.make(server, { servers });
      const told = new Told(reconnecting);
      reconnecting.messages(unique('c')).subscribe();
      await reconnecting.connect();
      await proxy.refuse(true);
      proxy.cut();
      await until(() => told.states.at(-1) === 'reconnecting');
      const connecting = handles.make(server, { servers, connectTimeout: 60_000 });
      connecting.messages(unique('c')).subscribe({ error: () => undefined });
      handles.make(server, { servers });
      await handles.close();
    } finally {
      await proxy.stop();
    }
    await until(() => JSON.stringify(resources()) === JSON.stringify(before), {
      message: () => `${JSON.stringify(before)}, it is ${JSON.stringify(resources())}`,
    });
  });
});

/** The handles that keep this process alive, by kind, without those of the spec run itself. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/TCP|TLS|Timeout/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
