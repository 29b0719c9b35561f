import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { decodeMissedCallback, decodeReceiveHead, receiveHeadLimit } from '../../../lib/lonelyps/codec/callbacks.js';
import { encodeMissed, encodeReceive } from '../codec-of-broadcaster/http.js';
import { concat, oddView, utf8 } from './bytes.js';

const none = new Uint8Array(0);
const short = fc.uint8Array({ maxLength: 30 });

describe('lonelyps codec: callbacks', () => {
  it('a RECEIVE is read as soon as its head is there, and not before', () => {
    fc.assert(
      fc.property(short, short, short, short, (topic, identifier, message, tracing) => {
        const body = encodeReceive(topic, identifier, message, tracing);
        const size = 13 + topic.length + identifier.length + tracing.length;
        for (let length = 0; length < size; length++) {
          const part = oddView(body.subarray(0, length));
          expect(decodeReceiveHead(part)).to.equal(undefined);
          expect(() => decodeReceiveHead(part, true)).to.throw(ProtocolError, 'before its message begins');
        }
        for (const length of [size, body.length]) {
          const head = decodeReceiveHead(oddView(body.subarray(0, length)), true);
          expect(head).to.deep.equal({ topic, identifier, tracing, length: message.length, size });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('its head has no more bytes than the limit', () => {
    const body = encodeReceive(new Uint8Array(65_535), new Uint8Array(255), none, new Uint8Array(65_535));
    expect(body).to.have.length(receiveHeadLimit);
    expect(decodeReceiveHead(body.subarray(0, -1))).to.equal(undefined);
    expect(decodeReceiveHead(body)).to.include({ size: receiveHeadLimit, length: 0 });
  });

  it('any bytes as many as the limit are a head or an error', () => {
    const all = new Uint8Array(receiveHeadLimit).fill(0xff);
    expect(() => decodeReceiveHead(all)).to.throw(ProtocolError, '2^53 - 1');
    all.fill(0xff, 0, 65_537 * 2 + 1 + 255).fill(0, 65_537 * 2 + 1 + 255);
    expect(decodeReceiveHead(all)).to.include({ length: 0 });
  });

  it('lengths go up to 2^53 - 1', () => {
    const headWith = (length: bigint): Uint8Array => encodeReceive(utf8('t'), utf8('i'), none, none, length);
    expect(decodeReceiveHead(headWith(2n ** 53n - 1n))).to.include({ length: Number.MAX_SAFE_INTEGER });
    for (const length of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(() => decodeReceiveHead(headWith(length))).to.throw(ProtocolError, '2^53 - 1');
    }
  });

  it('topics of no bytes and of 65 535 are read', () => {
    expect(decodeReceiveHead(encodeReceive(none, none, none))).to.deep.include({ topic: none, length: 0, size: 13 });
    expect(decodeReceiveHead(encodeReceive(new Uint8Array(65_535), none, none))!.topic).to.have.length(65_535);
  });

  it('a MISSED is read as a whole', () => {
    fc.assert(
      fc.property(short, short, (topic, tracing) => {
        expect(decodeMissedCallback(oddView(encodeMissed(topic, tracing)))).to.deep.equal({ topic, tracing });
      }),
    );
    const good = encodeMissed(utf8('topic'), utf8('trace'));
    for (let length = 0; length < good.length; length++) {
      expect(() => decodeMissedCallback(oddView(good.subarray(0, length)))).to.throw(ProtocolError, 'it ends inside');
    }
    expect(() => decodeMissedCallback(concat(good, none, Uint8Array.of(1)))).to.throw(
      ProtocolError,
      'left after its end',
    );
  });
});
