import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import {
  countEach,
  expectToldOfAll,
  expectUnbroken,
  fill,
  Handles,
  Load,
  newStream,
  oneOutage,
  readBack,
  Told,
  untilInterrupted,
  untilRecovered,
  Worker,
} from './support.js';

const count = 20_000;

describe('liftbridge: a server that dies or stands still', () => {
  let server: LiftbridgeServer;
  const handles = new Handles();

  before(async () => {
    server = await startLiftbridge({ needs: 'control' });
  });
  after(() => server.stop());
  afterEach(() => handles.close());

  const halfway = async (load: Load, worker: Worker): Promise<void> => {
    await until(() => load.confirmed.size > count / 8 && worker.acked.size > count / 20, { timeout: 20_000, every: 1 });
    expect(load.confirmed.size, 'it is in the middle of it').to.be.below(count);
  };

  for (const { how, resend } of [
    { how: 'with resend: all is stored, at least once', resend: true },
    { how: 'what is uncertain is told, and all else is stored once', resend: false },
  ]) {
    it(`kill -9 and a restart; ${how}`, async () => {
      const [publisher, consumer] = [handles.make(server), handles.make(server)];
      const stream = await newStream(publisher);
      const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
      const worker = new Worker(consumer, stream, { durable: 'worker' });
      const load = new Load(publisher, stream, count, { resend });
      await halfway(load, worker);
      await server.kill();
      await untilInterrupted(toldConsumer);
      await server.restart();
      await load.done;
      // a server that was killed shows the end of its log with the next message only
      await fill(publisher, stream, ['last']);
      await worker.hasAll([...load.confirmed, 'last']);

      const all = await readBack(handles.make(server), stream);
      const stored = countEach(all);
      expectToldOfAll(load, count, stored);
      if (resend) {
        expect(load.failed).to.deep.equal([]);
        expect(stored.size).to.equal(count + 1);
      } else {
        for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
        // a window at the kill, and one for each time that nobody acks for `ackTimeout` until the partition is up again
        expect(load.failed.length).to.be.below(4 * 256);
        expect(stored.size, 'nothing is stored twice').to.equal(all.length);
      }
      await expectUnbroken(worker, '0', all);
      await Promise.all([untilRecovered(toldConsumer), untilRecovered(toldPublisher)]);
      for (const told of [toldConsumer, toldPublisher]) {
        expect(told.of('reconnected')).to.deep.equal([{ type: 'reconnected', session: 'renewed' }]);
        expect(told.of('disconnected')).to.have.length(1);
        expect(told.has('gap') || told.has('reset')).to.equal(false);
      }
      expect(toldConsumer.states).to.deep.equal(oneOutage);
    });
  }

  it('kill -9, and the durable is subscribed to once more: it knows better than a server that has lost sight of the cursor', async () => {
    const broker = handles.make(server);
    const stream = await newStream(broker);
    const told = new Told(broker);
    const first = new Worker(broker, stream, { durable: 'worker', storeEvery: { messages: 10 } });
    await fill(broker, stream, ['a', 'b', 'c']);
    await until(() => first.acked.size === 3);
    await server.kill();
    await untilInterrupted(told);
    await server.restart();
    await untilRecovered(told);
    first.stop();
    const second = new Worker(broker, stream, { durable: 'worker' });
    await fill(broker, stream, ['d']);
    await second.hasAll(['d']);
    expect([...second.values.values()]).to.deep.equal(['d']);
    expect(told.has('reset') || told.has('gap')).to.equal(false);
  });

  it('a server that stands still until the probes find out', async () => {
    const liveness = { pingInterval: 300, pingTimeout: 300 };
    const [publisher, consumer] = [handles.make(server, liveness), handles.make(server, liveness)];
    const stream = await newStream(publisher);
    const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
    const worker = new Worker(consumer, stream, { durable: 'worker' });
    const load = new Load(publisher, stream, count, { resend: true });
    await halfway(load, worker);
    await server.pause();
    await Promise.all([untilInterrupted(toldConsumer), untilInterrupted(toldPublisher)]);
    await server.resume();
    await load.done;
    await worker.hasAll(load.confirmed);
    await Promise.all([untilRecovered(toldConsumer), untilRecovered(toldPublisher)]);
    expect(load.failed).to.deep.equal([]);
    const all = await readBack(handles.make(server), stream);
    expect(countEach(all).size).to.equal(count);
    await expectUnbroken(worker, '0', all);
    for (const told of [toldConsumer, toldPublisher]) {
      expect(told.has('gap') || told.has('reset')).to.equal(false);
      expect(told.states.slice(-2)).to.deep.equal(['reconnecting', 'connected']);
    }
  });

  it('a server that stands still for less goes on as if nothing had been', async () => {
    const broker = handles.make(server);
    const stream = await newStream(broker);
    const told = new Told(broker);
    const worker = new Worker(broker, stream);
    const load = new Load(broker, stream, count);
    await halfway(load, worker);
    await server.pause();
    const confirmed = load.confirmed.size;
    await new Promise((resolve) => setImmediate(resolve));
    await server.resume();
    await until(() => load.confirmed.size > confirmed);
    await load.done;
    expect(load.failed).to.deep.equal([]);
    await worker.hasAll(load.confirmed);
    await expectUnbroken(worker, '0', await readBack(broker, stream));
    expect(told.states).to.deep.equal(['connected']);
  });
});
