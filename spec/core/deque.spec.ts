import { expect } from 'chai';
import fc from 'fast-check';

import { Deque } from '../../lib/core/deque.js';

describe('Deque', () => {
  it('gives in the order in which it took', () => {
    const queue = new Deque<number>();
    for (let i = 0; i < 100; i++) queue.push(i);
    expect(queue.length).to.equal(100);
    expect(queue.peek()).to.equal(0);
    for (let i = 0; i < 100; i++) expect(queue.shift()).to.equal(i);
    expect(queue.shift()).to.equal(undefined);
    expect(queue.pop()).to.equal(undefined);
    expect(queue.peek()).to.equal(undefined);
    expect(queue.length).to.equal(0);
  });

  it('does what an array does', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), item: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('unshift' as const), item: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('shift' as const), item: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('pop' as const), item: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), item: fc.nat(20) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new Deque<number>();
        const model: number[] = [];
        for (const { do: what, item } of steps) {
          if (what === 'push' || what === 'unshift') {
            queue[what](item);
            model[what](item);
          } else if (what === 'remove') {
            const at = model.indexOf(item);
            expect(queue.remove(item)).to.equal(at >= 0);
            if (at >= 0) model.splice(at, 1);
          } else {
            expect(queue[what]()).to.equal(model[what]());
          }
          expect(queue.length).to.equal(model.length);
          expect(queue.peek()).to.equal(model[0]);
        }
        expect([...queue]).to.deep.equal(model);
        queue.clear();
        expect([...queue]).to.deep.equal([]);
        queue.push(1);
        expect([...queue]).to.deep.equal([1]);
      }),
    );
  });

  it('keeps nothing that was taken, nor the room of a burst', () => {
    const queue = new Deque<object>();
    for (let i = 0; i < 5_000; i++) queue.push({});
    while (queue.length > 1) queue.shift();
    const { ring } = queue as unknown as { ring: unknown[] };
    expect(ring.length).to.be.at.most(1024);
    expect(ring.filter((item) => item !== undefined)).to.have.length(1);
    queue.pop();
    expect(ring.filter((item) => item !== undefined)).to.have.length(0);
  });

  it('keeps nothing that was removed', () => {
    const queue = new Deque<object>();
    const items = [{}, {}, {}];
    for (const item of items) queue.push(item);
    expect(queue.remove(items[1] as object)).to.equal(true);
    expect(queue.remove(items[1] as object)).to.equal(false);
    const { ring } = queue as unknown as { ring: unknown[] };
    expect(ring.filter((item) => item !== undefined)).to.deep.equal([items[0], items[2]]);
  });
});
