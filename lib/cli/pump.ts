import type { Receipt, Sink } from '../core/broker.js';

/** What is told of the receipts, and in the end. */
export interface PumpEnd<V> {
  receipt(receipt: Receipt<V>): void;
  /** Everything has its receipt. @param error - what reading the values has failed with */
  done(error: Error | undefined): void;
}

/**
 * Fills the window of a sink from batches of values. Within a batch nothing is awaited, so that what the window has room for
 * goes out together: a promise for each message would cost a write to the socket for each.
 */
export class Pump<V> {
  private batch: Iterator<V> | undefined;
  private inFlight = 0;
  private pumping = false;
  private ended = false;
  private failure: Error | undefined;

  constructor(
    private readonly sink: Sink<V>,
    private readonly batches: AsyncIterator<Iterable<V>>,
    private readonly window: number,
    private readonly told: PumpEnd<V>,
  ) {}

  begin(): void {
    this.sink.receipts.subscribe({
      next: (receipt) => {
        this.inFlight--;
        this.told.receipt(receipt);
        this.go();
      },
      error: (error: unknown) => this.told.done(error as Error),
      complete: () => this.told.done(this.failure),
    });
    this.go();
  }

  /** Takes no more values. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    // an input that is read from may have to be let go
    void this.batches.return?.().catch(() => undefined);
    this.sink.complete();
  }

  private go(): void {
    // a receipt may come while a value is handed over
    if (this.pumping) return;
    this.pumping = true;
    try {
      while (!this.ended && this.inFlight < this.window) {
        const next = this.batch?.next();
        if (next === undefined || next.done === true) {
          this.fetch();
          return;
        }
        this.inFlight++;
        this.sink.next(next.value);
      }
    } catch (error) {
      this.fail(error);
    }
    this.pumping = false;
  }

  /** Goes on when there is another batch; until then nothing is pumped. */
  private fetch(): void {
    this.batches.next().then(
      ({ done, value }) => {
        this.pumping = false;
        if (done === true) {
          this.end();
          return;
        }
        this.batch = value[Symbol.iterator]();
        this.go();
      },
      (error: unknown) => this.fail(error),
    );
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    this.failure = error instanceof Error ? error : new Error(String(error));
    this.end();
  }
}
