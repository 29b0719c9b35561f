import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { encodeEnvelope, openAck, openEnvelope } from '../../../lib/liftbridge/codec/envelope.js';
import { bytes, headers, int64, maybe, record, text } from './arbitraries.js';
import { concat, hexBytes, oddView, utf8 } from './bytes.js';
import { theirDecode } from './oracle.js';

const message = record({
  key: maybe(bytes),
  value: maybe(bytes),
  headers: maybe(headers),
  ackInbox: maybe(text),
  correlationId: maybe(text),
  ackPolicy: maybe(fc.nat(2)),
  expectedOffset: maybe(int64),
});

describe('liftbridge codec: envelopes', () => {
  it('are opened as they were made, with and without a CRC', () => {
    fc.assert(
      fc.property(message, fc.boolean(), (given, crc) => {
        const opened = openEnvelope(oddView(encodeEnvelope(given, { crc })));
        if (opened.kind !== 'publish') throw new Error(`it is ${opened.kind}`);
        const { expectedOffset, ...rest } = opened.message;
        expect(BigInt(expectedOffset)).to.equal(given.expectedOffset ?? -1n);
        expect(rest).to.deep.equal({
          key: given.key?.length === 0 ? undefined : given.key,
          value: given.value ?? new Uint8Array(0),
          headers: given.headers ?? new Map(),
          ackInbox: given.ackInbox ?? '',
          correlationId: given.correlationId ?? '',
          ackPolicy: given.ackPolicy ?? 0,
        });
      }),
    );
  });

  it('hold a Message', () => {
    const envelope = encodeEnvelope({ value: utf8('hi'), correlationId: 'c' }, { crc: true });
    expect(theirDecode('Message', envelope.subarray(12))).to.include({ offset: -1n, correlationId: 'c' });
  });

  it('with a CRC, a bit that is not as it was is noticed', () => {
    const envelope = encodeEnvelope({ key: utf8('key'), value: utf8('hello') }, { crc: true });
    for (let bit = 8 * 8; bit < envelope.length * 8; bit++) {
      const changed = envelope.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const opened = openEnvelope(changed);
      expect(opened.kind, `bit ${String(bit)}`).to.equal('malformed');
    }
  });

  it('each beginning of one is plain, malformed or valid', () => {
    for (const crc of [false, true]) {
      const envelope = encodeEnvelope({ key: utf8('key'), value: utf8('hello'), ackInbox: 'acks' }, { crc });
      for (let length = 0; length < envelope.length; length++) {
        const { kind } = openEnvelope(oddView(envelope.subarray(0, length)));
        const allowed = length < 4 ? ['plain'] : length < 8 || crc ? ['malformed'] : ['malformed', 'publish'];
        expect(allowed, `${String(length)} bytes`).to.include(kind);
        expect(() => openAck(envelope.subarray(0, length))).to.throw(ProtocolError);
      }
    }
  });

  const head = 'b90e43b4';
  const payload = '1a026869';
  const outcomes: readonly (readonly [title: string, hex: string, kind: string, words?: string])[] = [
    ['nothing', '', 'plain'],
    ['text', '68656c6c6f20776f726c64', 'plain'],
    ['three of the four first bytes', 'b90e43', 'plain'],
    ['the first bytes alone', head, 'malformed', 'ends inside its head'],
    ['a head that is cut off', `${head}000800`, 'malformed', 'ends inside its head'],
    ['a head of 7 bytes', `${head}00070000${payload}`, 'malformed', '7 bytes'],
    ['a head of no bytes', `${head}00000000${payload}`, 'malformed', '0 bytes'],
    ['a head that is one byte too long', `${head}000d0000${payload}`, 'malformed', '13 bytes'],
    ['a head as long as all of it', `${head}000c0000${payload}`, 'publish'],
    ['a longer head without a CRC', `${head}000a0000ffff${payload}`, 'publish'],
    ['flags that are not known', `${head}0008fe00${payload}`, 'publish'],
    ['a CRC in a head of 8 bytes', `${head}00080100${payload}`, 'malformed', '8 bytes'],
    ['a CRC in a head of 13 bytes', `${head}000d0100000000000000`, 'malformed', '13 bytes'],
    ['a CRC that is cut off', `${head}000c0100a3b346`, 'malformed', '12 bytes'],
    ['what servers say to each other', `${head}00080002${payload}`, 'internal'],
    ['a payload that is no protobuf', `${head}00080000ff`, 'malformed', 'varint'],
    ['an ack that is no protobuf', `${head}000800011a05`, 'malformed', 'longer than the rest'],
  ];
  for (const [title, hex, kind, words] of outcomes) {
    it(`${title}: ${kind}`, () => {
      const opened = openEnvelope(oddView(hexBytes(hex)));
      expect(opened.kind).to.equal(kind);
      if (opened.kind === 'malformed') {
        expect(opened.error).to.be.instanceOf(ProtocolError);
        expect(opened.error).to.include({ broker: 'liftbridge' });
        expect(opened.error.message).to.include(words);
      }
    });
  }

  it('where an ack is due, anything else is a ProtocolError', () => {
    expect(() => openAck(utf8('hello'))).to.throw(ProtocolError, 'no envelope');
    expect(() => openAck(encodeEnvelope({ value: utf8('hi') }))).to.throw(ProtocolError, 'publish');
    expect(() => openAck(concat(hexBytes(`${head}00080003`)))).to.throw(ProtocolError, 'internal');
  });
});
