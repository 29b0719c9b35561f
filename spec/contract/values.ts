import { expect } from 'chai';
import { take } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, type World } from './world.js';

/** `values`: the values alone, settled when the subscriber's next returned. */
export function describeValues(world: World): void {
  const { start } = world;
  const specs: Record<string, () => Promise<void>> = {
    'gives values, each settled when next returned, so that a window of 1 is enough': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => new Tap(broker.values(channel, { start, codec: text, maxInFlight: 1 })),
        () => world.fill(broker, channel, 50),
      );
      expect(await tap.first(50)).to.deep.equal(numbers(50));
    },
    'gives bytes without a codec': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => new Tap(broker.values(channel, { start })),
        () => world.put(broker, channel, 'ä'),
      );
      expect([...(await tap.at(0))]).to.deep.equal([0xc3, 0xa4]);
    },
    'completes with signal, and errors as messages does': async () => {
      const broker = world.broker();
      const controller = new AbortController();
      const tap = new Tap(broker.values(world.channel(), { signal: controller.signal }));
      controller.abort();
      await tap.complete();
    },
  };
  if (world.can.durable !== false) {
    specs['take(n) settles n'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 5);
      const values = broker.values(channel, { start, codec: text, durable: 'd' });
      expect(await new Tap(values.pipe(take(3))).complete()).to.deep.equal(['1', '2', '3']);
      expect(await new Tap(values.pipe(take(2))).complete()).to.deep.equal(['4', '5']);
    };
  }
  together(specs);
}
