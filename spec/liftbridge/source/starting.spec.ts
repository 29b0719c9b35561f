import { expect } from 'chai';
import fc from 'fast-check';
import type { OffsetKey } from '../../../lib/core/offset.js';
import { earliest, fromAgo, fromOffset, fromTime, latest, newOnly, type Start } from '../../../lib/core/starts.js';
import { startPositions } from '../../../lib/liftbridge/codec/enums.js';
import type { Place } from '../../../lib/liftbridge/source/peek.js';
import { beginning, type Beginning } from '../../../lib/liftbridge/source/starting.js';

const now = 1_000_000;

/** A partition by the times of its messages, in ms by offset; what is not there was compacted or removed. */
class FakePartition {
  peeks = 0;

  constructor(private readonly times: ReadonlyMap<number, number>) {}

  begin(start: Start): Promise<Beginning> {
    const newest = this.times.size === 0 ? undefined : Math.max(...this.times.keys());
    const tail = { newest, highWatermark: newest, latest: 0n, created: 1n };
    return beginning(start, { tail, peek: (offset) => this.peek(offset) }, now);
  }

  /** What a source gets that begins so: the offsets of what is there. */
  read({ position, from, since }: Beginning): number[] {
    const first = position.startPosition === startPositions.earliest ? 0 : Number(position.startOffset);
    return [...this.times]
      .filter(([offset, time]) => {
        if (offset < first || (from !== undefined && offset < from)) return false;
        return since === undefined || BigInt(Math.round(time * 1e6)) >= since;
      })
      .map(([offset]) => offset)
      .sort((a, b) => a - b);
  }

  private async peek(offset: OffsetKey): Promise<Place> {
    await Promise.resolve();
    this.peeks++;
    const found = [...this.times.keys()].filter((each) => each >= offset).sort((a, b) => a - b)[0];
    if (found === undefined) throw new Error(`nothing lies at ${offset} or behind it`);
    return { offset: found, timestamp: BigInt(Math.round(this.times.get(found)! * 1e6)) };
  }
}

const three = new FakePartition(
  new Map([
    [0, 100],
    [1, 200],
    [2, 300],
  ]),
);
const empty = new FakePartition(new Map());

/** What the broker is asked for: an offset, or everything. */
async function asked(partition: FakePartition, start: Start): Promise<unknown> {
  const { position } = await partition.begin(start);
  return position.startPosition === startPositions.earliest ? 'earliest' : position.startOffset;
}

describe('liftbridge: where a source begins', () => {
  for (const [name, start, full, none] of [
    ['earliest', earliest(), 'earliest', 'earliest'],
    ['latest', latest(), 2, 0],
    ['newOnly', newOnly(), 3, 0],
    ['fromOffset', fromOffset(1), 1, 1],
    ['fromAgo(0)', fromAgo(0), 3, 0],
  ] as const) {
    it(`${name} is told as an offset, so that it means the same when it is asked again`, async () => {
      expect(await asked(three, start)).to.equal(full);
      expect(await asked(empty, start)).to.equal(none);
    });
  }

  it('fromTime begins with the first message of that time or later', async () => {
    expect(three.read(await three.begin(fromTime(200)))).to.deep.equal([1, 2]);
    expect(three.read(await three.begin(fromTime(200.5)))).to.deep.equal([2]);
    expect(three.read(await three.begin(fromTime(0)))).to.deep.equal([0, 1, 2]);
    expect(three.read(await three.begin(fromAgo(now - 300)))).to.deep.equal([2]);
  });

  it('fromTime of a time to come passes over what is stored before it', async () => {
    const { position, from, since } = await three.begin(fromTime(400));
    expect([position.startOffset, from, since]).to.deep.equal([3, 3, 400_000_000n]);
    expect((await empty.begin(fromTime(400))).since).to.equal(400_000_000n);
  });

  it('finds the place of any time in any log with holes, in few looks', async () => {
    const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 50 }), ms: fc.integer({ min: 0, max: 20 }) }), {
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 0, max: 1_300 }), async (log, time) => {
        const times = new Map<number, number>();
        let [offset, at] = [-1, 0];
        for (const { gap, ms } of log) times.set((offset += gap), (at += ms));
        const partition = new FakePartition(times);
        const wanted = [...times].filter(([, each]) => each >= time).map(([each]) => each);
        const found = await partition.begin(fromTime(time));
        // without what is passed over by its time, so that nothing but the offset counts
        expect(partition.read({ ...found, since: undefined })).to.deep.equal(wanted);
        expect(partition.peeks).to.be.at.most(2 + Math.ceil(Math.log2(offset + 2)));
      }),
      { numRuns: 500 },
    );
  });
});
