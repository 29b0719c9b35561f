import { concatMap, mergeMap, Observable, of, type OperatorFunction } from 'rxjs';
import { ackConcatMap, ackMergeMap, type Delivery } from 'rx-weir';
import type { Contender, Runner } from '../contender.js';

/**
 * What it costs to work on a delivery whose work is done at once. The operators of RxJS know no ack, so theirs is the
 * shortest that a program can do by hand: an ack in the projection.
 */
export const operators: Contender = {
  mergeMap: async () => through(mergeMap((delivery) => (delivery.ack(), of(delivery.value)))),
  ackMergeMap: async () => through(ackMergeMap((delivery) => of(delivery.value))),
  concatMap: async () => through(concatMap((delivery) => (delivery.ack(), of(delivery.value)))),
  ackConcatMap: async () => through(ackConcatMap((delivery) => of(delivery.value))),
};

function through(operator: OperatorFunction<Delivery<number>, number>): Runner {
  return {
    run: (_channel, messages) =>
      new Promise((resolve, reject) => {
        acks = 0;
        deliveries(messages)
          .pipe(operator)
          .subscribe({
            error: reject,
            complete: () => {
              if (acks === messages) resolve();
              else reject(new Error(`${acks} of ${messages} deliveries were acked`));
            },
          });
      }),
    close: async () => undefined,
  };
}

let acks = 0;

/** A delivery that no broker made, and that costs nearly nothing. */
class BareDelivery implements Delivery<number> {
  readonly channel = 'numbers';
  readonly time = undefined;
  readonly timestamp = undefined;
  readonly key = undefined;
  readonly headers = noHeaders;
  readonly redelivered = false;
  readonly redeliveries = undefined;
  settled = false;

  constructor(readonly value: number) {}

  get offset(): bigint {
    return BigInt(this.value);
  }

  ack(): void {
    this.settled = true;
    acks++;
  }

  release(): void {
    throw new Error('work that is done is not released');
  }

  toJSON(): Record<string, unknown> {
    return { value: this.value };
  }
}

const noHeaders: ReadonlyMap<string, unknown> = new Map();

function deliveries(count: number): Observable<Delivery<number>> {
  return new Observable<Delivery<number>>((subscriber) => {
    for (let value = 0; value < count && !subscriber.closed; value++) subscriber.next(new BareDelivery(value));
    subscriber.complete();
  });
}
