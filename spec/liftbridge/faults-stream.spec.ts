import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { PublishUncertainError, StreamNotFoundError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import type { LiftbridgeBroker } from '../../lib/liftbridge/index.js';
import { Tap } from '../contract/tap.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import {
  fill,
  Flow,
  Handles,
  named,
  newStream,
  readBack,
  Told,
  untilInterrupted,
  untilRecovered,
  valuesOf,
} from './support.js';

describe('liftbridge: streams that are deleted', () => {
  let server: LiftbridgeServer;
  const handles = new Handles();
  let broker: LiftbridgeBroker;
  /** Does what the world does to the streams. */
  let other: LiftbridgeBroker;
  let stream: string;

  before(async () => {
    server = await startLiftbridge();
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server, { ackTimeout: 1_000 });
    other = handles.make(server);
    stream = await newStream(other);
  });
  afterEach(() => handles.close());

  for (const durable of [undefined, 'durable']) {
    it(`while it is consumed${durable ? ' by a durable' : ''}: the source errors, and the handle goes on with others`, async () => {
      const stays = await newStream(other);
      await fill(other, stream, named('old', 50));
      const told = new Told(broker);
      const options = { start: earliest(), codec: text, durable };
      const tap = new Tap(broker.messages(stream, options), (delivery) => {
        delivery.ack();
      });
      const second = new Tap(broker.messages(stays, { start: earliest(), codec: text }));
      await tap.first(50);
      await other.deleteStream(stream);
      const error = await tap.failed();
      expect(error).to.be.instanceOf(StreamNotFoundError);
      expect((error as Error).message).to.include(stream);
      expect(tap.all).to.have.length(50);
      await fill(other, stays, ['there']);
      expect((await second.at(0)).value).to.equal('there');
      expect(second.ended).to.equal(false);
      expect(told.states.at(-1)).to.equal('connected');
    });
  }

  it('while it is published to: all get their receipt, and others go on', async () => {
    const stays = await newStream(other);
    const [gone, goes] = [new Flow(broker, stream), new Flow(broker, stays)];
    await until(() => gone.confirmed.size > 1_000 && goes.confirmed.size > 1_000);
    await other.deleteStream(stream);
    await until(() => gone.failed.some(({ error }) => error instanceof StreamNotFoundError));
    const { offered } = goes;
    await until(() => goes.confirmed.has(`value ${offered}`));
    await Promise.all([gone.stop(), goes.stop()]);
    expect(gone.confirmed.size + gone.failed.length).to.equal(gone.offered);
    for (const { error } of gone.failed) {
      const isTyped = error instanceof StreamNotFoundError || error instanceof PublishUncertainError;
      expect(isTyped, String(error)).to.equal(true);
    }
    expect(goes.failed).to.deep.equal([]);
    expect(goes.confirmed.size).to.equal(goes.offered);
  });

  it('and made again at once while it is published to: what is not uncertain goes into the new one', async () => {
    const flow = new Flow(broker, stream);
    await until(() => flow.confirmed.size > 1_000);
    await other.deleteStream(stream);
    await other.createStream({ name: stream });
    const { offered } = flow;
    await until(() => flow.confirmed.has(`value ${offered}`));
    await flow.stop();
    for (const { error } of flow.failed) expect(error).to.be.instanceOf(PublishUncertainError);
    expect(flow.failed.length).to.be.below(101);
    const stored = valuesOf(await readBack(other, stream));
    expect(new Set(stored).size).to.equal(stored.length);
    expect(stored.at(-1)).to.equal(`value ${flow.offered - 1}`);
  });

  describe('and made again', () => {
    let proxy: Proxy;

    beforeEach(async () => {
      proxy = await startProxy(server);
    });
    afterEach(() => proxy.stop());

    for (const durable of [undefined, 'durable']) {
      for (const [how, count] of [
        ['fewer', 10],
        ['more', 200],
      ] as const) {
        it(`during an outage${durable ? ', for a durable' : ''}, with ${how} messages than before: all of it is read from its beginning`, async () => {
          broker = handles.make(server, { brokers: `${proxy.host}:${proxy.port}` });
          await fill(other, stream, named('old', 100));
          const told = new Told(broker);
          const open: { ack(): void }[] = [];
          const options = { start: earliest(), codec: text, ...(durable && { durable, storeEvery: { ms: 50 } }) };
          const tap = new Tap(broker.messages(stream, options), (delivery) => {
            // some stay in hand
            if (delivery.value.startsWith('old') && delivery.offset >= 90n) open.push(delivery);
            else delivery.ack();
          });
          await tap.first(100);
          if (durable) await until(async () => (await other.fetchCursor({ stream, id: durable })) === 89n);
          await proxy.refuse(true);
          proxy.cut();
          await untilInterrupted(told);
          await other.deleteStream(stream);
          await other.createStream({ name: stream });
          await fill(other, stream, named('new', count));
          await proxy.refuse(false);
          await until(() => told.has('reset'));
          // what was in hand is nobody's any more
          for (const delivery of open.splice(0)) delivery.ack();
          await fill(other, stream, ['and more']);
          const expected = [...named('new', count), 'and more'];
          await until(() => tap.all.length >= 100 + expected.length, {
            message: () => `${100 + expected.length} messages; ${tap.all.length} came (ended: ${String(tap.error)})`,
          });
          const came = tap.all.slice(100);
          expect(came.map(({ value }) => value)).to.deep.equal(expected);
          expect(came[0]!.offset).to.equal(0n);
          expect(told.of('reset')).to.deep.equal([{ type: 'reset', channel: stream, last: 99n }]);
          expect(told.has('gap')).to.equal(false);
          await untilRecovered(told);
          expect(told.of('reconnected')).to.have.length(1);
          const last = came.at(-1)!.offset;
          if (durable) await until(async () => (await other.fetchCursor({ stream, id: durable })) === last);
        });
      }
    }

    it('while nobody reads: a durable that was further begins anew, and says so', async () => {
      await fill(other, stream, named('old', 100));
      const first = new Tap(broker.messages(stream, { start: earliest(), codec: text, durable: 'd' }), (delivery) => {
        delivery.ack();
      });
      await first.first(100);
      await broker.close();
      expect(await other.fetchCursor({ stream, id: 'd' })).to.equal(99n);
      await other.deleteStream(stream);
      await other.createStream({ name: stream });
      await fill(other, stream, named('new', 10));
      const again = handles.make(server);
      const told = new Told(again);
      const second = new Tap(again.messages(stream, { codec: text, durable: 'd' }), (delivery) => {
        delivery.ack();
      });
      expect((await second.first(10)).map(({ value }) => value)).to.deep.equal(named('new', 10));
      expect(told.of('reset')).to.deep.equal([{ type: 'reset', channel: stream, last: 99n }]);
      await again.close();
      expect(await other.fetchCursor({ stream, id: 'd' })).to.equal(9n);
    });

    it('not, during an outage: the source errors when the stream stays away', async () => {
      broker = handles.make(server, { brokers: `${proxy.host}:${proxy.port}` });
      await fill(other, stream, ['old']);
      const told = new Told(broker);
      const tap = new Tap(broker.messages(stream, { start: earliest() }));
      await tap.first(1);
      await proxy.refuse(true);
      proxy.cut();
      await untilInterrupted(told);
      await other.deleteStream(stream);
      await proxy.refuse(false);
      expect(await tap.failed()).to.be.instanceOf(StreamNotFoundError);
      await untilRecovered(told);
    });
  });
});
