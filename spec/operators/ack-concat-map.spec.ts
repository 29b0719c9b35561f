import { expect } from 'chai';
import { concatMap, EMPTY, from, NEVER, Observable, of, Subject, take, tap, throwError } from 'rxjs';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { refused } from './refused.js';
import { testScheduler } from './test-scheduler.js';

describe('ackConcatMap', () => {
  it('works on one at a time, in order, and acks each when its inner completes', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('  -ab--c|         ', deliveries.letters('abc'));
      const subs = '         ^-----!         ';
      const inner$ = cold('   x--y|          ');
      const innerSubs = ['   -^---!          ', '-----^---!', '---------^---!'];
      const expected = '     -x--yx--yx--y|  ';
      expectObservable(source$.pipe(ackConcatMap(() => inner$))).toBe(expected);
      expectSubscriptions(source$.subscriptions).toBe(subs);
      expectSubscriptions(inner$.subscriptions).toBe(innerSubs);
      flush();
      expect(deliveries.log).to.deep.equal(['5 ack a', '9 ack b', '13 ack c']);
    });
  });

  it('hands project the delivery and an index that dropped copies do not count in', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<string>>();
    const first$ = new Subject<never>();
    const seen: [string, number][] = [];
    source$
      .pipe(
        ackConcatMap((delivery, index) => {
          seen.push([delivery.value, index]);
          return index === 0 ? first$ : EMPTY;
        }),
      )
      .subscribe();
    const a = deliveries.make('a');
    const b = deliveries.make('b');
    source$.next(a);
    source$.next(deliveries.make('copy of a', { copyOf: a }));
    source$.next(b);
    source$.next(deliveries.make('copy of b', { copyOf: b }));
    first$.complete();
    source$.next(deliveries.make('late copy of b', { copyOf: b }));
    source$.next(deliveries.make('c'));
    expect(seen).to.deep.equal([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(deliveries.log).to.deep.equal(['ack a', 'ack b', 'ack c']);
  });

  it('takes what project returns: promises, arrays, iterables, and waits for each', async () => {
    const deliveries = new FakeDeliveries();
    const seen: unknown[] = [];
    const inputs: Record<string, () => Iterable<number> | PromiseLike<number>> = {
      a: () => Promise.resolve(1),
      b: () => [2, 3],
      c: () => new Set([4]),
      d: () => ({ then: (resolve) => Promise.resolve(5).then(resolve) }) as PromiseLike<number>,
    };
    await from(Object.values(deliveries.letters('abcd')))
      .pipe(
        ackConcatMap((delivery) => inputs[delivery.value]!() as Promise<number>),
        tap((value) => seen.push(value)),
      )
      .forEach(() => undefined);
    expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
    expect(deliveries.log).to.deep.equal(['ack a', 'ack b', 'ack c', 'ack d']);
  });

  it('hands an error of project downstream, and releases what was at work and queued', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-abc--', deliveries.letters('abc'));
      const subs = '       ^---!';
      const inner$ = cold(' --x|');
      const project = (delivery: FakeDelivery<string>): Observable<string> => {
        if (delivery.value === 'b') throw new Error('bad b');
        return inner$;
      };
      expectObservable(source$.pipe(ackConcatMap(project))).toBe('---x#', undefined, new Error('bad b'));
      expectSubscriptions(source$.subscriptions).toBe(subs);
      flush();
      expect(deliveries.log).to.deep.equal(['4 ack a', '4 release b', '4 release c']);
    });
  });

  it('hands an error of the inner downstream, in the same order', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-ab---', deliveries.letters('ab'));
      const inner$ = cold(' -x#');
      expectObservable(source$.pipe(ackConcatMap(() => inner$))).toBe('--x#');
      expectSubscriptions(source$.subscriptions).toBe('^--!');
      expectSubscriptions(inner$.subscriptions).toBe('-^-!');
      flush();
      expect(deliveries.log).to.deep.equal(['3 release a', '3 release b']);
    });
  });

  it('releases what is at work and queued when it is unsubscribed, after the inner was torn down', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-ab----c-', deliveries.letters('abc'));
      const unsub = '      -----!   ';
      const inner$ = cold(' x-------');
      expectObservable(source$.pipe(ackConcatMap(() => inner$)), unsub).toBe('-x---');
      expectSubscriptions(source$.subscriptions).toBe('^----!');
      expectSubscriptions(inner$.subscriptions).toBe('-^---!');
      flush();
      expect(deliveries.log).to.deep.equal(['5 release a', '5 release b']);
    });
  });

  it('tears down the source first, then the inner, then releases', () => {
    const deliveries = new FakeDeliveries();
    const { log } = deliveries;
    const source$ = new Observable<FakeDelivery<string>>((subscriber) => {
      subscriber.next(deliveries.make('a'));
      subscriber.next(deliveries.make('b'));
      return () => log.push('source');
    });
    const inner$ = new Observable(() => () => log.push('inner'));
    source$
      .pipe(ackConcatMap(() => inner$))
      .subscribe()
      .unsubscribe();
    expect(log).to.deep.equal(['source', 'inner', 'release a', 'release b']);
  });

  it('passes on an error of the source at once, and releases what is in flight', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-ab-#', deliveries.letters('ab'));
      const inner$ = cold(' x-------|');
      expectObservable(source$.pipe(ackConcatMap(() => inner$))).toBe('-x--#');
      expectSubscriptions(inner$.subscriptions).toBe('-^--!');
      flush();
      expect(deliveries.log).to.deep.equal(['4 release a', '4 release b']);
    });
  });

  it('never settles, nor ends, while an inner never completes', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries();
      const source$ = hot('-ab-|', deliveries.letters('ab'));
      expectObservable(source$.pipe(ackConcatMap(() => NEVER)), '10ms !').toBe('-----');
      expectSubscriptions(source$.subscriptions).toBe('^---!');
      flush();
      expect(deliveries.log).to.deep.equal(['release a', 'release b']);
    });
  });

  it('queues what a value that it emits makes the source emit', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const seen: string[] = [];
    source$.pipe(ackConcatMap((delivery) => of(`${delivery.value}x`, `${delivery.value}y`))).subscribe((value) => {
      seen.push(value);
      if (value === '0x') source$.next(deliveries.make(1));
      if (value === '1y') source$.complete();
    });
    source$.next(deliveries.make(0));
    expect(seen).to.deep.equal(['0x', '0y', '1x', '1y']);
    expect(deliveries.log).to.deep.equal(['ack 0', 'ack 1']);
  });

  it('takes what its own ack makes the source emit, in order and without recursion', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    let done = 0;
    let inOrder = true;
    source$.pipe(ackConcatMap((delivery) => of(delivery.value))).subscribe((value) => {
      inOrder &&= value === done++;
    });
    let sent = 0;
    const send = (): void => {
      if (sent === 100_000) return;
      const delivery = deliveries.make(sent++);
      delivery.onFree = send;
      source$.next(delivery);
    };
    send();
    expect(done).to.equal(100_000);
    expect(inOrder).to.equal(true);
  });

  it('does not grow the stack over a long queue of synchronous inners', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const first$ = new Subject<never>();
    let done = 0;
    let completed = false;
    source$.pipe(ackConcatMap((delivery, index) => (index === 0 ? first$ : of(delivery.value)))).subscribe({
      next: () => done++,
      complete: () => (completed = true),
    });
    for (let n = 0; n <= 100_000; n++) source$.next(deliveries.make(n));
    source$.complete();
    first$.complete();
    expect(done).to.equal(100_000);
    expect(deliveries.log).to.have.length(100_001);
    expect(completed).to.equal(true);
  });

  it('tears a synchronous inner down before it subscribes to the next', () => {
    const deliveries = new FakeDeliveries();
    const { log } = deliveries;
    const inner = (name: string): Observable<never> =>
      new Observable((subscriber) => {
        log.push(`begin ${name}`);
        subscriber.complete();
        return () => log.push(`end ${name}`);
      });
    from(Object.values(deliveries.letters('ab')))
      .pipe(ackConcatMap((delivery) => inner(delivery.value)))
      .subscribe();
    expect(log).to.deep.equal(['begin a', 'ack a', 'end a', 'begin b', 'ack b', 'end b']);
  });

  it('acks a promise whose value made downstream unsubscribe, and releases an Observable that was cut off', async () => {
    const promised = new FakeDeliveries();
    await from(Object.values(promised.letters('ab')))
      .pipe(
        ackConcatMap((delivery) => Promise.resolve(delivery.value)),
        take(1),
      )
      .forEach(() => undefined);
    expect(promised.log).to.deep.equal(['ack a', 'release b']);

    const observed = new FakeDeliveries();
    from(Object.values(observed.letters('ab')))
      .pipe(
        ackConcatMap((delivery) => of(delivery.value, 'more')),
        take(1),
      )
      .subscribe();
    expect(observed.log).to.deep.equal(['release a']);
  });

  it('does not subscribe to an inner when project itself unsubscribed downstream', async () => {
    const deliveries = new FakeDeliveries();
    for (const kind of ['observable', 'promise', 'throw']) {
      const source$ = new Subject<FakeDelivery<string>>();
      let subscribed = false;
      const subscription = source$
        .pipe(
          ackConcatMap(() => {
            subscription.unsubscribe();
            if (kind === 'throw') throw new Error('nobody hears this');
            if (kind === 'promise') return Promise.reject(new Error('nor this'));
            return new Observable<never>(() => {
              subscribed = true;
            });
          }),
        )
        .subscribe();
      source$.next(deliveries.make(kind));
      await Promise.resolve();
      expect(subscribed).to.equal(false);
      expect(source$.observed).to.equal(false);
    }
    expect(deliveries.log).to.deep.equal(['release observable', 'release promise', 'release throw']);
  });

  it('settles the copy of a delivery that was released before', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<string>>();
    source$
      .pipe(ackConcatMap((_, index) => (index === 0 ? throwError(() => 'once') : EMPTY), { onError: 'release' }))
      .subscribe();
    source$.next(deliveries.make('a', { offset: 1n }));
    source$.next(deliveries.make('a again', { offset: 1n, redelivered: true }));
    expect(deliveries.log).to.deep.equal(['release a', 'ack a again']);
  });

  it('can be subscribed to again, each subscription with its own state', () => {
    const deliveries = new FakeDeliveries();
    const indices: number[] = [];
    const result$ = of('a', 'b').pipe(
      concatMap((letter) => of(deliveries.make(letter))),
      ackConcatMap((_, index) => {
        indices.push(index);
        return EMPTY;
      }),
    );
    result$.subscribe();
    result$.subscribe();
    expect(indices).to.deep.equal([0, 1, 0, 1]);
  });

  it('refuses options that it does not have, and values that they do not accept', () => {
    expect(refused(() => ackConcatMap(() => EMPTY, { concurrency: 2 } as never))).to.match(
      /ackConcatMap\(\).*'concurrency'.*onError/,
    );
    expect(refused(() => ackConcatMap(() => EMPTY, { onError: 'ignore' as never }))).to.match(
      /onError.*'throw', 'ack', 'release'/,
    );
    expect(refused(() => ackConcatMap(() => EMPTY, { onError: { after: 0, to: () => EMPTY } }))).to.match(
      /onError\.after.*integer/,
    );
    expect(refused(() => ackConcatMap(() => EMPTY, { onError: { after: 1 } as never }))).to.match(
      /onError\.to.*required/,
    );
    expect(refused(() => ackConcatMap(undefined as never))).to.match(/project must be a function/);
  });
});
