/* Compiled only: what the operators infer through `pipe`. */
import { EMPTY, from, of, type Observable } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { ackFilter } from '../../lib/operators/ack-filter.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { idle } from '../../lib/operators/idle.js';
import { mapValue, type Mapped } from '../../lib/operators/map-value.js';
import { toAsyncIterable } from '../../lib/operators/to-async-iterable.js';

/** Whether two types are the same, not only assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless the Observable's type is exactly the one asked for. */
function expectEmits<Expected>() {
  return <T>(source: Observable<T>, ...proof: Same<T, Expected> extends true ? [] : [never]): void => {
    void [source, proof];
  };
}

interface PartitionDelivery<T> extends Delivery<T> {
  readonly partition: number;
  answer(word: string): void;
}

interface Order {
  readonly kind: 'order';
  readonly total: number;
}
interface Refund {
  readonly kind: 'refund';
}

declare const bytes$: Observable<Delivery>;
declare const orders$: Observable<PartitionDelivery<Order>>;
declare const mixed$: Observable<PartitionDelivery<Order> | PartitionDelivery<Refund>>;

export function operators(): void {
  expectEmits<number>()(orders$.pipe(ackConcatMap((delivery) => of(delivery.value.total))));
  expectEmits<string>()(
    orders$.pipe(ackConcatMap(async (delivery, index) => `${delivery.partition} ${index.toFixed()}`)),
  );
  expectEmits<number>()(bytes$.pipe(ackMergeMap((delivery) => [delivery.value.byteLength])));
  expectEmits<string | number>()(
    orders$.pipe(ackMergeMap((each) => (each.redelivered ? of('again') : of(1)), { concurrency: 4 })),
  );
  expectEmits<never>()(orders$.pipe(ackMergeMap(() => EMPTY)));
  expectEmits<Order>()(
    orders$.pipe(
      ackConcatMap((delivery) => [delivery.value], {
        onError: { after: 3, to: (delivery, error) => of(delivery.partition, error) },
      }),
    ),
  );

  expectEmits<PartitionDelivery<Order>>()(orders$.pipe(ackFilter((delivery) => delivery.value.total > 0)));
  const isOrder = (
    delivery: PartitionDelivery<Order> | PartitionDelivery<Refund>,
  ): delivery is PartitionDelivery<Order> => delivery.value.kind === 'order';
  expectEmits<PartitionDelivery<Order>>()(mixed$.pipe(ackFilter(isOrder)));

  expectEmits<Mapped<PartitionDelivery<Order>, number>>()(orders$.pipe(mapValue((order) => order.total)));
  expectEmits<number>()(
    orders$.pipe(
      mapValue((order, delivery) => order.total * delivery.partition),
      mapValue((value) => [value]),
      ackFilter((delivery) => delivery.partition > 0),
      ackConcatMap((delivery) => {
        delivery.answer('yes');
        return from(delivery.value);
      }),
    ),
  );

  expectEmits<Uint8Array>()(bytes$.pipe(autoAck()));
  expectEmits<Order>()(orders$.pipe(autoAck()));
  expectEmits<PartitionDelivery<Order> | null>()(orders$.pipe(idle(5)));
  expectEmits<PartitionDelivery<Order> | 'quiet'>()(orders$.pipe(idle(5, 'quiet' as const)));
  const iterable: AsyncIterable<PartitionDelivery<Order>> = toAsyncIterable(orders$, { highWaterMark: 4 });
  void iterable;
}

export function refused(): void {
  // @ts-expect-error -- the work has to return something that can be waited for
  orders$.pipe(ackConcatMap((delivery) => delivery.value.total));
  // @ts-expect-error -- one at a time is not an option
  orders$.pipe(ackConcatMap(() => EMPTY, { concurrency: 1 }));
  // @ts-expect-error -- there is no such policy
  orders$.pipe(ackMergeMap(() => EMPTY, { onError: 'nack' }));
  // @ts-expect-error -- dead letters need a place to go
  orders$.pipe(ackMergeMap(() => EMPTY, { onError: { after: 3 } }));
  // @ts-expect-error -- these are values, not deliveries
  of(1, 2).pipe(ackConcatMap(() => EMPTY));
  // @ts-expect-error -- these are values, not deliveries
  of('a').pipe(autoAck());
  // @ts-expect-error -- the original's value is not there any more
  orders$.pipe(mapValue(() => 'text')).subscribe((delivery) => delivery.value.total);
  // @ts-expect-error -- a delivery has no such member
  orders$.pipe(mapValue(() => 'text')).subscribe((delivery) => delivery.replyTo);
  // @ts-expect-error -- a silence has a length
  orders$.pipe(idle());
}
