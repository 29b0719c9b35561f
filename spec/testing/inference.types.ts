/* Compiled only: what recordings and checks infer. */
import { of, type Observable } from 'rxjs';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import type { Broker, Receipt } from '../../lib/core/broker.js';
import type { Delivery } from '../../lib/core/delivery.js';
import type { MemoryDelivery } from '../../lib/memory/index.js';
import type { LiftbridgeBroker } from '../../lib/liftbridge/index.js';
import {
  assertDelivered,
  assertPublished,
  deliveryMatchers,
  fakeDelivery,
  recorder,
  watch,
  type Outcome,
  type TestBroker,
} from '../../lib/testing/index.js';

interface Order {
  readonly id: number;
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless the value's type is exactly the one asked for. */
export function expectIs<Expected>() {
  return <T>(value: T, ...proof: Same<T, Expected> extends true ? [] : [never]): void => {
    void [value, proof];
  };
}

declare const broker: TestBroker;
declare const liftbridge: LiftbridgeBroker;
declare const any: Broker;
declare function takesBroker(broker: Broker): void;
declare function takesOrders(orders: Observable<Delivery<Order>>): void;
declare function takesMemoryOrders(orders: Observable<MemoryDelivery<Order>>): void;
/** As jest and vitest declare it. */
declare function extend(matchers: Record<string, (received: unknown, ...expected: never[]) => unknown>): void;

export async function recordings(): Promise<void> {
  const codec = json<Order>();
  const orders = recorder(broker.messages('a', { codec }));
  expectIs<readonly Order[]>()(orders.values);
  expectIs<readonly Order[]>()(orders.acked);
  expectIs<MemoryDelivery<Order> & { readonly outcome: Outcome }>()(await orders.next());
  expectIs<(MemoryDelivery<Order> & { readonly outcome: Outcome })[]>()(await orders.next(2));
  expectIs<Order[]>()(await orders.settled(2));
  void orders.until((delivery) => delivery.value.id === 1 && delivery.outcome === 'ack');
  assertDelivered(orders, [{ id: 1 }]);
  // @ts-expect-error an order has a number
  assertDelivered(orders, [{ id: '1' }]);

  const log = recorder(liftbridge.messages('a', { codec: text }));
  expectIs<number>()((await log.next()).partition);
  expectIs<readonly Uint8Array[]>()(recorder(any.messages('a')).values);
  expectIs<readonly number[]>()(recorder(of(1)).values);
  expectIs<readonly number[]>()(recorder(of(1)).deliveries);
  expectIs<readonly Receipt<string>[]>()(recorder(any.sink('a', { codec: text }).receipts).values);

  const watched = watch(broker.messages('a', { codec }));
  takesOrders(watched.stream);
  takesMemoryOrders(watched.stream);
}

export async function brokers(): Promise<void> {
  const codec = json<Order>();
  takesBroker(broker);
  expectIs<Order[]>()(broker.published('a', { codec }));
  expectIs<Uint8Array[]>()(broker.published('a'));
  expectIs<Order[]>()(await broker.untilPublished('a', 2, { codec, timeout: 10 }));
  expectIs<Uint8Array[]>()(await broker.untilPublished('a', 2, { timeout: 10 }));
  expectIs<readonly unknown[]>()(broker.deliveries('a').values);
  expectIs<TestBroker>()(broker.handle());
  assertPublished(broker, 'a', [{ id: 1 }], { codec });
  // @ts-expect-error without a codec it holds bytes
  assertPublished(broker, 'a', [{ id: 1 }]);
  takesOrders(of(fakeDelivery({ value: { id: 1 } })));
  extend(deliveryMatchers);
}
