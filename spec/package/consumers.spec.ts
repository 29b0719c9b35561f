import { expect } from 'chai';
import { join } from 'node:path';
import { node, root } from './built.js';
import { consumer, type Consumer } from './consumer.js';

const program = `
import { ackConcatMap, earliest, json, InvalidOptionError, type Broker, type Delivery, type Receipt } from 'rx-weir';
import { memory, type MemoryBroker } from 'rx-weir/memory';
import { natsStreaming, type NatsStreamingOptions } from 'rx-weir/nats-streaming';
import { byKey, liftbridge, type LiftbridgeDelivery, type LiftbridgeOptions } from 'rx-weir/liftbridge';
import { blob, lonelyps, type LonelypsAuth, type LonelypsDelivery, type LonelypsOptions, type LonelypsSelection } from 'rx-weir/lonelyps';
import { rabbitmqStream, routeByHash, type RabbitMqStreamDelivery, type RabbitMqStreamOptions } from 'rx-weir/rabbitmq-stream';

interface Order { readonly id: number }
const order = json<Order>();

async function main(): Promise<void> {
  const broker: MemoryBroker = memory();
  const sink = broker.sink('orders', { codec: order });
  const receipt: Receipt<Order> = await sink.send({ id: 7 });
  if (!receipt.ok) throw receipt.error;
  await new Promise<void>((resolve, reject) => {
    broker
      .messages('orders', { start: earliest(), codec: order })
      .pipe(ackConcatMap(async (delivery: Delivery<Order>) => delivery.value.id + 1))
      .subscribe({ next: (id: number) => { console.log(id); resolve(); }, error: reject });
  });
  await broker.close();
}

const options: NatsStreamingOptions = { clusterId: 'c', clientId: 'me', servers: 'nats://localhost' };
const rabbitOptions: RabbitMqStreamOptions = { url: 'rabbitmq-stream://localhost' };
const rabbit = rabbitmqStream(rabbitOptions);
rabbit
  .messages('orders', { superStream: true, codec: order })
  .pipe(ackConcatMap(async ({ value, partition }: RabbitMqStreamDelivery<Order>) => [value.id, partition]));
rabbit.sink('orders', { superStream: true, routing: routeByHash((value: Order) => String(value.id)), codec: order });
const liftbridgeOptions: LiftbridgeOptions = { brokers: 'localhost:9292' };
const lift = liftbridge(liftbridgeOptions);
lift
  .messages('orders', { partition: 'all', durable: 'packer', codec: order })
  .pipe(ackConcatMap(async ({ value, partition, key }: LiftbridgeDelivery<Order>) => [value.id, partition, key]));
lift.sink('orders', { partition: byKey(), message: (value: Order) => ({ value, key: String(value.id) }), codec: order });
const auth: LonelypsAuth = { toBroadcaster: { type: 'token', token: 't' } };
const lonelypsOptions: LonelypsOptions = { broadcasters: 'ws://localhost:3003', auth };
const lonely = lonelyps(lonelypsOptions);
const selection: LonelypsSelection = { exact: ['orders/new'], glob: 'orders/*/paid' };
lonely
  .messages(selection, { codec: order })
  .pipe(ackConcatMap(async ({ value, topic, sha512 }: LonelypsDelivery<Order>) => [value.id, topic, sha512]));
lonely.messages('films', { codec: blob() }).pipe(ackConcatMap(async ({ value }) => value.bytes()));
async function tell(): Promise<number | undefined> {
  const told: number | undefined = (await lonely.publish('films', new Blob(['x']))).notified;
  return told ?? (await lonely.publish('orders/new', { id: 7 }, { codec: order })).notified;
}
const mounted = (request: object, response: object): void => lonely.handler(request, response);
void [tell, mounted, lonely.missed];
const brokers: readonly Broker[] = [natsStreaming(options), memory()];
void [brokers, InvalidOptionError];
void main();
`;

/** Strict, and with the library's declarations checked too. */
const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  target: 'ES2022',
  lib: ['ES2022', 'DOM'],
  types: [],
  rootDir: '.',
};

const settings = {
  'nodenext, both kinds of module': { file: ['a.mts', 'b.cts'], module: 'NodeNext', moduleResolution: 'NodeNext' },
  'node20, CommonJS': { file: ['b.cts'], module: 'node20', moduleResolution: 'node16' },
  'commonjs with the resolution of bundlers': { file: ['c.ts'], module: 'CommonJS', moduleResolution: 'Bundler' },
  'esnext for a bundler, in a browser': {
    file: ['c.ts'],
    module: 'ESNext',
    moduleResolution: 'Bundler',
    customConditions: ['browser'],
  },
} as const;

describe('a program in TypeScript', () => {
  let made: Consumer;

  before(async () => {
    made = await consumer();
    for (const name of ['a.mts', 'b.cts', 'c.ts']) await made.write(`typed/${name}`, program);
    await made.write('typed/package.json', '{ "type": "commonjs" }');
  });

  Object.entries(settings).forEach(([name, { file, ...options }], index) => {
    it(`compiles with ${name}${options.module === 'ESNext' ? '' : ', and runs'}`, async () => {
      const outDir = `out-${index}`;
      const compilerOptions = { ...strict, ...options, outDir };
      const path = await made.write(`typed/tsconfig.${index}.json`, JSON.stringify({ compilerOptions, files: file }));
      await node([join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', path], made.folder);
      if (options.module === 'ESNext') return;
      for (const source of file) {
        const output = join('typed', outDir, source.replace('ts', 'js'));
        expect((await node([output], made.folder)).trim()).to.equal('8');
      }
    });
  });
});
