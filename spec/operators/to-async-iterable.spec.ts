import { expect } from 'chai';
import { NEVER, Observable, of, range, Subject } from 'rxjs';
import { OverflowError } from '../../lib/core/errors.js';
import { toAsyncIterable } from '../../lib/operators/to-async-iterable.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';
import { refused } from './refused.js';
import { testScheduler } from './test-scheduler.js';

/** The iterator of one loop, driven by hand. */
function loopOver<T>(source: Observable<T>, highWaterMark?: number): Required<AsyncIterator<T, undefined>> {
  const iterable = toAsyncIterable(source, { highWaterMark });
  return iterable[Symbol.asyncIterator]() as Required<AsyncIterator<T, undefined>>;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const done = { done: true, value: undefined };

describe('toAsyncIterable', () => {
  it('gives what came, in order, and ends with the source', async () => {
    const seen: (number | undefined)[] = [];
    for await (const value of toAsyncIterable(of(1, undefined, 3))) seen.push(value);
    expect(seen).to.deep.equal([1, undefined, 3]);
  });

  it('subscribes at the first next(), once a loop, and unsubscribes when the loop is left', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectSubscriptions }) => {
      const source$ = hot('--a--b--|');
      const iterable = toAsyncIterable(source$);
      const left = iterable[Symbol.asyncIterator]();
      iterable[Symbol.asyncIterator]();
      const toTheEnd = iterable[Symbol.asyncIterator]();
      scheduler.schedule(() => void left.next(), 1);
      scheduler.schedule(() => void left.return?.(), 4);
      scheduler.schedule(() => void toTheEnd.next(), 3);
      expectSubscriptions(source$.subscriptions).toBe(['-^--!', '---^----!']);
    });
  });

  it('answers each of several pending next()', async () => {
    const source$ = new Subject<string>();
    const loop = loopOver(source$);
    const results = [loop.next(), loop.next(), loop.next(), loop.next()];
    source$.next('a');
    source$.next('b');
    source$.complete();
    expect(await Promise.all(results)).to.deep.equal([
      { done: false, value: 'a' },
      { done: false, value: 'b' },
      done,
      done,
    ]);
    expect(await loop.next()).to.deep.equal(done);
  });

  it('fails with the error of the source, after what came before it, once', async () => {
    const source$ = new Subject<string>();
    const loop = loopOver(source$);
    const first = loop.next();
    source$.next('a');
    source$.next('b');
    source$.error(new Error('gone'));
    expect(await first).to.deep.equal({ done: false, value: 'a' });
    expect(await loop.next()).to.deep.equal({ done: false, value: 'b' });
    expect(await failure(loop.next())).to.have.property('message', 'gone');
    expect(await loop.next()).to.deep.equal(done);

    const other$ = new Subject<string>();
    const waiting = loopOver(other$);
    const [pending, further] = [failure(waiting.next()), waiting.next()];
    other$.error('an error that is no Error');
    expect(await pending).to.equal('an error that is no Error');
    expect(await further).to.deep.equal(done);
  });

  it('keeps deliveries unsettled while they wait, beyond the high-water mark too', async () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const loop = loopOver(source$, 2);
    const first = loop.next();
    for (let n = 0; n < 10; n++) source$.next(deliveries.make(n));
    (await first).value?.ack();
    for (let n = 1; n < 10; n++) {
      const result = await loop.next();
      expect(result.value?.value).to.equal(n);
      result.value?.ack();
    }
    expect(source$.observed).to.equal(true);
    expect(deliveries.log).to.have.length(10);
    await loop.return();
  });

  it('drops copies of what waits, and what was settled while it waited', async () => {
    const deliveries = new FakeDeliveries();
    const { a, b, c } = deliveries.letters('abc') as Record<'a' | 'b' | 'c', FakeDelivery<string>>;
    const source$ = new Subject<FakeDelivery<string>>();
    const loop = loopOver(source$, 1);
    const first = loop.next();
    source$.next(a);
    source$.next(b);
    for (let n = 0; n < 10; n++) {
      source$.next(deliveries.make('copy of a', { copyOf: a }));
      source$.next(deliveries.make('copy of b', { copyOf: b }));
    }
    source$.next(c);
    (await first).value?.ack();
    expect((await loop.next()).value).to.equal(b);
    expect((await loop.next()).value).to.equal(c);
    await loop.return();
  });

  it('fails with OverflowError when too many other values wait, after the loop has read those', async () => {
    const source$ = new Subject<number>();
    const loop = loopOver(source$, 2);
    const first = loop.next();
    for (let n = 0; n < 4; n++) source$.next(n);
    expect(source$.observed).to.equal(false);
    expect((await first).value).to.equal(0);
    expect((await loop.next()).value).to.equal(1);
    expect((await loop.next()).value).to.equal(2);
    const error = await failure(loop.next());
    expect(error).to.be.instanceOf(OverflowError);
    expect((error as Error).message).to.match(/more than 2 values.*highWaterMark/);
    expect(await loop.next()).to.deep.equal(done);
  });

  it('ends a synchronous source that overflows, and counts settled deliveries like other values', async () => {
    const deliveries = new FakeDeliveries();
    let made = 0;
    const source$ = new Observable<FakeDelivery<number>>((subscriber) => {
      while (!subscriber.closed) {
        const delivery = deliveries.make(made++);
        delivery.ack();
        subscriber.next(delivery);
      }
    });
    const loop = loopOver(source$, 3);
    for (let n = 0; n < 3; n++) expect((await loop.next()).value?.value).to.equal(n);
    expect(await failure(loop.next())).to.be.instanceOf(OverflowError);
    expect(made).to.equal(4);
  });

  it('lets 1024 values wait by default', async () => {
    let count = 0;
    for await (const value of toAsyncIterable(range(0, 1024))) expect(value).to.equal(count++);
    expect(count).to.equal(1024);
    const loop = loopOver(range(0, 1025));
    for (let n = 0; n < 1024; n++) await loop.next();
    expect(await failure(loop.next())).to.be.instanceOf(OverflowError);
  });

  it('releases what waits when the loop is left by break, return or throw', async () => {
    const leave: Record<string, (source: Observable<FakeDelivery<string>>) => Promise<unknown>> = {
      break: async (source) => {
        for await (const delivery of toAsyncIterable(source)) {
          delivery.ack();
          break;
        }
      },
      error: async (source) => {
        for await (const delivery of toAsyncIterable(source)) {
          delivery.ack();
          throw new Error('from the loop');
        }
      },
      throw: async (source) => {
        const loop = loopOver(source);
        (await loop.next()).value?.ack();
        await loop.throw(new Error('from the loop'));
      },
    };
    for (const [how, leaving] of Object.entries(leave)) {
      const deliveries = new FakeDeliveries();
      const source$ = new Observable<FakeDelivery<string>>((subscriber) => {
        for (const delivery of Object.values(deliveries.letters('abc'))) subscriber.next(delivery);
        return () => deliveries.log.push('end of source');
      });
      const error = (await failure(leaving(source$))) as Error | undefined;
      expect(error?.message).to.equal(how === 'break' ? undefined : 'from the loop');
      expect(deliveries.log).to.deep.equal(['ack a', 'end of source', 'release b', 'release c']);
    }
  });

  it('ends the pending next() when the loop is left, also before it began', async () => {
    const loop = loopOver(NEVER);
    const pending = loop.next();
    expect(await loop.return()).to.deep.equal(done);
    expect(await pending).to.deep.equal(done);
    expect(await loop.next()).to.deep.equal(done);

    let subscribed = false;
    const unused = loopOver(
      new Observable(() => {
        subscribed = true;
      }),
    );
    await unused.return();
    expect(await unused.next()).to.deep.equal(done);
    expect(subscribed).to.equal(false);
  });

  it('forgets an error that nobody has read when the loop is left', async () => {
    const source$ = new Subject<number>();
    const loop = loopOver(source$);
    const first = loop.next();
    source$.next(1);
    source$.error(new Error('gone'));
    await first;
    await loop.return();
    expect(await loop.next()).to.deep.equal(done);
  });

  it('takes what reading makes the source emit', async () => {
    const deliveries = new FakeDeliveries();
    const source$ = new Subject<FakeDelivery<number>>();
    const loop = loopOver(source$, 1);
    const first = loop.next();
    const make = (n: number): FakeDelivery<number> => {
      const delivery = deliveries.make(n);
      delivery.onFree = () => {
        if (n < 5) source$.next(make(n + 1));
      };
      return delivery;
    };
    source$.next(make(0));
    (await first).value?.ack();
    for (let n = 1; n <= 5; n++) (await loop.next()).value?.ack();
    expect(deliveries.log).to.have.length(6);
  });

  it('refuses options that it does not have, and values that they do not accept', () => {
    for (const highWaterMark of [0, -1, 1.5, Infinity, '16' as never]) {
      expect(refused(() => toAsyncIterable(NEVER, { highWaterMark }))).to.match(
        /toAsyncIterable\(\): highWaterMark must be an integer/,
      );
    }
    expect(refused(() => toAsyncIterable(NEVER, { highwatermark: 1 } as never))).to.match(
      /'highwatermark'.*'highWaterMark'/,
    );
  });
});
