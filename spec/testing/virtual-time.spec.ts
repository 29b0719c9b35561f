import { expect } from 'chai';
import { asyncScheduler, interval, map, take, timeout, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { text } from '../../lib/codec/text.js';
import { ConnectionError, InvalidOptionError } from '../../lib/core/errors.js';
import { earliest, fromAgo, untilNow } from '../../lib/core/starts.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { recorder, testBroker } from '../../lib/testing/index.js';
import { rejected, thrown } from './rejected.js';

const texts = { codec: text };
const all = { ...texts, start: earliest() };

describe('testing: virtual time', () => {
  it('stands still until it is moved, while messages come and go', async () => {
    const broker = testBroker({ time: 'virtual' });
    const seen = recorder(broker.messages('c', { ...all, ackWait: 3_600_000 }));
    const begun = broker.scheduler.now();
    expect(new Date(begun).toISOString()).to.equal('2000-01-01T00:00:00.000Z');
    await broker.publish('c', 'a', texts);
    expect((await seen.next()).redelivered).to.equal(false);
    await broker.advance(3_599_999);
    expect(seen.values).to.deep.equal(['a']);
    await broker.advance(1);
    expect(seen.deliveries.map(({ redelivered }) => redelivered)).to.deep.equal([false, true]);
    expect(broker.scheduler.now() - begun).to.equal(3_600_000);
    seen.unsubscribe();
    await broker.close();
  });

  it('begins when it is told to, and stamps messages', async () => {
    const now = new Date('2026-05-01T12:00:00Z');
    const broker = testBroker({ time: 'virtual', now });
    await broker.publish('c', 'old', texts);
    await broker.advance(60_000);
    await broker.publish('c', 'young', texts);
    expect(broker.publishedMessages('c').map(({ time }) => time.getTime() - now.getTime())).to.deep.equal([0, 60_000]);
    const recent = recorder(broker.values('c', { codec: text, start: fromAgo(1000), until: untilNow() }));
    await recent.ended();
    expect(recent.values).to.deep.equal(['young']);
    await broker.close();
  });

  it('is the time of RxJS operators too', async () => {
    const broker = testBroker({ time: 'virtual' });
    const { scheduler } = broker;
    const ticks = recorder(interval(100, scheduler).pipe(take(3)));
    const late = recorder(timer(500, scheduler).pipe(timeout({ each: 250, scheduler })));
    await broker.advance(250);
    expect(ticks.values).to.deep.equal([0, 1]);
    expect((late.error as Error).name).to.equal('TimeoutError');
    await broker.advance(50);
    expect(ticks.completed).to.equal(true);
    await broker.close();
  });

  it('gives promises their turn between two moments', async () => {
    const broker = testBroker({ time: 'virtual' });
    const order: string[] = [];
    const work = async (what: string): Promise<void> => {
      for (let n = 0; n < 50; n++) await Promise.resolve();
      order.push(what);
    };
    timer(10, broker.scheduler).subscribe(() => void work('ten'));
    timer(20, broker.scheduler).subscribe(() => order.push('twenty'));
    await broker.advance(20);
    expect(order).to.deep.equal(['ten', 'twenty']);
    await broker.close();
  });

  it('runs timers of one moment in the order in which they were set, and not those that were cancelled', async () => {
    const broker = testBroker({ time: 'virtual' });
    const order: string[] = [];
    timer(5, broker.scheduler).subscribe(() => order.push('a'));
    const cancelled = timer(5, broker.scheduler).subscribe(() => order.push('never'));
    timer(5, broker.scheduler).subscribe(() => order.push('b'));
    cancelled.unsubscribe();
    await broker.advance(5);
    expect(order).to.deep.equal(['a', 'b']);
    await broker.close();
  });

  it('lets slow work hold back what is beyond its concurrency', async () => {
    const broker = testBroker({ time: 'virtual' });
    broker
      .messages('c', all)
      .pipe(ackMergeMap(({ value }) => timer(100, broker.scheduler).pipe(map(() => value)), { concurrency: 2 }))
      .subscribe();
    for (const value of ['a', 'b', 'c']) await broker.publish('c', value, texts);
    const seen = broker.deliveries('c');
    await seen.next(3);
    await broker.advance(100);
    expect([seen.acked, seen.open, broker.inFlight]).to.deep.equal([['a', 'b'], ['c'], 1]);
    await broker.advance(100);
    expect(seen.acked).to.deep.equal(['a', 'b', 'c']);
    await broker.close();
  });

  it('does not hold close() up: time goes on by itself as far as closeTimeout', async () => {
    const broker = testBroker({ time: 'virtual', closeTimeout: 60_000 });
    const events = recorder(broker.events);
    broker.messages('c', all).subscribe();
    await broker.publish('c', 'a', texts);
    await broker.deliveries('c').next();
    await broker.close();
    expect(events.values).to.deep.equal([{ type: 'abandoned', unsettled: 1, unconfirmed: 0 }]);
    expect(events.completed).to.equal(true);
    await broker.close();
  });

  it('is shared by all handles on the store', async () => {
    const broker = testBroker({ time: 'virtual' });
    const other = broker.handle();
    other.faults.drop({ for: 100 });
    const connected = other.connect();
    await broker.advance(10_000);
    await connected;
    other.faults.drop({ for: Infinity });
    const third = broker.handle({ connectTimeout: 50 });
    third.faults.drop({ for: 1000 });
    const failing = rejected(third.connect());
    await other.advance(50);
    expect(await failing).to.be.instanceOf(ConnectionError);
    await Promise.all([broker, other, third].map((each) => each.close()));
  });

  it('is refused where there is another time', async () => {
    const real = testBroker();
    expect(real.scheduler).to.equal(asyncScheduler);
    expect((await rejected(real.advance(1))).message).to.contain("make it with testBroker({ time: 'virtual' })");
    const scheduler = new TestScheduler(() => undefined);
    const scheduled = testBroker({ scheduler });
    expect(scheduled.scheduler).to.equal(scheduler);
    expect((await rejected(scheduled.advance(1))).message).to.contain("is the scheduler's");
    expect(thrown(() => testBroker({ scheduler, time: 'virtual' }))).to.be.instanceOf(InvalidOptionError);
    await real.close();
  });

  it('leaves marbles to those who bring a TestScheduler', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
    scheduler.run(({ cold, expectObservable }) => {
      const broker = testBroker({ scheduler });
      cold('a-b|').subscribe(broker.sink('c', { codec: text }));
      expectObservable(broker.values('c', all).pipe(take(2))).toBe('a-(b|)');
    });
  });
});
