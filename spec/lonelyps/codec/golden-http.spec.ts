import { expect } from 'chai';
import { createHash } from 'node:crypto';
import {
  decodeMissedCallback,
  decodeReceiveHead,
  encodeConfirmMissed,
  encodeConfirmReceive,
  encodeUnsubscribe,
} from '../../../lib/lonelyps/codec/callbacks.js';
import { etagDocument, sortEntries } from '../../../lib/lonelyps/codec/etag.js';
import {
  decodeCheckAnswer,
  decodeGenericAnswer,
  decodeNotifyAnswer,
} from '../../../lib/lonelyps/codec/http-answers.js';
import {
  checkBody,
  httpPaths,
  notifyHead,
  setBody,
  subscribeExactBody,
  subscribeGlobBody,
  unsubscribeExactBody,
  unsubscribeGlobBody,
} from '../../../lib/lonelyps/codec/http-requests.js';
import * as broadcaster from '../codec-of-broadcaster/http.js';
import { concat, hexBytes, oddView, toHex, utf8 } from './bytes.js';
import { sha512 } from './signed-table.js';

const url = 'http://127.0.0.1:39321/v1/receive';
const recovery = 'http://127.0.0.1:39321/v1/recover';
const topic = utf8('foo/bar');
const hello = utf8('Hello, world!');
const receiveUrl = '0021687474703a2f2f3132372e302e302e313a33393332312f76312f72656365697665';
const recoverUrl = '0021687474703a2f2f3132372e302e302e313a33393332312f76312f7265636f766572';
const oneEtag =
  '56471e6ae086d780acb6cebec935d53a4cd77f07e1c4f989e114cec25c092a8b81f779723a3dfcc8d83b2c9afb32c4f277b11219511a7d51241d6d012ea05c9f';
const emptyEtag =
  'cc7104b675ce771bf91ac49dc5138d8d8b7f3f316634a21bc0430396ec35fbc07be13d78f4bc0e7e09386959d3e4c26fc5de53eba418ffd9f7aadc54d7cf4f42';

describe('lonelyps codec: what lonelypsc 0.0.18 and lonelypss 0.0.12 said over HTTP', () => {
  const requests: [path: string, body: Uint8Array, hex: string][] = [
    [
      httpPaths.set,
      setBody(url, hexBytes(oneEtag), [{ topic, recovery }], []),
      `0000${receiveUrl}00${oneEtag}000000010007666f6f2f626172${recoverUrl}00000000`,
    ],
    [httpPaths.set, setBody(url, hexBytes(emptyEtag), [], []), `0000${receiveUrl}00${emptyEtag}0000000000000000`],
    [httpPaths.subscribeExact, subscribeExactBody(url, utf8('t2'), recovery), `${receiveUrl}00027432${recoverUrl}0000`],
    [httpPaths.subscribeGlob, subscribeGlobBody(url, 'a/*', recovery), `${receiveUrl}0003612f2a${recoverUrl}0000`],
    [httpPaths.unsubscribeExact, unsubscribeExactBody(url, utf8('t2')), `${receiveUrl}000274320000`],
    [httpPaths.unsubscribeGlob, unsubscribeGlobBody(url, 'a/*'), `${receiveUrl}0003612f2a0000`],
    [httpPaths.check, checkBody(url), `0000${receiveUrl}`],
    [
      httpPaths.notify,
      concat(notifyHead(topic, sha512, hexBytes('3075e1a9'), hello.length), hello),
      `0007666f6f2f626172${toHex(sha512)}0000043075e1a9000000000000000d48656c6c6f2c20776f726c6421`,
    ],
  ];
  for (const [path, body, hex] of requests) {
    it(`POST ${path}, ${String(body.length)} bytes`, () => {
      expect(toHex(body)).to.equal(hex);
    });
  }

  it('no recovery URL is an empty one', () => {
    expect(toHex(subscribeExactBody('u', utf8('t'), undefined))).to.equal('000175' + '000174' + '0000' + '0000');
    expect(toHex(subscribeGlobBody('u', 'g', undefined))).to.equal('000175' + '000167' + '0000' + '0000');
  });

  it('the etags are those of lonelypsp', () => {
    const etagOf = (exact: { topic: Uint8Array; recovery: string }[]): string =>
      createHash('sha512')
        .update(etagDocument(url, exact, []))
        .digest('hex');
    expect(etagOf([{ topic, recovery }])).to.equal(oneEtag);
    expect(etagOf([])).to.equal(emptyEtag);
  });

  it('answers', () => {
    expect(decodeGenericAnswer(oddView(hexBytes('000300000000')))).to.deep.equal({
      authorization: '',
      tracing: new Uint8Array(0),
    });
    const token = hexBytes('0003000f4265617265722074732d746f6b656e0000');
    expect(decodeGenericAnswer(token).authorization).to.equal('Bearer ts-token');
    expect(decodeCheckAnswer(oddView(hexBytes(`00050000000000${oneEtag}`))).etag).to.deep.equal(hexBytes(oneEtag));
    const tracing = new Uint8Array(360).fill(0x7b);
    const answer = concat(hexBytes('000400000168'), tracing, hexBytes('00000001043075e1a9'));
    expect(decodeNotifyAnswer(oddView(answer))).to.deep.equal({
      authorization: '',
      tracing,
      notified: 1,
      identifier: hexBytes('3075e1a9'),
    });
  });

  it('callbacks, and what is answered', () => {
    const body = hexBytes('00000007666f6f2f626172087e81496653d3b555000000000000000d48656c6c6f2c20776f726c6421');
    const head = decodeReceiveHead(oddView(body))!;
    expect(head).to.deep.equal({
      tracing: new Uint8Array(0),
      topic,
      identifier: hexBytes('7e81496653d3b555'),
      length: 13,
      size: 28,
    });
    expect(body.subarray(head.size)).to.deep.equal(hello);
    const confirmed = encodeConfirmReceive('', head.identifier, 1);
    expect(toHex(confirmed)).to.equal('000800000000087e81496653d3b55500000001');
    expect(toHex(encodeConfirmReceive('Bearer tb-token', hexBytes('805026cb120269ce'), 1))).to.equal(
      '0008000f4265617265722074622d746f6b656e000008805026cb120269ce00000001',
    );
    expect(decodeMissedCallback(hexBytes('000000046d697373')).topic).to.deep.equal(utf8('miss'));
    expect(toHex(encodeConfirmMissed(''))).to.equal('000900000000');
    expect(toHex(encodeUnsubscribe())).to.equal('000a');
  });

  it("the broadcaster's half, which fakes are made of, is the same protocol", () => {
    const [one, other] = [utf8('t1'), utf8('t2')];
    const sorted = sortEntries({
      exact: [{ topic: other }, { topic: one, recovery }],
      globs: [{ glob: 'a/*', recovery }],
    });
    const set = broadcaster.decodeSet(setBody(url, hexBytes(oneEtag), sorted.exact, sorted.globs));
    expect(set).to.deep.equal({
      url,
      etag: hexBytes(oneEtag),
      exact: [
        { topic: one, recovery },
        { topic: other, recovery: undefined },
      ],
      globs: [{ glob: 'a/*', recovery }],
    });
    const pattern = utf8('t2');
    expect(broadcaster.decodeSubscribe(subscribeExactBody(url, pattern, recovery))).to.deep.equal({
      url,
      pattern,
      recovery,
    });
    expect(broadcaster.decodeUnsubscribe(unsubscribeExactBody(url, pattern)).pattern).to.deep.equal(pattern);
    expect(broadcaster.decodeCheck(checkBody(url))).to.equal(url);
    const posted = broadcaster.decodeNotify(concat(notifyHead(topic, sha512, one, hello.length), hello));
    expect(posted).to.deep.equal({ topic, sha512, tracing: new Uint8Array(0), identifier: one, message: hello });
    expect(decodeNotifyAnswer(broadcaster.encodeNotifyAnswer(7, one, 'auth', other))).to.deep.equal({
      authorization: 'auth',
      tracing: other,
      notified: 7,
      identifier: one,
    });
    expect(decodeCheckAnswer(broadcaster.encodeCheckAnswer(hexBytes(oneEtag), 'auth')).authorization).to.equal('auth');
    expect(decodeGenericAnswer(broadcaster.encodeGenericAnswer('auth')).authorization).to.equal('auth');
    expect(decodeReceiveHead(broadcaster.encodeReceive(topic, one, hello))).to.include({ length: 13 });
    expect(decodeMissedCallback(broadcaster.encodeMissed(topic, one))).to.deep.equal({ topic, tracing: one });
    expect(broadcaster.decodeCallbackAnswer(encodeConfirmReceive('auth', one, 3))).to.deep.equal({
      kind: 'confirmReceive',
      authorization: 'auth',
      identifier: one,
      subscribers: 3,
    });
    expect(broadcaster.decodeCallbackAnswer(encodeConfirmMissed('auth'))).to.include({ kind: 'confirmMissed' });
    expect(broadcaster.decodeCallbackAnswer(encodeUnsubscribe())).to.include({ kind: 'unsubscribe' });
  });
});
