import { expect } from 'chai';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** What settling a delivery does, and what comes of one that nobody settles. */
export function describeAcks(world: World): void {
  const { redelivery } = world.can;
  const specs: Record<string, () => Promise<void>> = {
    'a delivery is unsettled until it is acked, and a second ack does nothing': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1');
      const delivery = await world.tap(broker, channel).at(0);
      expect(delivery.settled).to.equal(false);
      delivery.ack();
      delivery.ack();
      expect(delivery.settled).to.equal(true);
      delivery.release();
      expect(delivery.settled).to.equal(true);
    },
    'a delivery tells its channel, offset and time, and turns into JSON': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const before = Date.now();
      await world.put(broker, channel, 'one', 'two');
      const after = Date.now();
      const [one, two] = await world.ackingTap(broker, channel).first(2);
      expect([one!.channel, two!.channel]).to.deep.equal([channel, channel]);
      expect(two!.offset! - one!.offset!).to.equal(1n);
      expect(two!.time!.getTime()).to.be.within(before - 1, after + 1);
      if (two!.timestamp !== undefined) {
        expect(Number(two!.timestamp / 1_000_000n)).to.equal(two!.time!.getTime());
      }
      expect(two!.time).not.to.equal(two!.time);
      expect(two!.headers.size).to.equal(0);
      const shape = JSON.parse(JSON.stringify(two)) as Record<string, unknown>;
      expect(shape).to.include({ channel, offset: String(two!.offset), value: 'two', settled: true });
    },
    'the methods of a delivery work without it, as callbacks do': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1');
      const delivery = await world.tap(broker, channel).at(0);
      const acked = Promise.resolve().then(() => {
        delivery.ack();
      });
      await acked;
      expect(delivery.settled).to.equal(true);
    },
    'a released delivery is not settled': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1');
      const delivery = await world.tap(broker, channel).at(0);
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
    specs['messages that come meanwhile are not held up by one that is unsettled'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1');
      const tap = world.tap(broker, channel, { ackWait: 30_000 }, (delivery) => {
        if (delivery.value !== '1') delivery.ack();
      });
      await tap.first(1);
      await world.fill(broker, channel, 50);
      expect(await tap.first(51)).to.have.length(51);
    };
  }
  together(specs);
}
