import { expect } from 'chai';
import { firstValueFrom, map, Observable, Subject, take } from 'rxjs';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { testScheduler } from './test-scheduler.js';

describe('autoAck', () => {
  it('emits the values, acks each, and completes with the source', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-ab-|', deliveries.letters('ab'));
      expectObservable(source$.pipe(autoAck())).toBe('-ab-|');
      expectSubscriptions(source$.subscriptions).toBe('^---!');
      flush();
      expect(deliveries.log).to.deep.equal(['1 ack a', '2 ack b']);
    });
  });

  it('passes on an error of the source', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('-a#', new FakeDeliveries().letters('a'));
      expectObservable(source$.pipe(autoAck())).toBe('-a#');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
    });
  });

  it('settles nothing more after it was unsubscribed from', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries();
      const source$ = hot('-a-b', deliveries.letters('ab'));
      expectObservable(source$.pipe(autoAck()), '--!').toBe('-a-');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      flush();
      expect(deliveries.log).to.deep.equal(['ack a']);
    });
  });

  it('acks after next returned, not before', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<string>>();
    source$.pipe(autoAck()).subscribe((value) => {
      deliveries.log.push(`next ${value}`);
    });
    source$.next(deliveries.make('a'));
    expect(deliveries.log).to.deep.equal(['next a', 'ack a']);
  });

  it('acks what made downstream unsubscribe, and nothing after it', async () => {
    const deliveries = new FakeDeliveries();
    let made = 0;
    const source$ = new Observable<FakeDelivery<number>>((subscriber) => {
      while (!subscriber.closed) subscriber.next(deliveries.make(made++));
    });
    expect(await firstValueFrom(source$.pipe(autoAck()))).to.equal(0);
    source$.pipe(autoAck(), take(2)).subscribe();
    expect(deliveries.log).to.deep.equal(['ack 0', 'ack 1', 'ack 2']);
  });

  it('acks what an operator below it fails at', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<string>>();
    let heard: unknown;
    const fail = (): never => {
      throw new Error('bad');
    };
    source$.pipe(autoAck(), map(fail)).subscribe({ error: (error: unknown) => (heard = error) });
    source$.next(deliveries.make('a'));
    expect(heard).to.be.instanceOf(Error);
    expect(source$.observed).to.equal(false);
    expect(deliveries.log).to.deep.equal(['ack a']);
  });

  it('takes what a value, or an ack, makes the source emit', () => {
    const deliveries = new FakeDeliveries();
    const { a, b, c } = deliveries.letters('abc') as Record<'a' | 'b' | 'c', FakeDelivery<string>>;
    const source$ = new Subject<FakeDelivery<string>>();
    b.onFree = () => {
      source$.next(c);
    };
    const seen: string[] = [];
    source$.pipe(autoAck()).subscribe((value) => {
      seen.push(value);
      if (value === 'a') source$.next(b);
    });
    source$.next(a);
    expect(seen).to.deep.equal(['a', 'b', 'c']);
    expect(deliveries.log).to.deep.equal(['ack b', 'ack c', 'ack a']);
  });
});
