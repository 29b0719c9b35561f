// Specs of a service that uses a broker, without a server: faults, failing work and hours of waiting, in milliseconds.
// Any runner will do; this one is Node's own:  npx tsx examples/testing-a-service.ts
/* eslint @typescript-eslint/no-floating-promises: 'off' -- node:test waits for its own promises */
import { describe, it } from 'node:test';
import { from, lastValueFrom, type Observable, type Subscription } from 'rxjs';
import { ackMergeMap, json, type Broker, type Delivery } from 'rx-weir';
import {
  assertAcked,
  assertDelivered,
  assertPublished,
  assertReleased,
  fakeDeliveries,
  testBroker,
  watch,
} from 'rx-weir/testing';

interface Order {
  readonly id: number;
  readonly item: string;
}

interface Bill {
  readonly order: number;
  readonly cents: number;
}

const orders = json<Order>();
const bills = json<Bill>();

/** The service under test. It knows a broker, and not which. */
class Billing {
  private readonly prices = new Map([
    ['apple', 50],
    ['pear', 40],
  ]);

  constructor(private readonly broker: Broker) {}

  start(): Subscription {
    return this.bill(
      this.broker.messages('orders', { codec: orders, durable: 'billing', ackWait: 60_000 }),
    ).subscribe();
  }

  /** Bills each order; one without a price comes again, and is put aside the third time. */
  bill(orders$: Observable<Delivery<Order>>): Observable<unknown> {
    const putAside = ({ value }: Delivery<Order>) => this.broker.publish('no-price', value, { codec: orders });
    return orders$.pipe(
      ackMergeMap(({ value }) => this.billOne(value), { concurrency: 4, onError: { after: 3, to: putAside } }),
    );
  }

  private async billOne({ id, item }: Order): Promise<void> {
    const cents = this.prices.get(item);
    if (cents === undefined) throw new Error(`no price for ${item}`);
    await this.broker.publish('bills', { order: id, cents }, { codec: bills });
  }
}

describe('Billing', () => {
  it('sends a bill for each order, and acks it', async () => {
    await using broker = testBroker();
    new Billing(broker).start();
    await broker.publish('orders', { id: 1, item: 'apple' }, { codec: orders });
    await broker.publish('orders', { id: 2, item: 'pear' }, { codec: orders });
    await broker.deliveries('orders').settled(2);
    const expected = [
      { order: 1, cents: 50 },
      { order: 2, cents: 40 },
    ];
    assertPublished(broker, 'bills', expected, { codec: bills });
  });

  it('tries an order without a price three times, a minute apart', async () => {
    await using broker = testBroker({ time: 'virtual' });
    const order = { id: 3, item: 'quince' };
    new Billing(broker).start();
    await broker.publish('orders', order, { codec: orders });
    const seen = broker.deliveries('orders');
    await broker.advance(60_000);
    assertDelivered(seen, [order, order]);
    assertReleased(seen);
    assertPublished(broker, 'no-price', [], { codec: orders });
    await broker.advance(60_000);
    await seen.settled(1);
    assertPublished(broker, 'no-price', [order], { codec: orders });
  });

  it('goes on when the connection is back', async () => {
    await using broker = testBroker({ time: 'virtual' });
    new Billing(broker).start();
    // the shop has a connection of its own, which stays
    await using shop = broker.handle();
    await broker.connect();
    broker.faults.drop({ for: 3_600_000 });
    await shop.publish('orders', { id: 4, item: 'pear' }, { codec: orders });
    await broker.advance(3_599_000);
    assertPublished(broker, 'bills', [], { codec: bills });
    await broker.advance(60_000);
    assertPublished(broker, 'bills', [{ order: 4, cents: 40 }], { codec: bills });
    assertAcked(broker.deliveries('orders'));
  });

  it('does not ack what it could not publish', async () => {
    await using broker = testBroker();
    broker.faults.refuse();
    const [one, two] = fakeDeliveries<Order>([
      { id: 5, item: 'apple' },
      { id: 6, item: 'quince' },
    ]);
    const watched = watch(from([one!, two!]));
    await lastValueFrom(new Billing(broker).bill(watched.stream), { defaultValue: undefined });
    assertReleased(watched);
    assertReleased([one!, two!]);
  });
});
