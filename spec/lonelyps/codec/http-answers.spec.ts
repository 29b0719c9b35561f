import { expect } from 'chai';
import fc from 'fast-check';
import { FrameTooLargeError, ProtocolError } from '../../../lib/core/errors.js';
import {
  decodeCheckAnswer,
  decodeGenericAnswer,
  decodeNotifyAnswer,
} from '../../../lib/lonelyps/codec/http-answers.js';
import { notifyHead, subscribeGlobBody } from '../../../lib/lonelyps/codec/http-requests.js';
import {
  decodeNotify,
  encodeCheckAnswer,
  encodeGenericAnswer,
  encodeNotifyAnswer,
} from '../codec-of-broadcaster/http.js';
import { concat, oddView, toHex, utf8 } from './bytes.js';

const etag = new Uint8Array(64).fill(7);
const decoders: [name: string, decode: (bytes: Uint8Array) => unknown, good: Uint8Array][] = [
  ['GENERIC', decodeGenericAnswer, encodeGenericAnswer('auth', utf8('trace'))],
  ['NOTIFY', decodeNotifyAnswer, encodeNotifyAnswer(3, utf8('id'), 'auth', utf8('trace'))],
  ['CHECK_SUBSCRIPTIONS', decodeCheckAnswer, encodeCheckAnswer(etag, 'auth', utf8('trace'))],
];

describe('lonelyps codec: answers over HTTP', () => {
  for (const [name, decode, good] of decoders) {
    it(`${name} that ends too early, or too late, is an error`, () => {
      for (let length = 0; length < good.length; length++) {
        expect(() => decode(oddView(good.subarray(0, length)))).to.throw(
          ProtocolError,
          /it ends inside its [a-z ]+, at byte/,
        );
      }
      expect(() => decode(concat(good, Uint8Array.of(0)))).to.throw(ProtocolError, '1 bytes are left');
      expect(() => decode(good)).to.not.throw();
    });

    it(`${name} of another type is an error that names both`, () => {
      for (const [other, , bytes] of decoders) {
        if (other === name) continue;
        expect(() => decode(bytes))
          .to.throw(ProtocolError, /its type is \d, and \d was due/)
          .that.includes({ broker: 'lonelyps' });
      }
      expect(() => decode(utf8('<html>Bad Gateway</html>'))).to.throw(ProtocolError, 'its type is');
    });
  }

  it('an etag of a format that is not known is an error', () => {
    const bytes = encodeCheckAnswer(etag);
    bytes[6] = 1;
    expect(() => decodeCheckAnswer(bytes)).to.throw(ProtocolError, 'format 1');
  });

  it('the number of subscribers has 32 bits', () => {
    const answer = encodeNotifyAnswer(2 ** 32 - 1, new Uint8Array(255));
    expect(decodeNotifyAnswer(answer)).to.include({ notified: 4_294_967_295 });
  });

  it('notifications come out as they went in', () => {
    const short = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(short, fc.uint8Array({ maxLength: 255 }), short, (topic, identifier, message) => {
        const sha512 = new Uint8Array(64).fill(topic.length);
        const read = decodeNotify(concat(notifyHead(topic, sha512, identifier, message.length), message));
        expect(read).to.deep.equal({ topic, sha512, tracing: new Uint8Array(0), identifier, message });
      }),
    );
  });

  it('lengths are exact up to 2^53 - 1', () => {
    const lengths: [number, string][] = [
      [0, '0000000000000000'],
      [2 ** 32 - 1, '00000000ffffffff'],
      [2 ** 32, '0000000100000000'],
      [2 ** 53 - 1, '001fffffffffffff'],
    ];
    for (const [length, hex] of lengths) {
      const head = notifyHead(utf8('t'), etag, utf8('i'), length);
      expect(toHex(head.subarray(-8))).to.equal(hex);
    }
  });

  it('a field that is too long for its length is an error before anything is sent', () => {
    const long = new Uint8Array(65_536);
    expect(() => notifyHead(long, etag, utf8('i'), 0)).to.throw(FrameTooLargeError, '65535');
    expect(() => notifyHead(utf8('t'), etag, new Uint8Array(256), 0)).to.throw(FrameTooLargeError, '255');
    expect(() => subscribeGlobBody('u', 'é'.repeat(32_768), undefined)).to.throw(FrameTooLargeError, '65536');
    expect(notifyHead(long.subarray(1), etag, new Uint8Array(255), 0)).to.have.length(65_867);
  });
});
