import { expect } from 'chai';
import { decodeFromBroadcaster, type FromBroadcaster } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import {
  configureMessage,
  confirmReceiveMessage,
  continueReceiveMessage,
  notifyMessage,
  notifyPartMessage,
  subscribeExactMessage,
  subscribeGlobMessage,
  unsubscribeExactMessage,
  unsubscribeGlobMessage,
} from '../../../lib/lonelyps/codec/to-broadcaster.js';
import { encodeExpanded } from '../codec-of-broadcaster/expanded.js';
import { decodeToBroadcaster, encodeFromBroadcaster } from '../codec-of-broadcaster/websocket.js';
import { hexBytes, oddView, toHex, utf8 } from './bytes.js';
import { sha512 } from './signed-table.js';

const none = new Uint8Array(0);
const topic = utf8('foo/bar');
const hello = utf8('Hello, world!');
const unsigned = { authorization: '', tracing: none };
const head = { topic, compressor: 0, compressedLength: 13, length: 13, sha512 };
const helloHex = `0007666f6f2f62617200010000010d00010d0040${toHex(sha512)}48656c6c6f2c20776f726c6421`;
const subscriberNonce = 'a3c5d989277cf105a3b9732d603cfefc346eeb09302677c058fff4947b9f663d';
const broadcasterNonce = '554e2eb9c22a1a15f9e7966e2ffdae3e7b4dbac5cdecf6488908a6df74f9fbd2';
const tokenHex = '000f4265617265722074622d746f6b656e0000';

describe('lonelyps codec: what lonelypsc 0.0.18 and lonelypss 0.0.12 said over a websocket', () => {
  const configure = { nonce: hexBytes(subscriberNonce), zstd: false, training: true, initialDictionary: 0 };
  const parts = { ...head, compressedLength: 3000, length: 3000 };
  const sent: [name: string, message: Uint8Array, hex: string][] = [
    ['CONFIGURE', configureMessage('', configure), `000100010020${subscriberNonce}0001000001010002000000000000`],
    ['SUBSCRIBE_EXACT', subscribeExactMessage('', topic), '00010002000000000007666f6f2f626172'],
    ['SUBSCRIBE_GLOB', subscribeGlobMessage('', 'a/*'), '00010003000000000003612f2a'],
    ['UNSUBSCRIBE_EXACT', unsubscribeExactMessage('', topic), '00010004000000000007666f6f2f626172'],
    ['UNSUBSCRIBE_GLOB', unsubscribeGlobMessage('', 'a/*'), '00010005000000000003612f2a'],
    ['NOTIFY', notifyMessage('', hexBytes('fcb077d9'), head, hello), `00010006000000000004fcb077d9${helloHex}`],
    ['CONFIRM_RECEIVE', confirmReceiveMessage('', hexBytes('73b62f35'), 1), '00010009000473b62f3500000000000400000001'],
    [
      'CONTINUE_RECEIVE of part 0, which is no byte',
      continueReceiveMessage('', hexBytes('6d72d31e'), 0),
      '0001000800046d72d31e000000000000',
    ],
    [
      'CONTINUE_RECEIVE of part 1',
      continueReceiveMessage('', hexBytes('6d72d31e'), 1),
      '0001000800046d72d31e00010100000000',
    ],
    [
      'NOTIFY_STREAM, part 0, which is one byte',
      notifyPartMessage('Bearer tb-token', hexBytes('aa29e96b'), 0, parts, none),
      `00010007${tokenHex}0004aa29e96b0001000007666f6f2f62617200010000020bb800020bb80040${toHex(sha512)}`,
    ],
    [
      'NOTIFY_STREAM, part 1',
      notifyPartMessage('Bearer tb-token', hexBytes('aa29e96b'), 1, undefined, none),
      `00010007${tokenHex}0004aa29e96b000101`,
    ],
  ];
  for (const [name, message, hex] of sent) {
    it(`> ${name}`, () => {
      expect(toHex(message)).to.equal(hex);
    });
  }

  const tsToken = { authorization: 'Bearer ts-token', tracing: none };
  const compressedHash =
    'b9fd92a7703211d25303982292f640cf36f5b5fc9adcf2c5a4742824d90dda897d1e0bcf03272c480a566a267fc3d0186259299be485265fa8a698f5903df8e0';
  const compressed = '28b52ffd00287d000038414243444546470100168ef66204';
  const received: [name: string, hex: string, message: FromBroadcaster][] = [
    [
      'CONFIRM_CONFIGURE',
      `000100010020${broadcasterNonce}00000000`,
      { kind: 'confirmConfigure', nonce: hexBytes(broadcasterNonce), ...unsigned },
    ],
    [
      'CONFIRM_SUBSCRIBE_EXACT',
      '000100020007666f6f2f62617200000000',
      { kind: 'confirmSubscribeExact', topic, ...unsigned },
    ],
    [
      'CONFIRM_SUBSCRIBE_GLOB',
      '000100030003612f2a00000000',
      { kind: 'confirmSubscribeGlob', glob: 'a/*', ...unsigned },
    ],
    [
      'CONFIRM_UNSUBSCRIBE_GLOB',
      '000100050003612f2a00000000',
      { kind: 'confirmUnsubscribeGlob', glob: 'a/*', ...unsigned },
    ],
    [
      'CONFIRM_NOTIFY',
      '000100060004fcb077d900010100000000',
      { kind: 'confirmNotify', identifier: hexBytes('fcb077d9'), notified: 1, ...unsigned },
    ],
    [
      'CONFIRM_NOTIFY with a token',
      '000100060004aa29e96b000101000f4265617265722074732d746f6b656e0000',
      { kind: 'confirmNotify', identifier: hexBytes('aa29e96b'), notified: 1, ...tsToken },
    ],
    [
      'CONTINUE_NOTIFY of part 0, which is no byte',
      '000100070004aa29e96b0000000f4265617265722074732d746f6b656e0000',
      { kind: 'continueNotify', identifier: hexBytes('aa29e96b'), part: 0, ...tsToken },
    ],
    [
      'CONTINUE_NOTIFY of part 1',
      '000100070004aa29e96b000101000f4265617265722074732d746f6b656e0000',
      { kind: 'continueNotify', identifier: hexBytes('aa29e96b'), part: 1, ...tsToken },
    ],
    [
      'RECEIVE_STREAM of one part',
      `0001000800000000000473b62f3500010000${helloHex.slice(2)}`,
      { kind: 'receive', identifier: hexBytes('73b62f35'), part: 0, head, bytes: hello, ...unsigned },
    ],
    [
      'RECEIVE_STREAM, a second part',
      '000100080000000000046d72d31e000101aabbcc',
      {
        kind: 'receive',
        identifier: hexBytes('6d72d31e'),
        part: 1,
        head: undefined,
        bytes: hexBytes('aabbcc'),
        ...unsigned,
      },
    ],
    [
      'RECEIVE_STREAM, compressed',
      `0001000800000000000444911cf30001000007666f6f2f62617200010100011800024e200040${compressedHash}${compressed}`,
      {
        kind: 'receive',
        identifier: hexBytes('44911cf3'),
        part: 0,
        head: { topic, compressor: 1, compressedLength: 24, length: 20_000, sha512: hexBytes(compressedHash) },
        bytes: hexBytes(compressed),
        ...unsigned,
      },
    ],
    [
      'ENABLE_ZSTD_PRESET',
      '0001000900010100020003000240000008ffffffffffffffff00000000',
      {
        kind: 'enablePreset',
        id: 1,
        level: 3,
        minSize: 16_384,
        maxSize: 2n ** 64n - 1n,
        sha512: none,
        dictionary: none,
        ...unsigned,
      },
    ],
    ['MISSED', '0001000c0000000000026d6d', { kind: 'missed', topic: utf8('mm'), ...unsigned }],
  ];
  for (const [name, hex, message] of received) {
    it(`< ${name}`, () => {
      expect(decodeFromBroadcaster(oddView(hexBytes(hex)))).to.deep.equal(message);
      expect(toHex(encodeFromBroadcaster(message))).to.equal(hex);
    });
  }

  it('expanded headers', () => {
    const nonce = '25fd90fa861f6fee0f60b09b1534e92233688a6f065fb3abe4480cc3049979e8';
    const hex =
      `0000000100060012782d737562736372696265722d6e6f6e63650020${nonce}000d782d656e61626c652d7a737464000101` +
      '0011782d656e61626c652d747261696e696e67000101000e782d696e697469616c2d6469637400020000' +
      '000d617574686f72697a6174696f6e00000009782d74726163696e670000';
    expect(decodeToBroadcaster(hexBytes(hex))).to.deep.equal({
      kind: 'configure',
      ...configure,
      zstd: true,
      nonce: hexBytes(nonce),
      ...unsigned,
    });
    const subscribe =
      '000000020003000d617574686f72697a6174696f6e00000009782d74726163696e6700000007782d746f7069630007666f6f2f626172';
    expect(decodeToBroadcaster(hexBytes(subscribe))).to.deep.equal({ kind: 'subscribeExact', topic, ...unsigned });
    const headers = [
      ['authorization', none],
      ['x-tracing', none],
      ['x-topic', topic],
    ] as const;
    expect(toHex(encodeExpanded(2, headers))).to.equal(subscribe);
    const confirm =
      '000000090004000c782d6964656e74696669657200047912d8bb000d617574686f72697a6174696f6e00000009782d74726163696e67' +
      '00000011782d6e756d2d7375627363726962657273000400000001';
    expect(decodeToBroadcaster(hexBytes(confirm))).to.deep.equal({
      kind: 'confirmReceive',
      identifier: hexBytes('7912d8bb'),
      subscribers: 1,
      ...unsigned,
    });
  });
});
