import { expect } from 'chai';
import { EMPTY, from, NEVER, Observable, of, Subject, take, timer } from 'rxjs';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { refused } from './refused.js';
import { testScheduler } from './test-scheduler.js';

describe('ackMergeMap', () => {
  it('works on as many at a time as concurrency says, and acks each when its inner completes', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-abc-|        ', deliveries.letters('abc'));
      const subs = '       ^----!        ';
      const inner = {
        a: cold('           ----a|       '),
        b: cold('            -b|         '),
        c: cold('              ----c|    '),
      };
      const expected = '   ---b-a--c|    ';
      const project = (delivery: FakeDelivery<string>): Observable<string> => inner[delivery.value as 'a' | 'b' | 'c'];
      expectObservable(source$.pipe(ackMergeMap(project, { concurrency: 2 }))).toBe(expected);
      expectSubscriptions(source$.subscriptions).toBe(subs);
      expectSubscriptions(inner.a.subscriptions).toBe('-^----!');
      expectSubscriptions(inner.b.subscriptions).toBe('--^-!');
      expectSubscriptions(inner.c.subscriptions).toBe('----^----!');
      flush();
      expect(deliveries.log).to.deep.equal(['4 ack b', '6 ack a', '9 ack c']);
    });
  });

  it('works on all that come where no concurrency is given', () => {
    const deliveries = new FakeDeliveries();
    let active = 0;
    const subscription = from(Array.from({ length: 1000 }, (_, n) => deliveries.make(n)))
      .pipe(
        ackMergeMap(() => {
          active++;
          return NEVER;
        }),
      )
      .subscribe();
    expect(active).to.equal(1000);
    subscription.unsubscribe();
    expect(deliveries.log).to.have.length(1000);
  });

  it('hands an error of project downstream, and releases what is at work and queued', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-abc-', deliveries.letters('abc'));
      const inner$ = cold('x----|');
      const project = (delivery: FakeDelivery<string>): Observable<string> => {
        if (delivery.value === 'c') throw new Error('bad c');
        return inner$;
      };
      expectObservable(source$.pipe(ackMergeMap(project))).toBe('-xx#', undefined, new Error('bad c'));
      expectSubscriptions(source$.subscriptions).toBe('^--!');
      expectSubscriptions(inner$.subscriptions).toBe(['-^-!', '--^!']);
      flush();
      expect(deliveries.log).to.deep.equal(['3 release a', '3 release b', '3 release c']);
    });
  });

  it('hands an error of an inner downstream, tears down the others and releases all', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-abcd---', deliveries.letters('abcd'));
      const good$ = cold(' x--------');
      const bad$ = cold('   ---#');
      const project = (delivery: FakeDelivery<string>): Observable<string> => (delivery.value === 'b' ? bad$ : good$);
      expectObservable(source$.pipe(ackMergeMap(project, { concurrency: 3 }))).toBe('-x-x-#');
      expectSubscriptions(source$.subscriptions).toBe('^----!');
      expectSubscriptions(good$.subscriptions).toBe(['-^---!', '---^-!']);
      expectSubscriptions(bad$.subscriptions).toBe('--^--!');
      flush();
      expect(deliveries.log).to.deep.equal(['5 release a', '5 release b', '5 release c', '5 release d']);
    });
  });

  it('releases all when it is unsubscribed in the middle', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-abc-----', deliveries.letters('abc'));
      const inner$ = cold('--x--|');
      const unsub = '      ----!';
      expectObservable(source$.pipe(ackMergeMap(() => inner$, { concurrency: 2 })), unsub).toBe('---x-');
      expectSubscriptions(source$.subscriptions).toBe('^---!');
      expectSubscriptions(inner$.subscriptions).toBe(['-^--!', '--^-!']);
      flush();
      expect(deliveries.log).to.deep.equal(['4 release a', '4 release b', '4 release c']);
    });
  });

  it('passes on an error of the source at once, and releases what is in flight', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const deliveries = new FakeDeliveries(() => scheduler.now());
      const source$ = hot('-abc#', deliveries.letters('abc'));
      const inner$ = cold('x------|');
      expectObservable(source$.pipe(ackMergeMap(() => inner$, { concurrency: 2 }))).toBe('-xx-#');
      expectSubscriptions(inner$.subscriptions).toBe(['-^--!', '--^-!']);
      flush();
      expect(deliveries.log).to.deep.equal(['4 release a', '4 release b', '4 release c']);
    });
  });

  it('goes on beside an inner that never completes, and never ends', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, cold, expectObservable, flush }) => {
      const deliveries = new FakeDeliveries();
      const source$ = hot('-abc|', deliveries.letters('abc'));
      const inner$ = cold('x|');
      const project = (delivery: FakeDelivery<string>): Observable<string> => (delivery.value === 'a' ? NEVER : inner$);
      expectObservable(source$.pipe(ackMergeMap(project, { concurrency: 2 })), '20ms !').toBe('--xx-');
      flush();
      expect(deliveries.log).to.deep.equal(['ack b', 'ack c', 'release a']);
    });
  });

  it('starts what an emission makes the source emit at once, while there is room, as mergeMap does', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const seen: string[] = [];
    source$.pipe(ackMergeMap((delivery) => of(`${delivery.value}x`, `${delivery.value}y`))).subscribe((value) => {
      seen.push(value);
      if (value === '0x') source$.next(deliveries.make(1));
    });
    source$.next(deliveries.make(0));
    expect(seen).to.deep.equal(['0x', '1x', '1y', '0y']);
    expect(deliveries.log).to.deep.equal(['ack 1', 'ack 0']);
  });

  it('starts what was queued at once when an emission ends another inner', () => {
    const deliveries = new FakeDeliveries();
    const inners = [new Subject<string>(), new Subject<string>(), of('c1', 'c2')];
    const seen: string[] = [];
    from(Object.values(deliveries.letters('abc')))
      .pipe(ackMergeMap((_, index) => inners[index]!, { concurrency: 2 }))
      .subscribe({
        next: (value) => {
          seen.push(value);
          if (value === 'a') (inners[1] as Subject<string>).complete();
        },
        complete: () => seen.push('|'),
      });
    (inners[0] as Subject<string>).next('a');
    (inners[0] as Subject<string>).complete();
    expect(seen).to.deep.equal(['a', 'c1', 'c2', '|']);
    expect(deliveries.log).to.deep.equal(['ack b', 'ack c', 'ack a']);
  });

  it('keeps the order where an inner makes the source emit after it has completed', () => {
    const deliveries = new FakeDeliveries();
    const { a, b, c } = deliveries.letters('abc') as Record<'a' | 'b' | 'c', FakeDelivery<string>>;
    const source$ = new Subject<FakeDelivery<string>>();
    const odd$ = new Observable<never>((subscriber) => {
      source$.next(b);
      subscriber.complete();
      source$.next(c);
    });
    source$.pipe(ackMergeMap((delivery) => (delivery === a ? odd$ : EMPTY), { concurrency: 1 })).subscribe();
    source$.next(a);
    expect(deliveries.log).to.deep.equal(['ack a', 'ack b', 'ack c']);
  });

  it('starts what was queued after a synchronous inner is torn down, also when others began within that', () => {
    const deliveries = new FakeDeliveries();
    const { log } = deliveries;
    const { a, b, c } = deliveries.letters('abc') as Record<'a' | 'b' | 'c', FakeDelivery<string>>;
    const source$ = new Subject<FakeDelivery<string>>();
    const project = (delivery: FakeDelivery<string>): Observable<string> =>
      new Observable((subscriber) => {
        log.push(`begin ${delivery.value}`);
        if (delivery !== a) return undefined;
        subscriber.next('x');
        subscriber.complete();
        return () => log.push('end a');
      });
    source$.pipe(ackMergeMap(project, { concurrency: 2 })).subscribe(() => {
      source$.next(b);
      source$.next(c);
    });
    source$.next(a);
    expect(log).to.deep.equal(['begin a', 'begin b', 'ack a', 'end a', 'begin c']);
  });

  it('unsubscribes a synchronous source that a value of a synchronous inner ends', () => {
    const deliveries = new FakeDeliveries();
    let emitted = 0;
    const source$ = new Observable<FakeDelivery<number>>((subscriber) => {
      while (!subscriber.closed) subscriber.next(deliveries.make(emitted++));
    });
    source$
      .pipe(
        ackMergeMap((delivery) => of(delivery.value)),
        take(3),
      )
      .subscribe();
    expect(emitted).to.equal(3);
    expect(deliveries.log).to.deep.equal(['ack 0', 'ack 1', 'release 2']);
  });

  it('drops copies of what is queued or at work, and of what is settled', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<string>>();
    const ends: Subject<never>[] = [];
    const project = (): Subject<never> => {
      const end$ = new Subject<never>();
      ends.push(end$);
      return end$;
    };
    source$.pipe(ackMergeMap(project, { concurrency: 1 })).subscribe();
    const { a, b } = deliveries.letters('ab') as { a: FakeDelivery<string>; b: FakeDelivery<string> };
    source$.next(a);
    source$.next(b);
    source$.next(deliveries.make('copy of a', { copyOf: a }));
    source$.next(deliveries.make('copy of b', { copyOf: b }));
    source$.next(b);
    expect(ends).to.have.length(1);
    ends[0]!.complete();
    source$.next(deliveries.make('settled copy of a', { copyOf: a }));
    ends[1]!.complete();
    expect(ends).to.have.length(2);
    expect(deliveries.log).to.deep.equal(['ack a', 'ack b']);
  });

  it('works on hand-made deliveries without a place, each of which is its own', () => {
    const { time, timestamp, key, headers } = new FakeDeliveries().make('');
    const acked: string[] = [];
    const plain = (value: string) => {
      let settled = false;
      return {
        value,
        channel: 'c',
        offset: undefined,
        time,
        timestamp,
        key,
        headers,
        redelivered: false,
        redeliveries: undefined,
        get settled() {
          return settled;
        },
        ack() {
          settled = true;
          acked.push(value);
        },
        release() {
          acked.push(`not ${value}`);
        },
        toJSON: () => ({}),
      };
    };
    const a = plain('a');
    from([a, a, plain('b')])
      .pipe(ackMergeMap(() => EMPTY, { concurrency: 2 }))
      .subscribe();
    expect(acked).to.deep.equal(['a', 'b']);
  });

  it('completes when the source has, and all work is done', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable }) => {
      const deliveries = new FakeDeliveries();
      const source$ = hot('-ab|', deliveries.letters('ab'));
      expectObservable(source$.pipe(ackMergeMap((delivery) => timer(delivery.value === 'a' ? 10 : 1)))).toBe(
        '---0 7ms (0|)',
        { 0: 0 },
      );
      expectObservable(hot('-|', {} as Record<string, FakeDelivery<string>>).pipe(ackMergeMap(() => EMPTY))).toBe('-|');
    });
  });

  it('does not grow the stack, whoever the synchronous inners are', () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const holds = [new Subject<never>(), new Subject<never>()];
    let done = 0;
    source$
      .pipe(ackMergeMap((delivery, index) => holds[index] ?? of(delivery.value), { concurrency: 2 }))
      .subscribe(() => done++);
    for (let n = 0; n < 100_002; n++) source$.next(deliveries.make(n));
    holds[1]!.complete();
    expect(done).to.equal(100_000);
  });

  it('refuses options that it does not have, and values that they do not accept', () => {
    for (const concurrency of [0, -1, 1.5, NaN, '2' as never, null as never]) {
      expect(refused(() => ackMergeMap(() => EMPTY, { concurrency }))).to.match(
        /ackMergeMap\(\): concurrency must be an integer.*Infinity/,
      );
    }
    expect(refused(() => ackMergeMap(() => EMPTY, { concurency: 2 } as never))).to.match(/'concurency'.*'concurrency'/);
    expect(refused(() => ackMergeMap(() => EMPTY, { onError: 'nack' as never }))).to.match(/onError must be/);
    expect(refused(() => ackMergeMap(() => EMPTY, 8 as never))).to.match(/options must be an object/);
    expect(refused(() => ackMergeMap('x' as never))).to.match(/project must be a function/);
    expect(() => ackMergeMap(() => EMPTY, { concurrency: Infinity, onError: undefined })).not.to.throw();
  });
});
