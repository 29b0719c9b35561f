import { Observable, Subscriber } from 'rxjs';
import type { Delivery } from './delivery.js';

/** The values of deliveries, each acked when `next` returned, also when that unsubscribed. @internal */
export function settleEach<D extends Delivery<unknown>>(source: Observable<D>): Observable<D['value']> {
  return new Observable((subscriber) => source.subscribe(new SettleEach<D>(subscriber)));
}

class SettleEach<D extends Delivery<unknown>> extends Subscriber<D> {
  constructor(private readonly subscriber: Subscriber<D['value']>) {
    super(subscriber);
  }

  protected override _next(delivery: D): void {
    try {
      this.subscriber.next(delivery.value);
    } finally {
      delivery.ack();
    }
  }
}
