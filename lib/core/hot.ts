import { Observable, Subscription, type Subscriber } from 'rxjs';
import type { Cancel, Clock } from './clock.js';
import { place, type BaseDelivery, type Delivery } from './delivery.js';
import { Wrapper, wrapperClasses } from './wrapper.js';

/** What all listeners together owe one message. */
class SharedPlace {
  /** Handles not settled yet, and one more while they are being given out: the first may settle at once. */
  open = 1;
  private gaveUp = false;

  constructor(
    private readonly delivery: BaseDelivery<unknown>,
    private readonly onEnd: () => void,
  ) {}

  close(settled: boolean): void {
    if (!settled) this.gaveUp = true;
    if (--this.open > 0) return;
    this.onEnd();
    // one who did not settle it is enough for it to come again
    if (this.gaveUp) this.delivery.release();
    else this.delivery.ack();
  }
}

/** A listener's own handle for a message that all share. Copies for the same listener have its first handle's state. */
class HotHandle extends Wrapper {
  private state: 'open' | 'settled' | 'released' = 'open';
  private readonly first: HotHandle;

  constructor(
    delivery: Delivery<unknown>,
    private readonly shared: SharedPlace,
    first?: HotHandle,
  ) {
    super(delivery);
    this.first = first ?? this;
  }

  override get settled(): boolean {
    return this.first.state === 'settled';
  }

  /** Neither settled nor released. */
  get open(): boolean {
    return this.first.state === 'open';
  }

  override get [place](): object {
    return this.first;
  }

  override ack(): void {
    this.end('settled');
  }

  override release(): void {
    this.end('released');
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), settled: this.settled };
  }

  private end(state: 'settled' | 'released'): void {
    if (!this.open) return;
    this.first.state = state;
    this.shared.close(state === 'settled');
  }
}

const handleClass = wrapperClasses(HotHandle, ['state', 'first', 'shared']);

/** One subscriber, with its handle for each place that is shared. */
interface Listener {
  readonly subscriber: Subscriber<Delivery<unknown>>;
  readonly handles: Map<SharedPlace, HotHandle>;
}

/**
 * Shares one subscription among all listeners of the returned Observable. Each has a handle of its own per message.
 * While nobody listens (`linger`), what comes stays unsettled in the window and goes to the next listener.
 * @param linger - ms for which the subscription is kept after the last listener left
 * @internal
 */
export function shareHot(
  source: Observable<BaseDelivery<unknown>>,
  linger: number,
  clock: Clock,
): Observable<Delivery<unknown>> {
  const listeners = new Set<Listener>();
  const places = new Map<object, SharedPlace>();
  let unclaimed: BaseDelivery<unknown>[] = [];
  let subscription: Subscription | undefined;
  let cancelLinger: Cancel | undefined;

  const give = (delivery: BaseDelivery<unknown>): void => {
    const { first } = delivery;
    const known = places.get(first);
    if (known !== undefined) {
      for (const { subscriber, handles } of [...listeners]) {
        const handle = handles.get(known);
        if (handle?.open) emit(subscriber, new (handleClass(delivery))(delivery, known, handle));
      }
      return;
    }
    if (listeners.size === 0) {
      // copies of what waits unclaimed need not wait too: the place is theirs as well
      if (first === delivery) unclaimed.push(delivery);
      return;
    }
    const shared = new SharedPlace(first, () => {
      places.delete(first);
      for (const { handles } of listeners) handles.delete(shared);
    });
    places.set(first, shared);
    const handed = [...listeners].map((listener) => {
      const handle = new (handleClass(delivery))(delivery, shared);
      shared.open++;
      listener.handles.set(shared, handle);
      return { listener, handle };
    });
    for (const { listener, handle } of handed) emit(listener.subscriber, handle);
    shared.close(true);
  };

  /** Nobody will claim it any more. */
  const giveBack = (): void => {
    const waiting = unclaimed;
    unclaimed = [];
    for (const delivery of waiting) delivery.release();
  };

  const end = (tell: (subscriber: Subscriber<Delivery<unknown>>) => void): void => {
    const all = [...listeners];
    listeners.clear();
    subscription = undefined;
    cancelLinger?.();
    giveBack();
    for (const { subscriber } of all) tell(subscriber);
  };

  const disconnect = (): void => {
    giveBack();
    subscription?.unsubscribe();
    subscription = undefined;
  };

  const leave = (listener: Listener): void => {
    // a source that ended is no listener that left: what it emitted can still be settled
    if (!listeners.delete(listener)) return;
    // at the end of the turn, so that an ack behind take(1) still counts
    clock.soon(() => {
      for (const handle of listener.handles.values()) handle.release();
    });
    if (listeners.size > 0 || subscription === undefined) return;
    if (linger > 0) cancelLinger = clock.after(linger, disconnect);
    else disconnect();
  };

  return new Observable((subscriber) => {
    const listener: Listener = { subscriber, handles: new Map() };
    listeners.add(listener);
    cancelLinger?.();
    cancelLinger = undefined;
    subscriber.add(() => {
      leave(listener);
    });
    if (subscription !== undefined) {
      const waiting = unclaimed;
      unclaimed = [];
      for (const delivery of waiting) give(delivery);
      return;
    }
    const shared = new Subscription();
    subscription = shared;
    shared.add(
      source.subscribe({
        next: give,
        error: (error: unknown) => {
          end((each) => {
            each.error(error);
          });
        },
        complete: () => {
          end((each) => {
            each.complete();
          });
        },
      }),
    );
  });
}

/** The class of the handle has all members of its delivery, which the compiler cannot see. */
function emit(subscriber: Subscriber<Delivery<unknown>>, handle: HotHandle): void {
  subscriber.next(handle as unknown as Delivery<unknown>);
}
