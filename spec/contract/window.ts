import { expect } from 'chai';
import type { Delivery } from '../../lib/core/delivery.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** maxInFlight is real backpressure. */
export function describeWindow(world: World): void {
  const { can } = world;
  const { redelivery } = can;
  const specs: Record<string, () => Promise<void>> = {
    'no more than maxInFlight are unsettled, and each ack lets one more in': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => world.tap(broker, channel, { maxInFlight: 5 }),
        () => world.flood(world.fill(broker, channel, 20)),
      );
      await tap.first(5);
      await world.fence(channel, 20);
      expect(tap.all).to.have.length(5);
      tap.all[2]!.ack();
      await tap.first(6);
      tap.all[0]!.ack();
      tap.all[5]!.ack();
      await tap.first(8);
      await world.fence(channel, 20);
      expect(valuesOf(tap.all)).to.deep.equal(numbers(8));
    },
    'a window of 1 gives one at a time, in order': async () => {
      const broker = world.broker();
      const channel = world.channel();
      let open = 0;
      let most = 0;
      const tap = await world.primed(
        broker,
        () =>
          world.tap(broker, channel, { maxInFlight: 1 }, (delivery) => {
            most = Math.max(most, ++open);
            void Promise.resolve().then(() => {
              open--;
              delivery.ack();
            });
          }),
        () => world.fill(broker, channel, 30),
      );
      expect(valuesOf(await tap.first(30))).to.deep.equal(numbers(30));
      expect(most).to.equal(1);
    },
    'the window holds while acks come late, in any order': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const count = world.many(200);
      const open: Delivery<string>[] = [];
      let most = 0;
      let turn = 0;
      const settleOne = (): void => {
        const at = turn++ % open.length;
        open.splice(at, 1)[0]!.ack();
      };
      const tap = await world.primed(
        broker,
        () =>
          world.tap(broker, channel, { maxInFlight: 7 }, (delivery) => {
            open.push(delivery);
            most = Math.max(most, open.length);
            // where they come one at a time, the window would never be full
            if (can.replay || open.length >= 5) setImmediate(settleOne);
          }),
        () => world.fill(broker, channel, count),
      );
      expect(valuesOf(await tap.first(count))).to.deep.equal(numbers(count));
      expect(most).to.be.within(2, 7);
    },
    'a released delivery gives its place back': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () =>
          world.tap(broker, channel, { maxInFlight: 1 }, (delivery) => {
            if (delivery.value === '2') delivery.release();
            else delivery.ack();
          }),
        () => world.fill(broker, channel, 4),
      );
      await tap.first(2);
      if (redelivery === false) expect(valuesOf(await tap.first(4))).to.deep.equal(numbers(4));
    },
  };
  if (redelivery !== false) {
    const { ackWait } = redelivery;
    specs['copies take no place of their own, and never open the window'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 10);
      const tap = world.tap(broker, channel, { maxInFlight: 3, ackWait });
      const deliveries = await tap.first(6);
      expect(valuesOf(deliveries).sort()).to.deep.equal(['1', '1', '2', '2', '3', '3']);
      deliveries[3]!.ack();
      const next = await tap.at(6);
      expect(['1', '2', '3', '4']).to.include(next.value);
      const places = (): number => new Set(tap.all.filter(({ settled }) => !settled).map(({ offset }) => offset)).size;
      await tap.first(8);
      expect(places()).to.be.at.most(3);
    };
    specs['a window that is given back comes again, within the window'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 12);
      const open = new Set<bigint | undefined>();
      let most = 0;
      // everything is released at first, so that it all comes again at once
      const tap = world.tap(broker, channel, { maxInFlight: 4, ackWait }, (delivery) => {
        // by offset, because a machine that is busy may let ackWait pass and copies come
        most = Math.max(most, open.add(delivery.offset).size);
        setImmediate(() => {
          open.delete(delivery.offset);
          if (delivery.redelivered) delivery.ack();
          else delivery.release();
        });
      });
      const settled = new Set<string>();
      for (let n = 1; settled.size < 12; n++) {
        const delivery = await tap.at(n - 1);
        if (delivery.redelivered) settled.add(delivery.value);
      }
      expect([...settled].sort((a, b) => Number(a) - Number(b))).to.deep.equal(numbers(12));
      expect(most).to.be.at.most(4);
    };
  }
  together(specs);

  // by itself, because it keeps a broker without replay so busy that others would come too late to what waits for them
  it('the default window is 1024', async () => {
    const broker = world.broker();
    const channel = world.channel();
    const tap = await world.primed(
      broker,
      () => world.tap(broker, channel),
      () => world.flood(world.pour(broker, channel, 1_030)),
    );
    await tap.first(1_024);
    await world.fence(channel, 1_030);
    expect(tap.all).to.have.length(1_024);
    for (const delivery of tap.all) delivery.ack();
    expect(world.inOrder(valuesOf(await tap.first(1_030)))).to.deep.equal(numbers(1_030));
  });
}
