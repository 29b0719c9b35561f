import { expect } from 'chai';
import { concat, from, Observable, of, Subject, throwError } from 'rxjs';
import type { Receipt } from '../../lib/core/broker.js';
import { ClosedError, ConnectionError, PublishError } from '../../lib/core/errors.js';
import { publishFromIterable, publishToOperator, type PublisherSource } from '../../lib/core/publish-to.js';
import type { Publisher, PublisherSettings } from '../../lib/core/publisher.js';
import { PublisherBench, turn } from './publisher-kit.js';

/** A bench whose publisher is handed out, and what came of it. */
class OperatorBench implements PublisherSource {
  readonly bench: PublisherBench;
  readonly log: string[] = [];
  opened = 0;
  closed = 0;

  constructor(settings: Partial<PublisherSettings> = {}) {
    this.bench = new PublisherBench({ buffer: Infinity, ...settings });
  }

  get port() {
    return this.bench.port;
  }

  open(): Publisher {
    this.opened++;
    return this.bench.publisher;
  }

  close(publisher: Publisher): void {
    this.closed++;
    publisher.stop(new ClosedError('over'));
  }

  publishTo(values: Observable<unknown>, onError: 'emit' | 'throw' = 'emit') {
    return this.run(values.pipe(publishToOperator(this, this.bench.maker, onError)));
  }

  publishFrom(values: Iterable<unknown> | AsyncIterable<unknown>, onError: 'emit' | 'throw' = 'emit') {
    return this.run(publishFromIterable(this, this.bench.maker, onError, values));
  }

  private run(receipts: Observable<Receipt<unknown>>) {
    return receipts.subscribe({
      next: ({ value, error }) => this.log.push(`${String(value)} ${error?.code ?? 'ok'}`),
      error: (error: unknown) => this.log.push(`error ${String((error as { code?: string }).code ?? error)}`),
      complete: () => this.log.push('complete'),
    });
  }
}

describe('publishToOperator', () => {
  it('keeps a window, lets the rest wait, and completes when all have their receipts', () => {
    const world = new OperatorBench({ maxInFlight: 2 });
    world.publishTo(from([1, 2, 3]));
    expect(world.port.open).to.deep.equal([1, 2]);
    world.port.confirm(2);
    world.port.confirm(1);
    expect(world.log).to.deep.equal(['2 ok', '1 ok']);
    expect(world.closed).to.equal(0);
    world.port.confirm(3);
    expect(world.log).to.deep.equal(['2 ok', '1 ok', '3 ok', 'complete']);
    expect([world.opened, world.closed]).to.deep.equal([1, 1]);
  });

  it('completes at once without values', () => {
    const world = new OperatorBench();
    world.publishTo(of());
    expect(world.log).to.deep.equal(['complete']);
  });

  it('publishes what it accepted before an error of the source goes on', () => {
    const world = new OperatorBench();
    world.publishTo(
      concat(
        of(1, 2),
        throwError(() => 'e'),
      ),
    );
    world.port.confirm(1);
    expect(world.log).to.deep.equal(['1 ok']);
    world.port.confirm(2);
    expect(world.log).to.deep.equal(['1 ok', '2 ok', 'error e']);
  });

  it("emits failures, or ends with the first: 'throw' unsubscribes from the source", () => {
    const emits = new OperatorBench({ maxInFlight: 5 });
    emits.publishTo(from([1, 'unencodable', 2]));
    emits.port.refuse(1, new PublishError('no'));
    emits.port.confirm(2);
    expect(emits.log).to.deep.equal(['unencodable PUBLISH', '1 PUBLISH', '2 ok', 'complete']);
    const throws = new OperatorBench({ maxInFlight: 5 });
    const source = new Subject<unknown>();
    throws.publishTo(source, 'throw');
    source.next(1);
    source.next(2);
    throws.port.refuse(2, new PublishError('no'));
    expect(throws.log).to.deep.equal(['error PUBLISH']);
    expect([source.observed, throws.closed]).to.deep.equal([false, 1]);
    throws.port.confirm(1);
    expect(throws.log).to.have.length(1);
  });

  it('stops a source that emits all at once', () => {
    const world = new OperatorBench();
    let pulled = 0;
    const source = new Observable<unknown>((subscriber) => {
      while (!subscriber.closed && pulled < 1000) subscriber.next(++pulled === 3 ? 'unencodable' : pulled);
    });
    world.publishTo(source, 'throw');
    expect(pulled).to.equal(3);
    expect(world.log).to.deep.equal(['error PUBLISH']);
  });

  it('unsubscribing drops what waits, and what was written is left to the broker', () => {
    const world = new OperatorBench({ maxInFlight: 1 });
    const source = new Subject<unknown>();
    const subscription = world.publishTo(source);
    source.next(1);
    source.next(2);
    subscription.unsubscribe();
    expect(source.observed).to.equal(false);
    world.port.confirm(1);
    expect(world.port.written.map(({ value }) => value)).to.deep.equal([1]);
    expect(world.log).to.deep.equal([]);
  });

  it('lets the source go when it has completed, while receipts are still to come', () => {
    const world = new OperatorBench();
    let torn = false;
    const source = new Observable<unknown>((subscriber) => {
      subscriber.next(1);
      subscriber.complete();
      return () => {
        torn = true;
      };
    });
    world.publishTo(source);
    expect(torn).to.equal(true);
    world.port.confirm(1);
    expect(world.log).to.deep.equal(['1 ok', 'complete']);
  });
});

describe('publishFromIterable', () => {
  /** 1, 2 … and what was pulled and whether it was returned. */
  const counting = (end = Infinity) => {
    const state = { pulled: 0, returned: 0 };
    function* values(): Generator<number> {
      try {
        while (state.pulled < end) yield ++state.pulled;
      } finally {
        state.returned++;
      }
    }
    return { state, values: values() };
  };

  it('pulls only while the window has room', () => {
    const world = new OperatorBench({ maxInFlight: 3 });
    const { state, values } = counting();
    const subscription = world.publishFrom(values);
    expect([state.pulled, world.port.open]).to.deep.equal([3, [1, 2, 3]]);
    world.port.confirm(2);
    expect([state.pulled, world.port.open]).to.deep.equal([4, [1, 3, 4]]);
    world.port.confirm(1);
    world.port.confirm(3);
    expect(state.pulled).to.equal(6);
    expect(world.log).to.deep.equal(['2 ok', '1 ok', '3 ok']);
    subscription.unsubscribe();
    expect([state.returned, world.closed]).to.deep.equal([1, 1]);
    world.port.confirm(4);
    expect([state.pulled, world.log.length]).to.deep.equal([6, 3]);
  });

  it('completes when all have their receipts', () => {
    const world = new OperatorBench({ maxInFlight: 2 });
    world.publishFrom([1, 2, 3]);
    world.port.confirm(1);
    world.port.confirm(3);
    expect(world.log).to.deep.equal(['1 ok', '3 ok']);
    world.port.confirm(2);
    expect(world.log).to.deep.equal(['1 ok', '3 ok', '2 ok', 'complete']);
    expect(world.closed).to.equal(1);
  });

  it('goes on after a value that cannot be sent', () => {
    const world = new OperatorBench({ maxInFlight: 1 });
    world.port.unsendable.add('unsendable');
    world.publishFrom(['unencodable', 'unsendable', 1, 'unsendable', 2]);
    world.port.confirm(1);
    world.port.confirm(2);
    expect(world.log).to.deep.equal([
      'unencodable PUBLISH',
      'unsendable PUBLISH',
      '1 ok',
      'unsendable PUBLISH',
      '2 ok',
      'complete',
    ]);
  });

  it('pulls from an async iterable, one at a time', async () => {
    const world = new OperatorBench({ maxInFlight: 2 });
    const pulls: number[] = [];
    async function* values(): AsyncGenerator<number> {
      for (let n = 1; n <= 4; n++) {
        await Promise.resolve();
        pulls.push(n);
        yield n;
      }
    }
    world.publishFrom(values());
    await turn();
    expect([pulls, world.port.open]).to.deep.equal([
      [1, 2],
      [1, 2],
    ]);
    world.port.confirm(1);
    await turn();
    expect(pulls).to.deep.equal([1, 2, 3]);
    world.port.confirmAll();
    await turn();
    world.port.confirmAll();
    await turn();
    expect(world.log).to.deep.equal(['1 ok', '2 ok', '3 ok', '4 ok', 'complete']);
  });

  it('tells an error of the iterable after the receipts', async () => {
    const world = new OperatorBench();
    function* values(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
    world.publishFrom(values());
    world.port.confirm(1);
    expect(world.log).to.deep.equal(['1 ok', 'error Error: no more']);
    const later = new OperatorBench();
    async function* rejecting(): AsyncGenerator<number> {
      yield 1;
      await Promise.reject(new Error('no more'));
    }
    later.publishFrom(rejecting());
    await turn();
    later.port.confirm(1);
    expect(later.log).to.deep.equal(['1 ok', 'error Error: no more']);
    const never = new OperatorBench();
    never.publishFrom({
      [Symbol.iterator](): Iterator<unknown> {
        throw new Error('none at all');
      },
    });
    expect(never.log).to.deep.equal(['error Error: none at all']);
    expect([never.opened, never.closed]).to.deep.equal([1, 1]);
  });

  it("'throw' ends at the first failure, and returns the iterator", () => {
    const world = new OperatorBench({ maxInFlight: 2 });
    const { state, values } = counting();
    world.publishFrom(values, 'throw');
    world.port.refuse(1, new PublishError('no'));
    expect(world.log).to.deep.equal(['error PUBLISH']);
    expect([state.returned, world.closed]).to.deep.equal([1, 1]);
  });

  it('ends when the handle is closed, with or without an end of its own', async () => {
    const world = new OperatorBench({ maxInFlight: 2 });
    const { state, values } = counting();
    world.publishFrom(values);
    world.bench.publisher.closing(new ClosedError('over'));
    expect([state.returned, world.log]).to.deep.equal([1, []]);
    world.port.confirm(1);
    world.port.confirm(2);
    expect(world.log).to.deep.equal(['1 ok', '2 ok', 'error CLOSED']);
    const waiting = new OperatorBench();
    async function* never(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => undefined);
    }
    waiting.publishFrom(never());
    await turn();
    waiting.port.confirm(1);
    waiting.bench.publisher.closing(new ClosedError('over'));
    expect(waiting.log).to.deep.equal(['1 ok', 'error CLOSED']);
    const closed = new OperatorBench();
    closed.bench.publisher.stop(new ClosedError('over'));
    closed.publishFrom(counting().values);
    expect(closed.log).to.deep.equal(['error CLOSED']);
  });

  it('goes on when a connection could not be had', () => {
    const world = new OperatorBench({ maxInFlight: 2 });
    const { state, values } = counting(3);
    world.port.writable = false;
    world.publishFrom(values);
    expect(state.pulled).to.equal(2);
    world.bench.publisher.failQueued(new ConnectionError('no'));
    expect([state.pulled, state.returned]).to.deep.equal([3, 1]);
    world.port.writable = true;
    world.bench.publisher.pump();
    world.port.confirm(3);
    expect(world.log).to.deep.equal(['1 CONNECTION', '2 CONNECTION', '3 ok', 'complete']);
  });

  it('can be unsubscribed from within the iterable', () => {
    const world = new OperatorBench({ maxInFlight: 1 });
    let pulled = 0;
    const run = { unsubscribe: (): void => undefined };
    function* values(): Generator<number> {
      for (;;) {
        if (++pulled === 3) run.unsubscribe();
        yield pulled;
      }
    }
    const subscription = world.publishFrom(values());
    run.unsubscribe = () => {
      subscription.unsubscribe();
    };
    world.port.confirm(1);
    world.port.confirm(2);
    expect(pulled).to.equal(3);
    expect(world.log).to.deep.equal(['1 ok', '2 ok']);
  });

  it('a hundred thousand values that come and are confirmed at once take no stack', () => {
    const world = new OperatorBench({ maxInFlight: 4 });
    const write = world.port.write.bind(world.port);
    world.port.write = (entry) => {
      write(entry);
      world.port.written.length = 0;
      entry.publisher.confirmed(entry);
    };
    world.publishFrom(counting(100_000).values);
    expect(world.log).to.have.length(100_001);
  });
});
