import { expect } from 'chai';
import { bytes } from '../../lib/codec/bytes.js';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import { isWhole, type Codec, type DecodeInfo } from '../../lib/core/codec.js';
import { DecodeError, InvalidOptionError, ProtocolError } from '../../lib/core/errors.js';
import { amqp } from '../../lib/rabbitmq-stream/amqp.js';
import { hexBytes, toHex, utf8 } from './codec/bytes.js';

const info: DecodeInfo = { channel: 'orders', headers: new Map([['a', 1]]) };

const data = hexBytes('005375a0026869');
const raw = utf8('hello');

describe('rabbitmq-stream amqp()', () => {
  it('works on whole messages', () => {
    expect(isWhole(amqp())).to.equal(true);
    expect(isWhole(amqp(text))).to.equal(true);
    expect(isWhole(text)).to.equal(false);
  });

  it('gives and takes all sections', () => {
    const message = {
      header: { durable: true },
      properties: { subject: 's' },
      applicationProperties: new Map([['a', 1n << 40n]]),
      body: { kind: 'value', value: ['x'] },
    } as const;
    expect(amqp().decode(amqp().encode(message), info)).to.deep.equal(message);
  });

  it('takes bytes for data', () => {
    expect(toHex(amqp().encode({ body: utf8('hi') }))).to.equal(toHex(data));
    expect(amqp().decode(data, info)).to.deep.equal({ body: { kind: 'data', data: utf8('hi') } });
  });

  it('refuses bytes that are no AMQP message, and says why', () => {
    for (const codec of [amqp(), amqp(text)]) {
      expect(() => codec.decode(raw, info))
        .to.throw(DecodeError, 'the record is no AMQP 1.0 message: a section does not begin with 0x00, at byte 0')
        .with.property('cause')
        .that.is.instanceOf(ProtocolError);
    }
  });

  it('refuses a value that AMQP has no form for, and names it', () => {
    const message = { body: utf8('hi'), applicationProperties: { total: Symbol('t') } };
    expect(() => amqp().encode(message)).to.throw(InvalidOptionError, 'applicationProperties.total must be');
  });

  describe('with a codec for the body', () => {
    it('gives and takes its values', () => {
      const codec = amqp(text);
      const message = { body: 'hi', properties: { messageId: 5n } };
      expect(codec.decode(codec.encode(message), info)).to.deep.equal({
        body: 'hi',
        properties: { messageId: 5n, contentType: 'text/plain; charset=utf-8' },
      });
    });

    it('tells it what it was told about the message', () => {
      let told: DecodeInfo | undefined;
      const curious: Codec<string> = {
        encode: utf8,
        decode: (_, about) => {
          told = about;
          return '';
        },
      };
      amqp(curious).decode(data, info);
      expect(told).to.equal(info);
      expect(toHex(amqp(curious).encode({ body: 'hi' }))).to.equal(toHex(data));
    });

    it('keeps the content type that the message has', () => {
      const codec = amqp(json<number>());
      const properties = { contentType: 'application/vnd.x+json' };
      expect(codec.decode(codec.encode({ body: 1, properties }), info).properties).to.deep.equal(properties);
    });

    it('reads values that are text or binary', () => {
      expect(amqp(text).decode(hexBytes('005377a1026869'), info).body).to.equal('hi');
      expect(amqp(bytes).decode(hexBytes('005377a0026869'), info).body).to.deep.equal(utf8('hi'));
      expect(amqp(bytes).decode(hexBytes('00537345'), info).body).to.have.length(0);
    });

    it('refuses a sequence and another value', () => {
      for (const hex of ['00537645', '00537740', '0053775401']) {
        expect(() => amqp(bytes).decode(hexBytes(hex), info)).to.throw(DecodeError, 'read it with amqp() alone');
      }
    });

    it('lets the error of the codec through', () => {
      expect(() => amqp(json()).decode(data, info)).to.throw(DecodeError, 'the bytes are not JSON');
      expect(() => amqp(text).encode({ body: 5 as unknown as string })).to.throw(DecodeError, 'takes a string');
    });

    it('refuses what is no message', () => {
      for (const message of [undefined, null, 5]) {
        expect(() => amqp(text).encode(message as never)).to.throw(InvalidOptionError, 'an AMQP message must be');
      }
      expect(() => amqp(text).encode({ body: 'a', subject: 's' } as never)).to.throw(
        "an AMQP message has no 'subject'",
      );
    });

    it('refuses what is no codec', () => {
      for (const codec of [null, 5, {}, json]) {
        expect(() => amqp(codec as never)).to.throw(InvalidOptionError, 'amqp(bodyCodec) takes a codec for the body');
      }
    });
  });
});
