import * as client from 'prom-client';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { autoAck, earliest, InvalidOptionError, text, untilNow, UnsupportedError } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { instrument, prometheus, type PrometheusMetrics } from '../../lib/opentelemetry/index.js';
import { until } from '../support/wait.js';

const all = { start: earliest(), until: untilNow(), codec: text } as const;

describe('opentelemetry: prometheus()', () => {
  let registry: client.Registry;
  let metrics: PrometheusMetrics;
  let broker: MemoryBroker;

  beforeEach(() => {
    registry = new client.Registry();
    broker = memory({ closeTimeout: 100 });
  });

  afterEach(async () => {
    metrics.stop();
    await broker.close();
  });

  /** The series of a metric, and what each stands at. */
  const read = async (name: string): Promise<Record<string, number>> => {
    const words = (await registry.metrics()).split('\n');
    const mine = words.filter((line) => line.startsWith(`${name}{`));
    return Object.fromEntries(
      mine.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  };

  const orders = '{broker="memory",channel="orders"}';

  it('counts what is published, and what becomes of it', async () => {
    metrics = prometheus({ registry, client });
    await lastValueFrom(broker.publishFrom('orders', ['a', 'bb', 'ccc'], { codec: text }));
    broker.faults.refuse(1);
    await broker.publish('orders', 'd', { codec: text }).catch(() => undefined);
    expect(await read('rx_weir_published_total')).to.deep.equal({ [orders]: 4 });
    expect(await read('rx_weir_bytes_published_total')).to.deep.equal({ [orders]: 7 });
    expect(await read('rx_weir_confirmed_total')).to.deep.equal({ [orders]: 3 });
    expect(await read('rx_weir_publish_errors_total')).to.deep.equal({
      '{broker="memory",channel="orders",code="PUBLISH"}': 1,
    });
    expect(await read('rx_weir_publish_seconds_count')).to.deep.equal({ [orders]: 4 });
  });

  it('counts what is delivered, and what becomes of it', async () => {
    metrics = prometheus({ registry, client });
    await lastValueFrom(broker.publishFrom('orders', ['a', 'bb'], { codec: text }));
    const [one, two] = await lastValueFrom(
      broker.messages('orders', { ...all, durable: 'd' }).pipe(take(2), toArray()),
    );
    expect(await read('rx_weir_in_flight')).to.deep.equal({ '{broker="memory"}': 2 });
    one!.ack();
    two!.release();
    const again = await firstValueFrom(broker.messages('orders', { codec: text, durable: 'd' }).pipe(take(1)));
    expect(again.redelivered).to.equal(true);
    again.ack();
    expect(await read('rx_weir_consumed_total')).to.deep.equal({ [orders]: 3 });
    expect(await read('rx_weir_bytes_consumed_total')).to.deep.equal({ [orders]: 5 });
    expect(await read('rx_weir_redelivered_total')).to.deep.equal({ [orders]: 1 });
    expect(await read('rx_weir_settled_total')).to.deep.equal({
      '{broker="memory",channel="orders",outcome="ack"}': 2,
      '{broker="memory",channel="orders",outcome="release"}': 1,
    });
    expect(await read('rx_weir_process_seconds_count')).to.deep.equal({ [orders]: 3 });
    expect((await read('rx_weir_lag_seconds'))[orders]).to.be.within(0, 60);
    expect(await read('rx_weir_in_flight')).to.deep.equal({ '{broker="memory"}': 0 });
  });

  it('tells how the handles stand, also those that had connected before', async () => {
    await broker.connect();
    const other = memory({ closeTimeout: 100 });
    metrics = prometheus({ registry, client, brokers: [broker, instrument(broker)] });
    const own = '{broker="memory"}';
    expect(await read('rx_weir_connected')).to.deep.equal({ [own]: 1 });
    await other.connect();
    expect(await read('rx_weir_connected')).to.deep.equal({ [own]: 2 });
    expect(await read('rx_weir_connection_attempts_total')).to.deep.equal({ [own]: 1 });
    expect(await read('rx_weir_reconnects_total')).to.deep.equal({ [own]: 0 });
    other.faults.drop({ for: 10_000 });
    const waiting = other.publish('orders', 'a', { codec: text });
    expect(await read('rx_weir_connected')).to.deep.equal({ [own]: 1 });
    expect(await read('rx_weir_outstanding_confirms')).to.deep.equal({ [own]: 1 });
    other.faults.restore();
    await waiting;
    expect(await read('rx_weir_reconnects_total')).to.deep.equal({ [own]: 1 });
    expect(await read('rx_weir_connection_attempts_total')).to.deep.equal({ [own]: 2 });
    expect(await read('rx_weir_events_total')).to.deep.equal({
      '{broker="memory",type="disconnected"}': 1,
      '{broker="memory",type="reconnected"}': 1,
    });
    await other.close();
    expect(await read('rx_weir_connected')).to.deep.equal({ [own]: 1 });
  });

  it('holds no handle that nobody else holds', async () => {
    metrics = prometheus({ registry, client });
    await memory().connect();
    await until(async () => {
      (globalThis as { gc?: () => void }).gc?.();
      return (await read('rx_weir_connected'))['{broker="memory"}'] === undefined;
    });
  });

  it('keeps series of so many channels, and one for all others', async () => {
    metrics = prometheus({ registry, client, maxChannels: 2, prefix: 'mine' });
    for (const channel of ['a', 'b', 'c', 'd', 'a']) await broker.publish(channel, 'x', { codec: text });
    expect(await read('mine_published_total')).to.deep.equal({
      '{broker="memory",channel="a"}': 2,
      '{broker="memory",channel="b"}': 1,
      '{broker="memory",channel="other"}': 2,
    });
  });

  it('stops: takes its metrics away and listens no more, so that it can begin anew', async () => {
    metrics = prometheus({ registry, client });
    await broker.publish('orders', 'a', { codec: text });
    metrics.stop();
    metrics.stop();
    expect(registry.getMetricsAsArray()).to.deep.equal([]);
    await broker.publish('orders', 'b', { codec: text });
    metrics = prometheus({ registry, client });
    await lastValueFrom(broker.messages('orders', all).pipe(autoAck()));
    expect(await read('rx_weir_published_total')).to.deep.equal({});
    expect(await read('rx_weir_consumed_total')).to.deep.equal({ [orders]: 2 });
  });

  it('refuses what it cannot work with', () => {
    metrics = { stop: () => undefined };
    const wrong: [object, string][] = [
      [{ client }, 'registry is required'],
      [{ registry }, 'client is required'],
      [{ registry, client: {} }, 'client'],
      [{ registry, client, prefix: 'a b' }, 'prefix'],
      [{ registry, client, maxChannels: 0 }, 'maxChannels'],
      [{ registry, client, brokers: [{}] }, 'brokers'],
      [{ registry, client, handles: [] }, "'handles'"],
    ];
    for (const [options, words] of wrong)
      expect(() => prometheus(options as never)).to.throw(InvalidOptionError, words);
  });

  it('says so in a page', () => {
    metrics = { stop: () => undefined };
    const { getBuiltinModule } = process;
    (process as { getBuiltinModule?: unknown }).getBuiltinModule = undefined;
    try {
      expect(() => prometheus({ registry, client })).to.throw(UnsupportedError, 'instrument()');
    } finally {
      process.getBuiltinModule = getBuiltinModule;
    }
  });
});
