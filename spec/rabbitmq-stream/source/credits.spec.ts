import { expect } from 'chai';
import fc from 'fast-check';
import { Credits } from '../../../lib/rabbitmq-stream/source/credits.js';

const mebibyte = 2 ** 20;

/** Credits against a broker that sends as many chunks as it may, and a reader that takes its time. */
class Bench {
  readonly credits = new Credits();
  /** What the broker may send. */
  out: number;
  /** What came and was not read. */
  readonly waiting: number[] = [];
  frames = 0;

  constructor(initial = 1) {
    this.out = initial;
    this.credits.begin(initial);
    this.grant();
  }

  grant(): void {
    const due = this.credits.due(this.waiting.length);
    expect(due).to.be.at.least(0);
    if (due > 0) this.frames++;
    this.out += due;
  }

  /** The broker sends so many chunks, if it may. Gives how many came. */
  send(size: number, count = Infinity): number {
    let sent = 0;
    for (; this.out > 0 && sent < count; sent++) {
      this.out--;
      this.waiting.push(size);
      this.credits.arrived(size);
    }
    this.grant();
    return sent;
  }

  read(count = 1): void {
    for (; count > 0 && this.waiting.length > 0; count--) {
      this.waiting.shift();
      this.grant();
    }
  }
}

describe('Credits', () => {
  it('asks for a second chunk at once, so that one travels while the other is read', () => {
    expect(new Bench().out).to.equal(2);
  });

  it('holds two large chunks at most, and asks for one as soon as one was read', () => {
    for (const size of [mebibyte / 2, mebibyte, 12 * mebibyte]) {
      const bench = new Bench();
      bench.send(size);
      bench.send(size);
      expect([bench.waiting.length, bench.out]).to.deep.equal([2, 0]);
      bench.read();
      expect([bench.waiting.length, bench.out]).to.deep.equal([1, 1]);
      bench.read();
      expect([bench.waiting.length, bench.out]).to.deep.equal([0, 2]);
    }
  });

  it('asks for many small chunks, in few frames', () => {
    const bench = new Bench();
    for (let n = 0; n < 1_000; n++) {
      bench.send(100, 1);
      bench.read();
    }
    expect(bench.out).to.be.within(8, 16);
    const before = bench.frames;
    for (let n = 0; n < 3_200; n++) {
      bench.send(100, 1);
      bench.read();
    }
    expect(bench.frames - before).to.be.at.most(400);
  });

  it('remembers a large chunk for a while, and not for ever', () => {
    const bench = new Bench();
    for (let n = 0; n < 200; n++) {
      bench.send(100, 1);
      bench.read();
    }
    bench.send(mebibyte, 1);
    bench.read();
    // those that are out already come whatever size they have
    for (let n = 0; n < 64; n++) {
      bench.send(mebibyte, 1);
      bench.read();
    }
    expect(bench.out).to.be.at.most(2);
    bench.send(1_000, 1);
    bench.read();
    expect(bench.out).to.be.at.most(2);
    for (let n = 0; n < 200; n++) {
      bench.send(1_000, 1);
      bench.read();
    }
    expect(bench.out).to.be.within(8, 16);
  });

  it('begins anew with a new subscription, for which nothing is out', () => {
    const bench = new Bench();
    bench.send(mebibyte);
    bench.credits.begin(1);
    expect(bench.credits.due(0)).to.equal(1);
  });

  it('never holds more than it may, and never leaves the broker without credit while nothing waits', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 13 * mebibyte }));
    const step = fc.oneof(
      fc.record({ what: fc.constant('send' as const), size, count: fc.integer({ min: 1, max: 70 }) }),
      fc.record({ what: fc.constant('read' as const), size, count: fc.integer({ min: 1, max: 70 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const bench = new Bench();
        for (const { what, size: bytes, count } of steps) {
          if (what === 'send') bench.send(bytes, count);
          else bench.read(count);
          expect(bench.waiting.length + bench.out).to.be.at.most(64);
          if (bench.waiting.length === 0) expect(bench.out).to.be.at.least(1);
        }
        // a reader that goes on gets everything, however the sizes change
        for (let n = 0; n < 100; n++) {
          bench.read(1);
          bench.read(bench.waiting.length);
          expect(bench.send(1, 1)).to.equal(1);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('of one size never asks for more than 1 MiB of them, or two', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 * mebibyte }),
        fc.array(fc.boolean(), { maxLength: 300 }),
        (size, reads) => {
          const bench = new Bench();
          for (const reading of reads) {
            bench.send(size);
            if (reading) bench.read();
            expect((bench.waiting.length + bench.out) * size).to.be.at.most(Math.max(mebibyte, 2 * size));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
