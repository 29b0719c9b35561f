import { expect } from 'chai';
import { StreamUnavailableError } from '../../../lib/core/errors.js';
import { earliest, fromOffset, fromTime, latest, newOnly, untilNow, untilOffset } from '../../../lib/core/starts.js';
import type { LiftbridgeSourceOptions } from '../../../lib/liftbridge/source/options.js';
import { settled, SourceBench } from './source-kit.js';

const firstMs = 1_700_000_000_000;

describe('liftbridge: where a source stands in a partition', () => {
  let bench: SourceBench;

  beforeEach(() => {
    bench = new SourceBench();
  });

  const reading = async (options: LiftbridgeSourceOptions = {}) => {
    const tap = bench.read({ start: earliest(), ...options });
    await settled();
    return tap;
  };
  const later = () => bench.clock.pass(600);
  const stored = () => bench.stores.map(([, offset]) => Number(offset));
  /** Loses the link, changes the log, and has the source go on. */
  const outage = async (meanwhile: () => void) => {
    await bench.lose();
    meanwhile();
    await later();
  };

  describe('after an outage', () => {
    it('asks once more for what came last, and emits nothing twice', async () => {
      bench.log0.append('a', 'b', 'c');
      const tap = await reading();
      await outage(() => bench.log0.append('d'));
      expect(Number(bench.last.asked.startOffset)).to.equal(2);
      expect(tap.values()).to.deep.equal(['a', 'b', 'c', 'd']);
      expect(bench.types()).to.deep.equal([]);
    });

    it('before anything came: begins where it had begun', async () => {
      for (const start of [newOnly(), latest(), fromTime(firstMs + 2)]) {
        bench = new SourceBench();
        bench.log0.append('a', 'b', 'c');
        bench.manual = true;
        const tap = bench.read({ start });
        for (let i = 0; i < 6 && !(bench.open[0]?.asked.startOffset === 3n || start.kind === 'latest'); i++) {
          bench.open[0]?.serve();
          await settled();
        }
        await settled();
        await bench.lose();
        bench.manual = false;
        bench.log0.append('d');
        await later();
        expect(tap.values().at(-1), start.kind).to.equal('d');
        expect(tap.values(), start.kind).to.have.length(start.kind === 'newOnly' ? 1 : 2);
      }
    });

    it('keeps its place while messages that came too early are passed over', async () => {
      const tap = await reading({ start: fromTime(firstMs + 3) });
      await bench.append('at 0', 'at 1');
      await outage(() => bench.log0.append('at 2', 'at 3', 'at 4'));
      expect(tap.values()).to.deep.equal(['at 3', 'at 4']);
    });

    it('that retention used: says which messages are gone', async () => {
      bench.log0.append('0', '1', '2', '3', '4', '5');
      const tap = await reading({ maxInFlight: 2 });
      await bench.lose();
      bench.log0.remove(4);
      await later();
      tap.ackAll();
      await settled();
      expect(tap.offsets()).to.deep.equal([0, 1, 4, 5]);
      expect(bench.told).to.have.length(1);
      expect(bench.told[0]).to.include({ type: 'gap', channel: 'orders', from: 2n, to: 3n });
    });

    it('goes on over holes without a word where nothing is gone', async () => {
      bench.log0.put(3);
      bench.log0.put(9);
      const tap = await reading();
      await outage(() => bench.log0.put(20));
      expect(tap.offsets()).to.deep.equal([3, 9, 20]);
      expect(bench.types()).to.deep.equal([]);
    });

    it('of a stream that was made anew: says so, and reads that from its beginning', async () => {
      bench.log0.append('a', 'b', 'c');
      const tap = await reading({ durable: 'd' });
      tap.all[0]!.ack();
      await outage(() => {
        bench.created = 2n;
        bench.log0.truncate(0);
        bench.log0.append('A', 'B', 'C', 'D');
      });
      expect(tap.values().slice(3)).to.deep.equal(['A', 'B', 'C', 'D']);
      expect(bench.told).to.deep.equal([{ type: 'reset', channel: 'orders', last: 2n }]);
      // what is left of the old one moves nothing any more
      tap.all[1]!.ack();
      tap.all[2]!.ack();
      tap.all[3]!.ack();
      await bench.clock.pass(5_000);
      expect(bench.positions.get(0)).to.equal(0n);
      tap.ackAll();
      tap.unsubscribe();
      await settled();
      expect(bench.positions.get(0)).to.equal(3n);
    });

    it('in which the leader that was elected had less: says so, and emits what has those offsets', async () => {
      bench.log0.append('a', 'b', 'c');
      const tap = await reading();
      await outage(() => bench.log0.truncate(1));
      await bench.append('B');
      expect(tap.values()).to.deep.equal(['a', 'b', 'c', 'B']);
      expect(bench.types()).to.deep.equal(['reset']);
    });

    it('in which it had less, and has got others already: emits those too', async () => {
      bench.log0.append(...'abcdef');
      const tap = await reading();
      await outage(() => {
        bench.log0.truncate(2);
        bench.log0.append('C', 'D');
      });
      await bench.append('E');
      expect(tap.values()).to.deep.equal([...'abcdef', 'C', 'D', 'E']);
      expect(bench.types()).to.deep.equal(['reset']);
    });

    it('in which it had less, and has as much again: sees it by what came last', async () => {
      bench.log0.append('a', 'b', 'c');
      const tap = await reading({ durable: 'd' });
      tap.ackAll();
      await outage(() => {
        bench.log0.truncate(2);
        bench.log0.append('C', 'D');
      });
      expect(tap.values()).to.deep.equal(['a', 'b', 'c', 'C', 'D']);
      expect(bench.types()).to.deep.equal(['reset']);
      await bench.clock.pass(5_000);
      expect(bench.positions.get(0)).to.equal(1n);
    });

    it('in which it had less before anything was read: emits what is new all the same', async () => {
      for (const options of [{ start: newOnly() }, { durable: 'd' }]) {
        bench = new SourceBench();
        bench.log0.append('a', 'b', 'c');
        bench.positions.set(0, 2n);
        const tap = await reading(options);
        await outage(() => bench.log0.truncate(1));
        await bench.append('B');
        expect(tap.values()).to.deep.equal(['B']);
        expect(bench.types()).to.deep.equal(['reset']);
      }
    });

    it('is not held up by what was told of a partition that is paused', async () => {
      bench.log0.append('a');
      const tap = await reading({ resume: true });
      bench.paused = bench.log0.isPaused = true;
      bench.trouble('tail', new StreamUnavailableError('not the leader'));
      await outage(() => undefined);
      await bench.append('b');
      expect(tap.values()).to.deep.equal(['a', 'b']);
    });
  });

  describe('with a durable', () => {
    it('goes on behind the cursor, at 0 too', async () => {
      bench.log0.append('a', 'b', 'c');
      bench.positions.set(0, 0n);
      expect((await reading({ durable: 'd' })).values()).to.deep.equal(['b', 'c']);
    });

    it('stores nothing for an empty partition, and the first offset once that is acked', async () => {
      const tap = await reading({ durable: 'd', start: newOnly() });
      await bench.clock.pass(10_000);
      expect(stored()).to.deep.equal([]);
      await bench.append('a');
      tap.ackAll();
      await bench.clock.pass(5_000);
      expect(stored()).to.deep.equal([0]);
    });

    it('stores never less than before, while a store is on its way, and at the end', async () => {
      bench.log0.append(...'abcdef');
      const tap = await reading({ durable: 'd', storeEvery: { messages: 1 } });
      const open = bench.hold('store');
      tap.all[0]!.ack();
      tap.all[1]!.ack();
      tap.all[3]!.ack();
      await settled();
      tap.all[2]!.ack();
      tap.unsubscribe();
      for (const each of tap.all) each.ack();
      await settled();
      expect(bench.ending.size).to.equal(1);
      await open();
      expect(bench.ending.size).to.equal(0);
      expect(stored()).to.deep.equal([...new Set(stored())].sort((a, b) => a - b));
      expect(stored().at(-1)).to.equal(5);
      expect(bench.clock.size).to.equal(0);
    });

    it('that could not be stored is stored later', async () => {
      bench.log0.append('a', 'b');
      const tap = await reading({ durable: 'd' });
      tap.ackAll();
      bench.trouble('store', new StreamUnavailableError('not at the moment'));
      await bench.clock.pass(5_000);
      expect(stored()).to.deep.equal([]);
      await bench.clock.pass(5_000);
      expect(stored()).to.deep.equal([1]);
    });

    it('that is subscribed to again goes on with what was not settled, and knows what was', async () => {
      bench.log0.append(...'abcdef');
      const first = await reading({ durable: 'd', maxInFlight: 4 });
      first.all[0]!.ack();
      first.all[2]!.ack();
      first.unsubscribe();
      const second = await reading({ durable: 'd' });
      expect(second.values()).to.deep.equal(['b', 'd', 'e', 'f']);
      expect(second.all.map(({ redelivered }) => redelivered)).to.deep.equal([true, true, true, true]);
      first.all[1]!.ack();
      second.all[1]!.ack();
      await bench.clock.pass(5_000);
      expect(bench.positions.get(0)).to.equal(0n);
    });

    it('that knew more than the leader that was elected meanwhile: emits what has those offsets', async () => {
      bench.log0.append(...'abcdef');
      const first = await reading({ durable: 'd' });
      for (const delivery of first.all.slice(1)) delivery.ack();
      first.unsubscribe();
      await settled();
      bench.log0.truncate(3);
      bench.log0.append('D', 'E');
      const second = await reading({ durable: 'd' });
      await bench.append('F', 'G');
      expect(second.values()).to.deep.equal(['a', 'b', 'c', 'D', 'E', 'F', 'G']);
      expect(bench.told).to.deep.equal([{ type: 'reset', channel: 'orders', last: 5n }]);
    });

    it('whose cursor is beyond the log: says so, and begins anew', async () => {
      bench.log0.append('a', 'b');
      bench.positions.set(0, 9n);
      const tap = await reading({ durable: 'd' });
      expect(tap.values()).to.deep.equal(['a', 'b']);
      expect(bench.told).to.deep.equal([{ type: 'reset', channel: 'orders', last: 9n }]);
      tap.ackAll();
      await bench.clock.pass(5_000);
      expect(bench.positions.get(0)).to.equal(1n);
    });

    it('whose cursor points at what retention has removed: says what is gone', async () => {
      bench.log0.append(...'abcdef');
      bench.log0.remove(4);
      bench.positions.set(0, 1n);
      const tap = await reading({ durable: 'd' });
      expect(tap.offsets()).to.deep.equal([4, 5]);
      expect(bench.told[0]).to.include({ type: 'gap', from: 2n, to: 3n });
    });

    it('that cannot be asked for at first is asked for again', async () => {
      bench.log0.append('a', 'b');
      bench.positions.set(0, 0n);
      bench.trouble('fetch', new StreamUnavailableError('not at the moment'));
      const tap = await reading({ durable: 'd' });
      await later();
      expect(tap.values()).to.deep.equal(['b']);
    });

    it('stores nothing that was found out after it was unsubscribed', async () => {
      bench.log0.append('a', 'b');
      const open = bench.hold('tail');
      const tap = await reading({ durable: 'd', start: newOnly() });
      const opening = open();
      tap.unsubscribe();
      await opening;
      expect(stored()).to.deep.equal([]);
      expect(bench.clock.size).to.equal(0);
    });
  });

  describe('until', () => {
    it('now: completes where the log ended, also in an empty one', async () => {
      expect((await reading({ until: untilNow() })).completed).to.equal(true);
      bench.log0.append('a', 'b');
      const tap = await reading({ until: untilNow(), maxInFlight: 1 });
      bench.log0.append('c');
      tap.all[0]!.ack();
      await settled();
      expect(tap.values()).to.deep.equal(['a', 'b']);
      expect(tap.completed).to.equal(true);
    });

    it('an offset in a hole: completes at the first behind it', async () => {
      bench.log0.put(3);
      const tap = await reading({ until: untilOffset(5) });
      expect(tap.completed).to.equal(false);
      bench.log0.put(9);
      expect(tap.offsets()).to.deep.equal([3]);
      expect(tap.completed).to.equal(true);
    });

    it('an offset below its start: completes at once, and asks for no message', async () => {
      const tap = await reading({ start: fromOffset(4), until: untilOffset(3) });
      expect(tap.completed).to.equal(true);
      expect(bench.calls).to.deep.equal([]);
    });

    it('now, with all settled before: completes', async () => {
      bench.log0.append('a', 'b');
      (await reading({ durable: 'd', until: untilNow() })).ackAll();
      await settled();
      const tap = await reading({ durable: 'd', until: untilNow() });
      expect(tap.completed).to.equal(true);
      expect(tap.all).to.deep.equal([]);
    });
  });
});
