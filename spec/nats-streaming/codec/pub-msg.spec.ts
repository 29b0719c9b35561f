import { expect } from 'chai';
import fc from 'fast-check';
import { PubMsgEncoder, decodePubMsg, encodePubMsg } from '../../../lib/nats-streaming/codec/pub-msg.js';
import { ascii, oddView, toHex } from './bytes.js';

const connId = ascii('0123456789ABCDEFGHIJKL');
const none = new Uint8Array(0);
const session = { clientId: 'me', connId, subject: 'foo', guidPrefix: 'session.' };

describe('nats-streaming codec: PubMsgEncoder', () => {
  it('writes a counter as a guid of fixed width', () => {
    const encoder = new PubMsgEncoder(session);
    expect(encoder.guidText(42)).to.equal('session.0000000000000042');
    expect(decodePubMsg(encoder.encode(42, ascii('x')))).to.deep.equal({
      clientId: 'me',
      guid: 'session.0000000000000042',
      subject: 'foo',
      reply: '',
      data: ascii('x'),
      connId,
      sha256: none,
    });
  });

  it('without a prefix a guid is digits', () => {
    const { clientId, subject } = session;
    const encoder = new PubMsgEncoder({ clientId, connId, subject });
    expect(decodePubMsg(encoder.encode(7, none)).guid).to.equal('0000000000000007');
  });

  it('counters in any order, up to the largest', () => {
    const encoder = new PubMsgEncoder(session);
    const counters = [0, 1, 2, 8, 9, 10, 11, 99, 100, 5, 99_999_999, 100_000_000, 999_999_999_999, 1_000_000_000_000];
    for (const counter of [...counters, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER, 0, 1]) {
      const { guid } = decodePubMsg(encoder.encode(counter, none));
      expect(guid).to.equal(encoder.guidText(counter));
      expect(Number(guid.slice('session.'.length))).to.equal(counter);
    }
  });

  it('a frame is not changed by the next one', () => {
    const encoder = new PubMsgEncoder(session);
    const encoded = Array.from({ length: 2000 }, (_, i) => encoder.encode(i, ascii(`data ${String(i)}`)));
    encoded.forEach((bytes, i) => {
      expect(bytes).to.have.length(encoder.encodedSize(`data ${String(i)}`.length));
      const { guid, data } = decodePubMsg(bytes);
      expect(guid).to.equal(encoder.guidText(i));
      expect(toHex(data)).to.equal(toHex(ascii(`data ${String(i)}`)));
    });
  });

  it('gives the bytes of the plain encoder, and tells their number before', () => {
    const size = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0, 127, 128, 4095, 4096, 16_383, 16_384, 70_000));
    const guids = fc.oneof(fc.maxSafeNat(), fc.string({ unit: 'binary', maxLength: 30 }));
    const replies = fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { nil: undefined });
    const texts = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(size, guids, replies, texts, texts, texts, (length, guid, reply, clientId, subject, guidPrefix) => {
        const encoder = new PubMsgEncoder({ clientId, connId, subject, guidPrefix });
        const data = oddView(Uint8Array.from({ length }, (_, i) => i * 7));
        const bytes = encoder.encode(guid, data, reply);
        const text = typeof guid === 'string' ? guid : encoder.guidText(guid);
        const plain = encodePubMsg({ clientId, guid: text, subject, reply: reply ?? '', data, connId });
        expect(bytes.length).to.equal(encoder.encodedSize(length, guid, reply));
        expect(toHex(bytes)).to.equal(toHex(plain));
      }),
    );
  });
});
