import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import type { Frame } from '../../../lib/core/wire/frame.js';
import { Reader } from '../../../lib/core/wire/reader.js';
import { hexBytes, oddView } from '../../liftbridge/codec/bytes.js';
import { malformedFields } from './malformed-fields.js';

const frame: Frame = {
  name: 'Frame',
  malformed: (name, at, problem, bytes) => new ProtocolError(`${name} of ${bytes.length}: ${problem}, at ${at}`),
};

/** Reads one field as an unsigned number. */
function unsigned(hex: string): number | bigint {
  const reader = new Reader(oddView(hexBytes(hex)), frame);
  expect(reader.next()).to.equal(1);
  const value = reader.unsigned();
  expect(reader.next()).to.equal(0);
  return value;
}

describe('core/wire/reader', () => {
  for (const [title, hex, words] of malformedFields) {
    it(`refuses ${title}`, () => {
      for (const bytes of [hexBytes(hex), oddView(hexBytes(hex))]) {
        const reader = new Reader(bytes, frame);
        expect(() => {
          while (reader.next() !== 0) reader.skip();
        }).to.throw(ProtocolError, words);
      }
    });
  }

  it('does not read beyond the message that it is given a part of', () => {
    const bytes = hexBytes('0a0461626364');
    expect(() => {
      const reader = new Reader(bytes, frame, 0, 5);
      reader.next();
      reader.string();
    }).to.throw(ProtocolError, 'Frame of 6: a field is longer than the rest of it, at 1');
  });

  it('lets the error name the message in the message', () => {
    const reader = new Reader(hexBytes('0a020801'), frame);
    reader.next();
    const inner = reader.message({ ...frame, name: 'Inner' });
    inner.next();
    expect(() => inner.string()).to.throw(ProtocolError, 'Inner of 4: a field has the wire type 0, at 3');
  });
});

describe('core/wire/reader: varints', () => {
  it('are numbers where that is exact', () => {
    expect(unsigned('0800')).to.equal(0);
    expect(unsigned('087f')).to.equal(127);
    expect(unsigned('08ac02')).to.equal(300);
    expect(unsigned('08ffffffff0f')).to.equal(2 ** 32 - 1);
    expect(unsigned('08ffffffffffffff0f')).to.equal(Number.MAX_SAFE_INTEGER);
  });

  it('are bigints elsewhere', () => {
    expect(unsigned('088080808080808010')).to.equal(2n ** 53n);
    expect(unsigned('08ffffffffffffffffff01')).to.equal(2n ** 64n - 1n);
  });

  it('may be longer than they need be', () => {
    expect(unsigned('0881808080808080808000')).to.equal(1);
  });
});
