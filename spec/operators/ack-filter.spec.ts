import { expect } from 'chai';
import { from, Observable, Subject, take } from 'rxjs';
import { ackFilter } from '../../lib/operators/ack-filter.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { refused } from './refused.js';
import { testScheduler } from './test-scheduler.js';

const notB = (delivery: FakeDelivery<string>): boolean => delivery.value !== 'b';

describe('ackFilter', () => {
  it('passes on what the predicate accepts, acks the others, and completes with the source', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const letters = deliveries.letters('abc');
      const source$ = hot('-abc-|', letters);
      expectObservable(source$.pipe(ackFilter(notB))).toBe('-a-c-|', letters);
      expectSubscriptions(source$.subscriptions).toBe('^----!');
      flush();
      expect(deliveries.log).to.deep.equal(['2 ack b']);
    });
  });

  it('passes on an error of the source, and leaves what it passed on alone', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries();
      const letters = deliveries.letters('a');
      const source$ = hot('-a-#', letters);
      expectObservable(source$.pipe(ackFilter(notB))).toBe('-a-#', letters);
      expectSubscriptions(source$.subscriptions).toBe('^--!');
      flush();
      expect(deliveries.log).to.deep.equal([]);
    });
  });

  it('can be unsubscribed from in the middle', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries();
      const letters = deliveries.letters('abc');
      const source$ = hot('-a-b-c', letters);
      expectObservable(source$.pipe(ackFilter(notB)), '--!').toBe('-a-', letters);
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      flush();
      expect(deliveries.log).to.deep.equal([]);
    });
  });

  it('hands an error of the predicate downstream, ends the source, and releases the delivery', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const letters = deliveries.letters('abc');
      const source$ = hot('-abc', letters);
      const predicate = (delivery: FakeDelivery<string>): boolean => {
        if (delivery.value === 'b') throw new Error('bad b');
        return true;
      };
      expectObservable(source$.pipe(ackFilter(predicate))).toBe('-a#', letters, new Error('bad b'));
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      flush();
      expect(deliveries.log).to.deep.equal(['2 release b']);
    });
  });

  it('counts what it asks about, in each subscription', () => {
    const deliveries = new FakeDeliveries();
    const indices: number[] = [];
    const result$ = from(Object.values(deliveries.letters('abc'))).pipe(
      ackFilter((delivery, index) => {
        indices.push(index);
        return notB(delivery);
      }),
    );
    result$.subscribe();
    result$.subscribe();
    expect(indices).to.deep.equal([0, 1, 2, 0, 1, 2]);
  });

  it('takes what a value that it passes on, or its ack, makes the source emit', () => {
    const deliveries = new FakeDeliveries();
    const { a, b, c, d } = deliveries.letters('abcd') as Record<'a' | 'b' | 'c' | 'd', FakeDelivery<string>>;
    const source$ = new Subject<FakeDelivery<string>>();
    const seen: string[] = [];
    b.onFree = () => {
      source$.next(c);
    };
    source$.pipe(ackFilter(notB)).subscribe((delivery) => {
      seen.push(delivery.value);
      if (delivery === a) source$.next(b);
      if (delivery === c) source$.next(d);
    });
    source$.next(a);
    expect(seen).to.deep.equal(['a', 'c', 'd']);
  });

  it('ends a synchronous source when downstream does', () => {
    const deliveries = new FakeDeliveries();
    let made = 0;
    const source$ = new Observable<FakeDelivery<number>>((subscriber) => {
      while (!subscriber.closed) subscriber.next(deliveries.make(made++));
    });
    source$
      .pipe(
        ackFilter(({ value }) => value >= 2),
        take(1),
      )
      .subscribe();
    expect(made).to.equal(3);
    expect(deliveries.log).to.deep.equal(['ack 0', 'ack 1']);
  });

  it('refuses a predicate that is no function', () => {
    expect(refused(() => ackFilter(/x/ as never))).to.match(/ackFilter\(\): predicate must be a function/);
  });
});
