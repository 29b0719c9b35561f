import { expect } from 'chai';
import { checkOptions } from '../../lib/core/check.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { checkFieldCombinations, fieldsShape, headerEntries, keyBytes } from '../../lib/liftbridge/fields.js';

const bytes = new Uint8Array([1, 2]);

function check(fields: object): void {
  checkOptions("publish('s')", fields, fieldsShape);
  checkFieldCombinations("publish('s')", fields);
}

describe('The fields of a message for a Liftbridge stream', () => {
  it('are accepted', () => {
    check({});
    check({ key: '', headers: {}, partition: 0, ackPolicy: 'none', correlationId: 'x', id: 'x', expectedOffset: -1 });
    check({ key: bytes, headers: { a: 'x', b: bytes }, expectedOffset: 2n ** 63n - 1n });
    check({ key: Buffer.from('x'), headers: new Map<string, unknown>([['a', 'x']]), expectedOffset: 0 });
    check({ ackPolicy: 'none', expectedOffset: -1n });
    check({ headers: { Subject: 'x', replyTo: 'y', '': 'z' } });
  });

  const bad: [object, string][] = [
    [{ key: 5 }, 'key must be a string or a Uint8Array'],
    [{ headers: 'x' }, 'headers must be a Map or an object'],
    [{ headers: ['x'] }, 'headers must be a Map or an object'],
    [{ headers: bytes }, 'headers must be a Map or an object'],
    [{ headers: { a: 5 } }, 'headers.a must be a string or a Uint8Array; got a number'],
    [{ headers: { a: undefined } }, 'headers.a must be a string or a Uint8Array; got undefined'],
    [{ headers: new Map([['a', null]]) }, 'headers.a must be a string or a Uint8Array; got null'],
    [{ headers: new Map([[5, 'x']]) }, 'names that are strings'],
    [{ headers: { subject: 'x' } }, "the name 'subject'"],
    [{ headers: new Map([['reply', 'x']]) }, "the name 'reply'"],
    [{ partition: -1 }, 'partition must be'],
    [{ partition: () => 1 }, 'partition must be'],
    [{ ackPolicy: 1 }, 'ackPolicy must be'],
    [{ correlationId: '' }, 'correlationId must be a non-empty string'],
    [{ id: 5n }, 'id must be a non-empty string'],
    [{ id: 'a', correlationId: 'b' }, 'id and correlationId are both given and differ'],
    [{ expectedOffset: -2 }, 'expectedOffset must be'],
    [{ expectedOffset: -2n }, 'expectedOffset must be'],
    [{ expectedOffset: 2 ** 53 }, 'expectedOffset must be'],
    [{ expectedOffset: 2n ** 63n }, 'expectedOffset must be'],
    [{ expectedOffset: 1.5 }, 'expectedOffset must be'],
    [{ expectedOffset: 0, ackPolicy: 'none' }, 'expectedOffset needs an ack'],
    [{ headrs: {} }, "did you mean 'headers'?"],
  ];
  for (const [fields, problem] of bad) {
    it(`are refused: ${problem}`, () => {
      expect(() => {
        check(fields);
      }).to.throw(InvalidOptionError, problem);
    });
  }

  it('become bytes', () => {
    expect(keyBytes(undefined)).to.equal(undefined);
    expect(keyBytes(bytes)).to.equal(bytes);
    expect(keyBytes('ä')).to.deep.equal(new Uint8Array([0xc3, 0xa4]));
    const entries: [string, Uint8Array][] = [
      ['a', new Uint8Array([0x78])],
      ['b', bytes],
    ];
    expect([...headerEntries({ a: 'x', b: bytes })]).to.deep.equal(entries);
    expect([
      ...headerEntries(new Map<string, string | Uint8Array>(Object.entries({ a: 'x', b: bytes }))),
    ]).to.deep.equal(entries);
  });
});
