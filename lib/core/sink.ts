import { BehaviorSubject, Subject, config, type Observable } from 'rxjs';
import type { Receipt, Sink } from './broker.js';
import { Deque } from './deque.js';
import { ClosedError } from './errors.js';
import type { Entry, Publisher, ReceiptListener } from './publisher.js';
import { offer, type Maker } from './outgoing.js';
import { Relay } from './relay.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** One who waits for room. */
interface Waiting {
  /** Whether it takes its place when it is let in; else its caller may, and that is seen a moment later. */
  readonly sends: boolean;
  letIn(): void;
}

/** A Subject over a publisher. @internal */
export class PublishSink<T> extends Subject<T> implements Sink<T>, ReceiptListener {
  readonly receipts: Observable<Receipt<T>>;
  readonly pending: Observable<number>;
  private readonly told = new Relay<Receipt<T>>();
  private readonly counts = new BehaviorSubject(0);
  private readonly waiting = new Deque<Waiting>();
  private lettingIn = false;
  private ending = false;
  /** Ends the receipts, as `complete` or `error` said; undefined before and after. */
  private tellEnd: (() => void) | undefined;

  /** @param onEnd - called when everything accepted has its receipt after `complete` or `error` */
  constructor(
    private readonly publisher: Publisher,
    private readonly maker: Maker,
    private readonly onEnd: () => void,
  ) {
    super();
    this.receipts = this.told.values;
    this.pending = this.counts.asObservable();
    publisher.onRoom = () => {
      this.letIn();
    };
    publisher.onPending = (count) => {
      if (count !== this.counts.value) this.counts.next(count);
    };
  }

  override next(value: T): void {
    if (this.ending || this.closed) return;
    const entry = offer(this.publisher, this.maker, value, undefined, this);
    // a Subject does some work for each value even when nobody listens, and few listen to a sink's values
    if (entry !== undefined && this.observed) super.next(value);
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

  ready(): Promise<void> {
    if (this.open) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push({ sends: false, letIn: resolve });
    });
  }

  send(value: T): Promise<Receipt<T>> {
    return new Promise((resolve) => {
      const listener: ReceiptListener = {
        receipt: (receipt) => {
          this.told.next(receipt as Receipt<T>);
          resolve(receipt as Receipt<T>);
        },
      };
      if (this.ending) {
        resolve({ ok: false, error: this.endedError(), value, channel: this.publisher.settings.channel });
        return;
      }
      const go = (): void => {
        if (offer(this.publisher, this.maker, value, undefined, listener, true) !== undefined) super.next(value);
      };
      if (this.open) go();
      else this.waiting.push({ sends: true, letIn: go });
    });
  }

  flush(): Promise<void> {
    return this.publisher.flush();
  }

  /** What `inspect` and `console.log` show: how it stands, and nothing of what is behind it. */
  toJSON(): Record<string, unknown> {
    const { broker, channel } = this.publisher.settings;
    return { broker, channel, pending: this.publisher.pending, ended: this.ending };
  }

  [inspect](): Record<string, unknown> {
    return this.toJSON();
  }

  /** @internal */
  receipt(receipt: Receipt<unknown>, _entry: Entry): void {
    if (!receipt.ok && !this.told.observed && !this.dropsByChoice(receipt)) {
      reportUnhandled(receipt.error);
      return;
    }
    this.told.next(receipt as Receipt<T>);
  }

  /** Whether nobody needs to wait: there is room that no other waits for, or no room will ever come. */
  private get open(): boolean {
    const { publisher, waiting } = this;
    return publisher.failure !== undefined || (publisher.room && waiting.length === 0);
  }

  /** Who chose to drop values need not be told loudly that they were dropped. */
  private dropsByChoice(receipt: Receipt<unknown>): boolean {
    return receipt.error?.code === 'OVERFLOW' && this.publisher.settings.overflow !== 'error';
  }

  /** One is let in per place, so that a thousand who wait do not all rush in when one place comes free. */
  private letIn(): void {
    const { publisher, waiting } = this;
    if (this.lettingIn || waiting.length === 0) return;
    this.lettingIn = true;
    let promised = 0;
    while (waiting.length > 0) {
      if (publisher.failure === undefined && publisher.pending + promised >= publisher.settings.maxInFlight) break;
      const next = waiting.shift()!;
      if (!next.sends) promised++;
      next.letIn();
    }
    this.lettingIn = false;
    if (waiting.length === 0) this.finish();
    // a caller of ready() need not take the place; then the next one gets it
    else if (promised > 0) {
      queueMicrotask(() => {
        this.letIn();
      });
    }
  }

  private end(tell: () => void): void {
    if (this.ending) return;
    this.ending = true;
    this.tellEnd = tell;
    if (this.waiting.length === 0) this.finish();
  }

  /** Nobody waits to send any more: the end follows when what was accepted has its receipt. */
  private finish(): void {
    const tell = this.tellEnd;
    if (tell === undefined) return;
    this.tellEnd = undefined;
    this.publisher.whenFlushed(() => {
      tell();
      if (this.counts.value !== 0) this.counts.next(0);
      this.counts.complete();
      this.onEnd();
    });
  }

  private endedError(): ClosedError {
    const { broker, channel } = this.publisher.settings;
    return new ClosedError(`send(): this sink of '${channel}' was ended by complete() or error(); make another one`, {
      broker,
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
