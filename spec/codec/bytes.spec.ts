import { createContext, runInContext } from 'node:vm';

import { expect } from 'chai';

import { bytes } from '../../lib/codec/bytes.js';
import { DecodeError } from '../../lib/core/errors.js';

const info = { channel: 'orders', headers: new Map() };

describe('bytes', () => {
  it('gives the very bytes, both ways', () => {
    for (const value of [new Uint8Array(), Uint8Array.of(1, 2), Buffer.from('x')]) {
      expect(bytes.encode(value)).to.equal(value);
      expect(bytes.decode(value, info)).to.equal(value);
    }
  });

  it('takes the bytes of another realm', () => {
    const other = runInContext('Uint8Array.of(1, 2)', createContext()) as Uint8Array;
    expect(other).not.to.be.instanceOf(Uint8Array);
    expect(bytes.encode(other)).to.equal(other);
  });

  it('refuses everything else, and says what it got', () => {
    const refused: [unknown, string][] = [
      ['text', 'got a string'],
      [undefined, 'got undefined'],
      [null, 'got null'],
      [5, 'got a number'],
      [[1, 2], 'got Array'],
      [{}, 'got Object'],
      [new ArrayBuffer(2), 'got ArrayBuffer'],
      [new Uint16Array(2), 'got Uint16Array'],
      [new DataView(new ArrayBuffer(2)), 'got DataView'],
    ];
    for (const [value, words] of refused) {
      expect(() => bytes.encode(value as Uint8Array)).to.throw(DecodeError, words);
    }
  });
});
