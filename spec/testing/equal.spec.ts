import { expect } from 'chai';
import fc from 'fast-check';
import { equal } from '../../lib/testing/equal.js';
import { show } from '../../lib/testing/show.js';

class Point {
  constructor(
    readonly x: number,
    readonly label?: string,
  ) {}
}

describe('testing: equal', () => {
  it('finds a value equal to its clone', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (value) => {
        expect(equal(value, structuredClone(value))).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });

  it('compares by structure, not by class; undefined is absent', () => {
    expect(equal(new Point(1), { x: 1, label: undefined })).to.equal(true);
    expect(equal({ x: 1 }, new Point(1))).to.equal(true);
    expect(equal(new Point(1), new Point(2))).to.equal(false);
    expect(equal(Buffer.from('ab'), new Uint8Array([97, 98]))).to.equal(true);
    expect(equal(new Error('a'), new Error('a'))).to.equal(true);
  });

  it('tells apart', () => {
    const different: readonly (readonly [unknown, unknown])[] = [
      [1, '1'],
      [1, 1n],
      [0, -0],
      [null, undefined],
      [null, {}],
      [[], {}],
      [{}, []],
      [[1], [1, 2]],
      [{ a: 1 }, { a: 1, b: 2 }],
      [new Date(1), new Date(2)],
      [new Date(1), {}],
      [{}, new Date(1)],
      [new Uint8Array([1]), [1]],
      [{ 0: 1 }, new Uint8Array([1])],
      [new Map([[1, 2]]), new Map([[1, 3]])],
      [new Map([[1, 2]]), new Map([[2, 2]])],
      [new Map(), {}],
      [new Set([1]), new Set([2])],
      [new Set([1]), [1]],
      [new Error('a'), new Error('b')],
      [new RangeError('a'), new Error('a')],
    ];
    for (const [one, other] of different) {
      expect(equal(one, other), `${show(one)} and ${show(other)}`).to.equal(false);
      expect(equal([one], [other])).to.equal(false);
    }
  });

  it('asks the matchers of jest and vitest', () => {
    const anyNumber = { asymmetricMatch: (value: unknown) => typeof value === 'number' };
    expect(equal({ id: 1 }, { id: anyNumber })).to.equal(true);
    expect(equal({ id: '1' }, { id: anyNumber })).to.equal(false);
    expect(equal(undefined, anyNumber)).to.equal(false);
  });

  it('ends where a value holds itself', () => {
    const ring = (n: number): object => {
      const made: Record<string, unknown> = { n };
      made['self'] = made;
      return made;
    };
    expect(equal(ring(1), ring(1))).to.equal(true);
    expect(equal(ring(1), ring(2))).to.equal(false);
  });
});

describe('testing: show', () => {
  it('says values in a few words', () => {
    expect(show('a')).to.equal("'a'");
    expect(show(2n)).to.equal('2n');
    expect(show({ a: [1, null, undefined], b: {} })).to.equal('{ a: [1, null, undefined], b: {} }');
    expect(show(new Map([['k', new Set([1])]]))).to.equal("Map {'k' => Set {1}}");
    expect(show(new Date(0))).to.equal('1970-01-01T00:00:00.000Z');
    expect(show(new Date(NaN))).to.equal('an invalid Date');
    expect(show(new RangeError('no'))).to.equal('RangeError: no');
    expect(show(show)).to.equal('the function show');
    expect(show(new TextEncoder().encode('{"id":1}'))).to.equal(`bytes '{"id":1}'`);
    expect(show(new Uint8Array([0, 255]))).to.equal('bytes 00 ff');
  });

  it('stays short', () => {
    const ring: unknown[] = [];
    ring.push(ring);
    expect(show(ring)).to.equal('[[[[[…]]]]]');
    expect(show(Array.from({ length: 100 }, (_, n) => n))).to.contain('11, … 88 more]');
    expect(show('x'.repeat(1000))).to.have.length(301);
  });
});
