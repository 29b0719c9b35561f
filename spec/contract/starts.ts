import { expect } from 'chai';
import type { SourceOptions } from '../../lib/core/broker.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { earliest, fromAgo, fromOffset, fromTime, latest, newOnly, type Start } from '../../lib/core/starts.js';
import { until } from '../support/wait.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** Where subscriptions begin. */
export function describeStarts(world: World): void {
  const { can } = world;
  const has = (kind: Start['kind']): boolean => can.starts.includes(kind);

  /** Subscribes to a channel with five messages; resolves with what came until the first that was published later. */
  const after5 = async (start: SourceOptions['start'] | null): Promise<string[]> => {
    const broker = world.broker();
    const channel = world.channel();
    await world.put(broker, channel, ...numbers(5));
    const tap = world.ackingTap(broker, channel, { start });
    await world.untilLive(broker, channel, tap);
    await world.put(broker, channel, 'end');
    await until(() => tap.all.at(-1)?.value === 'end');
    const values = valuesOf(tap.all);
    // probes come in a row, from whichever was the first that the subscription was there for
    const probes = values.filter((value) => value.startsWith('probe')).map((value) => Number(value.slice(6)));
    expect(probes).to.deep.equal(numbers(probes.length, probes[0]).map(Number));
    return values.filter((value) => !value.startsWith('probe') && value !== 'end');
  };

  /** When the message was stored, in ms. */
  const timeOf = async (channel: string, index: number): Promise<number> => {
    const tap = world.ackingTap(world.broker(), channel);
    const time = (await tap.at(index)).time!.getTime();
    tap.unsubscribe();
    return time;
  };

  const specs: Record<string, () => Promise<void>> = {
    'nothing of what was there before, where no start is given': async () => {
      expect(await after5(null)).to.deep.equal([]);
    },
  };

  if (has('newOnly')) {
    specs['newOnly() leaves out what was there before'] = async () => {
      expect(await after5(newOnly())).to.deep.equal([]);
    };
  }
  if (has('latest')) {
    specs['latest() begins with the last message'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(5));
      const tap = world.ackingTap(broker, channel, { start: latest() });
      expect(valuesOf(await tap.first(1))).to.deep.equal(['5']);
      await world.put(broker, channel, '6');
      expect(valuesOf(await tap.first(2))).to.deep.equal(['5', '6']);
    };
    specs['latest() on an empty channel begins with the first to come'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = world.ackingTap(broker, channel, { start: latest() });
      await world.untilLive(broker, channel, tap);
    };
  }
  if (has('earliest')) {
    specs['earliest() gives all that is there and all that comes, in order, each once'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 300);
      const tap = world.ackingTap(broker, channel, { start: earliest() });
      await tap.first(300);
      await world.fill(broker, channel, 300);
      const deliveries = await tap.first(600);
      expect(valuesOf(deliveries)).to.deep.equal([...numbers(300), ...numbers(300)]);
      const offsets = deliveries.map(({ offset }) => offset!);
      expect(offsets).to.deep.equal(numbers(600).map((n) => BigInt(n) - 1n + can.firstOffset!));
      expect(deliveries.every(({ redelivered }) => !redelivered)).to.equal(true);
    };
  }
  if (has('fromOffset')) {
    const third = can.firstOffset! + 2n;
    specs['fromOffset(n) begins with that offset'] = async () => {
      expect(await after5(fromOffset(third))).to.deep.equal(['3', '4', '5']);
      expect(await after5(fromOffset(Number(third)))).to.deep.equal(['3', '4', '5']);
    };
    specs['fromOffset(n) of an offset before all begins with the first'] = async () => {
      expect(await after5(fromOffset(0))).to.deep.equal(numbers(5));
    };
    specs['fromOffset(n) of an offset to come passes over what is before it'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(5));
      const tap = world.ackingTap(broker, channel, { start: fromOffset(can.firstOffset! + 7n) });
      await world.put(broker, channel, ...numbers(5, 6));
      expect(valuesOf(await tap.first(3))).to.deep.equal(['8', '9', '10']);
    };
  }
  if (has('fromTime')) {
    specs['fromTime(t) begins with the first message stored at that moment or later'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2', '3');
      const third = await timeOf(channel, 2);
      await until(() => Date.now() > third + 1, { every: 1 });
      await world.put(broker, channel, '4', '5');
      const fourth = await timeOf(channel, 3);
      expect(fourth).to.be.greaterThan(third);
      for (const time of [fourth, new Date(fourth), third + 1]) {
        const tap = world.ackingTap(broker, channel, { start: fromTime(time) });
        expect(valuesOf(await tap.first(2))).to.deep.equal(['4', '5']);
      }
    };
    specs['fromTime(t) of long ago begins with the first'] = async () => {
      expect(await after5(fromTime(new Date('2020-01-01')))).to.deep.equal(numbers(5));
    };
    specs['fromTime(t) of a moment to come passes over what is stored before it'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      const begin = Date.now() + 400;
      const tap = world.ackingTap(broker, channel, { start: fromTime(begin) });
      await until(async () => {
        const late = Date.now() > begin + 10;
        await world.put(broker, channel, String(Date.now()));
        return late;
      });
      await world.put(broker, channel, 'end');
      await until(() => tap.all.at(-1)?.value === 'end');
      expect(tap.all.every(({ time }) => time!.getTime() >= begin)).to.equal(true);
      expect(tap.all.length).to.be.greaterThan(1);
    };
  }
  if (has('fromAgo')) {
    specs['fromAgo(ms) begins with what was stored within that time'] = async () => {
      expect(await after5(fromAgo(60_000))).to.deep.equal(numbers(5));
    };
    specs['fromAgo(0) leaves out what was there before'] = async () => {
      expect(await after5(fromAgo(0))).to.deep.equal([]);
    };
  }
  together(specs);

  const all = [newOnly(), latest(), earliest(), fromOffset(1), fromTime(0), fromAgo(1)];
  for (const start of all.filter(({ kind }) => !has(kind))) {
    it(`refuses ${start.kind}, which it does not have, at the call`, () => {
      expect(() => world.broker().messages(world.channel(), { start })).to.throw(InvalidOptionError, /start accepts/);
    });
  }
}
