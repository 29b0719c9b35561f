import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { ClosedError } from '../../lib/core/errors.js';
import { unique } from '../support/names.js';
import { rejection } from './publishing.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** The end of a handle. */
export function describeClose(world: World): void {
  const { can } = world;
  const specs: Record<string, () => Promise<void>> = {
    'resolves at once on a handle that was never used, and a second time': async () => {
      const broker = world.broker();
      await broker.close();
      await broker.close();
      await broker[Symbol.asyncDispose]();
    },
    'completes the sources, and waits for what is unsettled': async () => {
      const broker = world.broker({ closeTimeout: 10_000 });
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => world.tap(broker, channel),
        () => world.fill(broker, channel, 3),
      );
      const deliveries = await tap.first(3);
      let closed = false;
      const closing = broker.close().then(() => {
        closed = true;
      });
      expect(tap.completed).to.equal(true);
      deliveries[0]!.ack();
      deliveries[1]!.ack();
      await world.fence(channel, 3);
      expect(closed).to.equal(false);
      deliveries[2]!.ack();
      await closing;
    },
    'publishes what was accepted before it': async () => {
      const broker = world.broker({ closeTimeout: 10_000 });
      const channel = world.channel();
      const read = await world.reader(world.broker(), channel);
      const sink = broker.sink(channel, { codec: text, maxInFlight: 5 });
      for (const value of numbers(40)) sink.next(value);
      const published = broker.publish(channel, '41', { codec: text });
      await broker.close();
      expect((await published).ok).to.equal(true);
      const values = valuesOf(await read.first(41));
      expect(values.sort((a, b) => Number(a) - Number(b))).to.deep.equal(numbers(41));
    },
    'tells what it left behind when its time was over': async () => {
      const broker = world.broker({ closeTimeout: 50 });
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => world.tap(broker, channel),
        () => world.fill(broker, channel, 3),
      );
      const [one] = await tap.first(3);
      one!.ack();
      const events = new Tap(broker.events);
      await broker.close();
      expect(events.all).to.deep.equal([{ type: 'abandoned', unsettled: 2, unconfirmed: 0 }]);
    },
    'any use after it is a ClosedError': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const sink = broker.sink(channel, { codec: text });
      const receipts = new Tap(sink.receipts);
      await broker.close();
      const errors = await Promise.all([
        rejection(broker.connect()),
        rejection(broker.publish(channel, 'x', { codec: text })),
        rejection(broker.forget(channel, { durable: 'd' })),
        new Tap(broker.messages(channel)).failed(),
        new Tap(broker.values(channel)).failed(),
        new Tap(broker.hot(channel)).failed(),
        new Tap(broker.publishFrom(channel, endless(), { codec: text })).failed(),
        sink.send('x').then(({ error }) => error),
      ]);
      for (const error of errors) expect(error).to.be.instanceOf(ClosedError);
      sink.next('y');
      expect(receipts.all.map(({ ok, error }) => !ok && error instanceof ClosedError)).to.deep.equal([true, true]);
    },
    'options that are wrong are told after it too': async () => {
      const broker = world.broker();
      await broker.close();
      expect(() => broker.messages(can.badChannels[0]!)).to.throw(/channel/);
    },
    'acks after it do nothing': async () => {
      const broker = world.broker({ closeTimeout: 0 });
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => world.tap(broker, channel),
        () => world.fill(broker, channel, 1),
      );
      const delivery = await tap.at(0);
      await broker.close();
      delivery.ack();
      delivery.release();
    },
    'two handles are apart': async () => {
      const [one, other] = [world.broker(), world.broker()];
      const channel = world.channel();
      const tap = world.ackingTap(other, channel);
      await world.subscribed(other);
      await world.put(one, channel, '1');
      await one.close();
      await world.put(other, channel, '2');
      expect(valuesOf(await tap.first(2))).to.deep.equal(['1', '2']);
    },
    'it ends publishFrom, which would pull for ever': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const endlessly = new Tap(broker.publishFrom(channel, endless(), { codec: text, maxInFlight: 2 }));
      await endlessly.first(5);
      await broker.close();
      expect(await endlessly.failed()).to.be.instanceOf(ClosedError);
    },
  };
  if (can.durable !== false) {
    specs['acks before it are not lost'] = async () => {
      const client = unique('client');
      const channel = world.channel();
      const broker = world.broker({ client });
      await world.fill(broker, channel, 500);
      const tap = world.ackingTap(broker, channel, { durable: 'd' });
      await tap.first(500);
      await broker.close();
      const next = world.broker({ client });
      await world.put(next, channel, 'new');
      expect((await world.ackingTap(next, channel, { durable: 'd' }).at(0)).value).to.equal('new');
    };
  }
  together(specs);

  function* endless(): Generator<string> {
    for (let n = 1; ; n++) yield String(n);
  }
}
