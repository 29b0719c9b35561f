import { expect } from 'chai';
import { MessageDelivery, type Origin } from '../../lib/liftbridge/delivery.js';
import { emptyMessageScan, readMessage } from '../../lib/liftbridge/codec/message.js';
import { theirEncode, type Fields } from './codec/oracle.js';

const origin: Origin = { channel: 'orders', partition: 3, settled: () => undefined };
const utf8 = (value: string) => Buffer.from(value);

/** A delivery in the middle of a read of the socket, of so many bytes. */
function received(
  fields: Fields,
  readSize = 16_384,
  at = 100,
): { delivery: MessageDelivery<unknown>; read: Uint8Array } {
  const message = theirEncode('Message', { offset: 7n, timestamp: 1_700_000_000_000_000_001n, ...fields });
  const read = new Uint8Array(readSize).fill(0xff);
  read.set(message, at);
  const scan = emptyMessageScan();
  const end = at + message.length;
  readMessage(read, at, end, scan);
  const { offset, valueStart, valueEnd } = scan;
  return { delivery: new MessageDelivery(origin, offset, read, at, end, valueStart, valueEnd), read };
}

const full = {
  key: utf8('k'),
  value: utf8('a value'),
  subject: 'orders.3',
  replySubject: 'answers',
  correlationId: 'c',
  headers: { subject: utf8('orders.3'), reply: utf8(''), mine: utf8('h') },
};
const plain = (delivery: MessageDelivery<unknown>) => ({
  ...delivery.toJSON(),
  key: delivery.key && Buffer.from(delivery.key).toString(),
  timestamp: delivery.timestamp,
  headers: [...delivery.headers].map(([name, value]) => [name, Buffer.from(value).toString()]),
  replyTo: delivery.replyTo,
  correlationId: delivery.correlationId,
});

describe('liftbridge: a delivery over the bytes of a read', () => {
  for (const [title, fields] of [
    ['with everything', full],
    ['without a value', { ...full, value: undefined }],
    ['with an empty value', { ...full, value: new Uint8Array() }],
    ['with a key alone', { key: utf8('k') }],
    ['with nothing', {}],
  ] as const) {
    for (const at of [0, 100]) {
      it(`${title}, at ${at}: says the same when it has taken its bytes along`, () => {
        const { delivery, read } = received(fields, 16_384, at);
        const before = plain(delivery);
        delivery.detach();
        read.fill(0);
        expect(plain(delivery)).to.deep.equal(before);
        expect((delivery.value as Uint8Array).buffer.byteLength).to.be.below(1_024);
      });
    }
  }

  it('gives all that the wire has', () => {
    expect(plain(received(full).delivery)).to.deep.equal({
      channel: 'orders',
      offset: '7',
      time: '2023-11-14T22:13:20.000Z',
      timestamp: 1_700_000_000_000_000_001n,
      partition: 3,
      subject: 'orders.3',
      key: 'k',
      value: 'a value',
      headers: [['mine', 'h']],
      replyTo: 'answers',
      correlationId: 'c',
      redelivered: false,
      redeliveries: 0,
      settled: false,
    });
  });

  it('stays where it is in a read that is little more than it', () => {
    const { delivery, read } = received(full, 1_000);
    delivery.detach();
    expect((delivery.value as Uint8Array).buffer).to.equal(read.buffer);
  });

  it('takes along what a codec has given of the bytes, as what it was', () => {
    for (const [given, kind] of [
      [(bytes: Uint8Array) => bytes.subarray(2), Uint8Array],
      [(bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset + 2, bytes.length - 2), Buffer],
    ] as const) {
      const { delivery, read } = received(full);
      delivery.decode({ decode: given });
      delivery.detach();
      read.fill(0);
      const value = delivery.value as Uint8Array;
      expect(value.constructor).to.equal(kind);
      expect(Buffer.from(value).toString()).to.equal('value');
      expect(value.buffer.byteLength).to.be.below(1_024);
    }
  });

  it('leaves alone what a codec has given that is more than the message, or nothing of it', () => {
    for (const given of [
      (bytes: Uint8Array) => new Uint8Array(bytes.buffer),
      () => Uint8Array.of(1, 2),
      (bytes: Uint8Array) => ({ part: bytes.subarray(1) }),
    ]) {
      const { delivery } = received(full);
      delivery.decode({ decode: given });
      const { value } = delivery;
      delivery.detach();
      expect(delivery.value).to.equal(value);
    }
  });

  it('has copies that do not keep the read alive either', () => {
    const { delivery, read } = received(full);
    const copy = delivery.again();
    expect((copy.value as Uint8Array).buffer).to.not.equal(read.buffer);
    expect(Buffer.from(copy.value as Uint8Array).toString()).to.equal('a value');
    expect([copy.redeliveries, copy.redelivered, copy.offset]).to.deep.equal([1, true, 7n]);
    expect(copy.again().redeliveries).to.equal(2);
  });
});
