import { expect } from 'chai';
import { take } from 'rxjs';
import { InvalidOptionError } from '../../lib/core/errors.js';
import type { Broker } from '../../lib/core/broker.js';
import { text } from '../../lib/codec/text.js';
import { earliest } from '../../lib/core/starts.js';
import { memory } from '../../lib/memory/index.js';
import { bridgeTo } from '../../lib/operators/bridge-to.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** `bridgeTo`, from this broker to itself and to and from the memory broker. */
export function describeBridge(world: World): void {
  const { can } = world;
  const specs: Record<string, () => Promise<void>> = {
    'publishes each delivery to the other channel, and acks it when it is confirmed': async () => {
      const broker = world.broker();
      const [here, there] = [world.channel(), world.channel()];
      const source = broker.messages(here, { start: world.start, maxInFlight: 5 });
      const read = await world.reader(broker, there);
      const tap = await world.primed(
        broker,
        () => new Tap(source.pipe(bridgeTo(broker, there, { maxInFlight: 3 }), take(50))),
        () => world.fill(broker, here, 50),
      );
      const receipts = await tap.complete();
      expect(receipts.every(({ ok, channel }) => ok && channel === there)).to.equal(true);
      expect(receipts.every(({ value }) => value.settled)).to.equal(true);
      expect(world.inOrder(valuesOf(await read.first(50)))).to.deep.equal(numbers(50));
    },
    'bridges to memory and back': async () => {
      const broker = world.broker();
      const store: Broker = memory();
      const [here, back] = [world.channel(), world.channel()];
      const read = await world.reader(broker, back);
      const out = await world.primed(
        broker,
        () => new Tap(broker.messages(here, { start: world.start }).pipe(bridgeTo(store, 'middle'))),
        () => world.fill(broker, here, 20),
      );
      const home = new Tap(store.messages('middle', { start: earliest() }).pipe(bridgeTo(broker, back)));
      await home.first(20);
      expect(world.inOrder(valuesOf(await read.first(20)))).to.deep.equal(numbers(20));
      out.unsubscribe();
      home.unsubscribe();
      await store.close();
    },
  };
  if (can.keys && can.headers) {
    specs['carries keys and headers along'] = async () => {
      const broker = world.broker();
      const [here, there] = [world.channel(), world.channel()];
      const read = await world.reader(broker, there);
      const tap = await world.primed(
        broker,
        () => new Tap(broker.messages(here, { start: world.start }).pipe(bridgeTo(broker, there))),
        () => broker.publish(here, 'x', { codec: text, key: 'k', headers: { a: 'b' } }),
      );
      await tap.first(1);
      const delivery = await read.at(0);
      expect(Buffer.from(delivery.key!).toString()).to.equal('k');
      expect(world.headersOf(delivery)).to.deep.equal([['a', 'b']]);
    };
  } else {
    specs['refuses a key or headers that it cannot carry, unless they are mapped or may be lost'] = async () => {
      const broker = world.broker();
      const store: Broker = memory({ closeTimeout: 100 });
      const events = new Tap(store.events);
      const there = world.channel();
      const read = await world.reader(broker, there);
      await store.publish('here', 'x', {
        codec: text,
        ...(can.keys ? {} : { key: 'k' }),
        ...(can.headers ? {} : { headers: { a: 'b' } }),
      });
      const source = store.messages('here', { start: earliest() });
      const error = await new Tap(source.pipe(bridgeTo(broker, there))).failed();
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect((error as Error).message).to.include('lossy');
      await new Tap(source.pipe(bridgeTo(broker, there, { lossy: true }))).first(1);
      await new Tap(source.pipe(bridgeTo(broker, there, { message: ({ value }) => ({ value }) }))).first(1);
      expect(valuesOf(await read.first(2))).to.deep.equal(['x', 'x']);
      await store.close();
      // what was refused was released
      expect(events.all).to.deep.equal([]);
    };
  }
  together(specs);
}
