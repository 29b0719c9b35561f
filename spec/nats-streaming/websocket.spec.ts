import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import WebSocket from 'ws';
import { earliest } from '../../lib/core/starts.js';
import { natsStreaming } from '../../lib/nats-streaming/browser.js';
import type { NatsStreamingBroker, NatsStreamingOptions } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { clientName, unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { bytes, failureOf, put, range, subscriptionsOf, textsOf, work } from './acceptance-kit.js';
import { Told } from './support.js';

describe('NATS Streaming through a websocket, on the entry point for browsers', () => {
  const brokers: NatsStreamingBroker[] = [];
  const before22 = !('WebSocket' in globalThis);
  let server: NatsStreamingServer;

  before(async () => {
    // Node has one of its own from version 22 on
    if (before22) Object.assign(globalThis, { WebSocket });
    server = await startNatsStreaming({ websocket: true });
  });

  after(async () => {
    await server.stop();
    if (before22) Reflect.deleteProperty(globalThis, 'WebSocket');
  });

  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  });

  function make(options: Partial<NatsStreamingOptions> = {}): NatsStreamingBroker {
    const broker = natsStreaming({
      clusterId: server.cluster,
      clientId: clientName(),
      servers: server.wsUrl,
      closeTimeout: 500,
      reconnect: { initialDelay: 50, maxDelay: 250 },
      ...options,
    });
    brokers.push(broker);
    return broker;
  }

  it('publishes with receipts, replays and acks', async () => {
    const channel = unique('web');
    const broker = make();
    const values = range(1, 1_000).map(bytes);
    const receipts = await lastValueFrom(broker.publishFrom(channel, values, { onError: 'throw' }).pipe(toArray()));
    expect(receipts.every(({ ok }) => ok)).to.equal(true);
    const tap = work(broker, channel, { start: earliest(), durable: 'd' });
    const got = await tap.first(1_000);
    expect(textsOf(got)).to.deep.equal(range(1, 1_000));
    expect(got.some(({ redelivered }) => redelivered)).to.equal(false);
    await until(async () => (await subscriptionsOf(server, channel))[0]?.pending_count === 0);
    await broker.publish(channel, new Uint8Array(500_000).fill(7));
    expect((await tap.at(1_000)).value.length).to.equal(500_000);
  });

  it('keeps its session over a websocket that was cut, and what was published meanwhile is sent once', async () => {
    const channel = unique('cut');
    const proxy = await startProxy({ host: server.host, port: Number(new URL(server.wsUrl ?? '').port) });
    const broker = make({ servers: proxy.url.replace('nats:', 'ws:') });
    const told = new Told(broker);
    await put(broker, channel, '1');
    const tap = work(broker, channel, { start: earliest() });
    await tap.first(1);
    for (const text of ['2', '3']) {
      const reconnected = told.of('reconnected').length;
      await proxy.refuse(true);
      proxy.cut();
      await until(() => told.states.at(-1) === 'reconnecting');
      const waiting = put(broker, channel, text);
      await proxy.refuse(false);
      await waiting;
      expect(told.of('reconnected').length).to.equal(reconnected + 1);
    }
    expect(textsOf(await tap.first(3))).to.deep.equal(range(1, 3));
    expect(told.of('reconnected').every(({ session }) => session === 'kept')).to.equal(true);
    await broker.close();
    await proxy.stop();
  });

  it('speaks TLS with a socket of the user', async () => {
    const secure = await startNatsStreaming({ websocket: true, tls: true });
    const ca = secure.certificates?.pem.ca;
    const wsFactory = (url: string) => ({ socket: new WebSocket(url, { ca }), encrypted: true });
    const broker = make({ servers: secure.wsUrl, natsOptions: { wsFactory } });
    expect(secure.wsUrl).to.match(/^wss:/);
    await put(broker, 'orders', '1');
    expect(textsOf(await work(broker, 'orders', { start: earliest() }).first(1))).to.deep.equal(['1']);
    await broker.close();
    await secure.stop();
  });

  it('says so, typed, when there is nobody at the address', async () => {
    const gone = await startProxy(server);
    const address = gone.url.replace('nats:', 'ws:');
    await gone.stop();
    const error = await failureOf(() => make({ servers: address, connectTimeout: 1_000 }).connect());
    expect(error.code).to.be.oneOf(['CONNECTION', 'TIMEOUT']);
    expect(error.message).to.include(address);
  });
});
