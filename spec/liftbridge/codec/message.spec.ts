import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import {
  emptyMessageScan,
  messageHeaders,
  messageText,
  messageTimeMs,
  messageTimestamp,
  readMessage,
} from '../../../lib/liftbridge/codec/message.js';
import { concat, hexBytes, oddView, utf8 } from './bytes.js';
import { theirEncode } from './oracle.js';

const scan = emptyMessageScan();
const read = (bytes: Uint8Array): void => readMessage(bytes, 0, bytes.length, scan);

describe('liftbridge codec: delivered messages', () => {
  const delivered = theirEncode('Message', {
    offset: 70000n,
    value: utf8('hello'),
    timestamp: 1700000000123456789n,
    stream: 'orders',
    subject: 'orders.eu',
    headers: new Map([
      ['subject', utf8('orders.eu')],
      ['grüße', utf8('ü')],
      ['reply', new Uint8Array(0)],
    ]),
  });

  it('is scanned where it lies', () => {
    const bytes = concat(utf8('before'), delivered, hexBytes('ffffff'));
    readMessage(bytes, 6, 6 + delivered.length, scan);
    expect(scan).to.include({ offset: 70000, partition: 0, keyStart: 0, keyEnd: 0 });
    expect(bytes.subarray(scan.valueStart, scan.valueEnd)).to.deep.equal(utf8('hello'));
    expect(messageText(bytes, scan.subjectStart, scan.subjectEnd)).to.equal('orders.eu');
    expect(messageTimestamp(bytes, scan.timestampAt)).to.equal(1700000000123456789n);
    expect(messageTimeMs(bytes, scan.timestampAt)).to.equal(1700000000123.4568);
  });

  it('has no headers of the server', () => {
    read(delivered);
    expect(messageHeaders(delivered, scan.headersStart, scan.headersEnd)).to.deep.equal(
      new Map([['grüße', utf8('ü')]]),
    );
  });

  it('is empty at the start of a subscription, and nothing is left of the message before', () => {
    read(delivered);
    read(new Uint8Array(0));
    expect(scan).to.deep.equal(emptyMessageScan());
    expect(messageHeaders(delivered, scan.headersStart, scan.headersEnd)).to.deep.equal(new Map());
    expect(messageTimestamp(delivered, scan.timestampAt)).to.equal(0n);
    expect(messageTimeMs(delivered, scan.timestampAt)).to.equal(0);
  });

  it('the time in ms is that in ns', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (timestamp) => {
        const bytes = oddView(theirEncode('Message', { timestamp }));
        read(bytes);
        const ms = messageTimeMs(bytes, scan.timestampAt);
        expect(ms).to.be.closeTo(Number(timestamp) / 1e6, Math.abs(ms) * 1e-15);
      }),
    );
  });

  it('headers of any length, and those that are no entry', () => {
    const long = utf8('x'.repeat(300));
    for (const [name, value] of [
      ['n', long],
      ['n'.repeat(300), utf8('v')],
      ['', new Uint8Array(0)],
      ['n'.repeat(127), utf8('v'.repeat(127))],
    ] as const) {
      const bytes = theirEncode('Message', { headers: new Map([[name, value]]) });
      read(bytes);
      expect(messageHeaders(bytes, scan.headersStart, scan.headersEnd)).to.deep.equal(new Map([[name, value]]));
    }
    // value first, an unknown field, no value, no name, nothing
    const entries: readonly (readonly [entry: string, name: string, value: string])[] = [
      ['1201760a016e', 'n', 'v'],
      ['0a016e18051201ff120176', 'n', 'v'],
      ['0a016e', 'n', ''],
      ['120176', '', 'v'],
      ['', '', ''],
    ];
    for (const [entry, name, value] of entries) {
      const bytes = concat(Uint8Array.of(0x4a, entry.length / 2), hexBytes(entry));
      read(bytes);
      expect(messageHeaders(bytes, scan.headersStart, scan.headersEnd)).to.deep.equal(new Map([[name, utf8(value)]]));
    }
  });

  it('a header that is malformed is refused by the scan already', () => {
    for (const entry of [
      '0a',
      '0a02',
      '0a026e',
      '0a016e12',
      '0a016e1202',
      '0a016e120276',
      '0a016e12017600',
      '1b',
      '08',
    ]) {
      const bytes = concat(Uint8Array.of(0x4a, entry.length / 2), hexBytes(entry));
      expect(() => read(oddView(bytes)), entry).to.throw(ProtocolError, 'Message header');
    }
  });

  it('a scan that fails leaves what was there', () => {
    read(delivered);
    const before = { ...scan };
    expect(() => read(hexBytes('08057a'))).to.throw(ProtocolError);
    expect(scan).to.deep.equal(before);
  });
});
