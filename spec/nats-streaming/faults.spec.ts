import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { startNatsStreaming } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { Handles, Load, Told, Worker } from './support.js';

const count = 10_000;

describe('NATS Streaming under faults', () => {
  const handles = new Handles();

  afterEach(() => handles.close());

  function check(load: Load, worker: Worker): void {
    expect(load.confirmed.size + load.failed.length).to.equal(count);
    for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
    expect(worker.ackedAndEmitted).to.deep.equal([]);
    expect(worker.ended).to.equal(undefined);
  }

  it('rides out kill -9 and a restart of a server with a file store', async () => {
    const server = await startNatsStreaming({ store: 'file', needs: 'control' });
    try {
      const channel = unique('killed');
      const consumer = handles.make(server);
      const told = new Told(consumer);
      const worker = new Worker(consumer, channel, { durable: 'worker', ackWait: 2_000 });
      const load = new Load(handles.make(server), channel, count);
      await until(() => load.confirmed.size > 3_000 && worker.acked.size > 1_000, { timeout: 20_000 });
      await server.kill();
      await until(() => told.states.at(-1) === 'reconnecting');
      await server.restart();
      await load.done;
      await worker.hasAll(load.confirmed);
      check(load, worker);
      expect(load.confirmed.size).to.be.greaterThan(count - 1_000);
      expect(told.states).to.deep.equal(['idle', 'connecting', 'connected', 'reconnecting', 'connected']);
      expect(told.has('disconnected')).to.equal(true);
      expect(told.of('reconnected').map(({ session }) => session)).to.deep.equal(['kept']);
    } finally {
      await handles.close();
      await server.stop();
    }
  });

  it('rides out a dropped connection', async () => {
    const server = await startNatsStreaming();
    const proxy = await startProxy(server);
    try {
      const channel = unique('dropped');
      const servers = `nats://${proxy.host}:${proxy.port}`;
      const consumer = handles.make(server, { servers });
      const told = new Told(consumer);
      const worker = new Worker(consumer, channel, { durable: 'worker', ackWait: 1_000 });
      const load = new Load(handles.make(server, { servers }), channel, count);
      for (const reached of [2_000, 4_000, 6_000]) {
        await until(() => load.confirmed.size + load.failed.length > reached, { timeout: 20_000 });
        proxy.cut();
      }
      await load.done;
      await worker.hasAll(load.confirmed);
      check(load, worker);
      expect(told.of('reconnected').every(({ session }) => session === 'kept')).to.equal(true);
      expect(told.has('disconnected')).to.equal(true);
      // nothing stays unacked: acks that the drop swallowed were said again
      await until(async () => {
        const { subscriptions } = (await server.monitor(`/streaming/channelsz?channel=${channel}&subs=1`)) as {
          subscriptions: { pending_count: number }[];
        };
        return subscriptions[0]?.pending_count === 0;
      });
    } finally {
      await handles.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('rides out a server that is paused for longer than the ping limit', async () => {
    const server = await startNatsStreaming({ store: 'file', needs: 'control' });
    try {
      const channel = unique('paused');
      const liveness = { pingInterval: 1_000, pingMaxOut: 1 };
      const consumer = handles.make(server, liveness);
      const told = new Told(consumer);
      const worker = new Worker(consumer, channel, { durable: 'worker', ackWait: 2_000 });
      const load = new Load(handles.make(server, liveness), channel, count);
      await until(() => load.confirmed.size > 3_000 && worker.acked.size > 1_000, { timeout: 20_000 });
      await server.pause();
      await until(() => told.states.at(-1) === 'reconnecting', { timeout: 20_000 });
      await server.resume();
      await load.done;
      await worker.hasAll(load.confirmed);
      check(load, worker);
      expect(told.states.at(-1)).to.equal('connected');
    } finally {
      await handles.close();
      await server.stop();
    }
  });
});
