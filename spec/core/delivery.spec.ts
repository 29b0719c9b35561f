import { inspect } from 'node:util';

import { expect } from 'chai';

import { BaseDelivery, place, placeOf } from '../../lib/core/delivery.js';
import type { PlaceOwner } from '../../lib/core/delivery.js';
import type { OffsetKey } from '../../lib/core/offset.js';
import { DecodeError } from '../../lib/core/errors.js';

class TestDelivery<T = Uint8Array> extends BaseDelivery<T> {
  readonly channel = 'orders';
  readonly redeliveries = undefined;

  constructor(
    readonly offsetKey: OffsetKey,
    readonly payload: Uint8Array = new TextEncoder().encode('hello'),
    readonly timestamp: bigint | undefined = 1_700_000_000_123_456_789n,
    readonly redelivered = false,
  ) {
    super();
  }
}

/** Notes what it is told. */
class Owner implements PlaceOwner {
  readonly told: [string, OffsetKey][] = [];
  settled(first: BaseDelivery<unknown>): void {
    this.told.push(['settled', first.offsetKey]);
  }
  released(first: BaseDelivery<unknown>): void {
    this.told.push(['released', first.offsetKey]);
  }
}

function owned(owner: Owner, offset: OffsetKey): TestDelivery {
  const delivery = new TestDelivery(offset);
  delivery.owner = owner;
  return delivery;
}

function copyOf(first: TestDelivery): TestDelivery {
  const copy = new TestDelivery(first.offsetKey, first.payload, first.timestamp, true);
  copy.first = first as BaseDelivery<unknown>;
  return copy;
}

describe('BaseDelivery', () => {
  it('is settled once, however often it is acked', () => {
    const owner = new Owner();
    const delivery = owned(owner, 5);
    expect(delivery).to.include({ settled: false, open: true });
    delivery.ack();
    delivery.ack();
    delivery.release();
    expect(delivery).to.include({ settled: true, open: false });
    expect(owner.told).to.deep.equal([['settled', 5]]);
  });

  it('is released once, and cannot be acked after that', () => {
    const owner = new Owner();
    const delivery = owned(owner, 5);
    delivery.release();
    delivery.release();
    delivery.ack();
    expect(delivery).to.include({ settled: false, open: false });
    expect(owner.told).to.deep.equal([['released', 5]]);
  });

  it('takes ack and release without an owner', () => {
    new TestDelivery(1).release();
    const delivery = new TestDelivery(1);
    delivery.ack();
    expect(delivery.settled).to.equal(true);
  });

  it('shares its place with its copies: the first to settle settles all', () => {
    const owner = new Owner();
    const first = owned(owner, 5);
    const copy = copyOf(first);
    expect(copy[place]).to.equal(first);
    expect(placeOf(copy)).to.equal(placeOf(first));
    copy.ack();
    expect([first.settled, copy.settled]).to.deep.equal([true, true]);
    first.ack();
    first.release();
    expect(owner.told).to.deep.equal([['settled', 5]]);
  });

  it('has two places for two offsets', () => {
    expect(placeOf(new TestDelivery(1))).not.to.equal(placeOf(new TestDelivery(2)));
    const byHand = { value: 1 };
    expect(placeOf(byHand)).to.equal(byHand);
  });

  it('gives the bytes until a codec made a value', () => {
    const delivery = new TestDelivery<unknown>(1);
    expect(delivery.value).to.equal(delivery.payload);
    delivery.decode({ decode: (bytes, info) => [bytes.length, info.channel, info.headers.size] });
    expect(delivery.value).to.deep.equal([5, 'orders', 0]);
    delivery.decode({ decode: () => undefined });
    expect(delivery.value).to.equal(undefined);
  });

  it('names the message that a codec could not read', () => {
    const delivery = new TestDelivery(2n ** 60n);
    const cause = new RangeError('too short');
    expect(() => {
      delivery.decode({
        decode() {
          throw cause;
        },
      });
    })
      .to.throw(DecodeError, "cannot decode the message at offset 1152921504606846976 of 'orders': too short")
      .with.property('cause', cause);
    expect(() => {
      delivery.decode({
        decode() {
          throw 'a word';
        },
      });
    }).to.throw(DecodeError, /: a word$/);
    expect(delivery.value).to.equal(delivery.payload);
    expect(delivery.open).to.equal(true);
  });

  it('makes offset, time, key and headers on access', () => {
    const delivery = new TestDelivery(5);
    expect(delivery.offset).to.equal(5n);
    expect(delivery.time?.getTime()).to.equal(1_700_000_000_123);
    expect(delivery.time).not.to.equal(delivery.time);
    expect(delivery.key).to.equal(undefined);
    expect(delivery.headers.size).to.equal(0);
    expect(new TestDelivery(5, undefined, undefined).time).to.be.instanceOf(Date);
    class Timeless extends BaseDelivery<Uint8Array> {
      readonly channel = 'x';
      readonly offsetKey = 1;
      readonly redelivered = true;
      readonly redeliveries = 3;
      readonly timestamp = undefined;
      readonly payload = new Uint8Array();
    }
    expect(new Timeless().time).to.equal(undefined);
    expect(new Timeless().toJSON()).to.include({ time: undefined, redeliveries: 3 });
  });

  it('survives JSON.stringify', () => {
    const delivery = new TestDelivery(2n ** 60n);
    const shape = {
      channel: 'orders',
      offset: '1152921504606846976',
      time: '2023-11-14T22:13:20.123Z',
      redelivered: false,
      settled: false,
      value: 'hello',
    };
    expect(JSON.parse(JSON.stringify(delivery))).to.deep.equal(shape);
    const binary = new TestDelivery(1, Uint8Array.of(0xff, 0xfe));
    expect(JSON.parse(JSON.stringify(binary))).to.deep.include({ value: { bytes: 2 } });
    const decoded = new TestDelivery<unknown>(1);
    decoded.decode({ decode: () => ({ id: 7 }) });
    expect(JSON.parse(JSON.stringify(decoded))).to.deep.include({ value: { id: 7 } });
  });

  it('survives JSON.stringify with a value that alone would not', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const values: [unknown, unknown][] = [
      [5n, '5'],
      [
        { id: 5n, list: [6n] },
        { id: '5', list: ['6'] },
      ],
      [circle, '[object Object]'],
    ];
    for (const [value, shown] of values) {
      const delivery = new TestDelivery<unknown>(1);
      delivery.decode({ decode: () => value });
      expect(JSON.parse(JSON.stringify(delivery))).to.deep.include({ value: shown });
    }
  });

  it('shows itself in the console without its owner', () => {
    const delivery = owned(new Owner(), 5);
    const shown = inspect(delivery);
    expect(shown).to.contain("channel: 'orders'").and.contain("offset: '5'").and.contain('Uint8Array');
    expect(shown).not.to.contain('owner');
  });
});
