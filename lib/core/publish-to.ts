import { Observable, Subscriber, type OperatorFunction } from 'rxjs';
import type { Receipt } from './broker.js';
import type { WeirError } from './errors.js';
import type { Publisher, ReceiptListener } from './publisher.js';
import { offer, type Maker } from './outgoing.js';

/** What the operators need to publish: a publisher per subscription, and an end for it. @internal */
export interface PublisherSource {
  open(): Publisher;
  close(publisher: Publisher): void;
}

class Told implements ReceiptListener {
  constructor(
    private readonly subscriber: Subscriber<Receipt<unknown>>,
    private readonly throws: boolean,
  ) {}

  receipt(receipt: Receipt<unknown>): void {
    if (!receipt.ok && this.throws) this.subscriber.error(receipt.error);
    else this.subscriber.next(receipt);
  }
}

/** See `Broker.publishTo`. @internal */
export function publishToOperator(
  source: PublisherSource,
  maker: Maker,
  onError: 'emit' | 'throw',
): OperatorFunction<unknown, Receipt<unknown>> {
  return (values) =>
    new Observable((subscriber) => {
      const publisher = source.open();
      const listener = new Told(subscriber, onError === 'throw');
      subscriber.add(() => {
        source.close(publisher);
      });
      values.subscribe(new Values(subscriber, publisher, maker, listener));
    });
}

/** Linked to the subscriber, so that a source that emits at once ends with it. */
class Values extends Subscriber<unknown> {
  constructor(
    private readonly subscriber: Subscriber<Receipt<unknown>>,
    private readonly publisher: Publisher,
    private readonly maker: Maker,
    private readonly listener: ReceiptListener,
  ) {
    super(subscriber);
  }

  protected override _next(value: unknown): void {
    offer(this.publisher, this.maker, value, undefined, this.listener);
  }

  /** What was accepted is published before the error goes on, so that nothing is lost behind it. */
  protected override _error(error: unknown): void {
    this.unsubscribe();
    this.publisher.whenFlushed(() => {
      this.subscriber.error(error);
    });
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.publisher.whenFlushed(() => {
      this.subscriber.complete();
    });
  }
}

/** See `Broker.publishFrom`. @internal */
export function publishFromIterable(
  source: PublisherSource,
  maker: Maker,
  onError: 'emit' | 'throw',
  iterable: Iterable<unknown> | AsyncIterable<unknown>,
): Observable<Receipt<unknown>> {
  return new Observable((subscriber) => {
    const publisher = source.open();
    subscriber.add(() => {
      source.close(publisher);
    });
    const pull = new Pull(publisher, maker, new Told(subscriber, onError === 'throw'), iterable, subscriber);
    subscriber.add(() => {
      pull.stop();
    });
    pull.go();
  });
}

/** Pulls from an iterable while the publisher has room. */
class Pull {
  private readonly iterator: Iterator<unknown> | AsyncIterator<unknown>;
  private readonly waits: boolean;
  private pulling = false;
  private done = false;

  constructor(
    private readonly publisher: Publisher,
    private readonly maker: Maker,
    private readonly listener: ReceiptListener,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    private readonly subscriber: Subscriber<Receipt<unknown>>,
  ) {
    this.waits = Symbol.asyncIterator in iterable;
    this.iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
    publisher.onRoom = () => {
      this.go();
    };
    publisher.onClosing = (error) => {
      this.abort(error);
    };
  }

  /** A loop for what comes at once; a promise interrupts it and takes it up again. */
  go(): void {
    if (this.pulling) return;
    this.pulling = true;
    try {
      while (this.wantsMore()) {
        const result = this.iterator.next();
        if (this.waits) {
          this.await(result as Promise<IteratorResult<unknown>>);
          return;
        }
        this.take(result as IteratorResult<unknown>);
      }
    } catch (error) {
      this.fail(error);
      return;
    }
    this.pulling = false;
  }

  stop(): void {
    this.publisher.onRoom = undefined;
    this.publisher.onClosing = undefined;
    if (this.done) return;
    this.done = true;
    // a generator that is asked to return may throw or reject; there is nobody left to tell
    const end = async (): Promise<void> => {
      await this.iterator.return?.();
    };
    end().catch(() => undefined);
  }

  private await(result: Promise<IteratorResult<unknown>>): void {
    // by resolve, because an iterator written by hand may give what is no promise
    Promise.resolve(result).then(
      (next) => {
        this.pulling = false;
        this.take(next);
        this.go();
      },
      (error: unknown) => {
        this.fail(error);
      },
    );
  }

  private wantsMore(): boolean {
    if (this.done || this.subscriber.closed) return false;
    if (this.publisher.failure === undefined) return this.publisher.room;
    this.abort(this.publisher.failure);
    return false;
  }

  /** An iterable may have no end, so that failed receipts for the rest of it would have none either. */
  private abort(error: WeirError): void {
    if (this.done) return;
    this.stop();
    this.publisher.whenFlushed(() => {
      this.subscriber.error(error);
    });
  }

  private take(result: IteratorResult<unknown>): void {
    if (this.done) return;
    if (!result.done) {
      offer(this.publisher, this.maker, result.value, undefined, this.listener);
      return;
    }
    this.done = true;
    this.publisher.whenFlushed(() => {
      this.subscriber.complete();
    });
  }

  private fail(error: unknown): void {
    if (this.done) return;
    this.done = true;
    this.publisher.whenFlushed(() => {
      this.subscriber.error(error);
    });
  }
}
