import { expect } from 'chai';
import { from, lastValueFrom } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { placeOf } from '../../lib/core/delivery.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { mapValue } from '../../lib/operators/map-value.js';
import { fakeDeliveries, fakeDelivery, outcomeOf } from '../../lib/testing/index.js';

describe('testing: fakeDelivery', () => {
  it('is a delivery with nothing but its value', () => {
    const one = fakeDelivery({ value: { id: 1 } });
    expect(one).to.deep.include({ channel: 'fake', offset: undefined, time: undefined, timestamp: undefined });
    expect(one).to.deep.include({ key: undefined, redelivered: false, redeliveries: undefined, settled: false });
    expect(one.headers.size).to.equal(0);
    expect([one.value, one.outcome]).to.deep.equal([{ id: 1 }, 'open']);
    expect(fakeDelivery({ value: undefined }).value).to.equal(undefined);
  });

  it('has what it was made with', () => {
    const time = new Date('2026-01-02T03:04:05.678Z');
    const one = fakeDelivery({
      value: 'a',
      channel: 'c',
      offset: 7,
      time,
      key: 'k',
      headers: { h: 1 },
      redeliveries: 2,
    });
    expect([one.channel, one.offset, one.redelivered, one.redeliveries]).to.deep.equal(['c', 7n, true, 2]);
    expect([one.time, one.timestamp]).to.deep.equal([time, BigInt(time.getTime()) * 1_000_000n]);
    expect([one.key, [...one.headers]]).to.deep.equal([text.encode('k'), [['h', 1]]]);
    expect(JSON.parse(JSON.stringify(one))).to.deep.include({ channel: 'c', offset: '7', value: 'a', settled: false });
    const map = new Map([['h', 1]]);
    expect(fakeDelivery({ value: 1, headers: map, offset: 2n ** 60n }).headers).to.equal(map);
  });

  it('is settled once, the first way', () => {
    const acked = fakeDelivery({ value: 1 });
    acked.ack();
    acked.release();
    expect([acked.outcome, acked.settled]).to.deep.equal(['ack', true]);
    const released = fakeDelivery({ value: 1 });
    released.release();
    released.ack();
    expect([released.outcome, released.settled]).to.deep.equal(['release', false]);
  });

  it('shares its fate with its copies', () => {
    const first = fakeDelivery({ value: 1 });
    const copy = fakeDelivery({ value: 1, copyOf: first });
    const third = fakeDelivery({ value: 1, copyOf: copy });
    expect([copy.redelivered, placeOf(third)]).to.deep.equal([true, first]);
    third.ack();
    expect([first, copy, third].map(({ outcome }) => outcome)).to.deep.equal(['ack', 'ack', 'ack']);
  });

  it('is known to the operators', async () => {
    const [a, b] = fakeDeliveries(['a', 'b'], { channel: 'c' });
    expect([a?.offset, b?.offset, b?.channel]).to.deep.equal([1n, 2n, 'c']);
    const worked$ = from([a!, b!]).pipe(
      mapValue((value) => value.length),
      ackConcatMap(async (delivery) => {
        expect(outcomeOf(delivery)).to.equal('open');
        return delivery;
      }),
    );
    expect(outcomeOf(await lastValueFrom(worked$))).to.equal('ack');
    expect([a?.outcome, b?.outcome]).to.deep.equal(['ack', 'ack']);
  });

  it('checks what it is made of', () => {
    expect(() => fakeDelivery({ value: 1, ofset: 1 } as never)).to.throw(InvalidOptionError, "did you mean 'offset'?");
    expect(() => fakeDelivery({ value: 1, offset: -1 })).to.throw(InvalidOptionError, 'offset must be');
    expect(() => fakeDelivery({ value: 1, copyOf: {} as never })).to.throw(InvalidOptionError, 'fakeDelivery()');
  });
});
