import { expect } from 'chai';
import fc from 'fast-check';

import { text } from '../../lib/codec/text.js';
import { DecodeError } from '../../lib/core/errors.js';

const info = { channel: 'orders', headers: new Map() };

describe('text', () => {
  it('gives back what it took', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (value) => {
        fc.pre(Buffer.from(value).toString() === value);
        expect(text.decode(text.encode(value), info)).to.equal(value);
      }),
    );
    for (const value of ['', '\u{feff}mark', 'grüße', '🌊', '\0']) {
      expect(text.decode(text.encode(value), info)).to.equal(value);
    }
  });

  it('reads bytes in the middle of a larger buffer', () => {
    const whole = new TextEncoder().encode('xxhelloxx');
    expect(text.decode(whole.subarray(2, 7), info)).to.equal('hello');
  });

  it('refuses bytes that are not UTF-8, and reads the next ones', () => {
    for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x8c]]) {
      expect(() => text.decode(Uint8Array.from(bad), info)).to.throw(DecodeError, 'the bytes are not UTF-8');
      expect(text.decode(Uint8Array.of(0x61), info)).to.equal('a');
    }
  });

  it('refuses half of a surrogate pair', () => {
    for (const bad of ['\ud83c', 'a\udf0a', '\udf0a\ud83c']) {
      expect(() => text.encode(bad)).to.throw(DecodeError, 'half of a surrogate pair');
    }
  });

  it('refuses what is no string', () => {
    for (const [bad, words] of [
      [undefined, 'got undefined'],
      [null, 'got null'],
      [5, 'got a value of type number'],
      [new Uint8Array(), 'got a value of type object'],
    ] as const) {
      expect(() => text.encode(bad as unknown as string)).to.throw(DecodeError, words);
    }
  });
});
