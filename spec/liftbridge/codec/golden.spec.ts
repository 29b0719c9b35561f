import { expect } from 'chai';
import { decodeAck } from '../../../lib/liftbridge/codec/ack.js';
import { encodeSetCursorRequest } from '../../../lib/liftbridge/codec/cursors.js';
import { ackErrors, ackPolicies, startPositions, stopPositions } from '../../../lib/liftbridge/codec/enums.js';
import { encodeEnvelope, openAck, openEnvelope, type EnvelopeMessage } from '../../../lib/liftbridge/codec/envelope.js';
import { grpcHead } from '../../../lib/liftbridge/codec/grpc-frame.js';
import { PublishEncoder } from '../../../lib/liftbridge/codec/publish.js';
import {
  encodeCreateStreamRequest,
  encodePublishRequest,
  encodeSubscribeRequest,
} from '../../../lib/liftbridge/codec/requests.js';
import { hexBytes, oddView, toHex, utf8 } from './bytes.js';

describe('liftbridge codec: bytes of other implementations', () => {
  it('CreateStreamRequest: zero in a wrapper is not the same as no wrapper', () => {
    const request = {
      subject: 'foo',
      name: 's',
      replicationFactor: -1,
      partitions: 3,
      retentionMaxAge: 0,
      compactEnabled: false,
      minIsr: 2,
    };
    expect(toHex(encodeCreateStreamRequest(request))).to.equal(
      '0a03666f6f12017320ffffffffffffffffff01280342006a008201020802',
    );
  });

  it('SubscribeRequest', () => {
    const request = {
      stream: 's',
      partition: 1,
      startPosition: startPositions.offset,
      startOffset: 5,
      resume: true,
      stopPosition: stopPositions.latest,
      reverse: true,
    };
    expect(toHex(encodeSubscribeRequest(request))).to.equal('0a0173100118012005380140026001');
  });

  describe('PublishRequest', () => {
    const hex = '0a016b1201761a017320013a0163400248ffffffffffffffffff01';
    const place = { stream: 's', partition: 1, ackPolicy: ackPolicies.none };
    const message = { key: utf8('k'), value: utf8('v') };

    it('alone', () => {
      expect(toHex(encodePublishRequest({ ...place, ...message, correlationId: 'c' }))).to.equal(hex);
    });

    it('by the encoder of a partition', () => {
      const out = new Uint8Array(100);
      const end = new PublishEncoder(place).write(out, 3, message.value, 'c', message.key);
      expect(toHex(out.subarray(3, end))).to.equal(`00${(hex.length / 2).toString(16).padStart(8, '0')}${hex}`);
      expect(end - 3 - grpcHead).to.equal(hex.length / 2);
    });
  });

  it('a stored position has the fields of the request that stores it', () => {
    const request = { stream: 'cg', partition: 0, cursorId: 'x', offset: 42 };
    expect(toHex(encodeSetCursorRequest(request))).to.equal('0a0263671a0178202a');
  });

  describe('envelopes of messages', () => {
    const full: EnvelopeMessage = {
      key: utf8('key'),
      value: utf8('hello'),
      headers: new Map([['h1', utf8('v1')]]),
      ackInbox: 'acks.1',
      correlationId: 'cid-1',
      ackPolicy: ackPolicies.all,
    };
    const fullHex =
      '08ffffffffffffffffff0112036b65791a0568656c6c6f4a080a02683112027631520661636b732e315a056369642d316001';
    // 0 is not written, as a default
    const hi: EnvelopeMessage = { value: utf8('hi'), expectedOffset: 0 };
    const empty: EnvelopeMessage = { expectedOffset: 0 };
    const vectors: readonly (readonly [title: string, message: EnvelopeMessage, crc: boolean, hex: string])[] = [
      ['a value', hi, false, 'b90e43b4000800001a026869'],
      ['a value, with a CRC', hi, true, 'b90e43b4000c0100a3b346801a026869'],
      ['nothing', empty, false, 'b90e43b400080000'],
      ['nothing, with a CRC', empty, true, 'b90e43b4000c010000000000'],
      ['all that a sender has', full, false, `b90e43b400080000${fullHex}`],
      ['all that a sender has, with a CRC', full, true, `b90e43b4000c0100162c7f8f${fullHex}`],
    ];
    for (const [title, message, crc, hex] of vectors) {
      it(title, () => {
        expect(toHex(encodeEnvelope(message, { crc }))).to.equal(hex);
        expect(openEnvelope(oddView(hexBytes(hex)))).to.deep.equal({
          kind: 'publish',
          message: {
            key: undefined,
            value: new Uint8Array(0),
            headers: new Map(),
            ackInbox: '',
            correlationId: '',
            ackPolicy: 0,
            expectedOffset: -1,
            ...message,
          },
        });
      });
    }
  });

  describe('envelopes of acks', () => {
    const names = { stream: 's', partitionSubject: 's', msgSubject: 's' };
    const stored = {
      ...names,
      offset: 7n,
      ackInbox: 'acks.1',
      correlationId: 'cid-1',
      ackPolicy: ackPolicies.all,
      receptionTimestamp: 1700000000000000001n,
      commitTimestamp: 1700000000000000002n,
      ackError: ackErrors.ok,
    };
    const refused = {
      ...stored,
      offset: 0n,
      ackPolicy: ackPolicies.leader,
      receptionTimestamp: 1n,
      commitTimestamp: 0n,
      ackError: ackErrors.incorrectOffset,
    };
    const vectors = [
      [
        'stored',
        stored,
        '0a01731201731a017320072a0661636b732e3132056369642d313801408180a8b1e39fe7cb17488280a8b1e39fe7cb17',
      ],
      ['refused', refused, '0a01731201731a01732a0661636b732e3132056369642d3140015002'],
    ] as const;
    for (const [title, ack, hex] of vectors) {
      it(title, () => {
        expect(decodeAck(hexBytes(hex))).to.deep.equal(ack);
        const envelope = hexBytes(`b90e43b400080001${hex}`);
        expect(openEnvelope(envelope)).to.deep.equal({ kind: 'ack', ack });
        expect(openAck(oddView(envelope))).to.deep.equal(ack);
      });
    }
  });

  const refusedHeads = [
    ['a wrong CRC', 'b90e43b4000c0100000000011a026869', 'CRC-32C'],
    ['a head that is longer than all of it', 'b90e43b400c80000', 'head'],
    ['another version', 'b90e43b4010800001a026869', 'version 1'],
  ] as const;
  for (const [title, hex, words] of refusedHeads) {
    it(`an envelope with ${title}`, () => {
      expect(openEnvelope(hexBytes(hex))).to.have.property('kind', 'malformed');
      expect(() => openAck(hexBytes(hex))).to.throw(words);
    });
  }
});
