import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { encodeBase64 } from '../../../lib/lonelyps/codec/base64.js';
import { counterUrl } from '../../../lib/lonelyps/codec/counter-url.js';
import { parseHmacHeader, toSign } from '../../../lib/lonelyps/codec/hmac-header.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import { subscribeExactMessage } from '../../../lib/lonelyps/codec/to-broadcaster.js';
import { decodeToBroadcaster } from '../codec-of-broadcaster/websocket.js';
import { makeVerifier } from '../../../lib/lonelyps/auth/verifier.js';
import { concat, hexBytes, toHex, utf8 } from './bytes.js';
import { countingBytes, keys } from './signed-table.js';
import { hashing } from '../auth/hashing.js';

describe('lonelyps codec: URLs of websocket counters', () => {
  const written: [counter: number, text: string][] = [
    [1, '1'],
    [9, '9'],
    [10, 'a'],
    [16, '10'],
    [255, 'ff'],
    [4096, '1000'],
    [-1, '-1'],
    [-10, '-a'],
    [-16, '-10'],
    [-255, '-ff'],
  ];
  for (const [counter, text] of written) {
    it(`${String(counter)} is ${text}`, () => {
      expect(counterUrl('nonce', counter)).to.equal(`websocket:nonce:${text}`);
    });
  }

  it("a connection's nonce is in standard base64 with padding", () => {
    const nonce = createHash('sha256').update(new Uint8Array(32)).update(countingBytes(0, 32)).digest();
    expect(encodeBase64(nonce)).to.equal('uyJ1xJ8orVLK5tVeNKl0pYx6O6Jvl26Oy756U2kY3HM=');
  });

  it('a subscription that a broadcaster accepted', () => {
    const nonces = concat(
      hexBytes('9fff485a286993b97a7f0e5ef255562108be80a285ec56731120a10bd43638ef'),
      hexBytes('ad1cb9dbe2570c9316fda28034f3cf604f4585f4bca24e697196ee86d90e61e1'),
    );
    const url = counterUrl(encodeBase64(createHash('sha256').update(nonces).digest()), -1);
    const hex =
      '000100020071582d484d414320313739353232363836313a715633704f673a34445877466c71797a385676476c714e' +
      '665072396c724e6e50766b6f57506f4d6d7263726a3444426e59674e4d64626c2f424a6a4933644b456c6959332b53' +
      '4c4e635156526c5955416a6579365646393770353949673d3d00000007666f6f2f626172';
    const message = decodeToBroadcaster(hexBytes(hex));
    expect(message).to.include({ kind: 'subscribeExact' });
    const { timestamp, nonce, code } = parseHmacHeader(message.authorization)!;
    const rest = signed.exact(url, undefined, utf8('foo/bar'));
    const bytes = toSign(signedKinds.exact, timestamp, nonce, new Uint8Array(0), rest);
    expect(toHex(hashing.hmacSha512(keys.toBroadcaster, bytes))).to.equal(toHex(code));
    expect(toHex(subscribeExactMessage(message.authorization, utf8('foo/bar')))).to.equal(hex);

    const verifier = makeVerifier(
      { type: 'hmac', secret: keys.toBroadcaster },
      { hashing, now: () => timestamp * 1000 },
    );
    expect(verifier.verify(signedKinds.exact, () => rest, message.tracing, message.authorization)).to.equal(undefined);
  });
});
