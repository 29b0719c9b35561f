import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, type Observable, type Subscription } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import { StreamUnavailableError } from '../../lib/core/errors.js';
import { earliest, fromTime, newOnly } from '../../lib/core/starts.js';
import type { LiftbridgeHandle } from '../../lib/liftbridge/broker.js';
import { roundRobin, type LiftbridgeBroker, type LiftbridgeSinkOptions } from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { resources, untilResources } from '../support/resources.js';
import { until, within } from '../support/wait.js';
import { fill, Handles, named, newStream, Told } from './support.js';

const one = new Uint8Array([1]);

/** The calls that are open on the connection of a handle; publishing has one, which it keeps. */
function callsOf(broker: LiftbridgeBroker): { readonly streaming: number; readonly unary: number } {
  const { main } = (broker as unknown as LiftbridgeHandle).session;
  return { streaming: main?.calls ?? 0, unary: main?.pending ?? 0 };
}

function untilCalls(broker: LiftbridgeBroker, streaming: number): Promise<unknown> {
  return until(() => JSON.stringify(callsOf(broker)) === JSON.stringify({ streaming, unary: 0 }), {
    timeout: 20_000,
    message: () => `${streaming} calls; there are ${JSON.stringify(callsOf(broker))}`,
  });
}

/** Waits until the broker knows of none of these groups: one is gone with its last member. */
async function untilNoGroups(broker: LiftbridgeBroker, groups: readonly string[]): Promise<void> {
  const there = async (): Promise<string[]> => {
    const { groups: found } = await broker.metadata({ groups });
    return found.map(({ id }) => id);
  };
  await until(async () => (await there()).length === 0, {
    every: 50,
    timeout: 20_000,
    message: 'the groups to be gone',
  });
}

describe('liftbridge: what is left behind', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let server: LiftbridgeServer;

  before(async () => {
    server = await startLiftbridge({ needs: 'control' });
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  it('does not grow with 1 000 subscriptions and 250 sinks that come and go', async () => {
    const broker = handles.make(server);
    const stream = await newStream(broker);
    const parts = await newStream(broker, { partitions: 3 });
    await fill(broker, stream, named('value', 5));
    const groups = [unique('group'), unique('group')];
    const sinkOptions: LiftbridgeSinkOptions[] = [
      {},
      { ackPolicy: 'all', ackTimeout: 20_000 },
      { ackPolicy: 'none' },
      { partition: roundRobin() },
    ];

    const cycle = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 100) {
        // some go before the broker has answered, some with a message in hand that is acked, some through an AbortSignal
        const aborter = new AbortController();
        const source = (n: number): Observable<Delivery> => {
          const start = n % 3 === 0 ? newOnly() : n % 7 === 0 ? fromTime(Date.now() - 60_000) : earliest();
          const options = { start, ...(n % 11 === 0 && { signal: aborter.signal }) };
          switch (n % 5) {
            case 0:
              return broker.hot(stream, options);
            case 1:
              return broker.messages(stream, { ...options, durable: `durable-${n}` });
            case 2:
              return n < 10
                ? broker.messages(parts, { ...options, queue: groups[n % 2] })
                : (broker.values(stream, options) as never);
            case 3:
              return broker.messages(parts, { ...options, partition: n % 2 === 0 ? 'all' : [2, 0] });
            default:
              return broker.messages(stream, { ...options, readIsrReplica: n % 2 === 0, resume: true });
          }
        };
        let delivered = 0;
        const subscriptions: Subscription[] = [];
        for (let n = 0; n < 100; n++) {
          subscriptions.push(
            source(n).subscribe((delivery) => {
              delivered++;
              if (!(delivery instanceof Uint8Array)) delivery.ack();
            }),
          );
        }
        const ends: Promise<unknown>[] = [];
        for (let n = 0; n < 25; n++) {
          const options = sinkOptions[n % sinkOptions.length]!;
          const sink = broker.sink(typeof options.partition === 'function' ? parts : stream, options);
          // one in five is never used
          if (n % 5 > 0) sink.next(one);
          ends.push(lastValueFrom(sink.receipts, { defaultValue: undefined }));
          sink.complete();
        }
        if (i % 300 !== 0) {
          await until(() => delivered >= 20, { message: () => `20 deliveries, there are ${delivered}` });
        }
        aborter.abort();
        for (const subscription of subscriptions) subscription.unsubscribe();
        await Promise.all(ends);
      }
      await untilCalls(broker, 1);
    };
    await cycle(200);
    await untilNoGroups(broker, groups);
    global.gc?.();
    const before = { heap: process.memoryUsage().heapUsed, resources: resources() };
    await cycle(800);
    await untilNoGroups(broker, groups);
    await untilResources(before.resources);
    global.gc?.();
    expect((process.memoryUsage().heapUsed - before.heap) / 2 ** 20, 'growth of the heap in MiB').to.be.below(4);
  });

  it('has the server count them off: a partition without subscribers pauses by itself', async () => {
    const broker = handles.make(server);
    const options = { autoPauseTime: 200, autoPauseDisableIfSubscribers: true };
    const stream = await newStream(broker, options);
    // the leader of a paused partition answers as one that does not lead it
    const isPaused = (name: string): Promise<boolean> =>
      broker.partitionMetadata(name).then(
        () => false,
        (error: unknown) => error instanceof StreamUnavailableError,
      );
    const untilPaused = (name: string): Promise<unknown> =>
      until(() => isPaused(name), { every: 50, timeout: 20_000, message: 'the partition to pause' });
    await untilPaused(stream);
    const read = { start: earliest(), resume: true };
    const staying = broker.messages(stream, read).subscribe();
    await until(async () => callsOf(broker).streaming === 1);
    const leaving = Array.from({ length: 100 }, () => broker.messages(stream, read).subscribe());
    // some while they subscribe, and the others when they are at it
    for (const subscription of leaving.splice(0, 30)) subscription.unsubscribe();
    await untilCalls(broker, 1 + leaving.length);
    for (const subscription of leaving) subscription.unsubscribe();
    await untilCalls(broker, 1);
    // one that somebody reads does not pause
    await untilPaused(await newStream(broker, options));
    expect(await isPaused(stream)).to.equal(false);
    staying.unsubscribe();
    await untilCalls(broker, 0);
    await untilPaused(stream);
  });

  describe('a subscription and a sink that leave', () => {
    type Case = (broker: LiftbridgeBroker, stream: string) => Promise<void>;
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
      'while they ask where to begin, search for a time and join a group': async (broker, stream) => {
        await broker.connect();
        const all = subscribeAll(broker, stream);
        await until(() => callsOf(broker).unary > 0, { every: 1 });
        all.unsubscribe();
      },
      'a little later': async (broker, stream) => {
        await broker.connect();
        const all = subscribeAll(broker, stream);
        await broker.partitionMetadata(stream);
        await broker.metadata({ streams: [stream] });
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
        await fill(maker, stream, named('value', 100));
        await maker.close();
        await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
        const before = resources();
        const broker = handles.make(server);
        await leave(broker, stream);
        // the handle works, and has nothing but the call that it publishes by
        await broker.publish(stream, one);
        await untilCalls(broker, 1);
        await broker.close();
        await untilResources(before);
      });
    }

    it('does so at once, whatever it holds', async () => {
      const broker = handles.make(server);
      const stream = await newStream(broker);
      await fill(broker, stream, named('value', 100));
      const tap: Delivery[] = [];
      const options = { start: earliest(), maxInFlight: 10 };
      for (const more of [{}, { durable: 'd' }, { partition: 0 }]) {
        const subscription = broker.messages(stream, { ...options, ...more }).subscribe((each) => tap.push(each));
        await until(() => tap.length === 10);
        subscription.unsubscribe();
        // what is unsettled can be settled for a while, and needs nothing of the broker for that
        expect(callsOf(broker).streaming).to.equal(1);
        for (const each of tap.splice(0)) each.ack();
      }
    });

    it('while the link is away', async () => {
      await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
      const before = resources();
      const proxy = await startProxy(server);
      try {
        const broker = handles.make(server, through(proxy));
        const told = new Told(broker);
        const stream = await newStream(broker);
        await broker.publish(stream, one);
        const all = subscribeAll(broker, stream);
        await until(() => all.deliveries.length >= all.sources);
        await proxy.refuse(true);
        proxy.cut();
        await until(() => told.states.at(-1) === 'reconnecting');
        all.unsubscribe();
        for (const delivery of all.deliveries) delivery.ack();
        await proxy.refuse(false);
        await broker.publish(stream, one);
        await untilCalls(broker, 1);
        expect(told.states.at(-1)).to.equal('connected');
        await broker.close();
      } finally {
        await proxy.stop();
      }
      await untilResources(before);
    });

    it('while the broker does not answer', async () => {
      const maker = handles.make(server);
      const stream = await newStream(maker);
      await maker.publish(stream, one);
      await maker.close();
      await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
      const before = resources();
      const proxy = await startProxy(server);
      try {
        // connecting to what swallows everything
        proxy.stall(true);
        const connecting = handles.make(server, { ...through(proxy), connectTimeout: 60_000 });
        const first = subscribeAll(connecting, stream);
        await until(() => proxy.connections > 0);
        first.unsubscribe();
        await within(connecting.close(), 10_000, 'the handle that connects to close');

        proxy.stall(false);
        const asking = handles.make(server, { ...through(proxy), requestTimeout: 60_000 });
        await asking.connect();
        proxy.stall(true);
        const second = subscribeAll(asking, stream);
        await until(() => callsOf(asking).unary > 0);
        second.unsubscribe();
        await until(() => callsOf(asking).streaming === 0);
        await within(asking.close(), 20_000, 'the handle that asks to close');
      } finally {
        await proxy.stop();
      }
      await untilResources(before);
    });

    /** One of each kind, with small windows; nothing is settled. */
    function subscribeAll(broker: LiftbridgeBroker, stream: string) {
      const deliveries: Delivery[] = [];
      const options = { start: earliest(), maxInFlight: 10 };
      const sources: Observable<Delivery>[] = [
        broker.messages(stream, options),
        broker.hot(stream, options),
        broker.messages(stream, { ...options, durable: 'durable' }),
        broker.messages(stream, { ...options, queue: 'queue' }),
        broker.messages(stream, { ...options, start: fromTime(Date.now() - 600_000) }),
        broker.messages(stream, { ...options, partition: [0] }),
      ];
      const sink = broker.sink(stream);
      const subscriptions = sources.map((source) => source.subscribe((delivery) => deliveries.push(delivery)));
      return {
        deliveries,
        sources: sources.length,
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
    await fill(maker, stream, named('value', 100));
    await maker.close();
    const before = resources();
    const proxy = await startProxy(server);
    try {
      // at work, with a full window, joining, searching, reconnecting, connecting, and never used
      const working = handles.make(server);
      const slow = { start: earliest(), maxInFlight: 10 };
      const storeEvery = { ms: 60_000 };
      working.messages(stream, { start: earliest(), durable: 'd', storeEvery }).subscribe((each) => each.ack());
      working.messages(stream, { ...slow, ackWait: 60_000 }).subscribe();
      working.messages(stream, { ...slow, queue: 'q' }).subscribe();
      working.sink(stream).next(one);
      await working.publish(stream, one);
      await firstValueFrom(working.messages(stream, slow));
      working.messages(stream, { ...slow, queue: 'other' }).subscribe();
      working.messages(stream, { ...slow, start: fromTime(Date.now() - 60_000) }).subscribe();
      const reconnecting = handles.make(server, through(proxy));
      const told = new Told(reconnecting);
      const sink = reconnecting.sink(stream);
      sink.receipts.subscribe();
      await sink.send(one);
      await firstValueFrom(reconnecting.messages(stream, slow));
      reconnecting.messages(stream, { ...slow, queue: 'q' }).subscribe();
      await proxy.refuse(true);
      proxy.cut();
      sink.next(one);
      await until(() => told.states.at(-1) === 'reconnecting');
      proxy.stall(true);
      await proxy.refuse(false);
      const connecting = handles.make(server, { ...through(proxy), connectTimeout: 60_000 });
      connecting.messages(stream).subscribe({ error: () => undefined });
      handles.make(server, through(proxy));
      await handles.close();
    } finally {
      await proxy.stop();
    }
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

function through(proxy: Proxy): { readonly brokers: string } {
  return { brokers: `${proxy.host}:${proxy.port}` };
}
