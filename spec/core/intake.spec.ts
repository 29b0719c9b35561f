import { expect } from 'chai';
import fc from 'fast-check';
import type { Decoder } from '../../lib/core/codec.js';
import { DecodeError } from '../../lib/core/errors.js';
import { Lane } from '../../lib/core/lane.js';
import { untilOffset, untilTime } from '../../lib/core/starts.js';
import { HandMade, IntakeBench } from './intake-kit.js';

/** Reads everything but 'bad'. */
const picky: Decoder<string> = {
  decode(bytes) {
    const value = new TextDecoder().decode(bytes);
    if (value === 'bad') throw new Error('cannot read that');
    return value;
  },
};

describe('Intake', () => {
  describe('the window', () => {
    it('emits what arrives in order, and holds what is beyond the window until a place is free', () => {
      const bench = new IntakeBench({ maxInFlight: 2 });
      const [one, two] = bench.arrive(1, 2, 3, 4, 5);
      expect(bench.take()).to.equal('next 1 next 2');
      expect(bench.intake.unsettled).to.equal(2);
      two!.ack();
      expect(bench.take()).to.equal('ack 2 next 3');
      one!.release();
      expect(bench.take()).to.equal('release 1 next 4');
      expect(bench.intake.unsettled).to.equal(2);
    });

    it('settling twice, or both ways, frees one place', () => {
      const bench = new IntakeBench({ maxInFlight: 1 });
      const [one, two] = bench.arrive(1, 2, 3);
      one!.ack();
      one!.ack();
      one!.release();
      expect(bench.take()).to.equal('next 1 ack 1 next 2');
      two!.release();
      two!.ack();
      expect(bench.take()).to.equal('release 2 next 3');
    });

    it('takes what arrives while others wait in its turn', () => {
      const bench = new IntakeBench({ maxInFlight: 1 });
      bench.then = (delivery) => {
        if (delivery.offsetKey === 2) bench.arrive(5);
        if (Number(delivery.offsetKey) > 1) delivery.ack();
      };
      const [one] = bench.arrive(1, 2, 3, 4);
      one!.ack();
      expect(bench.take()).to.equal('next 1 ack 1 next 2 ack 2 next 3 ack 3 next 4 ack 4 next 5 ack 5');
    });

    it('a hundred thousand acks from within next take no stack', () => {
      const count = 100_000;
      const bench = new IntakeBench({ maxInFlight: count });
      bench.then = (delivery) => {
        if (delivery.offsetKey !== 0) delivery.ack();
      };
      const small = new IntakeBench({ maxInFlight: 1 });
      small.then = bench.then;
      const first = small.hand(new HandMade(0));
      for (let n = 1; n <= count; n++) {
        bench.hand(new HandMade(n));
        if (n <= 50_000) small.hand(new HandMade(n));
      }
      expect(bench.emitted).to.have.length(count);
      expect(small.emitted).to.have.length(1);
      first.ack();
      expect(small.emitted).to.have.length(50_001);
      expect(small.intake.unsettled).to.equal(0);
    });

    it('holds a flood of redeliveries up to one window, or 16 MiB if that is more', () => {
      const megabyte = new Uint8Array(2 ** 20);
      const bench = new IntakeBench({ maxInFlight: 4 });
      for (let n = 1; n <= 100; n++) bench.hand(new HandMade(n, { payload: megabyte }));
      bench.then = (delivery) => {
        delivery.ack();
      };
      for (const delivery of [...bench.emitted]) delivery.ack();
      expect(bench.emitted.length).to.be.within(4 + 16, 4 + 17);
      // what was turned away is not settled, so that it is emitted when it comes again
      for (let n = 1; n <= 100; n++) bench.hand(new HandMade(n, { payload: megabyte, redeliveries: 1 }));
      expect(new Set(bench.emitted.map(({ offset }) => offset)).size).to.equal(100);
      expect(bench.emitted).to.have.length(100);
    });

    it('holds one window of whatever size', () => {
      const bench = new IntakeBench({ maxInFlight: 3 });
      const large = new Uint8Array(20 * 2 ** 20);
      for (let n = 1; n <= 9; n++) bench.hand(new HandMade(n, { payload: large }));
      for (let n = 0; n < 6; n++) bench.emitted[n]!.ack();
      expect(bench.emitted).to.have.length(6);
    });

    it('keeps its bounds and its promises whatever comes in whatever order', () => {
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant('new' as const), at: fc.constant(0) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), at: fc.nat(40) }) },
        { weight: 3, arbitrary: fc.record({ do: fc.constant('ack' as const), at: fc.nat(40) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), at: fc.nat(40) }) },
      );
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 120 }), (maxInFlight, steps) => {
          const bench = new IntakeBench({ maxInFlight });
          let last = 0;
          for (const { do: what, at } of steps) {
            if (what === 'new') bench.arrive(++last);
            else if (what === 'again' && at <= last && at > 0) bench.hand(new HandMade(at, { redeliveries: 1 }));
            else if (what === 'ack') bench.emitted[at]?.ack();
            else if (what === 'release') bench.emitted[at]?.release();
            expect(bench.intake.unsettled).to.be.at.most(maxInFlight);
          }
          // in the end the broker sends again what it has no ack of, until it has
          bench.then = (delivery) => {
            delivery.ack();
          };
          for (const delivery of [...bench.emitted]) delivery.ack();
          for (let n = 1; n <= last; n++) bench.hand(new HandMade(n, { redeliveries: 1 }));
          const firsts = new Set(bench.emitted.map(({ offset }) => Number(offset)));
          expect(firsts.size).to.equal(last);
          expect(bench.intake.unsettled).to.equal(0);
          for (let n = 1; n <= last; n++) expect(bench.log).to.include(`ack ${n}`);
          // what was acked is never emitted after that
          const acked = new Set<string>();
          for (const line of bench.log) {
            const [word, offset] = line.split(' ') as [string, string];
            if (word === 'ack') acked.add(offset);
            if (word === 'next') expect(acked.has(offset.replace('r', ''))).to.equal(false);
          }
        }),
        { numRuns: 300 },
      );
    });
  });

  describe('copies', () => {
    it('are emitted, share the place of the first, and settle it', () => {
      const bench = new IntakeBench({ maxInFlight: 1 });
      const [one] = bench.arrive(1, 2);
      const copy = bench.hand(new HandMade(1, { redeliveries: 1 }));
      expect(bench.take()).to.equal('next 1 next 1r');
      expect(bench.intake.unsettled).to.equal(1);
      copy.ack();
      expect(one!.settled).to.equal(true);
      one!.ack();
      expect(bench.take()).to.equal('ack 1 next 2');
    });

    it('of what waits for a place are dropped', () => {
      const bench = new IntakeBench({ maxInFlight: 1 });
      const [one] = bench.arrive(1, 2);
      bench.hand(new HandMade(2, { redeliveries: 1 }));
      one!.ack();
      bench.emitted[1]!.ack();
      expect(bench.take()).to.equal('next 1 ack 1 next 2 ack 2');
    });

    it('of what was settled are acked again, unseen', () => {
      const bench = new IntakeBench();
      const [one, two] = bench.arrive(1, 2);
      one!.ack();
      expect(bench.take()).to.equal('next 1 next 2 ack 1');
      bench.hand(new HandMade(1, { redeliveries: 1 }));
      expect(bench.take()).to.equal('ack 1');
      two!.ack();
      bench.hand(new HandMade(1, { redeliveries: 2 }));
      bench.hand(new HandMade(2, { redeliveries: 1 }));
      expect(bench.take()).to.equal('ack 2 ack 1 ack 2');
    });

    it('of what was settled are acked unseen, also when they waited for a place', () => {
      const bench = new IntakeBench({ maxInFlight: 2 });
      const [one] = bench.arrive(1, 2, 3);
      one!.ack();
      const [two, three] = bench.emitted.slice(1);
      // 1 is settled, and its copy comes behind 4, which waits
      bench.arrive(4);
      bench.hand(new HandMade(1, { redeliveries: 1 }));
      expect(bench.take()).to.equal('next 1 next 2 ack 1 next 3');
      two!.ack();
      three!.ack();
      expect(bench.take()).to.equal('ack 2 next 4 ack 3 ack 1');
    });

    it('of what was released are deliveries of their own', () => {
      const bench = new IntakeBench();
      const [one] = bench.arrive(1);
      one!.release();
      const again = bench.hand(new HandMade(1, { redeliveries: 1 }));
      expect(bench.take()).to.equal('next 1 release 1 next 1r');
      one!.ack();
      expect(again.settled).to.equal(false);
      again.ack();
      expect(bench.take()).to.equal('ack 1');
    });

    it('of what was settled are emitted where another member may have given it up', () => {
      const bench = new IntakeBench({}, new Lane(undefined, 3));
      const [one] = bench.arrive(1);
      one!.ack();
      bench.hand(new HandMade(1, { redeliveries: 1 }));
      expect(bench.take()).to.equal('next 1 ack 1 next 1r');
    });
  });

  describe('a log that begins anew', () => {
    it('is told before its first message, and what was emitted before settles nothing', () => {
      const bench = new IntakeBench({ maxInFlight: 3 });
      const [one, two] = bench.arrive(1, 2);
      one!.ack();
      bench.take();
      const fresh = bench.hand(new HandMade(1), 100);
      expect(bench.take()).to.equal('reset 2 next 1');
      two!.ack();
      expect(two!.settled).to.equal(true);
      expect(bench.take()).to.equal('');
      fresh.ack();
      expect(bench.take()).to.equal('ack 1');
      expect(bench.intake.unsettled).to.equal(0);
    });

    it('drops what waited of the one before, and counts what is still in hands', () => {
      const bench = new IntakeBench({ maxInFlight: 2 });
      const [one, two] = bench.arrive(1, 2, 3, 4);
      bench.hand(new HandMade(1), 100);
      bench.hand(new HandMade(2), 101);
      expect(bench.take()).to.equal('next 1 next 2 reset 4');
      expect(bench.intake.unsettled).to.equal(2);
      one!.ack();
      two!.release();
      expect(bench.take()).to.equal('next 1 next 2');
      expect(bench.intake.unsettled).to.equal(2);
    });

    it('is not mistaken for a redelivery, which has the stamp that it had', () => {
      const bench = new IntakeBench();
      bench.arrive(1, 2);
      bench.hand(new HandMade(1, { redeliveries: 1 }), 1);
      expect(bench.take()).to.equal('next 1 next 2 next 1r');
    });
  });

  describe('the end', () => {
    it('untilOffset: after that offset, or at the first beyond it', () => {
      const bench = new IntakeBench({ until: untilOffset(2) });
      bench.arrive(1, 2, 3);
      expect(bench.take()).to.equal('next 1 next 2 complete');
      const beyond = new IntakeBench({ until: untilOffset(2) });
      beyond.arrive(1, 3);
      expect(beyond.take()).to.equal('next 1 complete');
    });

    it('waits for what is held', () => {
      const bench = new IntakeBench({ maxInFlight: 1, until: untilOffset(2) });
      const [one] = bench.arrive(1, 2, 3);
      expect(bench.take()).to.equal('next 1');
      one!.ack();
      expect(bench.take()).to.equal('ack 1 next 2 complete');
    });

    it('untilTime: at the first message that is later, without that', () => {
      const bench = new IntakeBench({ until: untilTime(1000) });
      for (const [offset, time] of [
        [1, 999],
        [2, 1000],
        [3, 1001],
      ] as const) {
        bench.hand(new HandMade(offset, { time }));
      }
      expect(bench.take()).to.equal('next 1 next 2 complete');
    });

    it('endAt sets it later on', () => {
      const bench = new IntakeBench();
      bench.intake.endAt(untilOffset(1));
      bench.arrive(1, 2);
      expect(bench.take()).to.equal('next 1 complete');
    });

    it('comes also where the last message was settled before and its ack was lost', () => {
      const before = new IntakeBench({}, new IntakeBench().lane);
      for (const delivery of before.arrive(1, 2)) delivery.ack();
      before.lane.renew(3);
      const bench = new IntakeBench({ until: untilOffset(2) }, before.lane);
      bench.arrive(1, 2);
      expect(bench.take()).to.equal('ack 1 ack 2 complete idle');
    });

    it('comes in its turn behind what is held, where the last message was settled before', () => {
      const before = new IntakeBench();
      before.arrive(1, 2, 3)[2]!.ack();
      before.lane.renew(1);
      const bench = new IntakeBench({ maxInFlight: 1, until: untilOffset(3) }, before.lane);
      const [one] = bench.arrive(1, 2, 3);
      expect(bench.take()).to.equal('next 1');
      one!.ack();
      bench.emitted[1]!.ack();
      expect(bench.take()).to.equal('ack 1 next 2 ack 2 ack 3 complete idle');
    });
  });

  describe('stop', () => {
    it('ends emission at once, drops what waits, and is idle when all is settled', () => {
      const bench = new IntakeBench({ maxInFlight: 2 });
      const [one, two] = bench.arrive(1, 2, 3);
      bench.intake.stop();
      bench.intake.stop();
      bench.arrive(4);
      one!.ack();
      expect(bench.take()).to.equal('next 1 next 2 ack 1');
      two!.release();
      expect(bench.take()).to.equal('release 2 idle');
    });

    it('is idle at once where nothing is unsettled, and once', () => {
      const bench = new IntakeBench();
      const [one] = bench.arrive(1);
      one!.ack();
      bench.intake.stop();
      one!.ack();
      bench.intake.stop();
      expect(bench.take()).to.equal('next 1 ack 1 idle');
    });

    it('from within next lets the ack of the same turn through', () => {
      const bench = new IntakeBench();
      bench.then = (delivery) => {
        bench.intake.stop();
        delivery.ack();
      };
      bench.arrive(1, 2);
      expect(bench.take()).to.equal('next 1 ack 1 idle');
    });
  });

  describe('messages that cannot be decoded', () => {
    it("'error': the source ends with a DecodeError that tells the channel and the offset, and nothing comes after it", () => {
      const bench = new IntakeBench({ maxInFlight: 1, codec: picky });
      const [one] = bench.arrive(1);
      bench.hand(new HandMade(2, { payload: 'bad' }));
      bench.arrive(3);
      one!.ack();
      expect(bench.take()).to.equal('next 1 ack 1 error release 2 idle');
      expect(bench.failure).to.be.instanceOf(DecodeError);
      expect((bench.failure as DecodeError).message)
        .to.include("offset 2 of 'c'")
        .and.include('cannot read that');
    });

    it("'skip': it is acked, and takes no place", () => {
      const bench = new IntakeBench({ maxInFlight: 1, codec: picky, onDecodeError: 'skip' });
      bench.hand(new HandMade(1, { payload: 'bad' }));
      bench.arrive(2);
      expect(bench.take()).to.equal('ack 1 next 2');
    });

    it('a function gets the raw delivery, is awaited, and then it is acked', async () => {
      let finish = (): void => undefined;
      const dead: unknown[] = [];
      const bench = new IntakeBench({
        maxInFlight: 1,
        codec: picky,
        onDecodeError: (delivery) => {
          dead.push(delivery.value);
          return new Promise<void>((resolve) => {
            finish = resolve;
          });
        },
      });
      const bad = bench.hand(new HandMade(1, { payload: 'bad' }));
      const copy = bench.hand(new HandMade(1, { payload: 'bad', redeliveries: 1 }));
      bench.arrive(2);
      expect(bench.take()).to.equal('');
      expect(dead).to.deep.equal([bad.payload]);
      finish();
      await Promise.resolve();
      await Promise.resolve();
      expect(bench.take()).to.equal('ack 1 next 2');
      expect(copy.settled).to.equal(true);
    });

    it('a function that throws or rejects ends the source, and the delivery is released', async () => {
      for (const fail of [
        () => {
          throw new Error('no door');
        },
        () => Promise.reject(new Error('no door')),
      ]) {
        const bench = new IntakeBench({ codec: picky, onDecodeError: fail });
        bench.hand(new HandMade(1, { payload: 'bad' }));
        await Promise.resolve();
        await Promise.resolve();
        expect(bench.take()).to.equal('error release 1 idle');
        expect((bench.failure as Error).message)
          .to.include('no door')
          .and.include('cannot read that');
      }
    });

    it('copies of what was decoded are decoded too', () => {
      const bench = new IntakeBench({ codec: picky });
      bench.arrive(1);
      expect(bench.hand(new HandMade(1, { redeliveries: 1 })).value).to.equal('1');
    });
  });
});
