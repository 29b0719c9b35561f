import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { malformedFields } from '../../core/wire/malformed-fields.js';
import { hexBytes, oddView } from './bytes.js';
import { rows } from './messages.js';

describe('nats-streaming codec: malformed frames', () => {
  for (const { name, decode } of rows) {
    it(name, () => {
      for (const [title, hex, words] of malformedFields) {
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
