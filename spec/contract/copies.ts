import { expect } from 'chai';
import type { Delivery } from '../../lib/core/delivery.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** Copies of a message that is still unsettled. */
export function describeCopies(world: World): void {
  const { redelivery } = world.can;
  if (redelivery === false) {
    it('what is released or left unsettled does not come again', async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => world.tap(broker, channel),
        () => world.put(broker, channel, '1', '2'),
      );
      const [one] = await tap.first(2);
      one!.release();
      await world.put(broker, channel, '3');
      await tap.first(3);
      await world.fence(channel, 3);
      expect(valuesOf(tap.all)).to.deep.equal(numbers(3));
      expect(tap.all.map(({ redelivered }) => redelivered)).to.deep.equal([false, false, false]);
    });
    return;
  }
  const { ackWait } = redelivery;
  const specs: Record<string, () => Promise<void>> = {
    'settling a copy settles the first, and the other way round': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const tap = world.tap(broker, channel, { ackWait });
      const [one, two] = (await tap.first(2)) as [Delivery<string>, Delivery<string>];
      const copies = (await tap.first(4)).slice(2);
      const copyOf = (value: string): Delivery<string> => copies.find((copy) => copy.value === value)!;
      copyOf('1').ack();
      two.ack();
      expect([one, two, ...copies].map(({ settled }) => settled)).to.deep.equal([true, true, true, true]);
      await world.put(broker, channel, '3');
      expect((await tap.first(5))[4]!.value).to.equal('3');
    },
    'releasing a copy releases the first': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const tap = world.tap(broker, channel, { ackWait, maxInFlight: 1 });
      const one = await tap.at(0);
      const copy = await tap.at(1);
      expect(copy.offset).to.equal(one.offset);
      copy.release();
      one.ack();
      expect([one.settled, copy.settled]).to.deep.equal([false, false]);
      // what comes next has the place: the second message, or the first anew
      const next = await tap.at(2);
      next.ack();
      expect(next.settled).to.equal(true);
    },
  };
  // work that takes longer than ackWait, during which the broker sends all of it again
  const work = async (delivery: Delivery<string>): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, ackWait * 1.7));
    return delivery.value;
  };
  specs['ackMergeMap works once on what comes again while it is at work'] = async () => {
    const broker = world.broker();
    const channel = world.channel();
    await world.fill(broker, channel, 5);
    const seen = new Tap(world.texts(broker, channel, { ackWait }));
    const tap = new Tap(world.texts(broker, channel, { ackWait }).pipe(ackMergeMap(work, { concurrency: 5 })));
    expect(await tap.first(5)).to.deep.equal(numbers(5));
    await world.put(broker, channel, '6');
    expect(await tap.first(6)).to.deep.equal(numbers(6));
    expect(valuesOf(seen.all).length).to.be.greaterThan(6);
    seen.unsubscribe();
  };
  specs['ackConcatMap works once on what comes again while it is queued or at work'] = async () => {
    const broker = world.broker();
    const channel = world.channel();
    await world.fill(broker, channel, 2);
    const tap = new Tap(world.texts(broker, channel, { ackWait }).pipe(ackConcatMap(work)));
    expect(await tap.first(2)).to.deep.equal(numbers(2));
    await world.put(broker, channel, '3');
    expect(await tap.first(3)).to.deep.equal(numbers(3));
  };
  together(specs);
}
