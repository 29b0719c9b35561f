import { expect } from 'chai';
import { from, lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { RoutingError, StreamNotFoundError } from '../../lib/core/errors.js';
import { earliest, newOnly, untilNow } from '../../lib/core/starts.js';
import { routeByHash, routeByKey, type RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import { Tap } from '../contract/tap.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Handles } from './support.js';

const keyOf = (value: string): string => value.split(':')[0]!;

describe('rabbitmq-stream: super streams', () => {
  let server: RabbitMqServer;
  const handles = new Handles();
  let broker: RabbitMqStreamBroker;
  let channel: string;

  before(async () => {
    server = await startRabbitMq();
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server);
    channel = unique('super');
  });
  afterEach(() => handles.close());

  /** `0:0`, `1:0` … with as many keys, each as many times. */
  const values = (keys: number, each: number): string[] =>
    Array.from({ length: keys * each }, (_, i) => `${i % keys}:${Math.floor(i / keys)}`);
  const publish = async (all: readonly string[]): Promise<void> => {
    const receipts = await lastValueFrom(
      broker.publishFrom(channel, all, { codec: text, superStream: true, routing: routeByHash(keyOf) }).pipe(toArray()),
    );
    expect(receipts.filter(({ ok }) => !ok)).to.deep.equal([]);
  };

  it('all partitions come in one window, each in its order', async () => {
    await broker.createSuperStream(channel, { partitions: 3 });
    const all = values(50, 20);
    await publish(all);
    let open = 0;
    let most = 0;
    const tap = new Tap(
      broker.messages(channel, {
        start: earliest(),
        until: untilNow(),
        superStream: true,
        codec: text,
        maxInFlight: 10,
      }),
      (delivery) => {
        most = Math.max(most, ++open);
        setImmediate(() => {
          open--;
          delivery.ack();
        });
      },
    );
    const deliveries = await tap.complete();
    expect(most).to.be.within(2, 10);
    expect(deliveries.map(({ value }) => value).sort()).to.deep.equal([...all].sort());
    expect(new Set(deliveries.map(({ channel: asked }) => asked))).to.deep.equal(new Set([channel]));
    const partitions = await broker.partitions(channel);
    expect([...new Set(deliveries.map(({ partition }) => partition))].sort()).to.deep.equal([...partitions].sort());
    for (const partition of partitions) {
      const own = deliveries.filter((delivery) => delivery.partition === partition);
      expect(own.map(({ offset }) => offset)).to.deep.equal(own.map((_, i) => BigInt(i)));
    }
    const byKey = new Map<string, number[]>();
    for (const { value } of deliveries) {
      const [key, n] = value.split(':') as [string, string];
      byKey.set(key, [...(byKey.get(key) ?? []), Number(n)]);
    }
    for (const order of byKey.values()) expect(order).to.deep.equal([...order].sort((a, b) => a - b));
  });

  it('a durable has a position in each partition', async () => {
    await broker.createSuperStream(channel, { partitions: 3 });
    await publish(values(30, 2));
    const options = { start: earliest(), superStream: true, durable: 'd', codec: text } as const;
    const first = new Tap(broker.messages(channel, options), (delivery, tap) => {
      delivery.ack();
      if (tap.all.length === 25) tap.unsubscribe();
    });
    await until(() => first.all.length === 25);
    await broker.close();
    broker = handles.make(server);
    const second = new Tap(broker.messages(channel, options), (delivery) => {
      delivery.ack();
    });
    await second.first(35);
    const seen = [...first.all, ...second.all].map(({ partition, offset }) => `${partition} ${offset}`);
    expect(new Set(seen).size).to.equal(60);
    expect(seen).to.have.length(60);
    second.unsubscribe();
    await until(async () => {
      const lags = await Promise.all((await broker.partitions(channel)).map((each) => broker.lag('d', each)));
      return lags.every((lag) => lag === 0n);
    });
    await broker.forget(channel, { durable: 'd' });
    const again = new Tap(broker.messages(channel, options));
    await again.first(60);
  });

  it('routes by key to the partitions that are bound with it, and says which key has none', async () => {
    await broker.createSuperStream(channel, { bindingKeys: ['amer', 'emea', 'apac'] });
    const sink = broker.sink(channel, { codec: text, superStream: true, routing: routeByKey(keyOf) });
    const receipts = await Promise.all(['emea:1', 'apac:1', 'nowhere:1', 'emea:2'].map((each) => sink.send(each)));
    expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, true, false, true]);
    const { error } = receipts[2]!;
    expect(error).to.be.instanceOf(RoutingError);
    expect(error!.message).to.include('nowhere').and.include(channel);
    sink.complete();
    const deliveries = await new Tap(
      broker.messages(channel, { start: earliest(), until: untilNow(), superStream: true, codec: text }),
      (delivery) => {
        delivery.ack();
      },
    ).complete();
    const byPartition = deliveries.map(({ partition, value }) => `${partition} ${value}`).sort();
    expect(byPartition).to.deep.equal([`${channel}-apac apac:1`, `${channel}-emea emea:1`, `${channel}-emea emea:2`]);
  });

  it('completes only when all partitions have reached their end, and at once where all are empty', async () => {
    await broker.createSuperStream(channel, { partitions: 2 });
    const options = { start: earliest(), until: untilNow(), superStream: true, codec: text } as const;
    expect(await new Tap(broker.messages(channel, options)).complete()).to.deep.equal([]);
    await broker.publish(`${channel}-0`, 'only here', { codec: text });
    const tap = new Tap(broker.messages(channel, options));
    expect((await tap.complete()).map(({ value }) => value)).to.deep.equal(['only here']);
  });

  it('a named producer goes on in each partition where it stood', async () => {
    await broker.createSuperStream(channel, { partitions: 3 });
    const options = { codec: text, superStream: true, routing: routeByHash(keyOf), producer: 'p' } as const;
    const all = values(20, 3);
    for (const part of [all.slice(0, 30), all.slice(30)]) {
      await lastValueFrom(from(part).pipe(broker.publishTo(channel, options), toArray()));
    }
    const tap = new Tap(
      broker.messages(channel, { start: earliest(), until: untilNow(), superStream: true, codec: text }),
      (delivery) => {
        delivery.ack();
      },
    );
    expect((await tap.complete()).map(({ value }) => value).sort()).to.deep.equal([...all].sort());
    const partitions = await broker.partitions(channel);
    const last = await Promise.all(partitions.map((each) => broker.lastPublishingId('p', each)));
    expect(last.reduce((sum, each) => sum + each, 0n)).to.equal(60n);
  });

  it('says that there is none of that name', async () => {
    const error = await new Tap(broker.messages(channel, { start: newOnly(), superStream: true })).failed();
    expect(error).to.be.instanceOf(StreamNotFoundError);
    expect((error as Error).message).to.include(channel);
  });
});
