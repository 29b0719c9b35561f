import { expect } from 'chai';
import fc from 'fast-check';
import { guidText } from '../../../lib/nats-streaming/codec/guid.js';
import { decodePubAck, encodePubAck, readAckCounter } from '../../../lib/nats-streaming/codec/pub-ack.js';
import { ascii, concat, hexBytes, oddView } from './bytes.js';

const prefix = ascii('session.');
const ackOf = (counter: number): Uint8Array => encodePubAck({ guid: guidText('session.', counter) });

describe('nats-streaming codec: readAckCounter', () => {
  it('finds the counter of a generated guid', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.nat()), (counter) => {
        expect(readAckCounter(oddView(ackOf(counter)), prefix)).to.equal(counter);
      }),
    );
    expect(readAckCounter(encodePubAck({ guid: guidText('', 12) }), ascii(''))).to.equal(12);
  });

  it('leaves all else to the slow path', () => {
    const others: readonly (readonly [title: string, bytes: Uint8Array])[] = [
      ['an error', encodePubAck({ guid: guidText('session.', 1), error: 'no' })],
      ['an error of no characters, spelt out', concat(ackOf(1), hexBytes('1200'))],
      ['another prefix', encodePubAck({ guid: guidText('Session.', 1) })],
      ['a guid of the same length', encodePubAck({ guid: 'session.000000000000000x' })],
      ['a sign', encodePubAck({ guid: 'session.-000000000000001' })],
      ['a number that is not exact', encodePubAck({ guid: 'session.9007199254740992' })],
      ['a shorter guid', encodePubAck({ guid: 'session.1' })],
      ['nothing', new Uint8Array(0)],
      ['a cut frame', ackOf(1).slice(0, -1)],
      ['another field', concat(hexBytes('12'), ackOf(1).slice(1))],
    ];
    for (const [title, bytes] of others) expect(readAckCounter(bytes, prefix), title).to.equal(-1);
  });

  it('a prefix that makes the length two bytes is for the slow path', () => {
    for (const length of [111, 112, 200]) {
      const long = 'p'.repeat(length);
      const bytes = encodePubAck({ guid: guidText(long, 5) });
      expect(readAckCounter(bytes, ascii(long))).to.equal(length === 111 ? 5 : -1);
      expect(decodePubAck(bytes)).to.deep.equal({ guid: guidText(long, 5), error: '' });
    }
  });
});
