import { expect } from 'chai';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { fromOffset, untilNow, untilOffset, untilTime, type Until } from '../../lib/core/starts.js';
import { until } from '../support/wait.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** Where subscriptions end by themselves. */
export function describeEnds(world: World): void {
  const { can } = world;
  const has = (kind: Until['kind']): boolean => can.untils.includes(kind);
  const offsetOf = (n: number): bigint => can.firstOffset! + BigInt(n) - 1n;
  const specs: Record<string, () => Promise<void>> = {};

  if (has('untilNow')) {
    specs['untilNow() completes after what was last when the subscription began'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(5));
      const tap = world.ackingTap(broker, channel, { until: untilNow() });
      await world.put(broker, channel, '6');
      // a broker that is far away learns of the subscription later than it was made
      expect(valuesOf(await tap.complete())).to.be.deep.oneOf([numbers(5), numbers(6)]);
    };
    specs['untilNow() completes at once on an empty channel'] = async () => {
      expect(await world.tap(world.broker(), world.channel(), { until: untilNow() }).complete()).to.deep.equal([]);
    };
    specs['untilNow() completes at once where the start lies behind the end'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(3));
      expect(await world.tap(broker, channel, { start: null, until: untilNow() }).complete()).to.deep.equal([]);
      const start = fromOffset(offsetOf(9));
      expect(await world.tap(broker, channel, { start, until: untilNow() }).complete()).to.deep.equal([]);
    };
    if (can.durable !== false) {
      specs['untilNow() gives a durable what is left, and completes at once when nothing is'] = async () => {
        const broker = world.broker();
        const channel = world.channel();
        const options = { durable: 'd', until: untilNow() };
        await world.put(broker, channel, ...numbers(3));
        expect(valuesOf(await world.ackingTap(broker, channel, options).complete())).to.deep.equal(numbers(3));
        expect(await world.ackingTap(broker, channel, options).complete()).to.deep.equal([]);
        await world.put(broker, channel, '4', '5');
        expect(valuesOf(await world.ackingTap(broker, channel, options).complete())).to.deep.equal(['4', '5']);
      };
    }
  }
  if (has('untilOffset')) {
    specs['untilOffset(n) completes after that offset'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(5));
      const tap = world.ackingTap(broker, channel, { until: untilOffset(offsetOf(3)) });
      expect(valuesOf(await tap.complete())).to.deep.equal(['1', '2', '3']);
    };
    specs['untilOffset(n) of an offset to come waits for it'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const tap = world.ackingTap(broker, channel, { until: untilOffset(offsetOf(4)) });
      await tap.first(2);
      expect(tap.completed).to.equal(false);
      await world.put(broker, channel, '3', '4', '5');
      expect(valuesOf(await tap.complete())).to.deep.equal(numbers(4));
    };
    specs['untilOffset(n) completes at the first message beyond it, without emitting that'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(5));
      const tap = world.tap(broker, channel, { start: fromOffset(offsetOf(4)), until: untilOffset(offsetOf(2)) });
      expect(await tap.complete()).to.deep.equal([]);
    };
    specs['the end does not wait for acks, and what was emitted can be acked after it'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(3));
      const tap = world.tap(broker, channel, { until: untilOffset(offsetOf(3)) });
      const deliveries = await tap.complete();
      expect(deliveries.map(({ settled }) => settled)).to.deep.equal([false, false, false]);
      for (const delivery of deliveries) delivery.ack();
      expect(deliveries.map(({ settled }) => settled)).to.deep.equal([true, true, true]);
    };
  }
  if (has('untilTime')) {
    specs['untilTime(t) completes at the first message stored after that moment'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const open = world.ackingTap(broker, channel);
      const end = (await open.at(1)).time!.getTime() + 1;
      await until(() => Date.now() > end + 1, { every: 1 });
      const tap = world.ackingTap(broker, channel, { until: untilTime(new Date(end)) });
      await tap.first(2);
      expect(tap.completed).to.equal(false);
      await world.put(broker, channel, '3');
      expect(valuesOf(await tap.complete())).to.deep.equal(['1', '2']);
    };
  }

  specs['signal completes the source'] = async () => {
    const broker = world.broker();
    const channel = world.channel();
    const controller = new AbortController();
    const tap = await world.primed(
      broker,
      () => world.ackingTap(broker, channel, { signal: controller.signal }),
      () => world.put(broker, channel, '1', '2'),
    );
    await tap.first(2);
    controller.abort();
    expect(tap.completed).to.equal(true);
    await world.put(broker, channel, '3');
    await world.fence(channel, 3);
    expect(tap.all).to.have.length(2);
  };
  specs['a signal that was aborted before completes the source at once'] = async () => {
    const tap = world.tap(world.broker(), world.channel(), { signal: AbortSignal.abort() });
    expect(tap.completed).to.equal(true);
    await tap.complete();
  };
  together(specs);

  for (const end of [untilNow(), untilOffset(1), untilTime(0)].filter(({ kind }) => !has(kind))) {
    it(`refuses ${end.kind}, which it does not have, at the call`, () => {
      expect(() => world.broker().messages(world.channel(), { until: end })).to.throw(
        InvalidOptionError,
        can.untils.length > 0 ? /until accepts/ : /until/,
      );
    });
  }
}
