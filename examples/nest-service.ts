// A Nest service over two brokers: orders come by HTTP and are stored, a worker bills them, and a shutdown waits for
// the bills at work.
//
//   npx tsx examples/nest-service.ts                 starts on a free port, orders from itself, and ends
//   npx tsx examples/nest-service.ts --port 3000     serves until Ctrl-C or SIGTERM
//   curl -d id=1 -d item=apple http://localhost:3000/orders
//   curl http://localhost:3000/health/ready
//
// Add --broker nats://localhost:4222 [--cluster test-cluster] for NATS Streaming, --broker rabbitmq-stream://localhost:5552,
// or --broker liftbridge://localhost:9292.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Body, Controller, Get, Inject, Injectable, Module, Post, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { merge, type Observable } from 'rxjs';
import { ackMergeMap, earliest, json, type Delivery, type Sink } from 'rx-weir';
import { BrokerHealthIndicator, BrokerModule, InjectSink, InjectSource } from 'rx-weir/nest';
import { brokerOptions, placeOf, run, type Place } from './support.js';

interface Order {
  readonly id: string;
  readonly item: string;
}

interface Bill {
  readonly order: string;
  readonly cents: number;
}

@Controller('orders')
class OrdersController {
  constructor(@InjectSink('orders', 'shop') private readonly orders: Sink<Order>) {}

  /** Answers when the broker has it. */
  @Post()
  async order(@Body() order: Order): Promise<{ readonly stored: string }> {
    const receipt = await this.orders.send(order);
    if (!receipt.ok) throw receipt.error;
    return { stored: order.id };
  }
}

@Injectable()
class Billing {
  constructor(
    @InjectSource('orders', 'shop') orders: Observable<Delivery<Order>>,
    @InjectSink('bills', 'accounts') bills: Sink<Bill>,
  ) {
    // an order is acked when its bill is stored; what is at work when the app ends is waited for
    const billed = orders.pipe(
      ackMergeMap(
        async ({ value: { id, item } }) => {
          await delay(100); // the work
          const receipt = await bills.send({ order: id, cents: item.length * 10 });
          if (!receipt.ok) throw receipt.error;
          return receipt.value;
        },
        { concurrency: 100, onError: 'release' },
      ),
    );
    // a failed receipt makes the order come again: whoever has not asked for receipts otherwise hears of it as an error
    merge(billed, bills.receipts).subscribe((result) => {
      if ('cents' in result) console.log(`billed order ${result.order}: ${result.cents}`);
    });
  }
}

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(BrokerHealthIndicator) private readonly brokers: BrokerHealthIndicator,
  ) {}

  @Get('live')
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.brokers.isAlive('brokers')]);
  }

  @Get('ready')
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.brokers.isReady('brokers')]);
  }
}

/** A module of an app that knows its broker only as it starts. */
async function appOf(place: Place): Promise<new () => object> {
  const [orders, bills] = await Promise.all([place.channel('orders'), place.channel('bills')]);
  const store = place.open('accounts');

  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      BrokerModule.forRoot({ name: 'shop', broker: () => place.open('shop') }),
      BrokerModule.forRootAsync({ name: 'accounts', useFactory: () => ({ broker: store, drainTimeout: 5_000 }) }),
      BrokerModule.forFeature([
        {
          source: 'orders',
          broker: 'shop',
          channel: orders,
          options: { codec: json<Order>(), start: earliest(), durable: 'billing' },
        },
        { sink: 'orders', broker: 'shop', channel: orders, options: { codec: json<Order>() } },
        { sink: 'bills', broker: 'accounts', channel: bills, options: { codec: json<Bill>() } },
      ]),
    ],
    controllers: [OrdersController, HealthController],
    providers: [Billing],
  })
  class AppModule {}
  return AppModule;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { ...brokerOptions, port: { type: 'string' } } });
  const place = placeOf(values);
  const app = await NestFactory.create(await appOf(place), { logger: ['error', 'warn'], abortOnError: false });
  await app.listen(values.port ?? 0, '127.0.0.1');
  console.log(`POST orders to ${await app.getUrl()}/orders, stored on ${place.name}`);
  if (values.port === undefined) await demo(app);
  else app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  process.on('exit', () => console.log('closed'));
}

/** Orders, and shuts down while the bills are at work. */
async function demo(app: INestApplication): Promise<void> {
  const url = await app.getUrl();
  for (const item of ['apple', 'pear', 'quince']) {
    const body = JSON.stringify({ id: item[0], item });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    console.log(`ordered: ${(await fetch(`${url}/orders`, init)).status}`);
  }
  console.log(`ready: ${(await fetch(`${url}/health/ready`)).status}`);
  await app.close();
}

await run('nest-service', main, { onInterrupt: 'ignore' });
