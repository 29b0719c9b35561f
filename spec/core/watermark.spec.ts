import { expect } from 'chai';
import fc from 'fast-check';

import { offsetAfter, offsetBefore, offsetKey, type OffsetKey } from '../../lib/core/offset.js';
import { Watermark } from '../../lib/core/watermark.js';

const span = 48;
/** Where numbers and bigints meet, and where offsets end. */
const bases = [0n, 1n, 2n ** 31n - 20n, 2n ** 53n - 24n, 2n ** 64n - 1n - BigInt(span)];

type Step = { do: 'begin' | 'settle'; at: number; big: boolean } | { do: 'skip'; at: number; to: number; big: boolean };

const index = fc.nat(span - 1);
const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: fc.constant('settle' as const), at: index, big: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('skip' as const), at: index, to: index, big: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('begin' as const), at: index, big: fc.boolean() }) },
  ),
  { maxLength: 80 },
);

/** The same by a set of indices above a base: slow, and plain. */
class Model {
  readonly settled = new Set<number>();
  begun = false;
  floor = 0;

  constructor(private readonly base: bigint) {}

  begin(at: number): void {
    const lowest = this.lowest();
    if (lowest !== undefined && at <= lowest) return;
    this.begun = true;
    this.floor = at;
    for (let i = 0; i < at; i++) this.settled.add(i);
  }

  settle(at: number): boolean {
    if (this.settled.has(at)) return false;
    this.settled.add(at);
    return true;
  }

  lowest(): number | undefined {
    if (!this.begun) return undefined;
    let lowest = this.floor;
    while (this.settled.has(lowest)) lowest++;
    return lowest;
  }

  position(): OffsetKey | undefined {
    const lowest = this.lowest();
    return lowest === undefined || this.base + BigInt(lowest) === 0n ? undefined : key(this.base, lowest - 1);
  }

  intervals(): number {
    let count = 0;
    for (let i = 0; i <= span; i++) if (this.settled.has(i) && !this.settled.has(i - 1)) count++;
    // what is below the base is an interval too, if the begin says so
    const lowIsKept = this.begun && this.base > 0n;
    return lowIsKept && !this.settled.has(0) ? count + 1 : count;
  }
}

/** Normal, as the watermark gives it. */
function key(base: bigint, at: number): OffsetKey {
  return offsetKey(base + BigInt(at));
}

/** As somebody may give it. */
function given(base: bigint, at: number, big: boolean): OffsetKey {
  return big ? base + BigInt(at) : key(base, at);
}

function run(watermark: Watermark, model: Model, base: bigint, step: Step): void {
  const at = given(base, step.at, step.big);
  if (step.do === 'begin') {
    watermark.begin(at);
    model.begin(step.at);
  } else if (step.do === 'skip') {
    watermark.skip(at, given(base, step.to, !step.big));
    for (let i = step.at; i <= step.to; i++) model.settle(i);
  } else {
    watermark.settle(at);
    model.settle(step.at);
  }
}

describe('Watermark', () => {
  it('follows offsets that are settled in order', () => {
    const watermark = new Watermark();
    watermark.begin(10);
    expect(watermark.position).to.equal(9);
    expect(watermark.settle(10)).to.equal(true);
    expect(watermark.settle(11)).to.equal(true);
    expect(watermark.settle(11)).to.equal(false);
    expect(watermark.position).to.equal(11);
    expect(watermark.lowestUnsettled).to.equal(12);
    expect(watermark.intervals).to.equal(1);
  });

  it('waits for the lowest unsettled one, then takes all above it in one step', () => {
    const watermark = new Watermark();
    watermark.begin(1);
    for (const offset of [3, 2, 5, 7, 6]) watermark.settle(offset);
    expect(watermark.position).to.equal(0);
    expect(watermark.intervals).to.equal(3);
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((offset) => watermark.has(offset))).to.deep.equal([
      false,
      true,
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
    watermark.settle(1);
    expect(watermark.position).to.equal(3);
    watermark.settle(4);
    expect(watermark.position).to.equal(7);
    expect(watermark.intervals).to.equal(1);
  });

  it('has no position before the begin, and none before offset 0', () => {
    const watermark = new Watermark();
    watermark.settle(5);
    expect(watermark.position).to.equal(undefined);
    expect(watermark.lowestUnsettled).to.equal(undefined);
    expect(watermark.has(5)).to.equal(true);
    expect(watermark.has(4)).to.equal(false);
    watermark.begin(0);
    expect(watermark.position).to.equal(undefined);
    expect(watermark.lowestUnsettled).to.equal(0);
    watermark.skip(0, 4);
    expect(watermark.position).to.equal(5);
  });

  it('raises the position at a later begin, and never lowers it', () => {
    const watermark = new Watermark();
    watermark.begin(10);
    watermark.settle(20);
    watermark.begin(20);
    expect(watermark.position).to.equal(20);
    watermark.begin(3);
    expect(watermark.position).to.equal(20);
    watermark.clear();
    expect(watermark.position).to.equal(undefined);
    expect(watermark.intervals).to.equal(0);
    watermark.begin(3);
    expect(watermark.position).to.equal(2);
  });

  it('does nothing for an empty range, nor for one that is settled', () => {
    const watermark = new Watermark();
    watermark.begin(10);
    watermark.skip(12, 11);
    watermark.skip(1, 9);
    expect(watermark.position).to.equal(9);
    expect(watermark.intervals).to.equal(1);
  });

  it('counts across 2^53, where a number stops being exact', () => {
    const watermark = new Watermark();
    watermark.begin(2 ** 53 - 2);
    expect(watermark.settle(2n ** 53n - 2n)).to.equal(true);
    expect(watermark.settle(2 ** 53 - 1)).to.equal(true);
    expect(watermark.lowestUnsettled).to.equal(2n ** 53n);
    expect(watermark.settle(2n ** 53n + 1n)).to.equal(true);
    expect(watermark.settle(2n ** 53n + 1n)).to.equal(false);
    expect(watermark.settle(2n ** 53n)).to.equal(true);
    expect(watermark.position).to.equal(2n ** 53n + 1n);
  });

  it('reaches the last offset of 64 bits', () => {
    const watermark = new Watermark();
    watermark.begin(2n ** 64n - 1n);
    expect(watermark.settle(2n ** 64n - 1n)).to.equal(true);
    expect(watermark.position).to.equal(2n ** 64n - 1n);
  });

  for (const base of bases) {
    it(`does what a plain set does, from ${base} on`, () => {
      fc.assert(
        fc.property(steps, (list) => {
          const watermark = new Watermark();
          const model = new Model(base);
          for (const step of list) {
            if (step.do === 'settle') {
              const expected = !model.settled.has(step.at);
              expect(watermark.settle(given(base, step.at, step.big))).to.equal(expected);
              model.settle(step.at);
            } else {
              run(watermark, model, base, step);
            }
            const lowest = model.lowest();
            expect(watermark.lowestUnsettled).to.equal(lowest === undefined ? undefined : key(base, lowest));
            expect(watermark.position).to.equal(model.position());
            expect(watermark.intervals).to.equal(model.intervals());
          }
          for (let i = 0; i < span; i++) {
            expect(watermark.has(given(base, i, i % 2 === 0))).to.equal(model.settled.has(i));
          }
        }),
        { numRuns: 300 },
      );
    });
  }

  it('forgets what is settled rather than what is not, when there are too many intervals', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (maxIntervals, list) => {
        const base = 100n;
        const watermark = new Watermark({ maxIntervals });
        const model = new Model(base);
        let position: OffsetKey = -1;
        for (const step of list) {
          run(watermark, model, base, step);
          expect(watermark.intervals).to.be.at.most(maxIntervals);
          for (let i = 0; i < span; i++) {
            if (watermark.has(key(base, i))) expect(model.settled.has(i)).to.equal(true);
          }
          const reached = watermark.position;
          if (reached === undefined) continue;
          expect(reached >= position && reached <= (model.position() as OffsetKey)).to.equal(true);
          position = reached;
        }
        // whatever was forgotten comes again, and then the position arrives
        watermark.begin(base);
        for (let i = 0; i < span; i++) watermark.settle(key(base, i));
        expect(watermark.position).to.equal(key(base, span - 1));
        expect(watermark.intervals).to.equal(1);
      }),
      { numRuns: 300 },
    );
  });

  it('forgets the lowest interval above the position first', () => {
    const watermark = new Watermark({ maxIntervals: 3 });
    watermark.begin(1);
    watermark.settle(1);
    for (const offset of [3, 5, 7]) watermark.settle(offset);
    expect([1, 3, 5, 7].map((offset) => watermark.has(offset))).to.deep.equal([true, false, true, true]);
    expect(watermark.position).to.equal(1);
  });

  it('keeps no memory of a long way behind it', () => {
    const watermark = new Watermark();
    watermark.begin(0);
    // always some settled out of order, as with concurrent work
    for (let at = 0; at < 40_000; at += 4) {
      for (const offset of [at + 2, at + 5, at + 1, at + 3, at]) watermark.settle(offset);
    }
    watermark.settle(40_000);
    const { starts, ends } = watermark as unknown as { starts: unknown[]; ends: unknown[] };
    expect(watermark.intervals).to.equal(1);
    expect(starts.length).to.be.below(200);
    expect(ends.length).to.be.below(200);
  });

  it('stays exact with tens of thousands of intervals', () => {
    const watermark = new Watermark();
    watermark.begin(0);
    for (let at = 1; at < 60_000; at += 2) watermark.settle(at);
    expect(watermark.intervals).to.equal(30_000);
    for (let at = 0; at < 60_000; at += 2) {
      expect(watermark.settle(at)).to.equal(true);
    }
    expect(watermark.position).to.equal(59_999);
    expect(watermark.intervals).to.equal(1);
  });
});

describe('offsetKey, offsetAfter, offsetBefore', () => {
  it('give a number exactly where a number is exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 2n }), (offset) => {
        const at = offsetKey(offset);
        expect(typeof at).to.equal(offset <= BigInt(Number.MAX_SAFE_INTEGER) ? 'number' : 'bigint');
        expect(BigInt(at)).to.equal(offset);
        expect(BigInt(offsetAfter(at))).to.equal(offset + 1n);
        expect(offsetBefore(offsetAfter(at))).to.equal(at);
      }),
    );
    expect(offsetBefore(0)).to.equal(undefined);
    expect(offsetAfter(Number.MAX_SAFE_INTEGER)).to.equal(2n ** 53n);
    expect(offsetBefore(2n ** 53n)).to.equal(Number.MAX_SAFE_INTEGER);
  });
});
