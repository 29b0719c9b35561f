import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { OffsetNotFoundError } from '../../lib/core/errors.js';
import { earliest, fromAgo, fromOffset, latest, newOnly } from '../../lib/core/starts.js';
import type { RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import { Tap } from '../contract/tap.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import { Handles, newStream, Told } from './support.js';

describe('rabbitmq-stream: a durable', () => {
  let server: RabbitMqServer;
  const handles = new Handles();
  let broker: RabbitMqStreamBroker;
  let stream: string;

  before(async () => {
    server = await startRabbitMq();
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server);
    stream = await newStream(broker);
  });
  afterEach(() => handles.close());

  const fill = async (count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, i) => broker.publish(stream, String(i), { codec: text })));
  };

  it('stores how far everything is settled, and never beyond a slow message in the middle', async () => {
    await fill(20);
    const tap = new Tap(
      broker.messages(stream, { durable: 'd', start: earliest(), codec: text, storeEvery: { messages: 1 } }),
    );
    const deliveries = await tap.first(20);
    for (const delivery of deliveries) if (delivery.value !== '7') delivery.ack();
    await until(async () => (await broker.queryOffset('d', stream)) === 6n);
    deliveries[7]!.ack();
    await until(async () => (await broker.queryOffset('d', stream)) === 19n);
  });

  it('stores by count, by time and at the end', async () => {
    await fill(25);
    const byCount = new Tap(
      broker.messages(stream, { durable: 'count', start: earliest(), storeEvery: { messages: 10, ms: 60_000 } }),
      (delivery) => {
        delivery.ack();
      },
    );
    await byCount.first(25);
    // what is stored is where it stands by then
    await until(async () => (await broker.queryOffset('count', stream)) >= 9n);
    byCount.unsubscribe();
    await until(async () => (await broker.queryOffset('count', stream)) === 24n);

    const byTime = new Tap(
      broker.messages(stream, { durable: 'time', start: earliest(), storeEvery: { ms: 50 } }),
      (delivery) => {
        delivery.ack();
      },
    );
    await byTime.first(25);
    await until(async () => (await broker.queryOffset('time', stream)) === 24n);
  });

  it('stores nothing where nothing was settled', async () => {
    await fill(3);
    const tap = new Tap(broker.messages(stream, { durable: 'd', start: earliest() }));
    await tap.first(3);
    tap.unsubscribe();
    await broker.close();
    const other = handles.make(server);
    const error = await other.queryOffset('d', stream).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(OffsetNotFoundError);
  });

  it('says which message holds the position up', async () => {
    await fill(10);
    const told = new Told(broker);
    const tap = new Tap(
      broker.messages(stream, { durable: 'd', start: earliest(), maxInFlight: 5, storeEvery: { ms: 20 } }),
      (delivery) => {
        if (delivery.offset !== 2n) delivery.ack();
      },
    );
    await tap.first(10);
    // the position is looked at only while others are settled
    await until(async () => {
      await broker.publish(stream, 'more', { codec: text });
      return told.has('stalled');
    });
    expect(told.of('stalled')).to.deep.equal([{ type: 'stalled', channel: stream, offset: 2n }]);
    expect(await broker.queryOffset('d', stream)).to.equal(1n);
  });

  it('goes on after a close in another handle, and begins where it is told only the first time', async () => {
    await fill(10);
    const values = await lastValueFrom(
      broker.values(stream, { durable: 'd', start: fromOffset(3), codec: text }).pipe(take(4), toArray()),
    );
    expect(values).to.deep.equal(['3', '4', '5', '6']);
    await broker.close();
    broker = handles.make(server);
    const next = await firstValueFrom(broker.messages(stream, { durable: 'd', start: newOnly(), codec: text }));
    expect(next.value).to.equal('7');
  });

  it('is told of what retention has removed meanwhile', async () => {
    await broker.deleteStream(stream);
    await broker.createStream(stream, { maxLengthBytes: 60_000, maxSegmentBytes: 5_000 });
    const block = new Uint8Array(1_000);
    await broker.publish(stream, block);
    await lastValueFrom(broker.values(stream, { durable: 'd', start: earliest() }).pipe(take(1)));
    await until(async () => (await broker.queryOffset('d', stream)) === 0n);
    // the broker looks at retention when a segment is full; many segments are left, so that records are
    await until(
      async () => {
        await Promise.all(Array.from({ length: 4 }, () => broker.publish(stream, block)));
        return ((await broker.streamStats(stream)).firstChunkId ?? 0n) > 1n;
      },
      { timeout: 20_000 },
    );
    const told = new Told(broker);
    const delivery = await firstValueFrom(broker.messages(stream, { durable: 'd' }));
    expect(delivery.offset > 1n).to.equal(true);
    expect(told.of('gap')).to.have.length(1);
    expect(told.of('gap')[0]).to.include({ channel: stream, from: 1n, to: delivery.offset - 1n });
  });

  it('that begins with new messages misses none that comes while nobody listens', async () => {
    await fill(3);
    const first = new Tap(broker.messages(stream, { durable: 'd' }));
    await until(async () => (await broker.queryOffset('d', stream)) === 2n);
    first.unsubscribe();
    await broker.close();
    broker = handles.make(server);
    await broker.publish(stream, 'meanwhile', { codec: text });
    const delivery = await firstValueFrom(broker.messages(stream, { durable: 'd', codec: text }));
    expect(delivery.value).to.equal('meanwhile');
  });

  it('gives again what it had given and nobody had settled, wherever it began', async () => {
    await fill(5);
    for (const [durable, start] of Object.entries({ new: newOnly(), last: latest(), ago: fromAgo(60_000) })) {
      const tap = new Tap(broker.messages(stream, { durable, start, codec: text }));
      await until(async () => {
        await broker.publish(stream, 'more', { codec: text });
        return tap.all.length > 0;
      });
      const { offset } = await tap.at(0);
      // the broker's own notes take offsets too, so that it need not be the one before
      if (offset > 0n) await until(async () => (await broker.queryOffset(durable, stream)) < offset);
      const other = handles.make(server);
      const again = await firstValueFrom(other.messages(stream, { durable, start, codec: text }));
      expect(again.offset).to.equal(offset);
      tap.unsubscribe();
    }
  });

  it('tells no gap where the broker has put its own notes', async () => {
    await fill(1);
    await broker.storeOffset('d', stream, 0);
    await broker.publish(stream, 'after the note', { codec: text });
    const told = new Told(broker);
    const delivery = await firstValueFrom(broker.messages(stream, { durable: 'd', codec: text }));
    // the note itself has taken offset 1
    expect([delivery.value, delivery.offset]).to.deep.equal(['after the note', 2n]);
    expect(told.of('gap')).to.deep.equal([]);
  });

  it('forgets nothing by itself, and all by forget', async () => {
    await fill(3);
    await lastValueFrom(broker.values(stream, { durable: 'd', start: earliest() }).pipe(take(3)));
    await until(async () => (await broker.queryOffset('d', stream)) === 2n);
    await broker.forget(stream, { durable: 'd' });
    const error = await broker.queryOffset('d', stream).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(OffsetNotFoundError);
    const delivery = await firstValueFrom(broker.messages(stream, { durable: 'd', start: earliest(), codec: text }));
    expect(delivery.value).to.equal('0');
  });

  it('lag tells how many messages come after the stored position', async () => {
    await fill(8);
    await broker.storeOffset('d', stream, 2);
    expect(await broker.lag('d', stream)).to.equal(5n);
    await broker.storeOffset('d', stream, 7n);
    expect(await broker.lag('d', stream)).to.equal(0n);
  });
});
