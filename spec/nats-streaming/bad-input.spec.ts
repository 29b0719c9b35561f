import { inspect } from 'node:util';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import {
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InUseError,
  InvalidOptionError,
  WeirError,
} from '../../lib/core/errors.js';
import { earliest, fromOffset, untilNow } from '../../lib/core/starts.js';
import { natsStreaming } from '../../lib/nats-streaming/index.js';
import type { NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { Handles } from './support.js';

const bytes = new Uint8Array([1, 2, 3]);

/** The error that a call throws, or that its promise rejects with. */
async function errorOf(call: () => unknown): Promise<WeirError> {
  try {
    await call();
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it did not fail');
}

describe('NATS Streaming: bad input', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: NatsStreamingServer;
  let broker: NatsStreamingBroker;

  before(async () => {
    server = await startNatsStreaming();
  });

  after(() => server.stop());

  beforeEach(() => {
    broker = handles.make(server);
  });

  afterEach(async () => {
    // whatever was refused, the handle works
    const channel = unique('still-works');
    await broker.publish(channel, bytes);
    const delivery = await firstValueFrom(broker.messages(channel, { start: earliest() }));
    expect([...delivery.value]).to.deep.equal([...bytes]);
    delivery.ack();
    await handles.close();
  });

  const badChannels: unknown[] = [
    ...['', 'a..b', '.a', 'a.', 'a*b', 'a.*', 'a>', 'a.>', 'a/b', 'a b', 'a\tb', 'a\r\nPUB x'],
    ...[undefined, null, 7, {}],
  ];

  for (const channel of badChannels) {
    it(`the channel ${inspect(channel)} is refused before anything is sent`, async () => {
      const name = channel as string;
      const errors = [
        await errorOf(() => broker.publish(name, bytes)),
        await errorOf(() => broker.messages(name)),
        await errorOf(() => broker.values(name)),
        await errorOf(() => broker.hot(name)),
        await errorOf(() => broker.sink(name)),
        await errorOf(() => broker.publishTo(name)),
        await errorOf(() => broker.publishFrom(name, [])),
        await errorOf(() => broker.forget(name, { durable: 'd' })),
      ];
      for (const error of errors) {
        expect(error).to.be.instanceOf(InvalidOptionError);
        expect(error.message).to.match(/channel/);
      }
      // not even a connection was made
      expect((await firstValueFrom(broker.status)).state).to.equal('idle');
    });
  }

  const badOptions: [words: RegExp, options: object][] = [
    [/'maxInflight'.*'maxInFlight'/, { maxInflight: 1 }],
    [/maxInFlight/, { maxInFlight: 0 }],
    [/maxInFlight/, { maxInFlight: -1 }],
    [/maxInFlight/, { maxInFlight: NaN }],
    [/maxInFlight/, { maxInFlight: 1.5 }],
    [/maxInFlight/, { maxInFlight: 1e10 }],
    [/ackWait/, { ackWait: 0 }],
    [/ackWait/, { ackWait: -5 }],
    [/start.*earliest/, { start: 'earliest' }],
    [/start/, { start: { kind: 'fromPartition', partition: 1 } }],
    [/until/, { until: untilNow() }],
    [/until/, { until: fromOffset(1) }],
    [/durable/, { durable: '' }],
    [/durable.*':'/, { durable: 'a:b', queue: 'q' }],
    [/onDecodeError/, { onDecodeError: 'ignore' }],
    [/codec/, { codec: {} }],
    [/signal/, { signal: {} }],
  ];

  for (const [words, options] of badOptions) {
    it(`messages refuses ${inspect(options)}`, async () => {
      const error = await errorOf(() => broker.messages('orders', options as never));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.match(words).and.to.contain("messages('orders')");
    });
  }

  for (const [words, options] of [
    [/maxInFlight/, { maxInFlight: 0 }],
    [/buffer/, { buffer: -1 }],
    [/overflow/, { overflow: 'block' }],
    [/resend/, { resend: 'yes' }],
    [/'ackWait'/, { ackWait: 5 }],
    [/message/, { message: 'x' }],
  ] as [RegExp, object][]) {
    it(`a sink refuses ${inspect(options)}`, async () => {
      const error = await errorOf(() => broker.sink('orders', options as never));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.match(words);
    });
  }

  it('publish refuses what the broker cannot carry, and an id that is none', async () => {
    for (const options of [{ key: bytes }, { headers: { a: 1 } }, { id: '' }, { id: 5n }, { partition: 1 }]) {
      const error = await errorOf(() => broker.publish('orders', bytes, options as never));
      expect(error, JSON.stringify(Object.keys(options))).to.be.instanceOf(InvalidOptionError);
    }
  });

  it('a value that is no bytes is refused where there is no codec', async () => {
    const error = await errorOf(() => broker.publish('orders', 'text' as never));
    expect(error).to.be.instanceOf(WeirError);
    expect(error.message).to.contain('codec');
  });

  it('a payload over max_payload is refused before it is sent, and one at the limit is not', async () => {
    await broker.connect();
    const limit = 1_048_576;
    const channel = unique('large');
    const error = await errorOf(() => broker.publish(channel, new Uint8Array(limit)));
    expect(error).to.be.instanceOf(FrameTooLargeError);
    expect(error.message).to.contain(channel).and.to.contain(String(limit));
    const { size } = error.detail as { size: number };
    const envelope = size - limit;
    const receipt = await broker.publish(channel, new Uint8Array(limit - envelope));
    expect(receipt.ok).to.equal(true);
    const over = await errorOf(() => broker.publish(channel, new Uint8Array(limit - envelope + 1)));
    expect(over).to.be.instanceOf(FrameTooLargeError);
  });

  it('a cluster that does not answer is told within connectTimeout, with its name', async () => {
    const lost = handles.make(server, { connectTimeout: 1_000 });
    const other = natsStreaming({
      clusterId: 'nowhere',
      clientId: 'me',
      servers: server.url,
      connectTimeout: 1_000,
    });
    try {
      const error = await errorOf(() => other.connect());
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.contain('nowhere');
      expect((await errorOf(() => other.publish('orders', bytes))).message).to.contain('nowhere');
      expect((await errorOf(() => lastValueFrom(other.messages('orders')))).message).to.contain('nowhere');
      await lost.connect();
    } finally {
      await other.close();
    }
  });

  it('a client id that another holds is InUseError, and its owner still works', async () => {
    await broker.connect();
    const thief = handles.make(server, { clientId: broker.clientId });
    const error = await errorOf(() => thief.connect());
    expect(error).to.be.instanceOf(InUseError);
    expect(error.message).to.contain(broker.clientId);
  });

  it('a durable that is at work is InUseError for a second subscription', async () => {
    const channel = unique('durable');
    broker.messages(channel, { durable: 'd' }).subscribe();
    const error = await errorOf(() => lastValueFrom(broker.messages(channel, { durable: 'd' })));
    expect(error).to.be.instanceOf(InUseError);
    expect(error.message).to.contain("'d'");
  });

  it('a closed handle says so', async () => {
    const closed = handles.make(server);
    await closed.connect();
    await closed.close();
    for (const call of [
      () => closed.publish('orders', bytes),
      () => closed.connect(),
      () => closed.forget('orders', { durable: 'd' }),
      () => lastValueFrom(closed.messages('orders')),
      () => lastValueFrom(closed.publishFrom('orders', [bytes], { onError: 'throw' })),
    ]) {
      expect(await errorOf(call)).to.be.instanceOf(ClosedError);
    }
  });

  for (const [words, options] of [
    [/clientId/, { clientId: 'a b' }],
    [/clientId/, { clientId: '' }],
    [/clusterId/, { clusterId: 'a.>' }],
    [/servers.*nats/s, { servers: undefined }],
    [/nats/, { nats: {} }],
    [/'pingIntervall'.*'pingInterval'/, { pingIntervall: 1 }],
    [/pingInterval/, { pingInterval: 10 }],
    [/connectTimeout/, { connectTimeout: 10 }],
    [/reconnect/, { reconnect: { maxDelay: -1 } }],
    [/natsOptions/, { natsOptions: { reconnect: false } }],
  ] as [RegExp, object][]) {
    it(`natsStreaming refuses ${inspect(options)}`, async () => {
      const all = { clusterId: 'c', clientId: 'me', servers: server.url, ...options };
      const error = await errorOf(() => natsStreaming(all as never));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.match(words);
    });
  }
});
