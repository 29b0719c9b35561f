import { expect } from 'chai';
import { ConnectionError, PublishUncertainError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import type { LiftbridgeOptions } from '../../lib/liftbridge/index.js';
import { Tap } from '../contract/tap.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { freePort } from '../support/ports.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import {
  countEach,
  expectToldOfAll,
  expectUnbroken,
  Handles,
  Load,
  newStream,
  readBack,
  Told,
  untilInterrupted,
  untilRecovered,
  Worker,
} from './support.js';

const count = 10_000;

describe('liftbridge: connections that are lost', () => {
  let server: LiftbridgeServer;
  let proxy: Proxy;
  const handles = new Handles();

  before(async () => {
    server = await startLiftbridge();
  });
  after(() => server.stop());
  beforeEach(async () => {
    proxy = await startProxy(server);
  });
  afterEach(async () => {
    await handles.close();
    await proxy.stop();
  });

  const through = (options: LiftbridgeOptions = {}): LiftbridgeOptions => ({
    brokers: `${proxy.host}:${proxy.port}`,
    ...options,
  });

  /** Publishes and consumes on one handle, which has one connection for both. */
  const work = async (options: LiftbridgeOptions = {}, resend = true) => {
    const broker = handles.make(server, through(options));
    const stream = await newStream(broker);
    const told = new Told(broker);
    const worker = new Worker(broker, stream, { durable: 'worker' });
    const load = new Load(broker, stream, count, { resend });
    return { broker, stream, told, worker, load };
  };
  type Work = Awaited<ReturnType<typeof work>>;

  const reaches = (load: Load, confirmed: number): Promise<unknown> =>
    until(() => load.confirmed.size > confirmed, { timeout: 20_000, every: 1 });

  const allIsWell = async ({ stream, load, worker, told }: Work): Promise<void> => {
    await load.done;
    await worker.hasAll(load.confirmed);
    expect(load.failed).to.deep.equal([]);
    const stored = await readBack(handles.make(server), stream);
    expect(countEach(stored).size).to.equal(count);
    await expectUnbroken(worker, '0', stored);
    expect(told.has('gap') || told.has('reset') || told.has('protocol')).to.equal(false);
  };

  for (const reset of [false, true]) {
    it(`${reset ? 'reset' : 'ended'} again and again: it is made once again each time`, async () => {
      const at = await work();
      for (const [times, confirmed] of [1_000, 4_000, 7_000].entries()) {
        await reaches(at.load, confirmed);
        expect(proxy.accepted).to.equal(times + 1);
        proxy.cut({ reset });
        await untilRecovered(at.told, times + 1);
      }
      await allIsWell(at);
      expect(proxy.accepted).to.equal(4);
      expect(at.told.of('reconnected')).to.have.length(3);
      expect(at.told.of('disconnected')).to.have.length(3);
    });
  }

  it('in the middle of a publish: what is uncertain is told, and all else is stored once', async () => {
    const { stream, load, worker, told } = await work({}, false);
    await reaches(load, 2_000);
    // acks stay on the way, so that some are missing for certain
    proxy.stallToClient(true);
    const { confirmed } = load;
    for (let last = -1; last < confirmed.size;) {
      last = confirmed.size;
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    proxy.cut();
    proxy.stallToClient(false);
    await load.done;
    await worker.hasAll(load.confirmed);
    const stored = await readBack(handles.make(server), stream);
    expectToldOfAll(load, count, countEach(stored));
    expect(load.failed.length).to.be.within(1, 256);
    for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
    expect(countEach(stored).size).to.equal(stored.length);
    await expectUnbroken(worker, '0', stored);
    await untilRecovered(told);
  });

  it('in the middle of a message: it comes once more, whole', async () => {
    const filler = handles.make(server);
    const stream = await newStream(filler);
    const total = 12;
    const size = 800_000;
    for (let i = 0; i < total; i++) await filler.publish(stream, new Uint8Array(size).fill(i));
    // a small part of a message is on its way at any time, so that each cut is within one
    const broker = handles.make(server, through({ windowBytes: 65_535 }));
    const told = new Told(broker);
    const tap = new Tap(broker.messages(stream, { start: earliest() }), ({ offset }) => {
      if (offset % 4n === 1n) proxy.cut({ reset: true });
    });
    const came = await tap.first(total);
    expect(came.map(({ offset }) => offset)).to.deep.equal(Array.from({ length: total }, (_, i) => BigInt(i)));
    for (const [i, { value }] of came.entries()) {
      expect(value.length).to.equal(size);
      expect(value.every((byte) => byte === i)).to.equal(true);
    }
    await untilRecovered(told, 3);
    expect(told.of('disconnected')).to.have.length(3);
    expect(told.has('protocol'), 'half a message is nobody’s fault').to.equal(false);
  });

  it('refused for a while after the drop: it goes on trying, and reconnects once', async () => {
    const at = await work();
    await reaches(at.load, 2_000);
    await proxy.refuse(true);
    proxy.cut();
    const { accepted } = proxy;
    await untilInterrupted(at.told);
    await proxy.refuse(false);
    await allIsWell(at);
    await untilRecovered(at.told);
    expect(proxy.accepted).to.equal(accepted + 1);
    expect(at.told.of('reconnected')).to.have.length(1);
    expect(at.told.states.slice(-2)).to.deep.equal(['reconnecting', 'connected']);
  });

  for (const [what, stall] of [
    ['nothing passes', (on: boolean) => proxy.stall(on)],
    ['nothing comes from the server', (on: boolean) => proxy.stallToClient(on)],
    ['nothing gets to the server', (on: boolean) => proxy.stallToServer(on)],
  ] as const) {
    it(`half open, where ${what}: probes find out`, async () => {
      const at = await work({ pingInterval: 300, pingTimeout: 300 });
      await reaches(at.load, 2_000);
      stall(true);
      await untilInterrupted(at.told);
      stall(false);
      await allIsWell(at);
      await untilRecovered(at.told);
    });
  }

  it('half open while nothing is published: who just listens finds out as well', async () => {
    const broker = handles.make(server, through({ pingInterval: 100, pingTimeout: 200 }));
    const other = handles.make(server);
    const stream = await newStream(other);
    const told = new Told(broker);
    const worker = new Worker(broker, stream);
    await other.publish(stream, new TextEncoder().encode('before'));
    await worker.hasAll(['before']);
    proxy.stall(true);
    await other.publish(stream, new TextEncoder().encode('meanwhile'));
    await untilInterrupted(told);
    proxy.stall(false);
    await worker.hasAll(['before', 'meanwhile']);
    expect(worker.order.get('0')).to.deep.equal([0n, 1n]);
    await untilRecovered(told);
  });

  it('a seed that is dead: another one is enough', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const broker = handles.make(server, { brokers: [dead, server.url] });
    const stream = await newStream(broker);
    const worker = new Worker(broker, stream);
    await broker.publish(stream, new TextEncoder().encode('there'));
    await worker.hasAll(['there']);
  });

  it('seeds that are all dead: an error that names them, and the next use tries again', async () => {
    const brokers = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const broker = handles.make(server, { brokers });
    const error = await broker.connect().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConnectionError);
    for (const address of brokers) expect((error as Error).message).to.include(address);
  });
});
