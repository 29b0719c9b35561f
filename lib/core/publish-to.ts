import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import type { Receipt } from './broker.js';
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
      subscriber.add(
        values.subscribe({
          next: (value) => {
            offer(publisher, maker, value, undefined, listener);
          },
          // what was accepted is published before the error goes on, so that nothing is lost behind it
          error: (error: unknown) => {
            publisher.whenFlushed(() => {
              subscriber.error(error);
            });
          },
          complete: () => {
            publisher.whenFlushed(() => {
              subscriber.complete();
            });
          },
        }),
      );
    });
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
    const pull = new Pull(publisher, maker, new Told(subscriber, onError === 'throw'), iterable, subscriber);
    subscriber.add(() => {
      pull.stop();
      source.close(publisher);
    });
    pull.go();
  });
}

/** Pulls from an iterable while the publisher has room. */
class Pull {
  private readonly iterator: Iterator<unknown> | AsyncIterator<unknown>;
  private pulling = false;
  private done = false;

  constructor(
    private readonly publisher: Publisher,
    private readonly maker: Maker,
    private readonly listener: ReceiptListener,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    private readonly subscriber: Subscriber<Receipt<unknown>>,
  ) {
    this.iterator =
      Symbol.asyncIterator in iterable
        ? iterable[Symbol.asyncIterator]()
        : (iterable as Iterable<unknown>)[Symbol.iterator]();
    publisher.onRoom = () => {
      this.go();
    };
  }

  /** A loop for what comes at once; a promise interrupts it and takes it up again. */
  go(): void {
    if (this.pulling) return;
    this.pulling = true;
    try {
      while (!this.done && !this.subscriber.closed && this.publisher.room) {
        const result = this.iterator.next();
        if (result instanceof Promise || 'then' in result) {
          (result as Promise<IteratorResult<unknown>>).then(
            (next) => {
              this.pulling = false;
              this.take(next);
              this.go();
            },
            (error: unknown) => {
              this.fail(error);
            },
          );
          return;
        }
        this.take(result);
      }
    } catch (error) {
      this.fail(error);
      return;
    }
    this.pulling = false;
  }

  stop(): void {
    this.publisher.onRoom = undefined;
    if (this.done) return;
    this.done = true;
    // a generator that is asked to return may reject; there is nobody left to tell
    void Promise.resolve(this.iterator.return?.()).catch(() => undefined);
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
    this.done = true;
    this.publisher.whenFlushed(() => {
      this.subscriber.error(error);
    });
  }
}
