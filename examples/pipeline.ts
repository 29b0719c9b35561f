// Requests in, work that fails now and then, results out: retry, dead letters, and a bridge to another broker.
//
//   npx tsx examples/pipeline.ts [--broker URL]
//
// In memory; URL is nats://localhost:4222 (with --cluster test-cluster), rabbitmq-stream://localhost:5552 or
// liftbridge://localhost:9292.
import { defer, lastValueFrom, retry, take, toArray } from 'rxjs';
import { ackFilter, ackMergeMap, bridgeTo, earliest, json, mapValue, text, untilNow, type Delivery } from 'rx-weir';
import { memory } from 'rx-weir/memory';
import { placeFromArguments, run } from './support.js';

interface Order {
  readonly id: number;
  readonly item: string;
  readonly test?: boolean;
}

interface Labelled extends Order {
  readonly label: string;
}

interface Bill {
  readonly order: number;
  readonly total: number;
}

const orders: readonly Order[] = [
  { id: 1, item: 'apple' },
  { id: 2, item: 'pear', test: true },
  { id: 3, item: 'unknown' },
  { id: 4, item: 'fig' },
  { id: 5, item: 'plum' },
];

/** A service as they are: it knows some items, and does not answer the first time. */
class Prices {
  private readonly asked = new Set<string>();

  async of(item: string): Promise<number> {
    if (item === 'unknown') throw new Error(`no price for '${item}'`);
    if (!this.asked.has(item)) {
      this.asked.add(item);
      throw new Error('busy');
    }
    return item.length * 10;
  }
}

await run('pipeline', async (closing) => {
  const place = placeFromArguments();
  const broker = closing(place.open('pipeline'));
  const archive = closing(memory());
  const requests = await place.channel('requests');
  const bills = await place.channel('bills');
  const letters = await place.channel('letters');
  const prices = new Prices();

  await lastValueFrom(broker.publishFrom(requests, orders, { codec: json<Order>() }));
  console.log(`${orders.length} requests on ${place.name}`);

  // 1. requests → bills. Each request is acked when its bill is confirmed, so that a crash repeats work and loses none.
  const bill = (order: Delivery<Labelled>) =>
    defer(async () => {
      const total = await prices.of(order.value.item);
      await broker.publish(bills, { order: order.value.id, total }, { codec: json<Bill>() });
      console.log(`  billed ${order.value.label}: ${total}`);
      return 'billed';
    }).pipe(
      // a failure that passes is tried again at once; the delivery stays unsettled meanwhile
      retry({ count: 1, delay: 10 }),
    );
  const deadLetter = async (order: Delivery<Labelled>, error: unknown): Promise<void> => {
    console.log(`  gave up on ${order.value.label}: ${(error as Error).message}`);
    await broker.publish(letters, order.value.label, { codec: text });
    done.abort();
  };
  // a request that keeps failing is the last to be done with
  const done = new AbortController();
  const options = { start: earliest(), durable: 'billing', ackWait: place.ackWait, signal: done.signal };
  const billed = await lastValueFrom(
    broker.messages(requests, { ...options, codec: json<Order>() }).pipe(
      ackFilter((order) => order.value.test !== true),
      mapValue((order) => ({ ...order, label: `order ${order.id} (${order.item})` })),
      ackMergeMap(bill, { concurrency: 2, onError: { after: 2, to: deadLetter } }),
      toArray(),
    ),
  );
  console.log(`${billed.length} billed, 1 dead letter, 1 test dropped`);

  // 2. bills → the archive, which is another broker. Each bill is acked when the archive has confirmed it.
  const bridged = await lastValueFrom(
    broker.messages(bills, { start: earliest(), durable: 'archive', ackWait: place.ackWait }).pipe(
      bridgeTo(archive, 'bills', {
        message: (delivery) => ({ value: delivery.value, headers: { from: delivery.channel.replace(/-.*/, '') } }),
        onError: { after: 3, to: (delivery) => broker.publish(letters, delivery.value) },
      }),
      take(billed.length),
      toArray(),
    ),
  );
  console.log(`${bridged.length} bridged to the archive`);

  const archived$ = archive.messages('bills', { start: earliest(), until: untilNow(), codec: json<Bill>() });
  const archived = await lastValueFrom(archived$.pipe(toArray()));
  for (const delivery of archived) {
    const { value, headers } = delivery;
    console.log(`  archived ${value.total} for order ${value.order}, from ${String(headers.get('from'))}`);
    delivery.ack();
  }
});
