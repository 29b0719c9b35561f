import { expect } from 'chai';
import { from, NEVER, of, concat, throwError } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { OverflowError, PublishError } from '../../lib/core/errors.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** `publishTo` and `publishFrom`. */
export function describePublishToAndFrom(world: World): void {
  together({
    'publishTo emits a receipt for each value, in order, and completes when all are confirmed': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const values = numbers(world.many(200));
      const tap = new Tap(from(values).pipe(broker.publishTo(channel, { codec: text, maxInFlight: 10 })));
      const receipts = await tap.complete();
      expect(receipts.every(({ ok }) => ok)).to.equal(true);
      expect(world.inOrder(receipts.map(({ value }) => value))).to.deep.equal(values);
      expect(world.inOrder(valuesOf(await read.first(values.length)))).to.deep.equal(values);
    },
    'publishTo publishes what it has before it hands an error on': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const problem = new Error('the source failed');
      const source = concat(
        of('1', '2'),
        throwError(() => problem),
      );
      const tap = new Tap(source.pipe(broker.publishTo(channel, { codec: text })));
      expect(await tap.failed()).to.equal(problem);
      expect(tap.all.map(({ value }) => value)).to.deep.equal(['1', '2']);
    },
    'publishTo with buffer bounds what waits': async () => {
      const broker = world.broker();
      await broker.connect();
      const options = { codec: text, maxInFlight: 2, buffer: 3 };
      const receipts = await new Tap(from(numbers(9)).pipe(broker.publishTo(world.channel(), options))).complete();
      const failed = receipts.filter(({ ok }) => !ok);
      expect(failed.map(({ value }) => value)).to.deep.equal(['6', '7', '8', '9']);
      expect(failed.every(({ error }) => error instanceof OverflowError)).to.equal(true);
    },
    'publishTo emits a failure as a receipt, or ends with it where told to': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const values = ['1', 2 as unknown as string, '3'];
      const emitted = await new Tap(from(values).pipe(broker.publishTo(channel, { codec: text }))).complete();
      expect(emitted.filter(({ ok }) => !ok).map(({ value }) => value)).to.deep.equal([2]);
      expect(valuesOf(await read.first(2))).to.deep.equal(['1', '3']);
      const thrown = new Tap(from(values).pipe(broker.publishTo(channel, { codec: text, onError: 'throw' })));
      expect(await thrown.failed()).to.have.property('name');
    },
    'publishTo stops with its subscriber': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const tap = new Tap(concat(of('1'), NEVER).pipe(broker.publishTo(channel, { codec: text })));
      await tap.first(1);
      tap.unsubscribe();
      await world.put(broker, channel, '2');
      expect(valuesOf(await read.first(2))).to.deep.equal(['1', '2']);
    },
    'publishFrom publishes an iterable in order, and pulls no more than the window': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      let pulled = 0;
      let confirmed = 0;
      let most = 0;
      function* values(): Generator<string> {
        for (const value of numbers(100)) {
          pulled++;
          most = Math.max(most, pulled - confirmed);
          yield value;
        }
      }
      const tap = new Tap(broker.publishFrom(channel, values(), { codec: text, maxInFlight: 4 }), () => {
        confirmed++;
      });
      const receipts = await tap.complete();
      expect(receipts.every(({ ok }) => ok)).to.equal(true);
      expect(world.inOrder(receipts.map(({ value }) => value))).to.deep.equal(numbers(100));
      // the last receipt of a window is told after the next value was pulled, at most
      expect(most).to.be.within(2, 5);
      expect(world.inOrder(valuesOf(await read.first(100)))).to.deep.equal(numbers(100));
    },
    'publishFrom publishes an async iterable': async () => {
      const broker = world.broker();
      const channel = world.channel();
      async function* values(): AsyncGenerator<string> {
        for (const value of numbers(50)) {
          if (Number(value) % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
          yield value;
        }
      }
      const receipts = await new Tap(broker.publishFrom(channel, values(), { codec: text, maxInFlight: 3 })).complete();
      expect(receipts.every(({ ok }) => ok)).to.equal(true);
      expect(world.inOrder(receipts.map(({ value }) => value))).to.deep.equal(numbers(50));
    },
    'publishFrom is cold: each subscriber publishes': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const publishing = broker.publishFrom(channel, numbers(3), { codec: text });
      await new Tap(publishing).complete();
      await new Tap(publishing).complete();
      const all = [...numbers(3), ...numbers(3)];
      expect(valuesOf(await read.first(6))).to.deep.equal(all);
    },
    'publishFrom returns the iterator when it is unsubscribed, and tells the error of the iterable': async () => {
      const broker = world.broker();
      const channel = world.channel();
      let returned = false;
      function* endless(): Generator<string> {
        try {
          for (let n = 1; ; n++) yield String(n);
        } finally {
          returned = true;
        }
      }
      const tap = new Tap(broker.publishFrom(channel, endless(), { codec: text, maxInFlight: 2 }));
      await tap.first(10);
      tap.unsubscribe();
      expect(returned).to.equal(true);
      const problem = new Error('no more');
      function* failing(): Generator<string> {
        yield 'a';
        throw problem;
      }
      const failed = new Tap(broker.publishFrom(channel, failing(), { codec: text }));
      expect(await failed.failed()).to.equal(problem);
      expect(failed.all.map(({ ok, value }) => ok && value)).to.deep.equal(['a']);
    },
    "publishFrom with onError 'throw' ends at the first failure": async () => {
      const broker = world.broker();
      const values = ['1', 2, '3'] as string[];
      const tap = new Tap(broker.publishFrom(world.channel(), values, { codec: text, onError: 'throw' }));
      const error = await tap.failed();
      expect(error).to.have.property('broker');
      expect(error).not.to.be.instanceOf(TypeError);
      expect(error).to.satisfy((each: unknown) => each instanceof PublishError || each instanceof Error);
    },
  });
}
