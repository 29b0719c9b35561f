import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import type { RabbitMqStreamOptions } from '../../lib/rabbitmq-stream/index.js';
import { Tap } from '../contract/tap.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import {
  countEach,
  expectToldOfAll,
  expectUnbroken,
  Flow,
  readBack,
  untilInterrupted,
  untilRecovered,
  valuesOf,
} from './faults-kit.js';
import { readChunks } from './sink/raw-reader.js';
import { Handles, Load, newStream, Told, valuesUpTo, Worker } from './support.js';

const count = 20_000;

describe('rabbitmq-stream: connections that are lost', () => {
  let server: RabbitMqServer;
  const handles = new Handles();

  before(async () => {
    server = await startRabbitMq();
  });
  after(() => server.stop());
  afterEach(() => handles.close());

  /** Publishes and consumes on one handle, so that it has a connection of each kind. */
  const work = async (options: RabbitMqStreamOptions, sink: { readonly producer?: string } = { producer: 'p' }) => {
    const broker = handles.make(server, options);
    const stream = await newStream(broker);
    const told = new Told(broker);
    const worker = new Worker(broker, stream, { durable: 'worker' });
    const load = new Load(broker, stream, count, sink);
    return { broker, stream, told, worker, load };
  };
  type Work = Awaited<ReturnType<typeof work>>;

  const reaches = (load: Load, confirmed: number): Promise<unknown> =>
    until(() => load.confirmed.size > confirmed, { timeout: 20_000, every: 1 });

  const allIsWell = async ({ broker, stream, load, worker }: Work): Promise<void> => {
    await load.done;
    await worker.hasAll(valuesUpTo(count));
    expect(load.failed).to.deep.equal([]);
    const stored = await readBack(broker, stream);
    expect(valuesOf(stored)).to.deep.equal(valuesUpTo(count));
    await expectUnbroken(worker, stream, stored);
  };

  describe('on the way', () => {
    let proxy: Proxy;

    beforeEach(async () => {
      proxy = await startProxy(server);
    });
    afterEach(() => proxy.stop());

    const through = (options: RabbitMqStreamOptions = {}): RabbitMqStreamOptions => {
      const { username, password, vhost } = server;
      return { host: proxy.host, port: proxy.port, username, password, vhost, resolveAddress: () => proxy, ...options };
    };

    for (const reset of [false, true]) {
      it(`${reset ? 'reset' : 'ended'}, all at once and again and again: each is made once again`, async () => {
        const at = await work(through());
        for (const [times, confirmed] of [2_000, 8_000, 14_000].entries()) {
          await reaches(at.load, confirmed);
          await until(() => proxy.connections === 3, {
            message: () => `3 connections; there are ${proxy.connections}`,
          });
          expect(proxy.accepted).to.equal(3 * (times + 1));
          proxy.cut({ reset });
          await untilRecovered(at.told, times + 1);
        }
        await allIsWell(at);
        expect(proxy.accepted).to.equal(12);
        expect(at.told.of('reconnected')).to.have.length(3);
        expect(at.told.of('disconnected')).to.have.length(3);
        expect(at.told.has('gap') || at.told.has('reset')).to.equal(false);
      });
    }

    it('without a name: what is uncertain is told, and all else is stored once', async () => {
      const { broker, stream, load, worker, told } = await work(through(), {});
      await reaches(load, 4_000);
      proxy.cut();
      await load.done;
      await worker.hasAll(load.confirmed);
      const stored = await readBack(broker, stream);
      expectToldOfAll(load, count, countEach(stored));
      for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
      expect(load.failed.length).to.be.below(257);
      expect(countEach(stored).size).to.equal(stored.length);
      await expectUnbroken(worker, stream, stored);
      await untilRecovered(told);
    });

    it('refused for a while after the drop: it goes on trying, and reconnects once', async () => {
      const at = await work(through());
      await reaches(at.load, 4_000);
      await proxy.refuse(true);
      proxy.cut();
      const { accepted } = proxy;
      await untilInterrupted(at.told);
      await proxy.refuse(false);
      await allIsWell(at);
      await untilRecovered(at.told);
      expect(proxy.accepted).to.equal(accepted + 3);
      expect(at.told.of('reconnected')).to.have.length(1);
      expect(at.told.states.slice(-2)).to.deep.equal(['reconnecting', 'connected']);
    });

    for (const [what, stall] of [
      ['nothing passes', (on: boolean) => proxy.stall(on)],
      ['nothing comes from the server', (on: boolean) => proxy.stallToClient(on)],
      ['nothing gets to the server', (on: boolean) => proxy.stallToServer(on)],
    ] as const) {
      it(`half open, where ${what}: heartbeats find out`, async () => {
        const at = await work(through({ heartbeat: 1_000 }));
        await reaches(at.load, 4_000);
        stall(true);
        await untilInterrupted(at.told);
        stall(false);
        await allIsWell(at);
        await untilRecovered(at.told);
        expect(at.told.of('reconnected')).to.have.length(1);
        expect(at.told.states.slice(-3)).to.deep.equal(['connected', 'reconnecting', 'connected']);
      });
    }
  });

  describe('closed by the server', () => {
    const closed = (name: string): Promise<void> => server.management.closeConnection(name);
    /** How many connections of a handle are listed. */
    const listed = async (name: string): Promise<string[]> => {
      const all = await server.management.connections();
      return all.flatMap(({ clientProvidedName }) =>
        clientProvidedName?.startsWith(`${name}-`) === true ? [clientProvidedName.slice(name.length + 1)] : [],
      );
    };
    const untilListed = async (name: string, expected: readonly string[]): Promise<void> => {
      let last: string[] = [];
      await until(async () => (last = (await listed(name)).sort()).join() === expected.join(), {
        every: 100,
        message: () => `connections ${expected.join(', ')}; there are ${last.join(', ')}`,
      });
    };

    for (const producer of ['p', undefined]) {
      it(`the producer’s, in the middle of a publish ${producer === undefined ? 'without' : 'with'} a name`, async () => {
        const name = unique('closed');
        const broker = handles.make(server, { connectionName: name });
        const stream = await newStream(broker);
        const told = new Told(broker);
        const flow = new Flow(broker, stream, producer === undefined ? {} : { producer });
        await closed(`${name}-producer-1`);
        await untilRecovered(told);
        const { offered } = flow;
        await until(() => flow.confirmed.has(`value ${offered}`));
        await untilListed(name, ['locator', 'producer-2']);
        await flow.stop();
        const stored = await readBack(broker, stream);
        const counts = countEach(stored);
        expect([...counts.values()].every((times) => times === 1)).to.equal(true);
        expect([...flow.confirmed].filter((value) => !counts.has(value))).to.deep.equal([]);
        expect(flow.confirmed.size + flow.failed.length).to.equal(flow.offered);
        if (producer === undefined) {
          for (const { error } of flow.failed) expect(error).to.be.instanceOf(PublishUncertainError);
        } else {
          expect(flow.failed).to.deep.equal([]);
          expect(valuesOf(stored)).to.deep.equal(valuesUpTo(flow.offered));
        }
        expect(told.states).to.deep.equal(['connected', 'reconnecting', 'connected']);
      });
    }

    it('the consumer’s, in the middle of a chunk', async () => {
      const filler = handles.make(server);
      const stream = await newStream(filler);
      await new Load(filler, stream, count, { maxInFlight: 8_192 }).done;
      const sizes = (await readChunks(server, stream, count)).map(({ records }) => records);
      // where each chunk begins, and the middle of the largest
      const largest = sizes.indexOf(Math.max(...sizes));
      const middle = sizes.slice(0, largest).reduce((sum, size) => sum + size, 0) + Math.floor(sizes[largest]! / 2);
      expect(sizes[largest], 'a chunk with many messages').to.be.greaterThan(500);

      const name = unique('closed');
      const broker = handles.make(server, { connectionName: name });
      const told = new Told(broker);
      const open: { ack(): void }[] = [];
      const tap = new Tap(broker.messages(stream, { start: earliest(), maxInFlight: 100 }), (delivery) => {
        open.push(delivery);
        // the window stays full in the middle of the chunk, until the connection is gone
        if (delivery.offset < BigInt(middle) || told.has('disconnected')) open.shift()!.ack();
      });
      await until(() => open.length === 100);
      expect(tap.all.at(-1)!.offset).to.equal(BigInt(middle + 99));
      await closed(`${name}-consumer-1`);
      await untilRecovered(told);
      for (const delivery of open.splice(0)) delivery.ack();
      await until(() => tap.all.length >= count);
      expect(tap.all.map(({ offset }) => offset)).to.deep.equal(Array.from({ length: count }, (_, i) => BigInt(i)));
      expect(tap.all.filter(({ redelivered }) => redelivered)).to.deep.equal([]);
      expect(told.states).to.deep.equal(['idle', 'connecting', 'connected', 'reconnecting', 'connected']);
      await untilListed(name, ['consumer-2', 'locator']);
    });

    it('the consumer’s, while it settles what it has: that takes no credit from the next subscription', async () => {
      const filler = handles.make(server);
      const stream = await newStream(filler);
      await new Load(filler, stream, count).done;
      const name = unique('closed');
      const broker = handles.make(server, { connectionName: name });
      const told = new Told(broker);
      const open: { ack(): void }[] = [];
      let going = false;
      const tap = new Tap(broker.messages(stream, { start: earliest(), maxInFlight: 16_000 }), (delivery) => {
        if (going) delivery.ack();
        else open.push(delivery);
      });
      await until(() => open.length === 16_000);
      // from the drop on, one with each turn of the loop, so that some fall between the steps of subscribing again
      const settle = (): void => {
        open.shift()?.ack();
        if (open.length > 0) setImmediate(settle);
      };
      broker.events.subscribe(({ type }) => {
        if (type !== 'disconnected' || going) return;
        going = true;
        settle();
      });
      await closed(`${name}-consumer-1`);
      await untilRecovered(told);
      await until(() => tap.all.length >= count, { message: () => `${count} messages; ${tap.all.length} came` });
      expect(tap.all.map(({ offset }) => offset)).to.deep.equal(Array.from({ length: count }, (_, i) => BigInt(i)));
    });

    it('the locator’s: who publishes and consumes does not notice', async () => {
      const name = unique('closed');
      const broker = handles.make(server, { connectionName: name });
      const stream = await newStream(broker);
      const told = new Told(broker);
      const worker = new Worker(broker, stream, { durable: 'worker', storeEvery: { ms: 100 } });
      const flow = new Flow(broker, stream);
      await closed(`${name}-locator`);
      await untilRecovered(told);
      const { offered } = flow;
      await until(() => flow.confirmed.has(`value ${offered}`));
      await flow.stop();
      await worker.hasAll(valuesUpTo(flow.offered));
      expect(flow.failed).to.deep.equal([]);
      const stored = await readBack(broker, stream);
      await expectUnbroken(worker, stream, stored);
      expect(told.states).to.deep.equal(['connected', 'reconnecting', 'connected']);
      await untilListed(name, ['consumer-1', 'locator', 'producer-1']);
      // positions go over the new one
      await until(async () => (await broker.queryOffset('worker', stream)) >= stored.at(-1)!.offset);
    });
  });
});
