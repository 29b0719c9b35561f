// A super stream: one name over several streams, spread by a key, read in one window.
//
//   npx tsx examples/rabbitmq-super-stream.ts [--broker rabbitmq-stream://localhost:5552]
import { lastValueFrom, tap, toArray } from 'rxjs';
import { ackMergeMap, earliest, json, untilNow } from 'rx-weir';
import { routeByHash, type RabbitMqStreamBroker, type RabbitMqStreamDelivery } from 'rx-weir/rabbitmq-stream';
import { rabbitFromArguments, run } from './support.js';

interface Order {
  readonly id: number;
  readonly customer: string;
}

const codec = json<Order>();

await run('rabbitmq-super-stream', async (closing) => {
  const place = rabbitFromArguments();
  const broker = closing(place.open('orders'));
  const channel = `orders-${place.run}`;
  await broker.createSuperStream(channel, { partitions: 3, maxLengthBytes: 100_000_000 });
  const partitions = await broker.partitions(channel);
  console.log(`on ${place.name}: ${partitions.length} partitions, ${partitions.map(short).join(' ')}`);

  // 1. the hash of the key says where an order goes: the orders of a customer are in one partition, in their order
  await publish(broker, channel, 1, 300);

  // 2. all partitions in one window. The position of each is stored under the durable's name
  const before = await work(broker, channel);
  console.log(`${before.orders} orders done, never more than 8 at a time: ${before.busiest <= 8}`);
  for (const [partition, customers] of [...before.partitions].sort()) {
    console.log(`  ${short(partition)}: ${[...customers].sort().join(' ')}`);
  }
  const homes = [...before.partitions.values()].reduce((sum, customers) => sum + customers.size, 0);
  console.log(`each customer is in one partition: ${homes === 10}`);

  // 3. another process goes on where this one stopped
  await publish(broker, channel, 301, 320);
  await broker.close();
  const other = closing(place.open('more-orders'));
  for (const partition of partitions) {
    console.log(`  ${short(partition)}: stored is offset ${await other.queryOffset('billing', partition)}`);
  }
  console.log(`the next run does ${(await work(other, channel)).orders} orders`);
  await other.deleteSuperStream(channel);
});

async function publish(broker: RabbitMqStreamBroker, channel: string, from: number, to: number): Promise<void> {
  const orders = Array.from({ length: to - from + 1 }, (_, n) => ({
    id: from + n,
    customer: `c${(from + n) % 10}`,
  }));
  const routing = routeByHash((order: Order) => order.customer);
  const receipts$ = broker.publishFrom(channel, orders, { superStream: true, routing, codec, onError: 'throw' });
  const receipts = await lastValueFrom(receipts$.pipe(toArray()));
  console.log(`${receipts.length} orders are published`);
}

interface Outcome {
  orders: number;
  busiest: number;
  readonly partitions: Map<string, Set<string>>;
}

/** Works on what is there, eight orders at a time; each is acked when its work is done. */
async function work(broker: RabbitMqStreamBroker, channel: string): Promise<Outcome> {
  const outcome: Outcome = { orders: 0, busiest: 0, partitions: new Map() };
  let busy = 0;
  const bill = async ({ value, partition }: RabbitMqStreamDelivery<Order>): Promise<Order> => {
    outcome.busiest = Math.max(outcome.busiest, ++busy);
    await new Promise((resolve) => setTimeout(resolve, 1)); // the work
    busy--;
    const customers = outcome.partitions.get(partition!);
    if (customers === undefined) outcome.partitions.set(partition!, new Set([value.customer]));
    else customers.add(value.customer);
    return value;
  };
  const orders$ = broker
    .messages(channel, {
      superStream: true,
      durable: 'billing',
      start: earliest(),
      until: untilNow(),
      maxInFlight: 64,
      codec,
    })
    .pipe(
      ackMergeMap(bill, { concurrency: 8 }),
      tap(() => outcome.orders++),
    );
  await lastValueFrom(orders$, { defaultValue: undefined });
  return outcome;
}

/** The end of a partition's name, which is its number. */
function short(partition: string): string {
  return partition.replace(/^.*-/, '-');
}
