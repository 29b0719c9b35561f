import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import {
  dataOf,
  emptyFields,
  replyOf,
  scanMessage,
  subjectOf,
  timestampMs,
  timestampOf,
  type MessageFields,
} from '../../../lib/nats-streaming/codec/msg-proto.js';
import { encodeMessage } from '../../../lib/nats-streaming/codec/msg-proto-frame.js';
import { ascii, concat, hexBytes, oddView, toHex } from './bytes.js';

function scanned(bytes: Uint8Array): MessageFields {
  const fields = emptyFields();
  scanMessage(bytes, fields);
  return fields;
}

describe('nats-streaming codec: scanMessage', () => {
  const message = {
    sequence: 300,
    subject: 'foo',
    reply: 'back',
    data: ascii('hello'),
    timestamp: 1795226742714428057n,
    redelivered: true,
    redeliveryCount: 3,
    crc32: 0x3610a686,
  };

  it('sets all fields of its target', () => {
    const bytes = oddView(encodeMessage(message));
    const fields = scanned(bytes);
    expect(fields.sequence).to.equal(300);
    expect(toHex(bytes.subarray(fields.sequenceStart, fields.sequenceEnd))).to.equal('ac02');
    expect(subjectOf(bytes, fields)).to.equal('foo');
    expect(replyOf(bytes, fields)).to.equal('back');
    expect(dataOf(bytes, fields)).to.deep.equal(ascii('hello'));
    expect(dataOf(bytes, fields).buffer).to.equal(bytes.buffer);
    expect(timestampOf(fields)).to.equal(1795226742714428057n);
    expect(fields).to.include({ redelivered: true, redeliveryCount: 3, crc32: 0x3610a686 });
  });

  it('leaves nothing of the frame before', () => {
    const fields = scanned(encodeMessage(message));
    scanMessage(new Uint8Array(0), fields);
    expect(fields).to.deep.equal(emptyFields());
  });

  it('fills an object that has more to it', () => {
    class Held {
      readonly own = 'own';
    }
    const held = Object.assign(new Held(), emptyFields());
    scanMessage(encodeMessage(message), held);
    expect(held).to.include({ own: 'own', sequence: 300 });
  });

  it('reads the last of a field that comes twice', () => {
    const bytes = concat(
      encodeMessage(message),
      encodeMessage({ sequence: 5, data: ascii('again') }),
      hexBytes('3000'),
    );
    const fields = scanned(bytes);
    expect(fields).to.include({ sequence: 5, redelivered: false, redeliveryCount: 3 });
    expect(dataOf(bytes, fields)).to.deep.equal(ascii('again'));
  });

  it('takes field numbers that are written longer than they need be', () => {
    const fields = scanned(hexBytes('880005b08000ff7f'));
    expect(fields).to.include({ sequence: 5, redelivered: true });
  });

  it('sequences over 2^53 are bigints', () => {
    expect(scanned(encodeMessage({ sequence: Number.MAX_SAFE_INTEGER })).sequence).to.equal(Number.MAX_SAFE_INTEGER);
    expect(scanned(encodeMessage({ sequence: 2n ** 53n })).sequence).to.equal(2n ** 53n);
    expect(scanned(encodeMessage({ sequence: 2n ** 64n - 1n })).sequence).to.equal(2n ** 64n - 1n);
  });

  it('times in milliseconds, before 1970 too', () => {
    for (const ns of [0n, 1n, -1n, 999_999n, 1_000_000n, -1_500_000n, 2n ** 32n, 1795226742714428057n]) {
      const ms = timestampMs(scanned(encodeMessage({ timestamp: ns })));
      expect(ms).to.be.closeTo(Number(ns) / 1e6, 0.001);
    }
  });

  it('equal halves tell equal times', () => {
    const halves = (ns: bigint): readonly number[] => {
      const { timestampLow, timestampHigh } = scanned(encodeMessage({ timestamp: ns }));
      return [timestampLow, timestampHigh];
    };
    expect(halves(1795226742714428057n)).to.deep.equal(halves(1795226742714428057n));
    expect(halves(1795226742714428057n)).to.not.deep.equal(halves(1795226742714428058n));
  });

  it('a known field of another wire type is malformed', () => {
    for (const hex of ['0a00', '1000', '1800', '2000', '2a00', '3200', '3a00', '5200', '0d00000000']) {
      expect(() => scanned(hexBytes(hex)), hex).to.throw(ProtocolError, 'wire type');
    }
  });
});
