import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { InUseError } from '../../lib/core/errors.js';
import { earliest, fromAgo, fromOffset, latest, newOnly } from '../../lib/core/starts.js';
import type { LiftbridgeBroker } from '../../lib/liftbridge/index.js';
import { Tap } from '../contract/tap.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import { fill, Handles, newStream, Told } from './support.js';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe('liftbridge: a durable', () => {
  let server: LiftbridgeServer;
  const handles = new Handles();
  let broker: LiftbridgeBroker;
  let stream: string;

  before(async () => {
    server = await startLiftbridge();
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server);
    stream = await newStream(broker);
  });
  afterEach(() => handles.close());

  const cursor = (id: string, partition = 0): Promise<bigint | undefined> =>
    broker.fetchCursor({ stream, partition, id });

  it('stores how far everything is settled, and never beyond a slow message in the middle', async () => {
    await fill(broker, stream, numbers(20));
    const tap = new Tap(
      broker.messages(stream, { durable: 'd', start: earliest(), codec: text, storeEvery: { messages: 1 } }),
    );
    const deliveries = await tap.first(20);
    for (const delivery of deliveries) if (delivery.offset !== 7n) delivery.ack();
    await until(async () => (await cursor('d')) === 6n);
    deliveries[7]!.ack();
    await until(async () => (await cursor('d')) === 19n);
  });

  it('stores by count, by time and at the end', async () => {
    await fill(broker, stream, numbers(25));
    const acks = (id: string, storeEvery: { messages?: number; ms?: number }): Tap<unknown> =>
      new Tap(broker.messages(stream, { durable: id, start: earliest(), storeEvery }), (delivery) => {
        delivery.ack();
      });
    const byCount = acks('count', { messages: 10, ms: 60_000 });
    await byCount.first(25);
    // what is stored is where it stands by then
    await until(async () => ((await cursor('count')) ?? -1n) >= 9n);
    byCount.unsubscribe();
    await until(async () => (await cursor('count')) === 24n);
    await acks('time', { ms: 50 }).first(25);
    await until(async () => (await cursor('time')) === 24n);
  });

  it('stores nothing where nothing was settled', async () => {
    await fill(broker, stream, numbers(3));
    const tap = new Tap(broker.messages(stream, { durable: 'd', start: earliest() }));
    await tap.first(3);
    tap.unsubscribe();
    await broker.close();
    broker = handles.make(server);
    expect(await cursor('d')).to.equal(undefined);
  });

  it('says which message holds the position up', async () => {
    await fill(broker, stream, numbers(10));
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
    expect(await cursor('d')).to.equal(1n);
  });

  it('goes on after a close in another handle, and begins where it is told only the first time', async () => {
    await fill(broker, stream, numbers(10));
    const values = await lastValueFrom(
      broker.values(stream, { durable: 'd', start: fromOffset(3), codec: text }).pipe(take(4), toArray()),
    );
    expect(values).to.have.length(4);
    await broker.close();
    broker = handles.make(server);
    const next = await firstValueFrom(broker.messages(stream, { durable: 'd', start: newOnly() }));
    expect(next.offset).to.equal(7n);
  });

  it('goes on from a cursor that somebody else has set', async () => {
    await fill(broker, stream, numbers(10));
    await broker.setCursor({ stream, id: 'd', offset: 4 });
    const next = await firstValueFrom(broker.messages(stream, { durable: 'd', start: earliest() }));
    expect(next.offset).to.equal(5n);
  });

  it('keeps a cursor for each partition', async () => {
    stream = await newStream(broker, { partitions: 3 });
    for (const partition of [0, 1, 1, 2, 2, 2]) await broker.publish(stream, 'x', { codec: text, partition });
    const tap = new Tap(broker.messages(stream, { durable: 'd', start: earliest() }), (delivery) => {
      if (delivery.partition !== 1) delivery.ack();
    });
    await tap.first(6);
    tap.unsubscribe();
    await broker.close();
    broker = handles.make(server);
    expect([await cursor('d', 0), await cursor('d', 1), await cursor('d', 2)]).to.deep.equal([0n, undefined, 2n]);
    const again = new Tap(broker.messages(stream, { durable: 'd', start: earliest() }));
    const places = (await again.first(2)).map(({ partition, offset }) => [partition, offset]);
    expect(places).to.deep.equal([
      [1, 0n],
      [1, 1n],
    ]);
  });

  it('that begins with new messages misses none that comes while nobody listens', async () => {
    await fill(broker, stream, numbers(3));
    const first = new Tap(broker.messages(stream, { durable: 'd' }));
    await until(async () => (await cursor('d')) === 2n);
    first.unsubscribe();
    await broker.close();
    broker = handles.make(server);
    await broker.publish(stream, 'meanwhile', { codec: text });
    const delivery = await firstValueFrom(broker.messages(stream, { durable: 'd', codec: text }));
    expect(delivery.value).to.equal('meanwhile');
  });

  it('gives again what it had given and nobody had settled, wherever it began', async () => {
    await fill(broker, stream, numbers(5));
    for (const [durable, start] of Object.entries({ new: newOnly(), last: latest(), ago: fromAgo(60_000) })) {
      const tap = new Tap(broker.messages(stream, { durable, start, codec: text }));
      await until(async () => {
        await broker.publish(stream, 'more', { codec: text });
        return tap.all.length > 0;
      });
      const { offset } = await tap.at(0);
      if (offset > 0n) await until(async () => (await cursor(durable)) === offset - 1n);
      const other = handles.make(server);
      const again = await firstValueFrom(other.messages(stream, { durable, start }));
      expect(again.offset).to.equal(offset);
      tap.unsubscribe();
    }
  });

  it('is read once at a time in a handle', async () => {
    await fill(broker, stream, numbers(1));
    const first = new Tap(broker.messages(stream, { durable: 'd', start: earliest() }));
    await first.first(1);
    const second = new Tap(broker.messages(stream, { durable: 'd' }));
    expect(second.error).to.be.instanceOf(InUseError);
    first.unsubscribe();
    // what lingers for its acks gives way
    expect((await firstValueFrom(broker.messages(stream, { durable: 'd', start: earliest() }))).offset).to.equal(0n);
  });

  it('is told of a stream that was made anew and is shorter, and reads that from its beginning', async () => {
    await fill(broker, stream, numbers(5));
    await lastValueFrom(broker.values(stream, { durable: 'd', start: earliest() }).pipe(take(5)));
    await until(async () => (await cursor('d')) === 4n);
    await broker.deleteStream(stream);
    await broker.createStream({ name: stream });
    await fill(broker, stream, ['new']);
    const other = handles.make(server);
    const told = new Told(other);
    const delivery = await firstValueFrom(other.messages(stream, { durable: 'd', codec: text }));
    expect([delivery.offset, delivery.value]).to.deep.equal([0n, 'new']);
    expect(told.of('reset')).to.deep.equal([{ type: 'reset', channel: stream, last: 4n }]);
  });

  it('forgets nothing by itself, and all by forget, also the position of a group', async () => {
    await fill(broker, stream, numbers(3));
    await lastValueFrom(broker.values(stream, { durable: 'd', start: earliest() }).pipe(take(3)));
    await until(async () => (await cursor('d')) === 2n);
    await broker.setCursor({ stream, id: '__group:g', offset: 1 });
    await broker.forget(stream, { durable: 'd' });
    expect([await cursor('d'), await cursor('__group:g')]).to.deep.equal([undefined, 1n]);
    await broker.forget(stream, { durable: 'g', queue: 'g' });
    expect(await cursor('__group:g')).to.equal(undefined);
    expect((await firstValueFrom(broker.messages(stream, { durable: 'd', start: earliest() }))).offset).to.equal(0n);
  });
});
