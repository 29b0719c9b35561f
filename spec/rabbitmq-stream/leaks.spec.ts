import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, take, toArray, type Observable, type Subscription } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import { earliest, newOnly } from '../../lib/core/starts.js';
import {
  routeByHash,
  type RabbitMqStreamBroker,
  type RabbitMqStreamSinkOptions,
} from '../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { resources, untilResources } from '../support/resources.js';
import { until } from '../support/wait.js';
import { Handles, Told, newStream } from './support.js';

const one = new Uint8Array([1]);

describe('RabbitMQ Streams: what is left behind', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let server: RabbitMqServer;

  before(async () => {
    // its own: what the broker has is counted on all connections
    server = await startRabbitMq({ needs: 'control' });
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  /** What the broker has of publishers and subscriptions, on all connections. */
  async function atTheBroker(): Promise<{ readonly publishers: number; readonly consumers: number }> {
    const [publishers, consumers] = await Promise.all([
      server.monitor<unknown[]>('/api/stream/publishers'),
      server.monitor<unknown[]>('/api/stream/consumers'),
    ]);
    return { publishers: publishers.length, consumers: consumers.length };
  }

  function untilNothingIsThere(): Promise<unknown> {
    let there: unknown;
    return until(
      async () => {
        there = await atTheBroker();
        return JSON.stringify(there) === JSON.stringify({ publishers: 0, consumers: 0 });
      },
      { timeout: 20_000, every: 50, message: () => `the broker to have nothing, there is ${JSON.stringify(there)}` },
    );
  }

  it('does not grow with 2 000 subscriptions and 500 sinks that come and go', async () => {
    const broker = handles.make(server);
    const stream = await newStream(broker);
    const group = unique('group');
    await broker.createSuperStream(group, { partitions: 3 });
    await lastValueFrom(broker.publishFrom(stream, [one]));
    const routing = routeByHash(String);
    const sinkOptions: RabbitMqStreamSinkOptions[] = [
      {},
      { linger: 5 },
      { subEntry: { size: 10 } },
      { superStream: true, routing },
    ];

    const cycle = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 100) {
        // some go before the broker has answered, some with a message in hand that is acked, some through an AbortSignal
        const aborter = new AbortController();
        const sources = (n: number): Observable<Delivery> => {
          const start = n % 3 === 0 ? newOnly() : earliest();
          const options = { start, ...(n % 11 === 0 && { signal: aborter.signal }) };
          switch (n % 5) {
            case 0:
              return broker.hot(stream, options);
            case 1:
              return broker.messages(stream, { ...options, durable: `durable-${n}` });
            case 2:
              return broker.messages(stream, { ...options, queue: `queue-${n % 4}` });
            case 3:
              return broker.messages(group, { ...options, superStream: true });
            default:
              return broker.messages(stream, options);
          }
        };
        let delivered = 0;
        const subscriptions: Subscription[] = [];
        for (let n = 0; n < 100; n++) {
          subscriptions.push(
            sources(n).subscribe((delivery) => {
              delivered++;
              delivery.ack();
            }),
          );
        }
        const ends: Promise<unknown>[] = [];
        for (let n = 0; n < 25; n++) {
          const options = sinkOptions[n % sinkOptions.length]!;
          const producer = n % 6 === 0 ? { producer: `producer-${n}` } : {};
          const sink = broker.sink(options.superStream === true ? group : stream, { ...options, ...producer });
          // one in five is never used
          if (n % 5 > 0) sink.next(one);
          ends.push(lastValueFrom(sink.receipts, { defaultValue: undefined }));
          sink.complete();
        }
        if (i % 300 !== 0)
          await until(() => delivered >= 20, { message: () => `20 deliveries, there are ${delivered}` });
        aborter.abort();
        for (const subscription of subscriptions) subscription.unsubscribe();
        // a producer's name is free when its sink has ended
        await Promise.all(ends);
      }
      await untilNothingIsThere();
    };
    await cycle(400);
    await untilQuiet();
    global.gc?.();
    const before = { heap: process.memoryUsage().heapUsed, resources: resources() };
    await cycle(1_600);
    await untilResources(before.resources);
    global.gc?.();
    expect((process.memoryUsage().heapUsed - before.heap) / 2 ** 20, 'growth of the heap in MiB').to.be.below(8);

    /** Connections that nobody uses any more are closed a moment later. */
    async function untilQuiet(): Promise<void> {
      await until(() => (resources()['TCPSocketWrap'] ?? 0) <= 1, { message: () => JSON.stringify(resources()) });
    }
  });

  it('goes on with an id that was another one’s before', async () => {
    // 256 ids go round several times on one connection, with subscriptions that leave while they are being made
    const broker = handles.make(server);
    const stream = await newStream(broker);
    await broker.publish(stream, one);
    const lasting = broker.messages(stream, { start: earliest() });
    await firstValueFrom(lasting);
    for (let round = 0; round < 12; round++) {
      const leaving = Array.from({ length: 90 }, () => lasting.subscribe((delivery) => delivery.ack()));
      const staying = Array.from({ length: 90 }, () => firstValueFrom(lasting));
      // by now some are asking where to begin, and some have subscribed
      await new Promise((resolve) => setImmediate(resolve));
      if (round % 3 > 0) await broker.streamExists(stream);
      if (round % 3 > 1) await broker.streamStats(stream);
      for (const subscription of leaving) subscription.unsubscribe();
      const came = await Promise.all(staying);
      for (const delivery of came) delivery.ack();
    }
    await until(async () => (await atTheBroker()).consumers === 0, { every: 50, message: 'no consumers' });
  });

  it('spreads 300 publishers and 300 subscriptions over connections, and gives all of it back', async () => {
    const connectionName = unique('many');
    const broker = handles.make(server, { connectionName });
    const stream = await newStream(broker);
    for (let round = 0; round < 2; round++) {
      const sinks = Array.from({ length: 300 }, () => broker.sink(stream));
      const receipts = await Promise.all(sinks.map((sink) => sink.send(one)));
      expect(receipts.every(({ ok }) => ok)).to.equal(true);
      const messages = broker.messages(stream, { start: earliest(), maxInFlight: 300 }).pipe(take(300), toArray());
      const came = await Promise.all(Array.from({ length: 300 }, () => lastValueFrom(messages)));
      expect(came.map(({ length }) => length)).to.deep.equal(new Array<number>(300).fill(300));
      for (const delivery of came.flat()) delivery.ack();

      const held = Array.from({ length: 300 }, () => broker.messages(stream).subscribe());
      const there = { publishers: 300, consumers: 300 };
      await until(async () => JSON.stringify(await atTheBroker()) === JSON.stringify(there), { every: 50 });
      await until(
        async () => {
          const names = (await server.management.connections()).map(({ clientProvidedName }) => clientProvidedName);
          const count = (role: string): number =>
            new Set(names.filter((name) => name?.startsWith(`${connectionName}-${role}`) === true)).size;
          return count('locator') === 1 && count('producer') >= 2 && count('consumer') >= 2;
        },
        { timeout: 20_000, every: 200, message: 'two connections of each kind' },
      );
      for (const subscription of held) subscription.unsubscribe();
      for (const sink of sinks) sink.complete();
      await untilNothingIsThere();
      await broker.deleteStream(stream);
      await broker.createStream(stream);
    }
  });

  describe('a subscription and a sink that leave', () => {
    type Case = (broker: RabbitMqStreamBroker, stream: string) => Promise<void>;
    const states: Record<string, Case> = {
      'before there is a connection': async (broker, stream) => {
        subscribeAll(broker, stream).unsubscribe();
        await Promise.resolve();
      },
      'while it is being made': async (broker, stream) => {
        const all = subscribeAll(broker, stream);
        await until(() => (resources()['TCPSocketWrap'] ?? 0) + (resources()['TCPConnectWrap'] ?? 0) > 0, { every: 1 });
        all.unsubscribe();
      },
      'while they subscribe': async (broker, stream) => {
        await broker.connect();
        const all = subscribeAll(broker, stream);
        await broker.streamExists(stream);
        all.unsubscribe();
      },
      'while messages come': async (broker, stream) => {
        const all = subscribeAll(broker, stream);
        await until(() => all.deliveries.length >= 10, { every: 1 });
        for (const delivery of all.deliveries) delivery.ack();
        all.unsubscribe();
        for (const delivery of all.deliveries) delivery.ack();
      },
      'while the window is full, and settle later': async (broker, stream) => {
        const all = subscribeAll(broker, stream);
        await until(() => all.deliveries.length === all.most);
        all.unsubscribe();
        for (const delivery of all.deliveries.splice(0, 5)) delivery.release();
        for (const delivery of all.deliveries) delivery.ack();
      },
    };
    for (const [title, leave] of Object.entries(states)) {
      it(title, async () => {
        const maker = handles.make(server);
        const stream = await newStream(maker);
        await lastValueFrom(maker.publishFrom(stream, new Array<Uint8Array>(100).fill(one)));
        await maker.close();
        await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
        const before = resources();
        const broker = handles.make(server);
        await leave(broker, stream);
        // the handle works, and has nothing but its locator a moment later
        await broker.publish(stream, one);
        await untilNoConsumers();
        await broker.close();
        await untilNothingIsThere();
        await untilResources(before);
      });
    }

    it('while the link is away', async () => {
      await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
      const before = resources();
      const proxy = await startProxy(server);
      try {
        const broker = handles.make(server, {
          host: proxy.host,
          port: proxy.port,
          resolveAddress: () => ({ host: proxy.host, port: proxy.port }),
        });
        const told = new Told(broker);
        const stream = await newStream(broker);
        await broker.publish(stream, one);
        const all = subscribeAll(broker, stream);
        await until(() => all.deliveries.length >= 4);
        await proxy.refuse(true);
        proxy.cut();
        await until(() => told.states.at(-1) === 'reconnecting');
        all.unsubscribe();
        for (const delivery of all.deliveries) delivery.ack();
        await proxy.refuse(false);
        await broker.publish(stream, one);
        await untilNoConsumers();
        await broker.close();
      } finally {
        await proxy.stop();
      }
      await untilNothingIsThere();
      await untilResources(before);
    });

    async function untilNoConsumers(): Promise<void> {
      await until(async () => (await atTheBroker()).consumers === 0, { every: 50, message: 'no consumers' });
    }

    /** One of each kind, with small windows; nothing is settled. */
    function subscribeAll(broker: RabbitMqStreamBroker, stream: string) {
      const deliveries: Delivery[] = [];
      const options = { start: earliest(), maxInFlight: 10 };
      const sources: Observable<Delivery>[] = [
        broker.messages(stream, options),
        broker.hot(stream, options),
        broker.messages(stream, { ...options, durable: 'durable' }),
        broker.messages(stream, { ...options, queue: 'queue' }),
      ];
      const sink = broker.sink(stream);
      const subscriptions = sources.map((source) => source.subscribe((delivery) => deliveries.push(delivery)));
      return {
        deliveries,
        most: 10 * sources.length,
        unsubscribe(): void {
          for (const subscription of subscriptions) subscription.unsubscribe();
          sink.complete();
        },
      };
    }
  });

  it('releases sockets and timers on close, in every state', async () => {
    const maker = handles.make(server);
    const stream = await newStream(maker);
    await maker.publish(stream, one);
    await maker.close();
    const before = resources();
    const proxy = await startProxy(server);
    const where = {
      host: proxy.host,
      port: proxy.port,
      resolveAddress: () => ({ host: proxy.host, port: proxy.port }),
    };
    try {
      // at work, reconnecting, connecting, and never used
      const working = handles.make(server);
      working
        .messages(stream, { start: earliest(), durable: 'd', storeEvery: { ms: 60_000 } })
        .subscribe((delivery) => {
          delivery.ack();
        });
      working.messages(stream, { start: earliest(), ackWait: 60_000 }).subscribe();
      working.sink(stream, { linger: 60_000 }).next(one);
      await working.publish(stream, one);
      const reconnecting = handles.make(server, where);
      const told = new Told(reconnecting);
      const sink = reconnecting.sink(stream);
      sink.receipts.subscribe();
      await sink.send(one);
      await firstValueFrom(reconnecting.messages(stream, { start: earliest() }));
      await proxy.refuse(true);
      proxy.cut();
      sink.next(one);
      await until(() => told.states.at(-1) === 'reconnecting');
      proxy.stall(true);
      await proxy.refuse(false);
      const connecting = handles.make(server, { ...where, connectTimeout: 60_000 });
      connecting.messages(stream).subscribe({ error: () => undefined });
      handles.make(server, where);
      await handles.close();
    } finally {
      await proxy.stop();
    }
    await untilNothingIsThere();
    await untilResources(before);
  });

  it('lets a process end that has closed its handle', async () => {
    const broker = handles.make(server);
    const stream = await newStream(broker);
    const file = fileURLToPath(new URL('fixtures/close-and-end.ts', import.meta.url));
    const child = fork(file, [server.url, stream], { execArgv: ['--import=tsx'] });
    let left: unknown;
    child.on('message', (message) => {
      left = message;
    });
    try {
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).to.equal(0);
    } finally {
      child.kill('SIGKILL');
    }
    expect(left).to.deep.equal([]);
  });
});
