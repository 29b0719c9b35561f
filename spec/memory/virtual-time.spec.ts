import { expect } from 'chai';
import { delay, map, mergeMap, of, take, tap } from 'rxjs';
import type { TestScheduler } from 'rxjs/testing';
import { text } from '../../lib/codec/text.js';
import { earliest, fromAgo, fromTime, untilTime } from '../../lib/core/starts.js';
import { memory } from '../../lib/memory/index.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { idle } from '../../lib/operators/idle.js';
import { marbles, Notes, VirtualBroker, written } from './virtual-time.js';

const texts = { codec: text, start: earliest() };

describe('memory: virtual time', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = marbles();
  });

  it('a value that a sink gets is delivered in the same frame', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      cold('ab---c|').subscribe(broker.sink('c', { codec: text }));
      expectObservable(broker.messages('c', texts).pipe(autoAck(), take(3))).toBe('ab---(c|)');
    });
  });

  it('an unsettled delivery comes again after ackWait', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      cold('a-b|').subscribe(broker.sink('c', { codec: text }));
      const source = broker.messages('c', { ...texts, ackWait: 10 });
      const seen = source.pipe(
        // b is acked at once, a the third time
        tap((delivery) => {
          if (delivery.value === 'b' || delivery.redeliveries === 2) delivery.ack();
        }),
        map(written),
      );
      expectObservable(seen, '50ms !').toBe('x-b-------y 9ms z', { x: 'a', b: 'b', y: 'a+1', z: 'a+2' });
    });
  });

  it('work that takes time holds a window of 1 back', () => {
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const broker = memory({ scheduler });
      cold('(abc|)').subscribe(broker.sink('c', { codec: text }));
      const work = cold('--x|');
      const worked = broker.messages('c', { ...texts, maxInFlight: 1 }).pipe(
        ackConcatMap(({ value }) => work.pipe(map(() => value))),
        take(3),
      );
      expectObservable(worked).toBe('--a--b--(c|)');
      expectSubscriptions(work.subscriptions).toBe(['^--!', '---^--!', '------^-!']);
    });
  });

  it('idle tells silence', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      cold('a---b').subscribe(broker.sink('c', { codec: text }));
      const values = broker.messages('c', texts).pipe(autoAck(), idle(6), take(4));
      expectObservable(values).toBe('a---b-----n-----(m|)', { a: 'a', b: 'b', n: null, m: null });
    });
  });

  it('a message that fails comes again, and is dead-lettered the second time', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      cold('(abc|)').subscribe(broker.sink('c', { codec: text }));
      const work = broker.messages('c', { ...texts, ackWait: 10 }).pipe(
        ackConcatMap(
          ({ value }) => {
            if (value === 'b') throw new Error('b is bad');
            return of(value);
          },
          { onError: { after: 2, to: ({ value }) => of(value).pipe(broker.publishTo('dead', { codec: text })) } },
        ),
      );
      expectObservable(work, '50ms !').toBe('(ac)');
      expectObservable(broker.messages('dead', texts).pipe(autoAck()), '50ms !').toBe('10ms b');
    });
  });

  it('faults.delay delays deliveries', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      broker.faults.delay(3);
      cold('ab|').subscribe(broker.sink('c', { codec: text }));
      expectObservable(broker.messages('c', texts).pipe(autoAck(), take(2))).toBe('---a(b|)');
    });
  });

  it('a time to come is waited for, and an end by time', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      cold('abcdef|').subscribe(broker.sink('c', { codec: text }));
      const options = { codec: text, start: fromTime(2), until: untilTime(4) };
      expectObservable(broker.messages('c', options).pipe(autoAck())).toBe('--cde|');
    });
  });

  it('fromAgo looks back by the clock', () => {
    const { broker, ...world } = parts(new VirtualBroker());
    world.put('c', 'old');
    world.advance(100);
    world.put('c', 'new');
    world.advance(50);
    const notes = new Notes(true);
    broker.messages('c', { codec: text, start: fromAgo(60) }).subscribe(notes);
    world.advance();
    expect(notes.take()).to.equal('new');
  });

  it('maxAge takes old messages away', () => {
    const { broker, ...world } = parts(new VirtualBroker({ maxAge: 100 }));
    world.put('c', 'a');
    world.advance(60);
    world.put('c', 'b');
    world.advance(60);
    const notes = new Notes(true);
    broker.messages('c', texts).subscribe(notes);
    world.advance();
    expect(notes.take()).to.equal('b');
  });

  it('leaves no timer behind when all is settled and unsubscribed', () => {
    const world = new VirtualBroker();
    const notes = new Notes();
    const subscription = world.broker.messages('c', { ...texts, ackWait: 1_000 }).subscribe(notes);
    world.put('c', 'a', 'b');
    expect(notes.take()).to.equal('a b');
    expect(world.timers).to.be.greaterThan(0);
    subscription.unsubscribe();
    for (const delivery of notes.deliveries) delivery.ack();
    world.advance();
    expect(world.timers).to.equal(0);
  });

  it('a subscription that is over waits for ackWait at most', () => {
    const world = new VirtualBroker();
    const notes = new Notes();
    const subscription = world.broker.messages('c', { ...texts, durable: 'd', ackWait: 1_000 }).subscribe(notes);
    world.put('c', 'a', 'b');
    subscription.unsubscribe();
    world.advance(999);
    notes.deliveries[0]!.ack();
    world.advance(1);
    expect(world.timers).to.equal(0);
    // an ack after that is remembered by the handle
    notes.deliveries[1]!.ack();
    const next = new Notes(true);
    world.broker.messages('c', { ...texts, durable: 'd' }).subscribe(next);
    world.put('c', 'c');
    expect(next.take()).to.equal('c');
  });

  it('publishes from within a subscription, in virtual time', () => {
    scheduler.run(({ cold, expectObservable }) => {
      const broker = memory({ scheduler });
      cold('a--b|').subscribe(broker.sink('in', { codec: text }));
      const out = broker.messages('in', texts).pipe(
        autoAck(),
        mergeMap((value) => of(value.toUpperCase()).pipe(delay(2, scheduler))),
        broker.publishTo('out', { codec: text }),
        map(({ ok, value }) => ok && value),
        take(2),
      );
      expectObservable(out).toBe('--A--(B|)');
    });
  });
});

function parts(world: VirtualBroker) {
  return {
    broker: world.broker,
    advance: world.advance.bind(world),
    put: world.put.bind(world),
  };
}
