import { expect } from 'chai';
import fc from 'fast-check';
import { ProgressMemory } from '../../lib/core/progress.js';
import { Track, type Progress } from '../../lib/core/track.js';
import { Handed } from './log-intake-kit.js';

/** Emits these offsets on a track; gives the deliveries by offset. */
function emit(track: Track, ...offsets: (number | bigint)[]): Map<number | bigint, Handed> {
  return new Map(
    offsets.map((offset) => {
      const delivery = new Handed(offset);
      track.add(delivery);
      return [offset, delivery];
    }),
  );
}

function unsettledOf(track: Track): (number | bigint)[] {
  const offsets = [];
  for (let each = track.oldest; each !== undefined; each = each.newer) offsets.push(each.offsetKey);
  return offsets;
}

describe('Track', () => {
  it('has no position before anything was read, and none while offset 0 is unsettled', () => {
    const track = new Track();
    expect(track.position).to.equal(undefined);
    const { 0: zero } = Object.fromEntries(emit(track, 0));
    expect(track.position).to.equal(undefined);
    track.remove(zero!);
    expect(track.position).to.equal(0);
  });

  it('stands before the earliest that is unsettled, whatever was settled behind it', () => {
    const track = new Track();
    const out = emit(track, 10, 11, 12, 13);
    expect(track.position).to.equal(9);
    track.remove(out.get(12)!);
    track.remove(out.get(13)!);
    expect(track.position).to.equal(9);
    track.remove(out.get(10)!);
    expect(track.position).to.equal(10);
    track.remove(out.get(11)!);
    expect(track.position).to.equal(13);
  });

  it('takes what is skipped as settled, and never goes back for it', () => {
    const track = new Track();
    track.skip(4);
    expect(track.position).to.equal(4);
    track.skip(2);
    expect(track.position).to.equal(4);
    const out = emit(track, 9);
    track.skip(12);
    expect(track.position).to.equal(8);
    track.remove(out.get(9)!);
    expect(track.position).to.equal(12);
  });

  it('counts across 2^53, where numbers become bigints', () => {
    const track = new Track();
    const out = emit(track, 2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n);
    expect(track.position).to.equal(2 ** 53 - 2);
    track.remove(out.get(2 ** 53 - 1)!);
    expect(track.position).to.equal(2 ** 53 - 1);
    track.remove(out.get(2n ** 53n)!);
    expect(track.position).to.equal(2n ** 53n);
    track.skip(2n ** 53n + 5n);
    track.remove(out.get(2n ** 53n + 1n)!);
    expect(track.position).to.equal(2n ** 53n + 5n);
  });

  it('holds the place of what is replaced, at either end and in the middle', () => {
    const track = new Track();
    const out = emit(track, 0, 1, 2);
    for (const offset of [1, 0, 2]) {
      const copy = out.get(offset)!.again() as Handed;
      track.replace(out.get(offset)!, copy);
      out.set(offset, copy);
      expect(unsettledOf(track)).to.deep.equal([0, 1, 2]);
    }
    track.remove(out.get(1)!);
    track.remove(out.get(2)!);
    expect(unsettledOf(track)).to.deep.equal([0]);
    emit(track, 3);
    expect(unsettledOf(track)).to.deep.equal([0, 3]);
    track.remove(out.get(0)!);
    expect(track.position).to.equal(2);
  });

  it('says of a delivery how often it came again', () => {
    const first = new Handed(1);
    expect(first.redelivered).to.equal(false);
    const second = first.again();
    const third = first.again();
    const ofThird = third.again();
    expect([second, third, ofThird].map(({ redeliveries }) => redeliveries)).to.deep.equal([1, 2, 3]);
    expect(ofThird.redelivered).to.equal(true);
  });

  it('stands where a naive model stands, whatever is emitted, skipped, settled and replaced in whatever order', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ what: fc.constant('emit' as const), at: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('skip' as const), at: fc.nat(3) }) },
      { weight: 4, arbitrary: fc.record({ what: fc.constant('settle' as const), at: fc.nat(200) }) },
      { weight: 2, arbitrary: fc.record({ what: fc.constant('replace' as const), at: fc.nat(200) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.bigInt(0n, 2n ** 64n), (steps, start) => {
        const key = (offset: bigint): number | bigint => (offset < 2n ** 53n ? Number(offset) : offset);
        const track = new Track();
        const open = new Map<bigint, Handed>();
        let last: bigint | undefined;
        let upcoming = start;
        for (const { what, at } of steps) {
          const chosen = [...open.keys()][at % Math.max(open.size, 1)];
          if (what === 'emit') {
            upcoming += BigInt(at);
            const delivery = new Handed(key(upcoming));
            track.add(delivery);
            open.set((last = upcoming++), delivery);
          } else if (what === 'skip') {
            upcoming += BigInt(at);
            track.skip(key((last = upcoming++)));
          } else if (chosen !== undefined && what === 'settle') {
            track.remove(open.get(chosen)!);
            open.delete(chosen);
          } else if (chosen !== undefined) {
            const copy = open.get(chosen)!.again() as Handed;
            track.replace(open.get(chosen)!, copy);
            open.set(chosen, copy);
          }
          const lowest = [...open.keys()].reduce<bigint | undefined>(
            (least, each) => (least === undefined || each < least ? each : least),
            undefined,
          );
          const expected = lowest === undefined ? last : lowest === 0n ? undefined : lowest - 1n;
          expect(track.position).to.equal(expected === undefined ? undefined : key(expected));
          expect(unsettledOf(track).map(BigInt)).to.deep.equal([...open.keys()].sort((a, b) => (a < b ? -1 : 1)));
        }
      }),
      { numRuns: 300 },
    );
  });

  describe('progress', () => {
    it('is nothing for a track that knows nothing', () => {
      expect(new Track().progress()).to.equal(undefined);
    });

    it('tells a successor what was settled, what was not, and where nobody knows', () => {
      const track = new Track();
      const out = emit(track, 0, 1, 2, 3);
      track.remove(out.get(0)!);
      track.remove(out.get(2)!);
      const next = new Track(track.progress());
      expect([0, 1, 2, 3, 4].map((offset) => next.earlier(offset))).to.deep.equal([
        'settled',
        'unsettled',
        'settled',
        'unsettled',
        undefined,
      ]);
    });

    it('counts a released delivery that did not come again as unsettled', () => {
      const track = new Track();
      const out = emit(track, 5, 6);
      track.replace(out.get(5)!, out.get(5)!.again());
      track.remove(out.get(6)!);
      expect(track.progress()).to.deep.equal({ last: 6, unsettled: new Set([5]) });
    });

    it('passes through a subscription that read nothing, and one that read a part', () => {
      const first = new Track();
      const out = emit(first, 0, 1, 2, 3, 4, 5);
      for (const offset of [0, 2, 5]) first.remove(out.get(offset)!);
      const nothing = new Track(first.progress());
      expect(nothing.progress()).to.deep.equal({ last: 5, unsettled: new Set([1, 3, 4]) });

      // the third reads up to 3, and settles that
      const third = new Track(nothing.progress());
      const again = emit(third, 1);
      third.skip(2);
      const three = new Handed(3);
      third.add(three);
      third.remove(three);
      const known = third.progress();
      expect(known).to.deep.equal({ last: 5, unsettled: new Set([1, 4]) });
      third.remove(again.get(1)!);
      expect(third.progress()).to.deep.equal({ last: 5, unsettled: new Set([4]) });
    });

    it('forgets what its predecessor left when it has come past that', () => {
      const first = new Track();
      emit(first, 0, 1);
      const next = new Track(first.progress());
      // retention has removed both
      expect(next.earlier(7)).to.equal(undefined);
      emit(next, 7);
      expect(next.progress()).to.deep.equal({ last: 7, unsettled: new Set([7]) });
    });

    it('keeps what is known of a chain of subscriptions as a naive model does', () => {
      // each subscription begins after the watermark, emits what is not settled, and settles some of what it emitted
      const subscription = fc.record({ reads: fc.nat(12), settles: fc.array(fc.nat(30), { maxLength: 12 }) });
      fc.assert(
        fc.property(fc.array(subscription, { minLength: 3, maxLength: 6 }), (subscriptions) => {
          const settled = new Set<number>();
          const emitted = new Set<number>();
          let known: Progress | undefined;
          for (const { reads, settles } of subscriptions) {
            const track = new Track(known);
            const open = new Map<number, Handed>();
            let from = 0;
            while (settled.has(from)) from++;
            for (let offset = from; offset < from + reads; offset++) {
              const earlier = track.earlier(offset);
              const expected = settled.has(offset) ? 'settled' : emitted.has(offset) ? 'unsettled' : undefined;
              expect(earlier).to.equal(expected);
              if (earlier === 'settled') {
                track.skip(offset);
                continue;
              }
              const delivery = new Handed(offset);
              track.add(delivery);
              emitted.add(offset);
              open.set(offset, delivery);
            }
            for (const each of settles) {
              const offset = [...open.keys()][each % Math.max(open.size, 1)];
              if (offset === undefined) continue;
              track.remove(open.get(offset)!);
              open.delete(offset);
              settled.add(offset);
            }
            known = track.progress();
          }
        }),
        { numRuns: 500 },
      );
    });
  });
});

describe('ProgressMemory', () => {
  const progress = (last: number): Progress => ({ last, unsettled: new Set() });

  it('keeps what is known by log and name, and forgets on demand', () => {
    const memory = new ProgressMemory();
    memory.remember('s', 'd', progress(1));
    memory.remember('s', 'e', progress(2));
    memory.remember('t', 'd', progress(3));
    expect(memory.recall('s', 'd')?.last).to.equal(1);
    memory.remember('s', 'd', undefined);
    expect(memory.recall('s', 'd')).to.equal(undefined);
    expect(memory.recall('s', 'e')?.last).to.equal(2);
    expect(memory.recall('t', 'd')?.last).to.equal(3);
  });

  it('forgets the one that was remembered longest ago beyond 1024', () => {
    const memory = new ProgressMemory();
    for (let n = 0; n < 1024; n++) memory.remember('s', `d${n}`, progress(n));
    memory.remember('s', 'd0', progress(7));
    memory.remember('s', 'one more', progress(8));
    expect(memory.recall('s', 'd0')?.last).to.equal(7);
    expect(memory.recall('s', 'd1')).to.equal(undefined);
    expect(memory.recall('s', 'd2')?.last).to.equal(2);
  });
});
