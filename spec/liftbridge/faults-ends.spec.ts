import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import type { Receipt, Sink } from '../../lib/core/broker.js';
import { ClosedError, ConnectionError, PublishUncertainError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import type { LiftbridgeBroker, LiftbridgeOptions } from '../../lib/liftbridge/index.js';
import { Tap } from '../contract/tap.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until, within } from '../support/wait.js';
import { Handles, newStream, readBack, Told, untilInterrupted, valuesOf, valuesUpTo } from './support.js';

describe('liftbridge: when it cannot go on', () => {
  let server: LiftbridgeServer;
  let proxy: Proxy;
  const handles = new Handles();
  let stream: string;

  before(async () => {
    server = await startLiftbridge();
  });
  after(() => server.stop());
  beforeEach(async () => {
    proxy = await startProxy(server);
    stream = await newStream(handles.make(server));
  });
  afterEach(async () => {
    await handles.close();
    await proxy.stop();
  });

  const through = (options: LiftbridgeOptions = {}): LiftbridgeBroker =>
    handles.make(server, { brokers: `${proxy.host}:${proxy.port}`, ...options });
  /** Publishes so that receipts are outstanding, and some values wait. */
  const warmSink = async (broker: LiftbridgeBroker) => {
    const sink = broker.sink(stream, { codec: text, maxInFlight: 50 });
    await sink.send('first');
    const receipts: Receipt<string>[] = [];
    sink.receipts.subscribe({ next: (receipt) => receipts.push(receipt), error: () => undefined });
    return { sink, receipts };
  };
  const offer = (sink: Sink<string>, count: number): void => {
    for (const value of valuesUpTo(count)) sink.next(value);
  };
  const written = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  for (const [how, reconnect] of [
    ['reconnect: false', false],
    ['maxAttempts', { initialDelay: 10, maxDelay: 50, maxAttempts: 3 }],
  ] as const) {
    it(`${how}: the source errors, receipts fail typed, and the next use connects anew`, async () => {
      const broker = through({ reconnect });
      const told = new Told(broker);
      const tap = new Tap(broker.messages(stream, { start: earliest(), durable: 'd', codec: text }), (delivery) => {
        delivery.ack();
      });
      const { sink, receipts } = await warmSink(broker);
      await tap.first(1);
      // what goes to the server stays on the way, so that all of it is unconfirmed
      proxy.stallToServer(true);
      offer(sink, 200);
      await written();
      await proxy.refuse(true);
      proxy.cut();
      expect(await tap.failed()).to.be.instanceOf(ConnectionError);
      await until(() => receipts.length === 200);
      const uncertain = receipts.filter(({ error }) => error instanceof PublishUncertainError);
      expect(uncertain).to.have.length(50);
      expect(receipts.filter(({ error }) => error instanceof ConnectionError)).to.have.length(150);
      expect(told.states.at(-1)).to.equal('idle');
      proxy.stallToServer(false);
      await proxy.refuse(false);
      await broker.publish(stream, 'second', { codec: text });
      const again = new Tap(broker.messages(stream, { start: earliest(), durable: 'd', codec: text }));
      expect((await again.at(0)).value).to.equal('second');
      expect(told.states.at(-1)).to.equal('connected');
    });
  }

  it('closed in the middle of everything: it resolves, positions are stored, and what is left behind is told', async () => {
    const broker = through({ closeTimeout: 300 });
    const told = new Told(broker);
    await Promise.all(valuesUpTo(100).map((value) => broker.publish(stream, value, { codec: text })));
    const tap = new Tap(broker.messages(stream, { start: earliest(), durable: 'd', codec: text }), (delivery) => {
      if (delivery.offset < 60n) delivery.ack();
    });
    await tap.first(100);
    const { sink, receipts } = await warmSink(broker);
    offer(sink, 200);
    const late = sink.send('late').catch((error: unknown) => error);
    await broker.close();
    expect(tap.completed).to.equal(true);
    // what was accepted had time to be published
    expect(receipts.filter(({ ok }) => !ok)).to.deep.equal([]);
    expect(await late).to.include({ ok: true, value: 'late' });
    expect(told.of('abandoned')).to.have.length(1);
    expect(told.of('abandoned')[0]).to.include({ type: 'abandoned', unconfirmed: 0 });
    expect(told.states.at(-1)).to.equal('closed');
    const other = handles.make(server);
    expect(await other.fetchCursor({ stream, id: 'd' })).to.equal(59n);
    expect(valuesOf(await readBack(other, stream))).to.deep.equal([
      ...valuesUpTo(100),
      'first',
      ...valuesUpTo(200),
      'late',
    ]);
    // harmless, and too late
    for (const delivery of tap.all) delivery.ack();
    expect(await other.fetchCursor({ stream, id: 'd' })).to.equal(59n);
  });

  it('closed while the server says nothing: it resolves all the same, and receipts fail typed', async () => {
    const broker = through({ closeTimeout: 300 });
    const told = new Told(broker);
    await Promise.all(valuesUpTo(9).map((value) => broker.publish(stream, value, { codec: text })));
    const tap = new Tap(broker.messages(stream, { start: earliest(), durable: 'd' }));
    const { sink, receipts } = await warmSink(broker);
    await tap.first(10);
    proxy.stall(true);
    offer(sink, 80);
    await written();
    for (const delivery of tap.all.slice(0, 4)) delivery.ack();
    await within(broker.close(), 10_000, 'close()');
    await until(() => receipts.length === 80);
    expect(receipts.filter(({ error }) => error instanceof PublishUncertainError)).to.have.length(50);
    expect(receipts.filter(({ error }) => error instanceof ClosedError)).to.have.length(30);
    expect(told.of('abandoned')).to.deep.equal([{ type: 'abandoned', unsettled: 6, unconfirmed: 80 }]);
    expect(told.states.at(-1)).to.equal('closed');
  });

  it('closed while it reconnects: it resolves soon, and receipts fail typed', async () => {
    const broker = through({ closeTimeout: 300 });
    const told = new Told(broker);
    const { sink, receipts } = await warmSink(broker);
    const tap = new Tap(broker.messages(stream, { start: earliest() }));
    await tap.first(1);
    await proxy.refuse(true);
    proxy.cut();
    await untilInterrupted(told);
    offer(sink, 80);
    await within(broker.close(), 5_000, 'close()');
    await until(() => receipts.length === 80);
    for (const { error } of receipts) expect(error).to.be.instanceOf(ClosedError);
    expect(told.of('abandoned')).to.deep.equal([{ type: 'abandoned', unsettled: 1, unconfirmed: 80 }]);
    const { accepted } = proxy;
    await proxy.refuse(false);
    await newStream(handles.make(server));
    expect(proxy.accepted, 'nothing tries any more').to.equal(accepted);
  });
});
