/**
 * A service with metrics: it publishes orders and charges them, a few of them only at the second attempt, and says at /metrics
 * how that goes. Prometheus and Grafana show it: `docker compose up -d prometheus grafana`, then http://localhost:3000.
 *
 *     npx tsx examples/observability/service.ts
 *
 * The environment says where else it works: BROKER, such as nats-streaming://localhost:4222 or
 * rabbitmq-stream://localhost:5552 or liftbridge://localhost:9292 (by default the memory broker); PORT of /metrics, by default
 * 9464; RATE, orders a second, by default 200.
 */
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import * as client from 'prom-client';
import { ackMergeMap, json, type Delivery } from 'rx-weir';
import { instrument, prometheus, withSpan } from 'rx-weir/opentelemetry';
import { placeOf } from '../support.js';

interface Order {
  readonly id: number;
  readonly cents: number;
}

const { BROKER, PORT = '9464', RATE = '200' } = process.env;

const registry = new client.Registry();
client.collectDefaultMetrics({ register: registry });
const metrics = prometheus({ registry, client });

const place = placeOf({ broker: BROKER, cluster: 'test-cluster' });
// without an SDK of OpenTelemetry this costs nothing; with one, each order has a trace
const broker = instrument(place.open('observability'));
const channel = await place.channel('orders');

let waiting = 0;

/** Every hundredth order is refused the first time. */
const charge = withSpan('charge', async ({ value, redelivered }: Delivery<Order>) => {
  waiting++;
  await delay(5 + Math.random() * 20);
  waiting--;
  if (value.id % 100 === 99 && !redelivered) throw new Error(`order ${value.id}: the card was declined`);
});

const charges = broker
  .messages(channel, { codec: json<Order>(), maxInFlight: 64, ackWait: place.ackWait })
  .pipe(ackMergeMap(charge, { concurrency: 32, onError: 'release' }))
  .subscribe({
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      leave();
    },
  });

/** Orders at the rate that was asked for, until there is no more to do. */
async function* orders(): AsyncGenerator<Order> {
  for (let id = 0; !leaving.signal.aborted; id++) {
    yield { id, cents: Math.round(Math.random() * 10_000) };
    await delay(1_000 / Number(RATE), undefined, { signal: leaving.signal }).catch(() => undefined);
  }
}

const server = createServer((request, response) => {
  if (request.url !== '/metrics') {
    response.writeHead(404).end('GET /metrics\n');
    return;
  }
  void registry.metrics().then((body) => {
    response.writeHead(200, { 'content-type': registry.contentType }).end(body);
  });
});

const leaving = new AbortController();

function leave(): void {
  leaving.abort();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);

server.listen(Number(PORT), () => {
  const { port } = server.address() as { port: number };
  console.log(`orders go over ${place.name}; metrics are at http://localhost:${port}/metrics`);
});

await new Promise<void>((resolve) => {
  broker.publishFrom(channel, orders(), { codec: json<Order>() }).subscribe({
    next: ({ ok, error }) => {
      if (!ok) console.error(error.message);
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      resolve();
    },
    complete: resolve,
  });
});

charges.unsubscribe();
await broker.close();
server.close();
server.closeAllConnections();
metrics.stop();
console.log(`closed; ${waiting} charges were cut off`);
