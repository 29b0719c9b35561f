import { expect } from 'chai';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import type { Codec } from '../../lib/core/codec.js';
import type { Delivery } from '../../lib/core/delivery.js';
import {
  decodePayload,
  encodePacket,
  encodeReply,
  readPacket,
  readReply,
  type Encoded,
} from '../../lib/nest/packets.js';

const utf8 = new TextDecoder();
const asText = text as Codec<unknown>;

/** What the other side gets. */
function received({ bytes, fields }: Encoded, channel = 'orders'): Delivery {
  const headers = fields.headers instanceof Map ? fields.headers : new Map(Object.entries(fields.headers ?? {}));
  return { value: bytes, channel, headers: headers as ReadonlyMap<string, unknown> } as Delivery;
}

const info = { channel: 'orders', headers: new Map() };

describe('packets of requests and replies', () => {
  const request = { id: 'me.1', replyTo: 'replies' };

  it("without headers, are JSON of the same shape as those of Nest's own transports", () => {
    const packet = encodePacket({ pattern: 'orders', routed: false, data: { id: 7 }, request }, json(), false);
    expect(JSON.parse(utf8.decode(packet.bytes))).to.deep.equal({ pattern: 'orders', data: { id: 7 }, ...request });
    const reply = encodeReply({ id: 'me.1', response: 6, isDisposed: true }, json(), false);
    expect(JSON.parse(utf8.decode(reply.bytes))).to.deep.equal({ id: 'me.1', isDisposed: true, response: 6 });
    const failure = encodeReply({ id: 'me.1', err: new Error('no'), isDisposed: true }, json(), false);
    expect(JSON.parse(utf8.decode(failure.bytes))).to.deep.equal({
      id: 'me.1',
      err: { status: 'error', message: 'no' },
      isDisposed: true,
    });
  });

  it('with headers, are the payload as the codec makes it, and the rest in headers', () => {
    const pattern = { channel: 'orders', type: 'paid' };
    const packet = encodePacket({ pattern, routed: true, data: 'hey', request }, asText, true);
    expect(utf8.decode(packet.bytes)).to.equal('hey');
    expect(Object.fromEntries(packet.fields.headers as Map<string, unknown>)).to.deep.equal({
      'rx-weir-id': 'me.1',
      'rx-weir-reply-to': 'replies',
      'rx-weir-pattern': JSON.stringify(pattern),
    });
    const last = encodeReply({ id: 'me.1', isDisposed: true }, asText, true);
    expect(last.bytes).to.have.length(0);
    expect(last.fields.headers).to.deep.equal({
      'rx-weir-id': 'me.1',
      'rx-weir-disposed': 'true',
      'rx-weir-none': 'true',
    });
  });

  for (const withHeaders of [true, false]) {
    for (const [name, codec, data] of [
      ['json', json<unknown>(), { id: 7 }],
      ['text', asText, 'hey'],
    ] as const) {
      it(`come back ${withHeaders ? 'with' : 'without'} headers, in ${name}`, () => {
        const pattern = { channel: 'orders', type: 'paid' };
        const metadata = { trace: 'on' };
        const sent = encodePacket({ pattern, routed: true, data, request, metadata }, codec, withHeaders);
        const packet = readPacket(received(sent), withHeaders);
        expect(packet.pattern).to.deep.equal(pattern);
        expect(packet.request).to.deep.equal(request);
        expect(packet.headers.get('trace')).to.equal('on');
        expect(decodePayload(packet.payload, codec, info)).to.deep.equal(data);

        const part = readReply(received(encodeReply({ id: 'me.1', response: data }, codec, withHeaders)), withHeaders)!;
        expect(part.isDisposed).to.be.undefined;
        expect(decodePayload(part.response, codec, info)).to.deep.equal(data);
        for (const [err, expected] of [
          [{ code: 'NO' }, { code: 'NO' }],
          ['', { status: 'error', message: '' }],
          [1n, '1'],
          [new Error('no'), { status: 'error', message: 'no' }],
        ]) {
          const failure = encodeReply({ id: 'me.1', err, isDisposed: true }, codec, withHeaders);
          const read = readReply(received(failure), withHeaders);
          expect(read).to.deep.equal({ id: 'me.1', isDisposed: true, err: expected });
        }
      });
    }
  }

  it('an event has none, unless its pattern or its metadata must be said', () => {
    const plain = encodePacket({ pattern: 'orders', routed: false, data: { pattern: 'mine' } }, json(), false);
    expect(JSON.parse(utf8.decode(plain.bytes))).to.deep.equal({ pattern: 'mine' });
    expect(plain.fields).to.deep.equal({});
  });

  it('a payload that looks like one is a payload, unless it names its channel and has nothing else', () => {
    for (const value of [
      { pattern: 'elsewhere', data: 1 },
      { pattern: 'orders', data: 1, more: 2 },
      { data: 1 },
      ['pattern'],
      'pattern',
      null,
    ]) {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      const packet = readPacket(received({ bytes, fields: {} }), false);
      expect(packet.payload).to.equal(bytes);
      expect(packet.pattern).to.be.undefined;
    }
    const broken = new TextEncoder().encode('{"pattern":');
    expect(readPacket(received({ bytes: broken, fields: {} }), false).payload).to.equal(broken);
    const stock = new TextEncoder().encode('{"pattern":"orders","data":1}');
    expect(decodePayload(readPacket(received({ bytes: stock, fields: {} }), false).payload, json(), info)).to.equal(1);
  });

  it('a message that is no reply is none', () => {
    for (const words of ['{}', '[]', 'null', '{"id":7}', 'x']) {
      const bytes = new TextEncoder().encode(words);
      expect(readReply(received({ bytes, fields: {} }), false), words).to.be.undefined;
      expect(readReply(received({ bytes, fields: {} }), true), words).to.be.undefined;
    }
  });
});
