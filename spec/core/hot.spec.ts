import { expect } from 'chai';
import { Observable, Subject, take, type Subscription } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { schedulerClock } from '../../lib/core/clock.js';
import type { BaseDelivery, Delivery, PlaceOwner } from '../../lib/core/delivery.js';
import { shareHot } from '../../lib/core/hot.js';
import { placeOf } from '../../lib/core/delivery.js';
import { HandMade } from './intake-kit.js';

/** A shared source by hand, in virtual time. The log tells what becomes of it and of its deliveries. */
class HotBench implements PlaceOwner {
  log: string[] = [];
  readonly scheduler = new TestScheduler(() => undefined);
  readonly hot: Observable<Delivery<unknown>>;
  source = new Subject<BaseDelivery<unknown>>();

  constructor(linger = 0) {
    const source = new Observable<BaseDelivery<unknown>>((subscriber) => {
      this.log.push('subscribe');
      this.source = new Subject();
      this.source.subscribe(subscriber);
      return () => this.log.push('unsubscribe');
    });
    this.hot = shareHot(source, linger, schedulerClock(this.scheduler));
  }

  settled(first: BaseDelivery<unknown>): void {
    this.log.push(`ack ${first.offsetKey}`);
  }

  released(first: BaseDelivery<unknown>): void {
    this.log.push(`release ${first.offsetKey}`);
  }

  emit(...offsets: number[]): HandMade[] {
    return offsets.map((offset) => {
      const delivery = new HandMade(offset);
      delivery.owner = this;
      this.source.next(delivery);
      return delivery;
    });
  }

  /** Emits a copy of a delivery that is unsettled. */
  copy(first: HandMade): void {
    const copy = new HandMade(first.offsetKey, { redeliveries: 1 });
    copy.first = first;
    this.source.next(copy);
  }

  listen(then: (delivery: Delivery<unknown>) => void = () => undefined): Listener {
    return new Listener(this.hot, then);
  }

  advance(ms = 0): void {
    const { scheduler } = this;
    scheduler.schedule(() => undefined, ms);
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
  }

  take(): string {
    const seen = this.log.join(', ');
    this.log = [];
    return seen;
  }
}

class Listener {
  readonly all: Delivery<unknown>[] = [];
  end = '';
  readonly subscription: Subscription;

  constructor(hot: Observable<Delivery<unknown>>, then: (delivery: Delivery<unknown>) => void) {
    this.subscription = hot.subscribe({
      next: (delivery) => {
        this.all.push(delivery);
        then(delivery);
      },
      error: (error: unknown) => {
        this.end = `error ${String(error)}`;
      },
      complete: () => {
        this.end = 'complete';
      },
    });
  }

  get offsets(): number[] {
    return this.all.map(({ offset }) => Number(offset));
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }
}

const acking = (delivery: Delivery<unknown>): void => {
  delivery.ack();
};

describe('shareHot', () => {
  it('subscribes with the first listener, and unsubscribes with the last', () => {
    const bench = new HotBench();
    const [a, b] = [bench.listen(), bench.listen()];
    expect(bench.take()).to.equal('subscribe');
    a.unsubscribe();
    expect(bench.take()).to.equal('');
    b.unsubscribe();
    expect(bench.take()).to.equal('unsubscribe');
    bench.listen();
    expect(bench.take()).to.equal('subscribe');
  });

  it('settles when all have, and each handle tells its own state', () => {
    const bench = new HotBench();
    const [a, b] = [bench.listen(), bench.listen()];
    bench.emit(1);
    const [one, other] = [a.all[0]!, b.all[0]!];
    expect(one).not.to.equal(other);
    expect(placeOf(one)).not.to.equal(placeOf(other));
    one.ack();
    one.ack();
    one.release();
    expect([one.settled, other.settled, bench.take()]).to.deep.equal([true, false, 'subscribe']);
    other.ack();
    expect([other.settled, bench.take()]).to.deep.equal([true, 'ack 1']);
  });

  it('a handle has what its delivery has', () => {
    const bench = new HotBench();
    const a = bench.listen();
    const [delivery] = bench.emit(7);
    const handle = a.all[0]!;
    const { channel, offset, value, redelivered, redeliveries, key, headers } = handle;
    expect([channel, offset, redelivered, redeliveries, key, headers.size]).to.deep.equal([
      'c',
      7n,
      false,
      0,
      undefined,
      0,
    ]);
    expect(value).to.equal(delivery!.value);
    handle.ack();
    expect(handle.toJSON()).to.include({ channel: 'c', offset: '7', value: '7', settled: true });
  });

  it('is released when all are done and one of them has released', () => {
    const bench = new HotBench();
    const [a, b] = [bench.listen(), bench.listen()];
    bench.emit(1, 2);
    a.all[0]!.release();
    b.all[0]!.ack();
    b.all[1]!.release();
    a.all[1]!.ack();
    expect(bench.take()).to.equal('subscribe, release 1, release 2');
  });

  it('settles once where all ack within next', () => {
    const bench = new HotBench();
    bench.listen(acking);
    bench.listen(acking);
    bench.emit(1, 2);
    expect(bench.take()).to.equal('subscribe, ack 1, ack 2');
  });

  it('gives one who comes late what comes from then on', () => {
    const bench = new HotBench();
    const a = bench.listen();
    bench.emit(1);
    const late = bench.listen();
    bench.emit(2);
    expect([a.offsets, late.offsets]).to.deep.equal([[1, 2], [2]]);
    a.all[0]!.ack();
    expect(bench.take()).to.equal('subscribe, ack 1');
  });

  it('one who joins within next gets the next message', () => {
    const bench = new HotBench();
    const joined: Listener[] = [];
    bench.listen((delivery) => {
      delivery.ack();
      if (joined.length === 0) joined.push(bench.listen(acking));
    });
    bench.emit(1, 2);
    expect(joined[0]!.offsets).to.deep.equal([2]);
    expect(bench.take()).to.equal('subscribe, ack 1, ack 2');
  });

  describe('one who leaves', () => {
    it('releases what it holds, at the end of the turn', () => {
      const bench = new HotBench();
      const [a, b] = [bench.listen(), bench.listen(acking)];
      bench.emit(1, 2);
      a.all[0]!.ack();
      a.unsubscribe();
      expect(bench.take()).to.equal('subscribe, ack 1');
      bench.advance();
      expect(bench.take()).to.equal('release 2');
      expect(b.offsets).to.deep.equal([1, 2]);
    });

    it('may still ack within the turn, as take(1) does', () => {
      const bench = new HotBench();
      bench.listen(acking);
      const values: Delivery<unknown>[] = [];
      bench.hot.pipe(take(1)).subscribe((delivery) => values.push(delivery));
      bench.emit(1);
      values[0]!.ack();
      bench.advance();
      expect(bench.take()).to.equal('subscribe, ack 1');
    });

    it('while a message is given out gets no handle on it that would hang', () => {
      const bench = new HotBench();
      const listeners: Listener[] = [];
      listeners.push(
        bench.listen((delivery) => {
          delivery.ack();
          listeners[1]!.unsubscribe();
        }),
        bench.listen(),
      );
      bench.emit(1);
      expect(listeners[1]!.offsets).to.deep.equal([]);
      bench.advance();
      expect(bench.take()).to.equal('subscribe, release 1');
    });

    it('as the last releases too, and what it acks in that turn counts', () => {
      const bench = new HotBench();
      const a = bench.listen();
      bench.emit(1, 2);
      a.unsubscribe();
      a.all[1]!.ack();
      bench.advance();
      expect(bench.take()).to.equal('subscribe, unsubscribe, ack 2, release 1');
    });
  });

  describe('copies', () => {
    it('go to those who have not settled theirs, and settle the same place', () => {
      const bench = new HotBench();
      const [a, b] = [bench.listen(), bench.listen()];
      const [one] = bench.emit(1);
      a.all[0]!.ack();
      bench.copy(one!);
      expect([a.offsets, b.offsets]).to.deep.equal([[1], [1, 1]]);
      const [first, copy] = b.all as [Delivery<unknown>, Delivery<unknown>];
      expect([copy.redelivered, placeOf(copy) === placeOf(first)]).to.deep.equal([true, true]);
      copy.ack();
      expect([first.settled, bench.take()]).to.deep.equal([true, 'subscribe, ack 1']);
    });

    it('do not go to one who joined after the first', () => {
      const bench = new HotBench();
      bench.listen();
      const [one] = bench.emit(1);
      const late = bench.listen();
      bench.copy(one!);
      expect(late.offsets).to.deep.equal([]);
    });

    it('what comes again after it was released is a message for all', () => {
      const bench = new HotBench();
      const [a, b] = [bench.listen(), bench.listen(acking)];
      bench.emit(1);
      a.unsubscribe();
      bench.advance();
      bench.emit(1);
      expect([b.offsets, bench.take()]).to.deep.equal([[1, 1], 'subscribe, release 1, ack 1']);
    });
  });

  describe('linger', () => {
    it('keeps the subscription for that time, and what comes meanwhile for the next listener', () => {
      const bench = new HotBench(100);
      bench.listen().unsubscribe();
      bench.advance(50);
      const [one] = bench.emit(1);
      bench.copy(one!);
      bench.emit(2);
      bench.advance(49);
      const b = bench.listen();
      expect(b.offsets).to.deep.equal([1, 2]);
      bench.advance(500);
      expect(bench.take()).to.equal('subscribe');
      b.all[0]!.ack();
      b.unsubscribe();
      bench.advance(99);
      expect(bench.take()).to.equal('ack 1, release 2');
      bench.advance(1);
      expect(bench.take()).to.equal('unsubscribe');
    });

    it('releases what nobody claimed when its time is over', () => {
      const bench = new HotBench(100);
      bench.listen().unsubscribe();
      bench.emit(1, 2);
      bench.advance(100);
      expect(bench.take()).to.equal('subscribe, release 1, release 2, unsubscribe');
      expect(bench.listen().offsets).to.deep.equal([]);
    });

    it('releases what nobody claimed when the source ends, and the next listener begins anew', () => {
      for (const end of ['complete', 'error'] as const) {
        const bench = new HotBench(100);
        bench.listen().unsubscribe();
        bench.emit(1);
        if (end === 'complete') bench.source.complete();
        else bench.source.error('e');
        expect(bench.log).to.include('release 1');
        bench.take();
        const [b, c] = [bench.listen(), bench.listen()];
        bench.emit(1);
        expect([b.offsets, c.offsets]).to.deep.equal([[1], [1]]);
        bench.advance(500);
        expect(bench.take()).to.equal('subscribe');
      }
    });
  });

  describe('the end of the source', () => {
    it('is told to all, and what was emitted can still be settled', () => {
      const bench = new HotBench();
      const [a, b] = [bench.listen(), bench.listen()];
      bench.emit(1);
      bench.source.complete();
      expect([a.end, b.end]).to.deep.equal(['complete', 'complete']);
      bench.advance();
      expect(bench.take()).to.equal('subscribe, unsubscribe');
      a.all[0]!.ack();
      b.all[0]!.ack();
      expect(bench.take()).to.equal('ack 1');
    });

    it('is told as an error too, and a listener that retries begins anew', () => {
      const bench = new HotBench();
      const [a, b] = [bench.listen(), bench.listen()];
      bench.source.error('e');
      expect([a.end, b.end]).to.deep.equal(['error e', 'error e']);
      const c = bench.listen();
      bench.emit(5);
      expect(c.offsets).to.deep.equal([5]);
      expect(bench.take()).to.equal('subscribe, unsubscribe, subscribe');
    });
  });
});
