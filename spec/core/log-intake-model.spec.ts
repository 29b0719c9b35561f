import { expect } from 'chai';
import fc from 'fast-check';
import { LogBench, type Handed } from './log-intake-kit.js';

describe('LogIntake, against a model of it', () => {
  it('keeps its promises whatever is done in whatever order', () => {
    const action = fc.constantFrom('ack', 'ack', 'ack', 'release', 'release', 'nothing', 'again' as const);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ what: fc.constant('arrive' as const), at: fc.nat(3) }) },
      { weight: 4, arbitrary: fc.record({ what: fc.constant('ack' as const), at: fc.nat(100) }) },
      { weight: 3, arbitrary: fc.record({ what: fc.constant('release' as const), at: fc.nat(100) }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('skip' as const), at: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ what: fc.constant('pass' as const), at: fc.nat(60) }) },
    );
    const scenario = fc.record({
      maxInFlight: fc.integer({ min: 1, max: 5 }),
      ackWait: fc.option(fc.integer({ min: 5, max: 100 }), { nil: undefined }),
      steps: fc.array(step, { maxLength: 80 }),
      /** What the subscriber does within next, in turn. */
      within: fc.array(action, { minLength: 1, maxLength: 5 }),
      drops: fc.boolean(),
      from: fc.constantFrom(0n, 1n, 2n ** 53n - 5n, 2n ** 63n - 5n),
    });
    fc.assert(
      fc.property(scenario, ({ maxInFlight, ackWait, steps, within, drops, from }) => {
        const bench = new LogBench({ maxInFlight, ackWait });
        const key = (offset: bigint): number | bigint => (offset < 2n ** 53n ? Number(offset) : offset);
        // the model: for each offset how often it was emitted as a place of its own, released, and whether it was settled
        const places = new Map<bigint, number>();
        const releases = new Map<bigint, number>();
        const settled = new Set<bigint>();
        const arrived = new Set<bigint>();
        let last: bigint | undefined;
        let dropped = false;
        const ack = (delivery: Handed | undefined): void => {
          if (delivery?.open === true) settled.add(delivery.offset!);
          delivery?.ack();
        };
        const release = (delivery: Handed | undefined): void => {
          if (delivery?.open !== true) return;
          releases.set(delivery.offset!, (releases.get(delivery.offset!) ?? 0) + 1);
          delivery.release();
        };
        let turn = 0;
        let depth = 0;
        bench.then = (delivery) => {
          expect(++depth).to.equal(1);
          const offset = delivery.offset!;
          if (delivery.first === delivery) places.set(offset, (places.get(offset) ?? 0) + 1);
          // nothing comes after it was settled
          expect(settled.has(offset)).to.equal(false);
          last = last === undefined || offset > last ? offset : last;
          const does = within[turn++ % within.length];
          if (does === 'ack') ack(delivery);
          else if (does === 'release' && delivery.redeliveries < 6) release(delivery);
          else if (does === 'again') ack(bench.emitted[turn % bench.emitted.length]);
          depth--;
        };
        const check = (): void => {
          expect(bench.intake.unsettled).to.be.at.most(maxInFlight);
          expect(bench.highest).to.be.at.most(maxInFlight);
          let lowest: bigint | undefined;
          for (const offset of places.keys())
            if (!settled.has(offset) && (lowest === undefined || offset < lowest)) lowest = offset;
          const expected = lowest === undefined ? last : lowest === 0n ? undefined : lowest - 1n;
          if (!dropped) expect(bench.track.position).to.equal(expected === undefined ? undefined : key(expected));
          for (const [offset, times] of places) {
            expect(times).to.be.at.most(1 + (releases.get(offset) ?? 0));
          }
        };
        let upcoming = from;
        for (const { what, at } of steps) {
          const chosen = bench.emitted[at % Math.max(bench.emitted.length, 1)];
          if (what === 'arrive') {
            const offsets = Array.from({ length: at + 1 }, () => upcoming++);
            for (const offset of offsets) arrived.add(offset);
            bench.arrive(...offsets.map(key));
          } else if (what === 'ack') ack(chosen);
          else if (what === 'release') release(chosen);
          else if (what === 'pass') bench.clock.pass(at);
          else if (bench.backlogs[0]!.waiting.length === 0) {
            upcoming += BigInt(at);
            last = upcoming++;
            bench.track.skip(key(last));
          }
          check();
        }
        if (drops) {
          dropped = true;
          const before = bench.emitted.length;
          bench.backlogs[0]!.waiting.length = 0;
          bench.intake.drop(bench.track);
          bench.clock.pass(100_000);
          expect(bench.emitted).to.have.length(before);
        } else {
          // whatever is left comes, and every release has brought its delivery once more
          bench.then = (delivery) => {
            const offset = delivery.offset!;
            if (delivery.first === delivery) places.set(offset, (places.get(offset) ?? 0) + 1);
            last = last === undefined || offset > last ? offset : last;
            ack(delivery);
          };
          for (const each of [...bench.emitted]) ack(each);
          bench.clock.pass(100_000);
          check();
          expect([...settled].sort()).to.deep.equal([...arrived].sort());
          for (const offset of arrived) expect(places.get(offset)).to.equal(1 + (releases.get(offset) ?? 0));
        }
        bench.intake.stop();
        for (const each of [...bench.emitted]) ack(each);
        expect(bench.log.filter((line) => line === 'idle')).to.deep.equal(['idle']);
        expect(bench.intake.unsettled).to.equal(0);
        expect(bench.clock.running).to.equal(0);
      }),
      { numRuns: 250 },
    );
  });
});
