// Workers that share the partitions of a stream: a consumer group. When one leaves, the others take over what it read.
//
//   npx tsx examples/liftbridge-workers.ts [--broker liftbridge://localhost:9292]
import { filter, firstValueFrom, from, lastValueFrom, Subject, timer, toArray, type Subscription } from 'rxjs';
import { ackConcatMap, earliest, json } from 'rx-weir';
import { byKey, type LiftbridgeBroker } from 'rx-weir/liftbridge';
import { liftbridgeFromArguments, run } from './support.js';

interface Order {
  readonly id: number;
  readonly customer: string;
}

interface Done extends Order {
  readonly who: string;
  readonly partition: number;
}

const partitions = 6;
const customers = Array.from({ length: 24 }, (_, n) => `c${n}`);
const codec = json<Order>();

await run('liftbridge-workers', async (closing) => {
  const place = liftbridgeFromArguments();
  const stream = await place.channel('orders', { partitions });
  const shop = closing(place.open());
  console.log(`${partitions} partitions on ${place.name}`);

  const done$ = new Subject<Done>();
  const done: Done[] = [];
  done$.subscribe((each) => done.push(each));
  const worker = (who: string, broker: LiftbridgeBroker): Subscription =>
    broker
      .messages(stream, { queue: 'packers', start: earliest(), maxInFlight: 4, codec })
      .pipe(
        ackConcatMap(async ({ value, partition }) => {
          await firstValueFrom(timer(1)); // the work
          return { ...value, who, partition };
        }),
      )
      .subscribe({ next: (each) => done$.next(each), error: (error: unknown) => done$.error(error) });

  // handles of their own are connections of their own, as other processes would have them
  const ann = closing(place.open());
  worker('ann', ann);
  worker('bob', closing(place.open()));
  worker('cid', closing(place.open()));

  let orders = 0;
  /** An order of each customer; the key says in which partition it lies, so that those of a customer stay in their order. */
  const wave = async (): Promise<Done[]> => {
    const first = done.length;
    const ids = customers.map((customer) => ({ id: ++orders, customer }));
    const last = orders;
    const all = new Set(ids.map(({ id }) => id));
    const allDone = firstValueFrom(done$.pipe(filter(({ id }) => all.delete(id) && all.size === 0)));
    const options = { partition: byKey(), message: (value: Order) => ({ value, key: value.customer }), codec };
    const receipts = await lastValueFrom(from(ids).pipe(shop.publishTo(stream, options), toArray()));
    const failed = receipts.find(({ ok }) => !ok);
    if (failed !== undefined) throw failed.error;
    await allDone;
    return done.slice(first).filter(({ id }) => id <= last);
  };
  /** Orders, until each partition is read by one of so many workers. */
  const untilShared = async (workers: number): Promise<void> => {
    for (;;) {
      const readers = new Map<string, Set<number>>();
      for (const { who, partition } of await wave()) readers.set(who, (readers.get(who) ?? new Set()).add(partition));
      const shares = [...readers.values()].map(({ size }) => size);
      if (readers.size !== workers || shares.some((size) => size !== partitions / workers)) continue;
      for (const [who, numbers] of [...readers].sort()) console.log(`  ${who}: ${[...numbers].sort().join(' ')}`);
      return;
    }
  };
  await untilShared(3);

  // what she has in hand and has not acked is read again by whoever gets the partition
  await ann.close();
  console.log('ann leaves');
  await untilShared(2);

  const times = new Map<number, number>();
  const last = new Map<string, number>();
  let inOrder = true;
  for (const { id, customer } of done) {
    times.set(id, (times.get(id) ?? 0) + 1);
    if (times.get(id)! > 1) continue;
    inOrder &&= id > (last.get(customer) ?? 0);
    last.set(customer, id);
  }
  console.log(`each order is done: ${times.size === orders}`);
  console.log(`those of a customer in their order: ${inOrder}`);
  console.log(`done once more, when a partition changed hands: ${done.length - times.size} of ${orders}`);
});
