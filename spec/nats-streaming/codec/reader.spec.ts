import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { Reader } from '../../../lib/core/wire/reader.js';
import { frameOf } from '../../../lib/nats-streaming/codec/malformed.js';
import { hexBytes, oddView } from './bytes.js';
import { rows } from './messages.js';

/** Reads one field as an unsigned number. */
function unsigned(hex: string): number | bigint {
  const reader = new Reader(oddView(hexBytes(hex)), frameOf('Frame'));
  expect(reader.next()).to.equal(1);
  const value = reader.unsigned();
  expect(reader.next()).to.equal(0);
  return value;
}

describe('nats-streaming codec: malformed frames', () => {
  const malformed: readonly (readonly [title: string, hex: string, words: string])[] = [
    ['a field number without an end', '80', 'ends inside a varint'],
    ['a varint without an end', 'f80180', 'ends inside a varint'],
    ['a varint of 11 bytes', 'f801ffffffffffffffffffff01', 'more than 64 bits'],
    ['a varint of 65 bits', 'f801ffffffffffffffffff02', 'more than 64 bits'],
    ['a length without an end', 'fa01ff', 'ends inside a varint'],
    ['a length beyond the end', 'fa0103aabb', 'longer than the rest'],
    ['a length of more than 32 bits', 'fa01808080808001', 'longer than the rest'],
    ['a length of 64 bits', 'fa01ffffffffffffffffff01', 'longer than the rest'],
    ['4 of 8 bytes', 'f90100000000', 'ends inside a field'],
    ['3 of 4 bytes', 'fd01000000', 'ends inside a field'],
    ['the start of a group', 'fb01', 'wire type 3'],
    ['the end of a group', 'fc01', 'wire type 4'],
    ['wire type 6', 'fe01', 'wire type 6'],
    ['wire type 7', 'ff01', 'wire type 7'],
    ['field number 0', '0001', 'number 0'],
    ['field number 0 as text', '020161', 'number 0'],
    ['a field number of more than 32 bits', '888080808001', 'too large'],
  ];
  for (const { name, decode } of rows) {
    it(name, () => {
      for (const [title, hex, words] of malformed) {
        for (const bytes of [hexBytes(hex), oddView(hexBytes(hex))]) {
          expect(() => decode(bytes), title)
            .to.throw(ProtocolError, words)
            .with.property('broker', 'nats-streaming');
        }
      }
    });
  }

  it('a known field of another wire type', () => {
    for (const { name, encode, decode, examples } of rows) {
      const frames = fc.sample(examples, { numRuns: 50, seed: 1 }).map(encode);
      // each begins with a field of the message; it becomes one of 4 bytes
      for (const tag of new Set(frames.filter((frame) => frame.length > 0).map((frame) => frame[0]!))) {
        const bytes = Uint8Array.of((tag & ~7) | 5, 0, 0, 0, 0);
        expect(() => decode(bytes), name).to.throw(ProtocolError, 'wire type 5');
      }
    }
  });

  it('the error says which message, how long, where, and what to do', () => {
    const { decode } = rows.find(({ name }) => name === 'PubAck')!;
    expect(() => decode(hexBytes('0a036731')))
      .to.throw(ProtocolError, 'cannot read a PubAck of 4 bytes: a field is longer than the rest of it, at byte 1')
      .with.deep.property('detail', { frame: 'PubAck', at: 1, bytes: 4 });
  });
});

describe('nats-streaming codec: varints', () => {
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
