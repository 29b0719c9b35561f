import { expect } from 'chai';
import { createHmac } from 'node:crypto';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { ProtocolError } from '../../../lib/core/errors.js';
import { encodeBase64 } from '../../../lib/lonelyps/codec/base64.js';
import { formatHmacHeader, parseHmacHeader, toSign } from '../../../lib/lonelyps/codec/hmac-header.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import { hexBytes, toHex, utf8 } from './bytes.js';
import { keys, nonce, sha512, signedRows, timestamp, topic } from './signed-table.js';

const none = new Uint8Array(0);

describe('lonelyps codec: what is signed', () => {
  for (const { title, kind, rest, toSign: hex, code, scheme } of signedRows) {
    it(`${String(kind)}: ${title}`, () => {
      const bytes = toSign(kind, timestamp, nonce, none, rest());
      expect(toHex(bytes)).to.equal(hex);
      const made = createHmac('sha512', keys[scheme]).update(bytes).digest();
      expect(encodeBase64(made)).to.equal(code);
      const header = formatHmacHeader(timestamp, nonce, made);
      expect(header).to.equal(`X-HMAC 1700000000:AbCdEf:${code}`);
      expect(parseHmacHeader(header)).to.deep.equal({ timestamp, nonce, code: new Uint8Array(made) });
    });
  }

  it('the table has each kind, and the codec what each signs', () => {
    const numbers = Object.values(signedKinds);
    expect(numbers).to.deep.equal(Array.from({ length: 21 }, (_, at) => at + 1));
    expect(new Set(signedRows.map(({ kind }) => kind))).to.deep.equal(new Set(numbers));
    expect(Object.keys(signed)).to.deep.equal(Object.keys(signedKinds));
  });

  it('a notification that lonelypsc sent', () => {
    const header =
      'X-HMAC 1795226826:rA_Nqw:BNULpC8zxu4m/4nWQIyxK1C24869oUWTNkkkhm5RFBmb03/ZdTPu4zItAOYpI0c5a3/TvwGRW4a0X5ZcXKUyyg==';
    const rest = signed.notify(topic, hexBytes('40b9bf5f'), sha512);
    expectSigned(header, signedKinds.notify, rest, keys.toBroadcaster);
  });

  it('a callback that lonelypss made', () => {
    const header =
      'X-HMAC 1795226826:ZX1F8A:CizZy/fbaDcNbc3sztB8x/lw23a/KKkOp1p9tlgljiGtemVJJWTfs3hVYCwGRJBQeePHcxrPJbK8n2PYcY2xpg==';
    const rest = signed.receive('http://127.0.0.1:39323/v1/receive', topic, hexBytes('9760234bc9d5e887'), sha512);
    expectSigned(header, signedKinds.receive, rest, keys.toSubscriber);
  });

  it('tracing is signed with its length', () => {
    const bytes = toSign(signedKinds.check, 1, 'n', utf8('trace'), utf8('rest'));
    expect(toHex(bytes)).to.equal('05' + '0000000000000001' + '016e' + '00057472616365' + '72657374');
  });

  it('a part beyond 255 cannot be acknowledged, because one byte is signed for it', () => {
    expect(toHex(signed.continueReceive(none, 255, ''))).to.equal('00ff0000');
    expect(() => signed.continueReceive(none, 256, '')).to.throw(ProtocolError, 'part 256');
  });
});

function expectSigned(header: string, kind: number, rest: Uint8Array, key: Uint8Array): void {
  const parsed = parseHmacHeader(header)!;
  const bytes = toSign(kind, parsed.timestamp, parsed.nonce, none, rest);
  expect(createHmac('sha512', key).update(bytes).digest('base64')).to.equal(encodeBase64(parsed.code));
}
