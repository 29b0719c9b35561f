import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import {
  countEach,
  expectToldOfAll,
  expectUnbroken,
  oneOutage,
  readBack,
  untilInterrupted,
  untilRecovered,
  valuesOf,
} from './faults-kit.js';
import { Handles, Load, newStream, Told, valuesUpTo, Worker } from './support.js';

const count = 20_000;

describe('rabbitmq-stream: a server that dies or stands still', () => {
  let server: RabbitMqServer;
  const handles = new Handles();

  before(async () => {
    server = await startRabbitMq({ needs: 'control' });
  });
  after(() => server.stop());
  afterEach(() => handles.close());

  const halfway = async (load: Load, worker: Worker): Promise<void> => {
    await until(() => load.confirmed.size > count / 8 && worker.acked.size > count / 20, { timeout: 20_000, every: 1 });
    expect(load.confirmed.size, 'it is in the middle of it').to.be.below(count);
  };

  for (const { how, options } of [
    { how: 'a named producer: all is stored, each once', options: { producer: 'p' } },
    { how: 'without a name, with resend: all is stored, at least once', options: { resend: true } },
    { how: 'without a name: what is uncertain is told, and all else is stored', options: {} },
  ]) {
    it(`kill -9 and a restart; ${how}`, async () => {
      const [publisher, consumer] = [handles.make(server), handles.make(server)];
      const stream = await newStream(publisher);
      const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
      const worker = new Worker(consumer, stream, { durable: 'worker' });
      const load = new Load(publisher, stream, count, options);
      await halfway(load, worker);
      await server.kill();
      await untilInterrupted(toldConsumer);
      await server.restart();
      await load.done;
      await worker.hasAll(load.confirmed);

      const all = await readBack(handles.make(server), stream);
      const stored = countEach(all);
      expectToldOfAll(load, count, stored);
      if (options.producer !== undefined) {
        expect(load.failed).to.deep.equal([]);
        expect(valuesOf(all)).to.deep.equal(valuesUpTo(count));
      } else if (options.resend === true) {
        expect(load.failed).to.deep.equal([]);
        expect(stored.size).to.equal(count);
      } else {
        for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
        expect(load.failed.length).to.be.below(257);
        expect(Math.max(...stored.values())).to.equal(1);
      }
      await expectUnbroken(worker, stream, all);
      await Promise.all([untilRecovered(toldConsumer), untilRecovered(toldPublisher)]);
      for (const told of [toldConsumer, toldPublisher]) {
        expect(told.of('reconnected')).to.deep.equal([{ type: 'reconnected', session: 'renewed' }]);
        expect(told.of('disconnected')).to.have.length(1);
        expect(told.has('gap') || told.has('reset')).to.equal(false);
      }
      expect(toldConsumer.states).to.deep.equal(oneOutage);
    });
  }

  it('a server that stands still for longer than two heartbeats', async () => {
    const liveness = { heartbeat: 1_000 };
    const [publisher, consumer] = [handles.make(server, liveness), handles.make(server, liveness)];
    const stream = await newStream(publisher);
    const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
    const worker = new Worker(consumer, stream, { durable: 'worker' });
    const load = new Load(publisher, stream, count, { producer: 'p' });
    await halfway(load, worker);
    await server.pause();
    await Promise.all([untilInterrupted(toldConsumer), untilInterrupted(toldPublisher)]);
    await server.resume();
    await load.done;
    await worker.hasAll(load.confirmed);
    await Promise.all([untilRecovered(toldConsumer), untilRecovered(toldPublisher)]);
    expect(load.failed).to.deep.equal([]);
    const all = await readBack(handles.make(server), stream);
    expect(valuesOf(all)).to.deep.equal(valuesUpTo(count));
    await expectUnbroken(worker, stream, all);
    for (const told of [toldConsumer, toldPublisher]) {
      expect(told.of('reconnected')).to.have.length(1);
      expect(told.states.slice(-2)).to.deep.equal(['reconnecting', 'connected']);
    }
    expect(toldConsumer.states).to.deep.equal(oneOutage);
  });

  it('a server that stands still for less goes on as if nothing had been', async () => {
    const publisher = handles.make(server);
    const stream = await newStream(publisher);
    const told = new Told(publisher);
    const worker = new Worker(publisher, stream);
    const load = new Load(publisher, stream, count);
    await halfway(load, worker);
    await server.pause();
    const confirmed = load.confirmed.size;
    await new Promise((resolve) => setImmediate(resolve));
    await server.resume();
    await until(() => load.confirmed.size > confirmed);
    await load.done;
    await worker.hasAll(valuesUpTo(count));
    expect(load.failed).to.deep.equal([]);
    await expectUnbroken(worker, stream, await readBack(publisher, stream));
    expect(told.states).to.deep.equal(['connected']);
  });
});
