import { inspect } from 'node:util';
import { expect } from 'chai';
import { Observable, of, Subject, take } from 'rxjs';
import { BaseDelivery, placeOf, type Delivery, type PlaceOwner } from '../../lib/core/delivery.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { mapValue, type Mapped } from '../../lib/operators/map-value.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { refused } from './refused.js';
import { testScheduler } from './test-scheduler.js';

/** What a broker's own delivery may look like: fields, getters, methods, and members that only the class can read. */
class BrokerDelivery extends BaseDelivery<Uint8Array> {
  readonly channel = 'orders';
  readonly redelivered = false;
  readonly redeliveries = 2;
  readonly timestamp = 1_500_000_000n;
  readonly partition: number;
  readonly #replies: string;
  answered: string[] = [];

  constructor(
    readonly offsetKey: number,
    readonly payload: Uint8Array,
  ) {
    super();
    this.partition = 3;
    this.#replies = 'inbox';
  }

  get replyTo(): string {
    return `${this.#replies}.${this.offsetKey}`;
  }

  reply(...words: string[]): string {
    this.answered.push(...words);
    return this.#replies;
  }

  override toString(): string {
    return `BrokerDelivery ${this.#replies}`;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), replyTo: this.replyTo };
  }
}

function mapOne<D extends Delivery<unknown>, R>(delivery: D, fn: (value: D['value'], delivery: D) => R): Mapped<D, R> {
  let result: Mapped<D, R> | undefined;
  of(delivery)
    .pipe(mapValue(fn))
    .subscribe((mapped) => (result = mapped));
  return result!;
}

describe('mapValue', () => {
  it('changes values, and completes with the source', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries();
      const source$ = hot('-ab-|', deliveries.letters('ab'));
      const values$ = source$.pipe(
        mapValue((value, delivery) => `${value}${delivery.value.toUpperCase()}`),
        ackConcatMap(({ value }) => of(value)),
      );
      expectObservable(values$).toBe('-ab-|', { a: 'aA', b: 'bB' });
      expectSubscriptions(source$.subscriptions).toBe('^---!');
      flush();
      expect(deliveries.log).to.deep.equal(['ack a', 'ack b']);
    });
  });

  it('passes on an error of the source, and settles nothing', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('--#', {} as Record<string, FakeDelivery<string>>);
      expectObservable(source$.pipe(mapValue(() => 1))).toBe('--#');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
    });
  });

  it('can be unsubscribed from in the middle', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries();
      const source$ = hot('---a', deliveries.letters('a'));
      expectObservable(source$.pipe(mapValue(() => 1)), '--!').toBe('---');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      flush();
      expect(deliveries.log).to.deep.equal([]);
    });
  });

  it('hands an error of fn downstream, ends the source, and releases the delivery', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('--ab', deliveries.letters('ab'));
      const fn = (): never => {
        throw new Error('bad');
      };
      expectObservable(source$.pipe(mapValue(fn))).toBe('--#', undefined, new Error('bad'));
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      flush();
      expect(deliveries.log).to.deep.equal(['2 release a']);
    });
  });

  it('takes what a value makes the source emit, and ends when downstream does', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const seen: number[] = [];
    source$
      .pipe(
        mapValue((value) => value * 10),
        take(2),
      )
      .subscribe(({ value }) => {
        seen.push(value);
        source$.next(deliveries.make(value + 1));
      });
    source$.next(deliveries.make(1));
    expect(seen).to.deep.equal([10, 110]);
    expect(source$.observed).to.equal(false);
  });

  it('keeps all that a delivery of a broker has', () => {
    const origin = new BrokerDelivery(7, new TextEncoder().encode('hello'));
    const mapped = mapOne(origin, (bytes) => bytes.length);
    expect(mapped.value).to.equal(5);
    expect(mapped.channel).to.equal('orders');
    expect(mapped.offset).to.equal(7n);
    expect(mapped.time).to.deep.equal(new Date(1500));
    expect(mapped.timestamp).to.equal(1_500_000_000n);
    expect(mapped.key).to.equal(undefined);
    expect(mapped.headers.size).to.equal(0);
    expect(mapped.redelivered).to.equal(false);
    expect(mapped.redeliveries).to.equal(2);
    expect(mapped.partition).to.equal(3);
    expect(mapped.replyTo).to.equal('inbox.7');
    expect(mapped.reply('yes', 'and no')).to.equal('inbox');
    expect(origin.answered).to.deep.equal(['yes', 'and no']);
    expect(mapped.toString()).to.equal('BrokerDelivery inbox');
  });

  it('settles the original, and tells whether it is settled', () => {
    const told: string[] = [];
    const owner: PlaceOwner = { settled: () => told.push('settled'), released: () => told.push('released') };
    const origin = new BrokerDelivery(1, new Uint8Array());
    const copy = new BrokerDelivery(1, new Uint8Array());
    copy.first = origin;
    origin.owner = owner;
    const mapped = mapOne(origin, () => 1);
    const mappedCopy = mapOne(copy, () => 2);
    expect(placeOf(mapped)).to.equal(origin);
    expect(placeOf(mappedCopy)).to.equal(origin);
    expect(mapped.settled).to.equal(false);
    mappedCopy.ack();
    mapped.ack();
    mapped.release();
    expect([mapped.settled, mappedCopy.settled, origin.settled]).to.deep.equal([true, true, true]);
    expect(told).to.deep.equal(['settled']);

    const other = new BrokerDelivery(2, new Uint8Array());
    other.owner = owner;
    mapOne(other, () => 1).release();
    expect(told).to.deep.equal(['settled', 'released']);
  });

  it('can be applied again, and each is shown with its own value', () => {
    const origin = new BrokerDelivery(1, new TextEncoder().encode('one'));
    const text = mapOne(origin, (bytes) => new TextDecoder().decode(bytes));
    const size = mapOne(text, (value) => ({ size: value.length }));
    const bytes = mapOne(size, () => new Uint8Array([104, 105]));
    expect([text.value, size.value.size, size.replyTo, size.partition]).to.deep.equal(['one', 3, 'inbox.1', 3]);
    expect(JSON.parse(JSON.stringify(size))).to.deep.include({ value: { size: 3 }, offset: '1', replyTo: 'inbox.1' });
    expect(bytes.toJSON()['value']).to.equal('hi');
    expect(inspect(size)).to.include('size: 3').and.to.include('orders');
    expect(size.constructor).to.equal(text.constructor);
    size.ack();
    expect(origin.settled).to.equal(true);
  });

  it('works on deliveries made by hand, of whatever shape', () => {
    const made = (more: object) => {
      const plain = {
        value: 'v',
        channel: 'c',
        offset: 1n,
        time: undefined,
        timestamp: undefined,
        key: undefined,
        headers: new Map(),
        redelivered: false,
        redeliveries: undefined,
        settled: false,
        acks: 0,
        ack() {
          this.acks++;
          this.settled = true;
        },
        release() {
          this.acks--;
        },
        toJSON() {
          return { acks: this.acks };
        },
      };
      return Object.assign(plain, more);
    };
    const first = made({ replyTo: 'r' }) as ReturnType<typeof made> & { replyTo: string };
    const second = made({ partition: 4 }) as ReturnType<typeof made> & { partition: number };
    const bare = Object.assign(Object.create(null) as object, made({})) as ReturnType<typeof made>;
    const mapped = mapOne(first, () => 1);
    expect(mapped.replyTo).to.equal('r');
    mapped.ack();
    expect([mapped.settled, mapped.acks, first.acks]).to.deep.equal([true, 1, 1]);
    expect(mapped.toJSON()).to.deep.equal({ acks: 1, value: 1 });
    expect(mapOne(second, () => 2).partition).to.equal(4);
    expect(mapOne(bare, () => 3).channel).to.equal('c');
    expect(placeOf(mapped)).to.equal(first);
  });

  it('refuses what is no function', () => {
    expect(refused(() => mapValue(5 as never))).to.match(/mapValue\(\): fn must be a function/);
  });

  it('does nothing before it is subscribed to', () => {
    let subscribed = 0;
    const source$ = new Observable<FakeDelivery<string>>(() => {
      subscribed++;
    });
    source$.pipe(mapValue(() => 1));
    expect(subscribed).to.equal(0);
  });
});
