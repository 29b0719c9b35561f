import { expect } from 'chai';
import fc from 'fast-check';
import { OffsetNotFoundError } from '../../lib/core/errors.js';
import { silent } from '../../lib/core/logger.js';
import type { OffsetKey } from '../../lib/core/offset.js';
import { PositionKeeper } from '../../lib/core/position-keeper.js';
import { Track } from '../../lib/core/track.js';
import { Handed, HandClock } from './log-intake-kit.js';

/** Lets promises go on. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a broker keeps of one name, behind a link that can be away. */
class FakeStore {
  readonly stored: bigint[] = [];
  /** Whether what is sent comes to nothing. */
  loses = false;
  /** Calls wait while it is away. */
  private waiting: (() => void)[] | undefined;

  away(): void {
    this.waiting ??= [];
  }

  async back(): Promise<void> {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const go of waiting) go();
    await settled();
  }

  /** What the keeper is given as `store`. */
  readonly put = async (due: () => OffsetKey | undefined): Promise<OffsetKey | undefined> => {
    if (this.waiting !== undefined) await new Promise<void>((resolve) => this.waiting!.push(resolve));
    const position = due();
    if (position === undefined) return undefined;
    if (this.loses) throw new OffsetNotFoundError('nothing is stored');
    await Promise.resolve();
    this.stored.push(BigInt(position));
    return position;
  };
}

/** A keeper of a track on which messages are emitted and settled by number. */
class Bench {
  readonly store = new FakeStore();
  readonly clock = new HandClock();
  readonly stalled: bigint[] = [];
  readonly warnings: unknown[] = [];
  readonly keeper: PositionKeeper;
  track = new Track();
  private readonly out = new Map<number, Handed>();

  constructor({ messages = 10, ms = 1_000 } = {}) {
    this.keeper = new PositionKeeper({
      clock: this.clock,
      log: { ...silent, warn: (...told: unknown[]) => this.warnings.push(told) },
      what: 'me',
      store: this.store.put,
      messages,
      ms,
      stalled: (offset) => this.stalled.push(offset),
    });
  }

  emit(from: number, to = from): void {
    for (let offset = from; offset <= to; offset++) {
      const delivery = new Handed(offset);
      this.track.add(delivery);
      this.out.set(offset, delivery);
    }
  }

  settle(...offsets: number[]): void {
    for (const offset of offsets) {
      const delivery = this.out.get(offset)!;
      delivery.track!.remove(delivery);
      this.keeper.settled(delivery.track!);
    }
  }

  /** Emits and settles them. */
  done(from: number, to = from): void {
    for (let offset = from; offset <= to; offset++) {
      this.emit(offset);
      this.settle(offset);
    }
  }

  async pass(ms: number): Promise<void> {
    this.clock.pass(ms);
    await settled();
  }
}

describe('PositionKeeper', () => {
  it('stores after so many settled messages', async () => {
    const bench = new Bench({ messages: 10 });
    bench.done(0, 8);
    await settled();
    expect(bench.store.stored).to.deep.equal([]);
    bench.done(9);
    await settled();
    expect(bench.store.stored).to.deep.equal([9n]);
    bench.done(10, 28);
    await settled();
    expect(bench.store.stored).to.deep.equal([9n, 19n]);
    expect(bench.keeper.last).to.equal(19);
  });

  it('stores after so many milliseconds, once, and only what has moved', async () => {
    const bench = new Bench({ ms: 1_000 });
    bench.done(0, 2);
    await bench.pass(999);
    expect(bench.store.stored).to.deep.equal([]);
    await bench.pass(1);
    expect(bench.store.stored).to.deep.equal([2n]);
    await bench.pass(10_000);
    expect(bench.store.stored).to.deep.equal([2n]);
    expect(bench.clock.running).to.equal(0);
  });

  it('stores the watermark, not what lies behind what is unsettled', async () => {
    const bench = new Bench();
    bench.emit(5, 8);
    bench.settle(6, 7);
    await bench.pass(1_000);
    expect(bench.store.stored).to.deep.equal([4n]);
    bench.settle(8, 5);
    await bench.pass(1_000);
    expect(bench.store.stored).to.deep.equal([4n, 8n]);
  });

  it('stores nothing while offset 0 is unsettled', async () => {
    const bench = new Bench();
    bench.emit(0, 5);
    bench.settle(1, 2, 3, 4, 5);
    await bench.pass(1_000);
    await bench.keeper.flush(bench.track);
    expect(bench.store.stored).to.deep.equal([]);
  });

  it('stores at the end, without waiting for the time', async () => {
    const bench = new Bench();
    bench.done(0, 2);
    await bench.keeper.flush(bench.track);
    expect(bench.store.stored).to.deep.equal([2n]);
    expect(bench.clock.running).to.equal(0);
    await bench.keeper.flush(bench.track);
    expect(bench.store.stored).to.deep.equal([2n]);
  });

  it('never stores what is lower than what the broker has', async () => {
    const bench = new Bench();
    bench.keeper.begin(50);
    bench.done(40, 49);
    await bench.pass(1_000);
    await bench.keeper.flush(bench.track);
    expect(bench.store.stored).to.deep.equal([]);
    bench.done(50, 51);
    await bench.pass(1_000);
    expect(bench.store.stored).to.deep.equal([51n]);
  });

  it('stores after each message where that is asked for, also when they are settled in one turn', async () => {
    const bench = new Bench({ messages: 1 });
    bench.done(0, 2);
    await settled();
    expect(bench.store.stored.at(-1)).to.equal(2n);
    bench.done(3);
    await settled();
    expect(bench.store.stored.at(-1)).to.equal(3n);
    await bench.pass(1_000);
    expect(bench.clock.running).to.equal(0);
  });

  describe('with the locator away', () => {
    it('stores where it stands when that is back, once', async () => {
      const bench = new Bench({ messages: 2 });
      bench.store.away();
      bench.done(0, 9);
      await bench.pass(5_000);
      bench.done(10);
      expect(bench.store.stored).to.deep.equal([]);
      await bench.store.back();
      expect(bench.store.stored).to.deep.equal([10n]);
      await bench.pass(5_000);
      expect(bench.store.stored).to.deep.equal([10n]);
    });

    it('stores nothing if the track was taken away meanwhile', async () => {
      const bench = new Bench({ messages: 2 });
      bench.store.away();
      bench.done(90, 99);
      bench.track.alive = false;
      bench.keeper.begin(undefined);
      bench.track = new Track();
      bench.done(0);
      await bench.store.back();
      expect(bench.store.stored).to.deep.equal([]);
      await bench.pass(1_000);
      expect(bench.store.stored).to.deep.equal([0n]);
      expect(bench.keeper.last).to.equal(0);
    });

    it('does not go back to where it stood then', async () => {
      const bench = new Bench({ messages: 2 });
      bench.store.away();
      bench.done(0, 1);
      const flushed = bench.keeper.flush(bench.track);
      bench.done(2, 7);
      await bench.store.back();
      await flushed;
      expect(bench.store.stored).to.deep.equal([...bench.store.stored].sort());
      await bench.pass(1_000);
      expect(bench.store.stored.at(-1)).to.equal(7n);
      expect(bench.keeper.last).to.equal(7);
    });
  });

  it('tries again after what the broker did not keep, and says so', async () => {
    const bench = new Bench();
    bench.store.loses = true;
    bench.done(0, 2);
    await bench.pass(1_000);
    expect(bench.warnings).to.have.length(1);
    expect(bench.keeper.last).to.equal(undefined);
    bench.store.loses = false;
    await bench.pass(1_000);
    expect(bench.store.stored).to.deep.equal([2n]);
    expect(bench.clock.running).to.equal(0);
  });

  it('stores at the end what was lost before', async () => {
    const bench = new Bench();
    bench.store.loses = true;
    bench.done(0, 2);
    await bench.pass(1_000);
    bench.store.loses = false;
    await bench.keeper.flush(bench.track);
    expect(bench.store.stored).to.deep.equal([2n]);
  });

  it('rejects at the end where it is not kept', async () => {
    const bench = new Bench();
    bench.store.loses = true;
    bench.done(0);
    const error = await bench.keeper.flush(bench.track).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.have.property('code', 'OFFSET_NOT_FOUND');
    expect(bench.keeper.last).to.equal(undefined);
  });

  it('does nothing, and sets no timer, for a track that is not alive', async () => {
    const bench = new Bench({ messages: 1 });
    bench.emit(0, 3);
    bench.track.alive = false;
    bench.settle(0, 1, 2, 3);
    await bench.keeper.flush(bench.track);
    await settled();
    expect(bench.store.stored).to.deep.equal([]);
    expect(bench.clock.running).to.equal(0);
  });

  it('keeps no timer of a track that was taken away from the one after it', async () => {
    const bench = new Bench({ ms: 1_000 });
    bench.done(90);
    await bench.pass(900);
    bench.track.alive = false;
    bench.keeper.begin(undefined);
    bench.track = new Track();
    bench.done(0, 1);
    await bench.pass(1_000);
    expect(bench.store.stored).to.deep.equal([1n]);
  });

  describe('stalled', () => {
    it('is told once of an offset that stays unsettled while later ones are settled', async () => {
      const bench = new Bench({ ms: 1_000 });
      bench.emit(0, 9);
      bench.settle(0, 1, 3);
      await bench.pass(1_000);
      expect(bench.stalled).to.deep.equal([]);
      bench.settle(4);
      await bench.pass(1_000);
      expect(bench.stalled).to.deep.equal([2n]);
      bench.settle(5);
      await bench.pass(1_000);
      bench.settle(6);
      await bench.pass(1_000);
      expect(bench.stalled).to.deep.equal([2n]);
    });

    it('is told of the next one as well', async () => {
      const bench = new Bench({ ms: 1_000 });
      bench.emit(0, 20);
      for (const offset of [2, 3]) {
        bench.settle(offset);
        await bench.pass(1_000);
      }
      expect(bench.stalled).to.deep.equal([0n]);
      bench.settle(0);
      await bench.pass(1_000);
      bench.settle(5);
      await bench.pass(1_000);
      expect(bench.stalled).to.deep.equal([0n, 1n]);
    });

    it('is not told of what is only slow, nor while nothing is settled', async () => {
      const bench = new Bench({ ms: 1_000 });
      bench.emit(0, 100);
      for (let offset = 0; offset < 50; offset++) {
        bench.settle(offset);
        await bench.pass(1_000);
      }
      await bench.pass(60_000);
      expect(bench.stalled).to.deep.equal([]);
    });

    it('is told also where the count is what stores', async () => {
      const bench = new Bench({ messages: 1, ms: 1_000 });
      bench.emit(0, 9);
      for (const offset of [1, 2, 3]) {
        bench.settle(offset);
        await bench.pass(1_000);
      }
      expect(bench.stalled).to.deep.equal([0n]);
    });
  });

  it('stores in rising order, with all of it at the end, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('settle' as const), at: fc.nat(60) }),
      fc.record({ what: fc.constant('pass' as const), at: fc.nat(1_500) }),
      fc.record({
        what: fc.constantFrom('away' as const, 'back' as const, 'lose' as const, 'flush' as const),
        at: fc.nat(0),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 40 }), async (messages, steps) => {
        const bench = new Bench({ messages, ms: 1_000 });
        bench.emit(1, 60);
        const open = new Set(Array.from({ length: 60 }, (_, n) => n + 1));
        const flushes: Promise<unknown>[] = [];
        for (const { what, at } of steps) {
          if (what === 'settle' && open.delete(at)) bench.settle(at);
          else if (what === 'pass') bench.clock.pass(at);
          else if (what === 'away') bench.store.away();
          else if (what === 'back') await bench.store.back();
          else if (what === 'lose') bench.store.loses = !bench.store.loses;
          else if (what === 'flush') flushes.push(bench.keeper.flush(bench.track).catch(() => undefined));
          const { stored } = bench.store;
          expect(stored.every((each, n) => n === 0 || each >= stored[n - 1]!)).to.equal(true);
          for (const each of stored) for (const unsettled of open) expect(Number(each)).to.be.below(unsettled);
        }
        bench.store.loses = false;
        await bench.store.back();
        await Promise.all(flushes);
        for (const offset of [...open]) bench.settle(offset);
        await bench.keeper.flush(bench.track);
        bench.keeper.stop();
        expect(bench.store.stored.at(-1)).to.equal(60n);
        expect(bench.keeper.last).to.equal(60);
        expect(bench.clock.running).to.equal(0);
      }),
      { numRuns: 60 },
    );
  });
});
