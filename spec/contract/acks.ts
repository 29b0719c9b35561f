import { expect } from 'chai';
import type { Delivery } from '../../lib/core/delivery.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** What settling a delivery does, and what comes of one that nobody settles. */
export function describeAcks(world: World): void {
  const { redelivery, firstOffset } = world.can;

  /** An unsettled delivery of a text. */
  const one = async (): Promise<Delivery<string>> => {
    const broker = world.broker();
    const channel = world.channel();
    const tap = await world.primed(
      broker,
      () => world.tap(broker, channel),
      () => world.put(broker, channel, '1'),
    );
    return tap.at(0);
  };

  const specs: Record<string, () => Promise<void>> = {
    'a delivery is unsettled until it is acked, and a second ack does nothing': async () => {
      const delivery = await one();
      expect(delivery.settled).to.equal(false);
      delivery.ack();
      delivery.ack();
      expect(delivery.settled).to.equal(true);
      delivery.release();
      expect(delivery.settled).to.equal(true);
    },
    'a delivery tells its channel, its offset and time where it has them, and turns into JSON': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const before = Date.now();
      const read = await world.reader(broker, channel);
      await world.put(broker, channel, 'one', 'two');
      const after = Date.now();
      const [first, second] = await read.first(2);
      expect([first!.channel, second!.channel]).to.deep.equal([channel, channel]);
      expect([second!.key, second!.headers.size]).to.deep.equal([undefined, 0]);
      const shape = JSON.parse(JSON.stringify(second)) as Record<string, unknown>;
      expect(shape).to.include({ channel, value: 'two', settled: true });
      if (firstOffset === undefined) {
        expect([second!.offset, second!.time, second!.timestamp]).to.deep.equal([undefined, undefined, undefined]);
        return;
      }
      expect(shape['offset']).to.equal(String(second!.offset));
      expect(second!.offset! - first!.offset!).to.equal(1n);
      expect(second!.time!.getTime()).to.be.within(before - 1, after + 1);
      if (second!.timestamp !== undefined) {
        expect(Number(second!.timestamp / 1_000_000n)).to.equal(second!.time!.getTime());
      }
      expect(second!.time).not.to.equal(second!.time);
    },
    'messages that come meanwhile are not held up by one that is unsettled': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const ackWait = redelivery === false ? undefined : 30_000;
      const tap = await world.primed(
        broker,
        () =>
          world.tap(broker, channel, { ackWait }, (delivery) => {
            if (delivery.value !== '1') delivery.ack();
          }),
        () => world.put(broker, channel, '1'),
      );
      await tap.first(1);
      await world.fill(broker, channel, 50);
      expect(await tap.first(51)).to.have.length(51);
    },
    'the methods of a delivery work without it, as callbacks do': async () => {
      const delivery = await one();
      const acked = Promise.resolve().then(() => {
        delivery.ack();
      });
      await acked;
      expect(delivery.settled).to.equal(true);
    },
    'a released delivery is not settled': async () => {
      const delivery = await one();
      delivery.release();
      delivery.release();
      expect(delivery.settled).to.equal(false);
      delivery.ack();
      expect(delivery.settled).to.equal(false);
    },
  };

  if (redelivery !== false) {
    const { ackWait, counted } = redelivery;
    specs['what is not settled within ackWait comes again, as redelivered; what is settled does not'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(6));
      const tap = world.tap(broker, channel, { ackWait }, (delivery) => {
        if (Number(delivery.value) % 2 === 0 || delivery.redelivered) delivery.ack();
      });
      const deliveries = await tap.first(9);
      expect(valuesOf(deliveries)).to.deep.equal([...numbers(6), '1', '3', '5']);
      const again = deliveries.slice(6);
      expect(deliveries.slice(0, 6).some(({ redelivered }) => redelivered)).to.equal(false);
      expect(again.every(({ redelivered }) => redelivered)).to.equal(true);
      expect(again.map(({ offset }) => offset)).to.deep.equal([0, 2, 4].map((i) => deliveries[i]!.offset));
      if (counted) {
        expect(deliveries.map(({ redeliveries }) => redeliveries)).to.deep.equal([0, 0, 0, 0, 0, 0, 1, 1, 1]);
      }
      await world.put(broker, channel, '7');
      expect((await tap.at(9)).value).to.equal('7');
    };
    specs['a released delivery comes again'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const tap = world.tap(broker, channel, { ackWait }, (delivery) => {
        if (delivery.value === '1' && !delivery.redelivered) delivery.release();
        else delivery.ack();
      });
      const deliveries = await tap.first(3);
      // before or after what had not come yet
      expect(valuesOf(deliveries).sort()).to.deep.equal(['1', '1', '2']);
      expect(deliveries[0]!.settled).to.equal(false);
      const again = deliveries.find(({ redelivered }) => redelivered);
      expect([again?.value, again?.settled]).to.deep.equal(['1', true]);
    };
    if (counted) {
      specs['redeliveries count up'] = async () => {
        const broker = world.broker();
        const channel = world.channel();
        await world.put(broker, channel, '1');
        const tap = world.tap(broker, channel, { ackWait }, (delivery) => {
          if (delivery.redeliveries === 2) delivery.ack();
        });
        const deliveries = await tap.first(3);
        expect(deliveries.map(({ redeliveries }) => redeliveries)).to.deep.equal([0, 1, 2]);
      };
    }
  }
  together(specs);
}
