import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { StreamUnavailableError } from '../../lib/core/errors.js';
import { earliest, newOnly } from '../../lib/core/starts.js';
import type { LiftbridgeBroker, LiftbridgeSourceOptions } from '../../lib/liftbridge/index.js';
import { Tap } from '../contract/tap.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import { fill, Handles, named, newStream, Told, untilRecovered } from './support.js';

describe('liftbridge: partitions that are paused or read-only', () => {
  let server: LiftbridgeServer;
  const handles = new Handles();
  let broker: LiftbridgeBroker;
  let stream: string;

  before(async () => {
    server = await startLiftbridge();
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server);
    stream = await newStream(broker);
  });
  afterEach(() => handles.close());

  const read = (options: LiftbridgeSourceOptions = {}, from = stream) =>
    new Tap(broker.messages(from, { start: earliest(), ...options, codec: text }), (delivery) => {
      delivery.ack();
    });
  const expectPaused = (error: unknown): void => {
    expect(error).to.be.instanceOf(StreamUnavailableError);
    expect((error as Error).message)
      .to.include('is paused')
      .and.include('resume: true');
  };

  describe('paused', () => {
    it('while it is consumed: the source errors and says what to do', async () => {
      await fill(broker, stream, named('old', 20));
      const tap = read();
      await tap.first(20);
      await broker.pauseStream(stream);
      expectPaused(await tap.failed());
      expect(tap.all).to.have.length(20);
    });

    it('while it is consumed with resume: it is resumed, and the source goes on', async () => {
      await fill(broker, stream, named('old', 20));
      const told = new Told(broker);
      const tap = read({ resume: true, durable: 'd' });
      await tap.first(20);
      await broker.pauseStream(stream);
      await untilRecovered(told);
      await fill(broker, stream, named('new', 20));
      const came = await tap.first(40);
      expect(came.map(({ value }) => value)).to.deep.equal([...named('old', 20), ...named('new', 20)]);
      expect(tap.ended).to.equal(false);
      expect(told.has('reset') || told.has('gap')).to.equal(false);
    });

    it('before it is consumed: only with resume is it read', async () => {
      await fill(broker, stream, named('old', 20));
      await broker.pauseStream(stream);
      expectPaused(await read().failed());
      const tap = read({ resume: true });
      await tap.first(20);
      await fill(broker, stream, ['and more']);
      expect((await tap.at(20)).value).to.equal('and more');
    });

    it('and published to: that wakes it, and it is read again', async () => {
      await fill(broker, stream, ['old']);
      await broker.pauseStream(stream);
      expect(await broker.publish(stream, 'wake up', { codec: text })).to.include({ ok: true, confirmed: true });
      expect((await read().first(2)).map(({ value }) => value)).to.deep.equal(['old', 'wake up']);
    });

    it('by itself, because nothing was published: as by hand', async () => {
      const idle = await newStream(broker, { autoPauseTime: 300 });
      await fill(broker, idle, ['old']);
      const [stays, ends] = [read({ resume: true }, idle), read({}, idle)];
      expectPaused(await ends.failed());
      await fill(broker, idle, ['new']);
      expect((await stays.first(2)).map(({ value }) => value)).to.deep.equal(['old', 'new']);
    });

    it('by itself, unless somebody reads', async () => {
      const read1 = await newStream(broker, { autoPauseTime: 300, autoPauseDisableIfSubscribers: true });
      const left = await newStream(broker, { autoPauseTime: 300 });
      await fill(broker, read1, ['old']);
      await fill(broker, left, ['old']);
      const [tap, signal] = [read({}, read1), read({}, left)];
      // by the time that the other is paused, this one would have been
      expectPaused(await signal.failed());
      await fill(broker, read1, ['new']);
      expect((await tap.first(2)).map(({ value }) => value)).to.deep.equal(['old', 'new']);
    });
  });

  describe('read-only', () => {
    it('while it is consumed: the source completes, with all that there is', async () => {
      const told = new Told(broker);
      await fill(broker, stream, named('old', 20));
      const tap = read({ durable: 'd' });
      await tap.first(20);
      await broker.setStreamReadonly(stream);
      expect(await tap.complete()).to.have.length(20);
      await until(async () => (await broker.fetchCursor({ stream, id: 'd' })) === 19n);
      expect(told.has('disconnected')).to.equal(false);
    });

    it('while it is consumed by one who is behind: the source completes when all has come', async () => {
      await fill(broker, stream, named('old', 500));
      const open: { ack(): void }[] = [];
      const tap = new Tap(broker.messages(stream, { start: earliest(), maxInFlight: 10 }), (delivery) => {
        open.push(delivery);
      });
      await tap.first(10);
      await broker.setStreamReadonly(stream);
      expect(tap.ended).to.equal(false);
      await until(() => {
        for (const delivery of open.splice(0)) delivery.ack();
        return tap.ended;
      });
      expect((await tap.complete()).map(({ offset }) => offset)).to.deep.equal(
        Array.from({ length: 500 }, (_, i) => BigInt(i)),
      );
    });

    it('one of three: the source goes on until all are', async () => {
      const three = await newStream(broker, { partitions: 3 });
      for (const partition of [0, 1, 2]) await broker.publish(three, 'old', { codec: text, partition });
      const tap = read({}, three);
      await tap.first(3);
      await broker.setStreamReadonly(three, { partitions: [1] });
      await broker.publish(three, 'new', { codec: text, partition: 2 });
      expect((await tap.at(3)).value).to.equal('new');
      expect(tap.ended).to.equal(false);
      await broker.setStreamReadonly(three);
      expect(await tap.complete()).to.have.length(4);
    });

    it('before it is consumed: the source gives what there is, and completes', async () => {
      await fill(broker, stream, named('old', 20));
      await broker.setStreamReadonly(stream);
      expect(await read().complete()).to.have.length(20);
      expect(await read({ start: newOnly() }).complete()).to.deep.equal([]);
      // where it was read to the end before, too
      expect(await read({ durable: 'd' }).complete()).to.have.length(20);
      expect(await read({ durable: 'd' }).complete()).to.deep.equal([]);
    });

    it('and empty: the source completes at once', async () => {
      await broker.setStreamReadonly(stream);
      expect(await read().complete()).to.deep.equal([]);
    });

    it('and published to: it is refused until it is writable again', async () => {
      await broker.setStreamReadonly(stream);
      const error: unknown = await broker.publish(stream, 'no', { codec: text }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(StreamUnavailableError);
      expect((error as Error).message).to.include(stream);
      await broker.setStreamReadonly(stream, { readonly: false });
      await fill(broker, stream, ['yes']);
      expect((await read().at(0)).value).to.equal('yes');
    });
  });
});
