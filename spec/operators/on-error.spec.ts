import { expect } from 'chai';
import { EMPTY, from, Observable, of, Subject, throwError, timer } from 'rxjs';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import type { OnError } from '../../lib/operators/on-error.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { testScheduler } from './test-scheduler.js';

/** What can go wrong: project throws, returns what is no Observable, its Observable errors, its promise rejects. */
const failures: Record<string, () => Observable<never> | Promise<never>> = {
  'project throws': () => {
    throw new Error('failed');
  },
  'project returns nothing to subscribe to': () => undefined as never,
  'the inner errors at once': () => throwError(() => new Error('failed')),
  'the inner errors later': () =>
    new Observable((subscriber) => {
      queueMicrotask(() => {
        subscriber.error(new Error('failed'));
      });
    }),
  'the promise rejects': () => Promise.reject(new Error('failed')),
};

describe('onError', () => {
  for (const [what, fail] of Object.entries(failures)) {
    for (const [onError, word] of [
      ['ack', 'ack'],
      ['release', 'release'],
    ] as const) {
      it(`'${onError}' settles and goes on, when ${what}`, async () => {
        const deliveries = new FakeDeliveries();
        const seen: string[] = [];
        await from(Object.values(deliveries.letters('abc')))
          .pipe(ackConcatMap((delivery) => (delivery.value === 'b' ? fail() : of(delivery.value)), { onError }))
          .forEach((value) => seen.push(value));
        expect(seen).to.deep.equal(['a', 'c']);
        expect(deliveries.log).to.deep.equal(['ack a', `${word} b`, 'ack c']);
      });
    }

    it(`hands what is dead to the dead letters and acks it, when ${what}`, async () => {
      const deliveries = new FakeDeliveries();
      const dead: [string, string][] = [];
      const onError: OnError<FakeDelivery<string>> = {
        after: 1,
        to: (delivery, error) => {
          dead.push([delivery.value, (error as Error).message]);
          return Promise.resolve('not emitted');
        },
      };
      const seen: string[] = [];
      await from(Object.values(deliveries.letters('abc')))
        .pipe(ackConcatMap((delivery) => (delivery.value === 'b' ? fail() : of(delivery.value)), { onError }))
        .forEach((value) => seen.push(value));
      expect(seen).to.deep.equal(['a', 'c']);
      expect(dead).to.have.length(1);
      expect(dead[0]![0]).to.equal('b');
      expect(dead[0]![1]).to.match(/failed|undefined/);
      expect(deliveries.log).to.deep.equal(['ack a', 'ack b', 'ack c']);
    });
  }

  it(`'throw' is the default: nothing is acked, all is released`, () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<string>>();
    const ends = { a: new Subject<never>(), b: new Subject<never>() } as Record<string, Subject<never>>;
    let heard: unknown;
    source$.pipe(ackMergeMap((delivery) => ends[delivery.value] ?? EMPTY, { concurrency: 2 })).subscribe({
      error: (error: unknown) => (heard = error),
    });
    for (const delivery of Object.values(deliveries.letters('abc'))) source$.next(delivery);
    ends['b']!.error('b failed');
    expect(heard).to.equal('b failed');
    expect(source$.observed).to.equal(false);
    expect(ends['a']!.observed).to.equal(false);
    expect(deliveries.log).to.deep.equal(['release a', 'release b', 'release c']);
  });

  describe('dead letters', () => {
    /** A source that emits a delivery again when it is released, and a worker that always fails. */
    function poison(after: number, again: (n: number) => object) {
      const deliveries = new FakeDeliveries();
      const source$ = new Subject<FakeDelivery<string>>();
      const dead: string[] = [];
      let sent = 0;
      const send = (): void => {
        sent++;
        const delivery = deliveries.make(`try ${sent}`, { offset: 7n, ...again(sent) });
        delivery.onFree = () => {
          if (!delivery.settled) send();
        };
        source$.next(delivery);
      };
      const to = (delivery: FakeDelivery<string>): Observable<never> => {
        dead.push(delivery.value);
        return EMPTY;
      };
      source$.pipe(ackConcatMap(() => throwError(() => 'poison'), { onError: { after, to } })).subscribe();
      return { send, dead, deliveries };
    }

    it('come after as many attempts as asked for, counted by channel and offset', () => {
      const { send, dead, deliveries } = poison(3, () => ({}));
      send();
      expect(dead).to.deep.equal(['try 3']);
      expect(deliveries.log).to.deep.equal(['release try 1', 'release try 2', 'ack try 3']);
    });

    it('forget the count then', () => {
      const { send, dead } = poison(2, () => ({}));
      send();
      send();
      expect(dead).to.deep.equal(['try 2', 'try 4']);
    });

    it('believe a broker that counts, or tells, redeliveries', () => {
      const counted = poison(5, (n) => ({ redelivered: true, redeliveries: n + 2 }));
      counted.send();
      expect(counted.dead).to.deep.equal(['try 2']);

      const told = poison(2, () => ({ redelivered: true }));
      told.send();
      expect(told.dead).to.deep.equal(['try 1']);
    });

    it('take a message without an offset at once, because it never comes again', () => {
      const { send, dead } = poison(2, () => ({ offset: undefined }));
      send();
      expect(dead).to.deep.equal(['try 1']);
    });

    it('count each channel and partition for itself, and a success ends the count', () => {
      const deliveries = new FakeDeliveries();
      const source$ = new Subject<FakeDelivery<string>>();
      const dead: string[] = [];
      const to = (delivery: FakeDelivery<string>): Observable<never> => {
        dead.push(delivery.value);
        return EMPTY;
      };
      source$
        .pipe(
          ackMergeMap((delivery) => (delivery.value === 'good' ? EMPTY : throwError(() => 'bad')), {
            onError: { after: 2, to },
          }),
        )
        .subscribe();
      const make = (value: string, channel: string, partition?: number): FakeDelivery<string> =>
        Object.assign(deliveries.make(value, { channel, offset: 1n }), { partition });
      source$.next(make('x', 'x'));
      source$.next(make('y', 'y'));
      source$.next(make('x0', 'x', 0));
      source$.next(make('x1', 'x', 1));
      expect(dead).to.deep.equal([]);
      source$.next(make('good', 'x'));
      source$.next(make('x', 'x'));
      expect(dead).to.deep.equal([]);
      source$.next(make('x1', 'x', 1));
      expect(dead).to.deep.equal(['x1']);
    });

    it('hold their room, emit nothing, and are acked when they were taken', () => {
      const scheduler = testScheduler();
      scheduler.run(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
        const deliveries = new FakeDeliveries(() => scheduler.now());
        const source$ = hot('-ab------|', deliveries.letters('ab'));
        const bad$ = cold('  -#');
        const good$ = cold(' x|');
        const letter$ = cold('--y-|');
        const result$ = source$.pipe(
          ackConcatMap((delivery) => (delivery.value === 'a' ? bad$ : good$), {
            onError: { after: 1, to: () => letter$ },
          }),
        );
        expectObservable(result$).toBe('------x--|');
        expectSubscriptions(bad$.subscriptions).toBe('-^!');
        expectSubscriptions(letter$.subscriptions).toBe('--^---!');
        expectSubscriptions(good$.subscriptions).toBe('------^!');
        flush();
        expect(deliveries.log).to.deep.equal(['6 ack a', '7 ack b']);
      });
    });

    it('lose nothing when they cannot be delivered: the error goes downstream, all is released', async () => {
      const failing: (() => Observable<never> | Promise<never>)[] = [
        () => throwError(() => new Error('no letter box')),
        () => Promise.reject(new Error('no letter box')),
        () => {
          throw new Error('no letter box');
        },
      ];
      for (const to of failing) {
        const deliveries = new FakeDeliveries();
        const error = await from(Object.values(deliveries.letters('ab')))
          .pipe(ackConcatMap(() => timer(1).pipe(() => throwError(() => 'poison')), { onError: { after: 1, to } }))
          .forEach(() => undefined)
          .then(
            () => undefined,
            (reason: unknown) => reason as Error,
          );
        expect(error?.message).to.equal('no letter box');
        expect(deliveries.log[0]).to.equal('release a');
        expect(deliveries.log.some((line) => line.startsWith('ack'))).to.equal(false);
      }
    });

    it('are cut off and released on unsubscribe', () => {
      const deliveries = new FakeDeliveries();
      const letter$ = new Subject<never>();
      const subscription = from(Object.values(deliveries.letters('ab')))
        .pipe(ackConcatMap(() => throwError(() => 'poison'), { onError: { after: 1, to: () => letter$ } }))
        .subscribe();
      expect(letter$.observed).to.equal(true);
      subscription.unsubscribe();
      expect(letter$.observed).to.equal(false);
      expect(deliveries.log).to.deep.equal(['release a', 'release b']);
    });

    it('are not sent for work that unsubscribed downstream before it failed', () => {
      const deliveries = new FakeDeliveries();
      const source$ = new Subject<FakeDelivery<string>>();
      let dead = 0;
      const to = (): Observable<never> => {
        dead++;
        return EMPTY;
      };
      const work = (): never => {
        subscription.unsubscribe();
        throw new Error('nobody hears this');
      };
      const subscription = source$.pipe(ackConcatMap(work, { onError: { after: 1, to } })).subscribe();
      source$.next(deliveries.make('a'));
      expect(dead).to.equal(0);
      expect(deliveries.log).to.deep.equal(['release a']);
    });

    it('do not grow the stack', () => {
      const deliveries = new FakeDeliveries();
      const source$ = new Subject<FakeDelivery<number>>();
      const first$ = new Subject<never>();
      let dead = 0;
      const to = (): Observable<never> => {
        dead++;
        return EMPTY;
      };
      source$
        .pipe(
          ackConcatMap((_, index) => (index === 0 ? first$ : throwError(() => 'poison')), {
            onError: { after: 1, to },
          }),
        )
        .subscribe();
      for (let n = 0; n <= 20_000; n++) source$.next(deliveries.make(n));
      first$.complete();
      expect(dead).to.equal(20_000);
    });
  });
});
