import { Observable, Subscription, type Subscriber } from 'rxjs';
import type { Cancel, Clock } from './clock.js';
import type { BaseDelivery, PlaceOwner } from './delivery.js';

/** What all listeners together owe one message. */
class SharedPlace implements PlaceOwner {
  /** Handles not settled yet, and one more while they are being given out: the first may settle at once. */
  open = 1;
  private gaveUp = false;

  constructor(
    private readonly delivery: BaseDelivery<unknown>,
    private readonly onEnd: () => void,
  ) {}

  settled(): void {
    this.close();
  }

  released(): void {
    this.gaveUp = true;
    this.close();
  }

  close(): void {
    if (--this.open > 0) return;
    this.onEnd();
    // one who did not settle it is enough for it to come again
    if (this.gaveUp) this.delivery.release();
    else this.delivery.ack();
  }
}

/** One subscriber, with its handle for each place that is shared. */
interface Listener {
  readonly subscriber: Subscriber<BaseDelivery<unknown>>;
  readonly handles: Map<SharedPlace, BaseDelivery<unknown>>;
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
): Observable<BaseDelivery<unknown>> {
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
        if (handle?.open) subscriber.next(inherit(delivery, handle, known));
      }
      return;
    }
    if (listeners.size === 0) {
      // copies of what waits unclaimed need not wait too: the place is theirs as well
      if (first === delivery) unclaimed.push(delivery);
      return;
    }
    const place = new SharedPlace(first, () => {
      places.delete(first);
      for (const { handles } of listeners) handles.delete(place);
    });
    places.set(first, place);
    const handed = [...listeners].map((listener) => {
      const handle = inherit(delivery, undefined, place);
      place.open++;
      listener.handles.set(place, handle);
      return { listener, handle };
    });
    for (const { listener, handle } of handed) listener.subscriber.next(handle);
    place.close();
  };

  const end = (tell: (subscriber: Subscriber<BaseDelivery<unknown>>) => void): void => {
    const all = [...listeners];
    const waiting = unclaimed;
    unclaimed = [];
    listeners.clear();
    subscription = undefined;
    cancelLinger?.();
    for (const delivery of waiting) delivery.release();
    for (const { subscriber } of all) tell(subscriber);
  };

  const disconnect = (): void => {
    const waiting = unclaimed;
    unclaimed = [];
    for (const delivery of waiting) delivery.release();
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

/** A listener's own handle: its prototype is the delivery, so that it tells whatever its broker tells of it. */
function inherit(
  delivery: BaseDelivery<unknown>,
  first: BaseDelivery<unknown> | undefined,
  place: SharedPlace,
): BaseDelivery<unknown> {
  const handle = Object.create(delivery) as BaseDelivery<unknown>;
  handle.reopen(first ?? handle, place);
  return handle;
}
