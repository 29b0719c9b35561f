import { from, Observable, observable as interop, Subscriber, Subscription, type ObservableInput } from 'rxjs';
import { Deque } from '../core/deque.js';
import { placeOf, type Delivery } from '../core/delivery.js';
import { Attempts } from './attempts.js';
import type { OnError } from './on-error.js';

/** What a kind of work is made of. @internal */
export interface AckWorkOptions<D extends Delivery<unknown>, R> {
  readonly project: (delivery: D, index: number) => ObservableInput<R>;
  /** How many at a time; Infinity for all that come. */
  readonly concurrency: number;
  readonly onError: OnError<D>;
}

/** Works on the deliveries of a source and settles each. What `ackConcatMap` and `ackMergeMap` have in common. @internal */
export function ackWork<D extends Delivery<unknown>, R>(
  source: Observable<D>,
  options: AckWorkOptions<D, R>,
): Observable<R> {
  return new Observable((subscriber) => {
    const work = new AckWork(subscriber, options);
    const outer = new Outer(work);
    // before the source is subscribed to, because a synchronous one may be unsubscribed while it emits
    subscriber.add(() => {
      work.stop(outer);
    });
    source.subscribe(outer);
  });
}

/**
 * One subscription's work. The semantics are those of `mergeMap`, with one difference: an inner that completes while
 * it is being subscribed to is torn down before the next one is subscribed to, by a loop instead of recursion, so that
 * a long queue of such inners does not grow the stack.
 */
class AckWork<D extends Delivery<unknown>, R> {
  /** Waits for room. Bounded by the window of the source, as its deliveries are unsettled. */
  private readonly queue = new Deque<D>();
  /** What is queued (the delivery) or at work (its inner), by place, in the order of arrival. */
  private readonly held = new Map<object, D | Inner<D, R>>();
  private readonly attempts = new Attempts();
  private active = 0;
  private index = 0;
  private ended = false;
  private stopped = false;
  /** Whether a delivery is being settled: what the source emits because of that waits until it is done. */
  private settling = false;
  /** The delivery whose inner is being subscribed to; the loop that does it goes on when the inner is done already. */
  private starting: D | undefined = undefined;

  constructor(
    readonly subscriber: Subscriber<R>,
    private readonly options: AckWorkOptions<D, R>,
  ) {}

  arrive(delivery: D): void {
    const place = placeOf(delivery);
    // the one that is held settles its copies too
    if (delivery.settled || this.held.has(place)) return;
    this.held.set(place, delivery);
    if (this.active < this.options.concurrency && this.queue.length === 0 && !this.settling) {
      this.start(delivery, place);
    } else {
      this.queue.push(delivery);
    }
    this.advance();
  }

  end(): void {
    this.ended = true;
    this.advance();
  }

  completed(inner: Inner<D, R>): void {
    this.attempts.forget(inner.delivery);
    this.settle(inner.delivery, inner.place, true);
  }

  failed(inner: Inner<D, R>, error: unknown): void {
    if (inner.mute || this.options.onError === 'throw') {
      // as in RxJS, downstream is told before the inner is torn down
      try {
        this.subscriber.error(error);
      } finally {
        inner.unsubscribe();
      }
    } else {
      try {
        inner.unsubscribe();
      } finally {
        this.recover(inner.delivery, inner.place, error);
      }
    }
  }

  /** Ends the source and the inners, in this order, and gives back what is not done. */
  stop(outer: Outer<D, R>): void {
    this.stopped = true;
    this.queue.clear();
    const held = [...this.held.values()];
    this.held.clear();
    const subscriptions = new Subscription();
    subscriptions.add(outer);
    for (const each of held) {
      if (each instanceof Inner) subscriptions.add(each);
    }
    try {
      subscriptions.unsubscribe();
    } finally {
      for (const each of held) {
        if (!(each instanceof Inner)) each.release();
        else if (each.done) each.delivery.ack();
        else each.delivery.release();
      }
    }
  }

  private start(delivery: D, place: object): void {
    const before = this.starting;
    this.starting = delivery;
    this.active++;
    try {
      let input: ObservableInput<R>;
      try {
        input = this.options.project(delivery, this.index++);
      } catch (error) {
        this.recover(delivery, place, error);
        return;
      }
      this.subscribe(delivery, place, input, false);
    } finally {
      this.starting = before;
    }
  }

  private subscribe(delivery: D, place: object, input: ObservableInput<R>, mute: boolean): void {
    const inner = new Inner<D, R>(this, delivery, place, mute);
    if (isPromise(input)) {
      if (!this.stopped) this.held.set(place, inner);
      // where project has unsubscribed downstream, the promise runs all the same, and its rejection is nobody's
      else inner.unsubscribe();
      input.then(
        (value) => {
          inner.fulfil(value);
        },
        (error: unknown) => {
          inner.error(error);
        },
      );
      return;
    }
    let observable: Observable<R>;
    try {
      observable = from(input);
    } catch (error) {
      if (mute) this.subscriber.error(error);
      else this.recover(delivery, place, error);
      return;
    }
    if (this.stopped) return;
    this.held.set(place, inner);
    observable.subscribe(inner);
  }

  /** The work on a delivery failed, and has no inner any more. */
  private recover(delivery: D, place: object, error: unknown): void {
    const { onError } = this.options;
    if (onError === 'throw' || this.stopped) {
      this.subscriber.error(error);
    } else if (onError === 'ack' || onError === 'release') {
      this.settle(delivery, place, onError === 'ack');
    } else if (this.attempts.failed(delivery) < onError.after) {
      this.settle(delivery, place, false);
    } else {
      this.held.set(place, delivery);
      let input: ObservableInput<R>;
      try {
        input = onError.to(delivery, error) as ObservableInput<R>;
      } catch (failure) {
        this.subscriber.error(failure);
        return;
      }
      this.subscribe(delivery, place, input, true);
    }
  }

  private settle(delivery: D, place: object, done: boolean): void {
    this.held.delete(place);
    this.active--;
    const before = this.settling;
    this.settling = true;
    try {
      if (done) delivery.ack();
      else delivery.release();
    } catch (error) {
      this.subscriber.error(error);
    } finally {
      this.settling = before;
    }
    if (this.starting !== delivery) this.advance();
  }

  private advance(): void {
    if (this.settling) return;
    try {
      while (this.active < this.options.concurrency) {
        const delivery = this.queue.shift();
        if (delivery === undefined) break;
        this.start(delivery, placeOf(delivery));
      }
    } catch (error) {
      this.subscriber.error(error);
    }
    // nothing at work means nothing queued, as there was room for it
    if (this.ended && this.active === 0) this.subscriber.complete();
  }
}

/** Observes the source. */
class Outer<D extends Delivery<unknown>, R> extends Subscriber<D> {
  constructor(private readonly work: AckWork<D, R>) {
    super();
  }

  protected override _next(delivery: D): void {
    try {
      this.work.arrive(delivery);
    } catch (error) {
      this.work.subscriber.error(error);
    }
  }

  protected override _error(error: unknown): void {
    try {
      this.work.subscriber.error(error);
    } finally {
      this.unsubscribe();
    }
  }

  protected override _complete(): void {
    try {
      this.work.end();
    } finally {
      this.unsubscribe();
    }
  }
}

/** Observes what `project` returned, or mutely where the dead letters go. */
class Inner<D extends Delivery<unknown>, R> extends Subscriber<R> {
  /** Whether the work is done, though its completion was not told yet. */
  done = false;

  constructor(
    private readonly work: AckWork<D, R>,
    readonly delivery: D,
    readonly place: object,
    readonly mute: boolean,
  ) {
    super();
  }

  /** A promise is done with its value: should downstream unsubscribe because of it, the delivery is acked. */
  fulfil(value: R): void {
    if (this.closed) return;
    this.done = true;
    this.next(value);
    this.complete();
  }

  protected override _next(value: R): void {
    if (!this.mute) this.work.subscriber.next(value);
  }

  protected override _error(error: unknown): void {
    this.work.failed(this, error);
  }

  protected override _complete(): void {
    try {
      this.unsubscribe();
    } finally {
      this.work.completed(this);
    }
  }
}

function isPromise<R>(input: ObservableInput<R>): input is PromiseLike<R> {
  const like = input as unknown as Readonly<Record<string | symbol, unknown>> | null | undefined;
  return typeof like?.['then'] === 'function' && typeof like[interop] !== 'function';
}
