import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { earliest } from '../../lib/core/starts.js';
import type { RabbitMqStreamBroker, RabbitMqStreamDelivery } from '../../lib/rabbitmq-stream/index.js';
import { Tap } from '../contract/tap.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Handles, newStream, Told } from './support.js';

type Texts = RabbitMqStreamDelivery<string>;

describe('rabbitmq-stream: single active consumers', () => {
  let server: RabbitMqServer;
  const handles = new Handles();
  let broker: RabbitMqStreamBroker;

  before(async () => {
    server = await startRabbitMq({ needs: 'control' });
  });
  after(() => server.stop());
  beforeEach(() => {
    broker = handles.make(server);
  });
  afterEach(() => handles.close());

  const fill = async (stream: string, from: number, to: number): Promise<void> => {
    const values = Array.from({ length: to - from }, (_, i) => String(from + i));
    await Promise.all(values.map((value) => broker.publish(stream, value, { codec: text })));
  };
  const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));
  const member = (
    own: RabbitMqStreamBroker,
    channel: string,
    options: { readonly superStream?: boolean; readonly maxInFlight?: number } = {},
    then: (delivery: Texts, tap: Tap<Texts>) => void = (delivery) => {
      delivery.ack();
    },
  ): Tap<Texts> =>
    new Tap(
      own.messages(channel, { queue: 'workers', start: earliest(), codec: text, storeEvery: { ms: 20 }, ...options }),
      then,
    );
  const valuesOf = (...taps: Tap<Texts>[]): string[] => taps.flatMap((tap) => tap.all.map(({ value }) => value));

  it('one is at work; when it leaves, the other goes on behind what it settled', async () => {
    const stream = await newStream(broker);
    const [one, other] = [handles.make(server), handles.make(server)];
    const first = member(one, stream);
    await fill(stream, 0, 50);
    await first.first(50);
    const second = member(other, stream);
    await fill(stream, 50, 60);
    await first.first(60);
    expect(second.all).to.have.length(0);
    first.unsubscribe();
    await fill(stream, 60, 70);
    await second.first(10);
    expect(valuesOf(second)).to.deep.equal(range(60, 70));
  });

  it('the connection of the active one is closed: the other goes on from the stored offset', async () => {
    const stream = await newStream(broker);
    const name = unique('active');
    const one = handles.make(server, { connectionName: name, reconnect: { initialDelay: 2_000 } });
    const other = handles.make(server);
    const first = member(one, stream);
    await fill(stream, 0, 100);
    await first.first(100);
    await until(async () => (await broker.queryOffset('workers', stream)) === 99n);
    const second = member(other, stream);
    await server.management.closeConnection(`${name}-consumer-1`);
    await fill(stream, 100, 120);
    await second.first(20);
    expect(valuesOf(second)).to.deep.equal(range(100, 120));
    expect(valuesOf(first).slice(0, 100)).to.deep.equal(range(0, 100));
  });

  it('a slow member hands over what it has in hand before it gives the role away', async () => {
    const channel = unique('super');
    await broker.createSuperStream(channel, { partitions: 2 });
    const [one, other] = [handles.make(server), handles.make(server)];
    const open: Texts[] = [];
    const first = member(one, channel, { superStream: true }, (delivery) => {
      open.push(delivery);
      if (open.length > 10) for (const each of open.splice(0)) each.ack();
    });
    for (const partition of [0, 1]) await fill(`${channel}-${partition}`, 0, 100);
    await until(() => first.all.length >= 180);
    const second = member(other, channel, { superStream: true });
    await until(async () => {
      for (const each of open.splice(0)) each.ack();
      for (const partition of [0, 1]) await fill(`${channel}-${partition}`, 1_000, 1_001);
      return second.all.length > 0;
    });
    const seen = new Map<string, number>();
    for (const { partition, offset } of [...first.all, ...second.all]) {
      const key = `${partition} ${offset}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect([...seen.values()].filter((count) => count > 1)).to.deep.equal([]);
    await broker.deleteSuperStream(channel);
  });

  it('three partitions and two members: each has some, all messages are seen once, and one that dies is replaced', async () => {
    const channel = unique('super');
    await broker.createSuperStream(channel, { partitions: 3 });
    const [one, other] = [handles.make(server), handles.make(server)];
    const taps = [member(one, channel, { superStream: true }), member(other, channel, { superStream: true })];
    const partitions = await broker.partitions(channel);
    const next = new Map(partitions.map((partition) => [partition, 0]));
    const put = async (count: number): Promise<void> => {
      for (const partition of partitions) {
        const from = next.get(partition)!;
        next.set(partition, from + count);
        await fill(partition, from, from + count);
      }
    };
    // the roles are given out while messages come
    await until(async () => {
      await put(1);
      return taps.every((tap) => tap.all.length > 0);
    });
    const total = (): number => [...next.values()].reduce((sum, each) => sum + each, 0);
    await until(() => valuesOf(...taps).length >= total());
    const before = taps.map((tap) => tap.all.length);
    await put(20);
    await until(() => valuesOf(...taps).length >= total());
    const recent = taps.map((tap, i) => new Set(tap.all.slice(before[i]).map(({ partition }) => partition)).size);
    expect(recent.sort()).to.deep.equal([1, 2]);
    const offsets = new Set(taps.flatMap((tap) => tap.all.map(({ partition, offset }) => `${partition} ${offset}`)));
    expect(offsets.size).to.equal(total());
    expect(valuesOf(...taps)).to.have.length(total());
    await one.close();
    await put(10);
    await until(() => valuesOf(...taps).length >= total());
    expect(valuesOf(...taps)).to.have.length(total());
    await broker.deleteSuperStream(channel);
  });

  it('a member alone goes on after its link is lost, and gets nothing again that it has in hand', async () => {
    const stream = await newStream(broker);
    const name = unique('alone');
    const own = handles.make(server, { connectionName: name });
    const told = new Told(own);
    const tap = member(own, stream, {}, () => undefined);
    await fill(stream, 0, 10);
    const deliveries = await tap.first(10);
    for (const delivery of deliveries.slice(0, 5)) delivery.ack();
    await server.management.closeConnection(`${name}-consumer-1`);
    await until(() => told.has('reconnected'));
    for (const delivery of deliveries.slice(5)) delivery.ack();
    await fill(stream, 10, 15);
    await tap.first(15);
    expect(valuesOf(tap)).to.deep.equal(range(0, 15));
  });
});
