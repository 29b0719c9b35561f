import { expect } from 'chai';
import fc from 'fast-check';
import { FrameTooLargeError, ProtocolError } from '../../../lib/core/errors.js';
import { decodeFromBroadcaster, type FromBroadcaster } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import {
  configureMessage,
  confirmReceiveMessage,
  continueReceiveMessage,
  notifyMessage,
  notifyOverhead,
  notifyPartMessage,
  subscribeExactMessage,
  subscribeGlobMessage,
  unsubscribeExactMessage,
  unsubscribeGlobMessage,
} from '../../../lib/lonelyps/codec/to-broadcaster.js';
import { encodeExpanded } from '../codec-of-broadcaster/expanded.js';
import {
  decodeToBroadcaster,
  encodeFromBroadcaster,
  encodeFromBroadcasterExpanded,
  partsOf,
} from '../codec-of-broadcaster/websocket.js';
import { fromBroadcaster } from './arbitraries.js';
import { concat, hexBytes, oddView, utf8 } from './bytes.js';

const none = new Uint8Array(0);
const unsigned = { authorization: '', tracing: none };
const some = fc.uint8Array({ maxLength: 30 });
const missed: FromBroadcaster = { kind: 'missed', topic: utf8('mm'), ...unsigned };

const decode = (...hex: string[]): (() => unknown) => {
  return () => decodeFromBroadcaster(oddView(hexBytes(hex.join(''))));
};

describe('lonelyps codec: websocket messages', () => {
  it('of a broadcaster are read as they were written, with headers of both forms', () => {
    fc.assert(
      fc.property(fromBroadcaster, (message) => {
        expect(decodeFromBroadcaster(oddView(encodeFromBroadcaster(message)))).to.deep.equal(message);
        expect(decodeFromBroadcaster(oddView(encodeFromBroadcasterExpanded(message)))).to.deep.equal(message);
      }),
      { numRuns: 500 },
    );
  });

  it('with expanded headers may have them in any order, in capitals, twice, and others too', () => {
    fc.assert(
      fc.property(fromBroadcaster, fc.infiniteStream(fc.nat()), (message, order) => {
        const [type, headers, body] = partsOf(message);
        const mixed = headers
          .map(([name, value]) => [name.toUpperCase(), value] as const)
          .concat([['x-to-come', utf8('more')]])
          .map((header) => ({ header, key: order.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ header }) => header);
        const overridden = [[headers[0]![0], utf8('overridden')] as const, ...mixed];
        expect(decodeFromBroadcaster(encodeExpanded(type, overridden, body))).to.deep.equal(message);
      }),
    );
  });

  it('that are cut off are errors, unless only bytes of the body are missing', () => {
    fc.assert(
      fc.property(fromBroadcaster, fc.boolean(), (message, expanded) => {
        const [, , body = none] = partsOf(message);
        const bytes = expanded ? encodeFromBroadcasterExpanded(message) : encodeFromBroadcaster(message);
        for (let length = 0; length < bytes.length - body.length; length++) {
          expect(() => decodeFromBroadcaster(oddView(bytes.subarray(0, length)))).to.throw(ProtocolError);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('that go on after their headers are errors where there is no body', () => {
    fc.assert(
      fc.property(fromBroadcaster, (message) => {
        if (message.kind === 'receive' || message.kind === 'enableCustom') return;
        const longer = concat(encodeFromBroadcaster(message), Uint8Array.of(0));
        expect(() => decodeFromBroadcaster(longer)).to.throw(ProtocolError, 'left after its headers');
      }),
    );
  });

  it('say their number of headers as it is', () => {
    const [type, headers] = partsOf(missed);
    expect(() => decodeFromBroadcaster(encodeExpanded(type, headers, none, 2))).to.throw(ProtocolError, 'no header');
    expect(() => decodeFromBroadcaster(encodeExpanded(type, headers, none, 4))).to.throw(
      ProtocolError,
      'it ends inside',
    );
    expect(() => decodeFromBroadcaster(encodeExpanded(type, headers, none, 65_535))).to.throw(ProtocolError);
    expect(() => decodeFromBroadcaster(encodeExpanded(type, headers.slice(1)))).to.throw(
      ProtocolError,
      'authorization',
    );
  });

  it('of no known type are errors', () => {
    for (const type of ['0000', '000d', '0063', 'ffff']) {
      expect(decode('0001', type, '0000000000026d6d')).to.throw(ProtocolError, 'is not known');
    }
    expect(decode('')).to.throw(ProtocolError, 'flags and type');
    expect(decode('000100')).to.throw(ProtocolError, 'flags and type');
    expect(decode('0000000c00')).to.throw(ProtocolError, 'number of its headers');
  });

  it('name themselves in errors', () => {
    expect(decode('0001000c0000'))
      .to.throw(ProtocolError, 'cannot read a lonelyps MISSED')
      .that.deep.include({
        broker: 'lonelyps',
        detail: { frame: 'MISSED', at: 6 },
      });
  });

  it('may have flags that are not known', () => {
    expect(decode('ff03000c0000000000026d6d')()).to.deep.equal(missed);
  });

  it('have numbers in as many bytes as the sender liked', () => {
    const confirm = (count: string): unknown => {
      const length = (count.length / 2).toString(16).padStart(4, '0');
      return decode('00010006', '000401020304', length, count, '00000000')();
    };
    for (const count of ['', '00', '0000', '0000000000000000']) expect(confirm(count)).to.include({ notified: 0 });
    for (const count of ['07', '0007', '0000000000000007']) expect(confirm(count)).to.include({ notified: 7 });
    expect(confirm('001fffffffffffff')).to.include({ notified: Number.MAX_SAFE_INTEGER });
    expect(() => confirm('0020000000000000')).to.throw(ProtocolError, '2^53 - 1');
    expect(() => confirm('ffffffffffffffff')).to.throw(ProtocolError, '2^53 - 1');
    expect(() => confirm('000000000000000007')).to.throw(ProtocolError, 'can have 8 at most');
  });

  it('have levels that can be negative', () => {
    const level = (hex: string): unknown => {
      const length = (hex.length / 2).toString(16).padStart(4, '0');
      return decode('00010009000101', length, hex, '0000', '0000', '00000000')();
    };
    for (const [hex, value] of [
      ['', 0],
      ['03', 3],
      ['ff', -1],
      ['fffb', -5],
      ['8000', -32_768],
    ] as const) {
      expect(level(hex)).to.include({ level: value, minSize: 0, maxSize: 0n });
    }
    expect(() => level('000003')).to.throw(ProtocolError, 'x-compression-level');
  });

  it('have nonces, hashes and identifiers of the right length', () => {
    expect(decode('00010001001f', '00'.repeat(31), '00000000')).to.throw(ProtocolError, '31 bytes, and 32 were due');
    const [identifier, part, topic, numbers] = ['000101', '000100', '000161', '000100' + '0000' + '0000'];
    const receive = (id: string, hash: number): (() => unknown) =>
      decode('00010008', '00000000', id, part, topic, numbers, hash.toString(16).padStart(4, '0'), '00'.repeat(hash));
    expect(receive(identifier, 64)()).to.include({ kind: 'receive' });
    expect(receive(identifier, 63)).to.throw(ProtocolError, 'x-compressed-sha512');
    expect(receive(`0040${'01'.repeat(64)}`, 64)()).to.include({ kind: 'receive' });
    expect(receive(`0041${'01'.repeat(65)}`, 64)).to.throw(ProtocolError, '64 at most');
  });

  it('of ours are read by a broadcaster as they were meant', () => {
    const text = fc.string({ maxLength: 20 });
    const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
    const head = fc.record({
      topic: some,
      compressor: number,
      compressedLength: number,
      length: number,
      sha512: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    });
    fc.assert(
      fc.property(text, some, text, number, head, some, (authorization, identifier, glob, count, ofMessage, bytes) => {
        const auth = { authorization, tracing: none };
        const { topic } = ofMessage;
        const nonce = ofMessage.sha512.subarray(32);
        const configure = {
          nonce,
          zstd: count % 2 === 0,
          training: count % 3 === 0,
          initialDictionary: count % 65_536,
        };
        const part = count + 1 > Number.MAX_SAFE_INTEGER ? 1 : count + 1;
        const subscribers = count % 2 ** 32;
        const pairs: [sent: Uint8Array, meant: object][] = [
          [configureMessage(authorization, configure), { kind: 'configure', ...configure }],
          [subscribeExactMessage(authorization, topic), { kind: 'subscribeExact', topic }],
          [subscribeGlobMessage(authorization, glob), { kind: 'subscribeGlob', glob }],
          [unsubscribeExactMessage(authorization, topic), { kind: 'unsubscribeExact', topic }],
          [unsubscribeGlobMessage(authorization, glob), { kind: 'unsubscribeGlob', glob }],
          [
            notifyMessage(authorization, identifier, ofMessage, bytes),
            { kind: 'notify', identifier, head: ofMessage, bytes },
          ],
          [
            notifyPartMessage(authorization, identifier, 0, ofMessage, bytes),
            { kind: 'notifyStream', identifier, part: 0, head: ofMessage, bytes },
          ],
          [
            notifyPartMessage(authorization, identifier, part, undefined, bytes),
            { kind: 'notifyStream', identifier, part, head: undefined, bytes },
          ],
          [
            continueReceiveMessage(authorization, identifier, count),
            { kind: 'continueReceive', identifier, part: count },
          ],
          [
            confirmReceiveMessage(authorization, identifier, subscribers),
            { kind: 'confirmReceive', identifier, subscribers },
          ],
        ];
        for (const [sent, meant] of pairs) {
          expect(decodeToBroadcaster(oddView(sent))).to.deep.equal({ ...meant, ...auth });
        }
      }),
    );
  });

  it('of ours have no more beside the body than was said', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const head = {
      topic: new Uint8Array(100),
      compressor: most,
      compressedLength: most,
      length: most,
      sha512: new Uint8Array(64),
    };
    const identifier = new Uint8Array(64);
    const overhead = notifyOverhead(20, 100);
    for (const sent of [
      notifyMessage('a'.repeat(20), identifier, head, none),
      notifyPartMessage('a'.repeat(20), identifier, 0, head, none),
      notifyPartMessage('a'.repeat(20), identifier, most, undefined, none),
    ]) {
      expect(sent.length).to.be.at.most(overhead);
    }
  });

  it('with a header that is too long are not made', () => {
    expect(subscribeExactMessage('', new Uint8Array(65_535))).to.have.length(65_545);
    expect(() => subscribeExactMessage('', new Uint8Array(65_536))).to.throw(FrameTooLargeError, '65536');
  });
});
