import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import { hexBytes, oddView } from './bytes.js';
import { responses } from './responses-table.js';

describe('liftbridge codec: malformed messages', () => {
  const malformed: readonly (readonly [title: string, hex: string, words: string])[] = [
    ['a field number without an end', '80', 'ends inside a varint'],
    ['a varint without an end', 'f80180', 'ends inside a varint'],
    ['a varint of 11 bytes', 'f801ffffffffffffffffffff01', 'more than 64 bits'],
    ['a varint of 65 bits', 'f801ffffffffffffffffff02', 'more than 64 bits'],
    ['a length without an end', 'fa01ff', 'ends inside a varint'],
    ['a length beyond the end', 'fa0103aabb', 'longer than the rest'],
    ['a length of 31 bits', 'fa01ffffffff07', 'longer than the rest'],
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
  for (const { name, decode } of responses) {
    it(name, () => {
      for (const [title, hex, words] of malformed) {
        for (const bytes of [hexBytes(hex), oddView(hexBytes(hex))]) {
          expect(() => decode(bytes), title)
            .to.throw(ProtocolError, words)
            .with.property('broker', 'liftbridge');
        }
      }
    });
  }

  it('a known field of another wire type', () => {
    for (const { name, decode } of responses.filter(
      ({ type }) => !/^(Create|Delete|Pause|Set|Leave|Report)/.test(type),
    )) {
      expect(() => decode(hexBytes('0d00000000')), name).to.throw(ProtocolError, 'wire type 5');
    }
  });

  it('the error says what was read, where, and what to do', () => {
    const { decode } = responses.find(({ name }) => name === 'PublishToSubjectResponse')!;
    expect(() => decode(hexBytes('0a040a0173')))
      .to.throw(
        ProtocolError,
        'cannot read a Liftbridge PublishToSubjectResponse: a field is longer than the rest of it, at byte 1',
      )
      .with.deep.property('detail', { frame: 'PublishToSubjectResponse', at: 1 });
    expect(() => decode(hexBytes('0a030a0273'))).to.throw(ProtocolError, 'cannot read a Liftbridge Ack');
  });
});
