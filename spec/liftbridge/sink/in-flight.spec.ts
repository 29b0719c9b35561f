import { expect } from 'chai';
import fc from 'fast-check';
import { InFlight } from '../../../lib/liftbridge/sink/in-flight.js';

describe('InFlight', () => {
  it('finds by number, in any order, once', () => {
    const waiting = new InFlight<string>();
    expect(waiting.next).to.equal(1);
    expect(['a', 'b', 'c'].map((item) => waiting.push(item))).to.deep.equal([1, 2, 3]);
    expect(waiting.peek(2)).to.equal('b');
    expect([2, 2, 3, 0, 4, -1, NaN, 1].map((number) => waiting.take(number))).to.deep.equal([
      'b',
      undefined,
      'c',
      undefined,
      undefined,
      undefined,
      undefined,
      'a',
    ]);
    expect([waiting.size, waiting.next]).to.deep.equal([0, 4]);
  });

  it('moves one that waits for long aside, and takes no room for those that came since', () => {
    const waiting = new InFlight<number>();
    const first = waiting.push(-1);
    for (let n = 0; n < 10_000; n++) expect(waiting.take(waiting.push(n))).to.equal(n);
    expect(waiting.size).to.equal(1);
    const seen: number[] = [];
    const last = waiting.push(7);
    waiting.each((number) => seen.push(number));
    expect(seen).to.deep.equal([first, last]);
    expect((waiting as unknown as { items: unknown[] }).items.length).to.be.at.most(128);
    expect(waiting.peek(first)).to.equal(-1);
    expect(waiting.take(first)).to.equal(-1);
    expect(waiting.take(first)).to.equal(undefined);
  });

  it('is a map of numbers that count up', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 400 }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_000 }), (steps) => {
        const waiting = new InFlight<string>();
        const model = new Map<number, string>();
        let next = 1;
        for (const take of steps) {
          if (take === 0) {
            expect(waiting.push(`item ${next}`)).to.equal(next);
            model.set(next, `item ${next}`);
            next++;
          } else {
            const number = next - take;
            expect(waiting.take(number)).to.equal(model.get(number));
            model.delete(number);
          }
          if (waiting.size !== model.size) expect.fail('a wrong size');
        }
        const seen: [number, string][] = [];
        waiting.each((number, item) => {
          seen.push([number, item]);
          if (number % 2 === 0) waiting.take(number);
        });
        expect(seen).to.deep.equal([...model]);
        expect(waiting.size).to.equal([...model.keys()].filter((number) => number % 2 === 1).length);
      }),
      { numRuns: 100 },
    );
  });
});
