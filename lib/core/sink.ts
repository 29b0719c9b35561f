import { BehaviorSubject, Subject, config, type Observable } from 'rxjs';
import type { Receipt, Sink } from './broker.js';
import type { Entry, Publisher, ReceiptListener } from './publisher.js';
import { offer, type Maker } from './outgoing.js';

/** A Subject over a publisher. @internal */
export class PublishSink<T> extends Subject<T> implements Sink<T>, ReceiptListener {
  readonly receipts: Observable<Receipt<T>>;
  readonly pending: Observable<number>;
  private readonly told = new Subject<Receipt<T>>();
  private readonly counts = new BehaviorSubject(0);
  private waiting: (() => void)[] = [];
  private ending = false;

  /** @param onEnd - called when everything accepted has its receipt after `complete` or `error` */
  constructor(
    private readonly publisher: Publisher,
    private readonly maker: Maker,
    private readonly onEnd: () => void,
  ) {
    super();
    this.receipts = this.told.asObservable();
    this.pending = this.counts.asObservable();
    publisher.onRoom = () => {
      this.roomy();
    };
    publisher.onPending = (count) => {
      if (count !== this.counts.value) this.counts.next(count);
    };
  }

  override next(value: T): void {
    if (this.ending || this.closed) return;
    if (offer(this.publisher, this.maker, value, undefined, this) !== undefined) super.next(value);
  }

  override complete(): void {
    this.end(() => {
      this.told.complete();
    });
    super.complete();
  }

  override error(error: unknown): void {
    this.end(() => {
      this.told.error(error);
    });
    super.error(error);
  }

  async ready(): Promise<void> {
    while (!this.publisher.room) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
  }

  async send(value: T): Promise<Receipt<T>> {
    if (!this.publisher.room) await this.ready();
    return new Promise((resolve) => {
      const listener: ReceiptListener = {
        receipt: (receipt) => {
          this.told.next(receipt as Receipt<T>);
          resolve(receipt as Receipt<T>);
        },
      };
      // a sender that was let in by ready() in the same turn as others may find the window taken again: it queues
      if (offer(this.publisher, this.maker, value, undefined, listener, true) !== undefined) super.next(value);
    });
  }

  flush(): Promise<void> {
    return this.publisher.flush();
  }

  /** @internal */
  receipt(receipt: Receipt<unknown>, _entry: Entry): void {
    if (!receipt.ok && !this.told.observed && !this.dropsByChoice(receipt)) {
      reportUnhandled(receipt.error);
      return;
    }
    this.told.next(receipt as Receipt<T>);
  }

  /** Who chose to drop values need not be told loudly that they were dropped. */
  private dropsByChoice(receipt: Receipt<unknown>): boolean {
    return receipt.error?.code === 'OVERFLOW' && this.publisher.settings.overflow !== 'error';
  }

  private roomy(): void {
    if (this.waiting.length === 0) return;
    // one is let in per place, so that a thousand who wait do not all rush in when one place comes free
    const free = this.publisher.settings.maxInFlight - this.publisher.pending;
    for (const resolve of this.waiting.splice(0, free)) resolve();
  }

  private end(tell: () => void): void {
    if (this.ending) return;
    this.ending = true;
    this.publisher.whenFlushed(() => {
      tell();
      this.counts.complete();
      this.onEnd();
    });
  }
}

/** As RxJS does with an error that nobody handles: its `onUnhandledError`, else thrown outside of any call. @internal */
export function reportUnhandled(error: unknown): void {
  setTimeout(() => {
    if (config.onUnhandledError) config.onUnhandledError(error);
    else throw error;
  });
}
