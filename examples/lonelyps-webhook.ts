// A webhook in an application's own HTTP server: the broadcaster posts orders to it, beside the application's pages.
//
//   npx tsx examples/lonelyps-webhook.ts [--broker http://localhost:3003] [--secrets subscriber-secrets.json]
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { firstValueFrom, scan, skipWhile, tap } from 'rxjs';
import { ackMergeMap, json } from 'rx-weir';
import { lonelyps, type LonelypsBroker } from 'rx-weir/lonelyps';
import { lonelypsFromArguments, run } from './support.js';

interface Order {
  readonly id: number;
  readonly cents: number;
}

const codec = json<Order>();
const orders: readonly Order[] = [1, 2, 3].map((id) => ({ id, cents: id * 100 }));

await run('lonelyps-webhook', async (closing) => {
  const place = lonelypsFromArguments();
  const topic = `orders/${place.run}`;

  // the application: one page, and the callbacks of broadcasters below /pubsub
  let taken = 0;
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/pubsub/') === true) broker.handler(request, response);
    else response.end(`${taken} cents so far\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const app = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const broker: LonelypsBroker = closing(
    // how a broadcaster gets to us; behind a proxy that would be the proxy's address
    lonelyps({ ...place.options, receive: { handler: true, host: `${app}/pubsub` } }),
  );
  broker.missed.subscribe(({ channel }) => console.log(`something on ${channel} was lost`));

  const total$ = broker.messages(topic, { codec, answer: 'settled', onReceiving: () => void publishAll() }).pipe(
    // the broadcaster hears that an order has arrived when its work is done
    ackMergeMap(
      async ({ value }) => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        return value;
      },
      { concurrency: 2 },
    ),
    tap(({ id, cents }) => console.log(`order ${id}: ${cents} cents`)),
    scan((total, { cents }) => total + cents, 0),
    tap((total) => (taken = total)),
    skipWhile((total) => total < 600),
  );

  // somebody else, who only publishes
  const publishAll = async (): Promise<void> => {
    const shop = closing(lonelyps(place.options));
    for (const order of orders) {
      const { notified } = await shop.publish(topic, order, { codec });
      console.log(`order ${order.id} went to ${notified} subscriber`);
    }
  };

  await firstValueFrom(total$);
  console.log(`the page says: ${(await (await fetch(app)).text()).trim()}`);
  await broker.close();
  server.close();
});
