import { expect } from 'chai';
import fc from 'fast-check';

import { idAfter, Pending, publishingId } from '../../../lib/rabbitmq-stream/sink/pending.js';

describe('Pending', () => {
  it('gives each item once, by its id', () => {
    const pending = new Pending<string>();
    pending.push(5, 'a');
    pending.push(6, 'b');
    expect(pending.take(6)).to.equal('b');
    expect(pending.take(6)).to.equal(undefined);
    expect(pending.take(4)).to.equal(undefined);
    expect(pending.take(7)).to.equal(undefined);
    expect(pending.firstId).to.equal(5);
    expect(pending.take(5)).to.equal('a');
    expect(pending.size).to.equal(0);
    expect(pending.span).to.equal(0);
    expect(pending.firstId).to.equal(undefined);
  });

  it('finds ids with gaps, and beyond what a number can hold', () => {
    const pending = new Pending<string>();
    const ids = [0, 3, 1000, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n];
    for (const id of ids) pending.push(id, `at ${id}`);
    expect(pending.take(2)).to.equal(undefined);
    expect(pending.take(2n ** 54n)).to.equal(undefined);
    for (const id of ids.toReversed()) expect(pending.take(id)).to.equal(`at ${id}`);
    expect(pending.size).to.equal(0);
  });

  it('is a map in the order of the ids, whatever is taken when', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ push: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 500 })) }),
        fc.record({ take: fc.nat({ max: 400 }) }),
        fc.record({ takeOldest: fc.nat({ max: 3 }) }),
      ),
      { maxLength: 600 },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 2 ** 53 - 200), (todo, first) => {
        const pending = new Pending<bigint>();
        const model = new Map<bigint, bigint>();
        let last = BigInt(first);
        const start = last;
        for (const step of todo) {
          if ('push' in step) {
            last += BigInt(step.push);
            pending.push(publishingId(last), last);
            model.set(last, last);
          } else {
            const ids = [...model.keys()];
            const id = 'take' in step ? start + BigInt(step.take) : (ids[step.takeOldest] ?? 0n);
            expect(pending.take(publishingId(id))).to.equal(model.get(id));
            model.delete(id);
          }
          expect(pending.size).to.equal(model.size);
        }
        const seen: bigint[] = [];
        pending.each((id, item) => {
          expect(BigInt(id)).to.equal(item);
          seen.push(item);
        });
        expect(seen).to.deep.equal([...model.keys()]);
        expect(pending.clear().map(({ item }) => item)).to.deep.equal(seen);
        expect(pending.size).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it('takes what it sees while it goes through all', () => {
    const pending = new Pending<number>();
    for (let id = 1; id <= 200; id++) pending.push(id, id);
    const seen: number[] = [];
    pending.each((id, item) => {
      seen.push(item);
      pending.take(id);
    });
    expect(seen).to.have.length(200);
    expect(pending.size).to.equal(0);
  });

  it('counts on past the safe integers', () => {
    expect(idAfter(1)).to.equal(2);
    expect(idAfter(Number.MAX_SAFE_INTEGER)).to.equal(2n ** 53n);
    expect(idAfter(2n ** 53n)).to.equal(2n ** 53n + 1n);
    expect(publishingId(7n)).to.equal(7);
    expect(publishingId(2n ** 53n)).to.equal(2n ** 53n);
  });
});
