import { expect } from 'chai';
import { from, lastValueFrom, take, toArray } from 'rxjs';
import { bytes } from '../../../lib/codec/bytes.js';
import { json } from '../../../lib/codec/json.js';
import { text } from '../../../lib/codec/text.js';
import type { Receipt } from '../../../lib/core/broker.js';
import { FrameTooLargeError, InvalidOptionError, StreamNotFoundError } from '../../../lib/core/errors.js';
import { earliest, untilNow } from '../../../lib/core/starts.js';
import { routeByHash, routeByKey, type RabbitMqStreamBroker } from '../../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../../support/brokers/index.js';
import { unique } from '../../support/names.js';
import { startProxy } from '../../support/proxy.js';
import { until } from '../../support/wait.js';
import { Handles, newStream } from '../support.js';
import { readChunks } from './raw-reader.js';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `message ${n}`);

describe('rabbitmq-stream: sinks with a real broker', function () {
  this.timeout(60_000);
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

  const read = (stream: string): Promise<string[]> =>
    lastValueFrom(broker.values(stream, { start: earliest(), until: untilNow(), codec: text }).pipe(toArray()));
  const publish = <T>(values: Iterable<T>, stream: string, options: object): Promise<Receipt<T>[]> =>
    lastValueFrom(from(values).pipe(broker.publishTo(stream, options) as never, toArray<Receipt<T>>()));

  it('publishes in order and gives a receipt for each', async () => {
    const stream = await newStream(broker);
    const receipts = await publish(numbered(10_000), stream, { codec: text });
    expect(receipts.every(({ ok }) => ok)).to.equal(true);
    expect(receipts.map(({ id }) => id)).to.have.members(Array.from({ length: 10_000 }, (_, n) => BigInt(n + 1)));
    expect(await read(stream)).to.deep.equal(numbered(10_000));
  });

  it('publishes under names that are not ASCII', async () => {
    const stream = unique('поток');
    await broker.createStream(stream);
    const sink = broker.sink(stream, { codec: text, producer: 'производитель', filterValue: () => 'значение' });
    await sink.send('a');
    expect(await read(stream)).to.deep.equal(['a']);
    expect(await broker.lastPublishingId('производитель', stream)).to.equal(1n);
    await broker.deleteStream(stream);
  });

  it('sends a message that fills a frame of 1 MiB, and refuses one that is a byte larger', async () => {
    const stream = await newStream(broker);
    const most = 1_048_576 - 13 - 12 - 8;
    const receipt = await broker.publish(stream, new Uint8Array(most).fill(7));
    expect(receipt.ok).to.equal(true);
    let error: unknown;
    await broker.publish(stream, new Uint8Array(most + 1)).catch((thrown: unknown) => (error = thrown));
    expect(error).to.be.instanceOf(FrameTooLargeError);
    const [chunk] = await readChunks(server, stream, 1);
    expect(chunk!.entries[0]!.bytes).to.have.length(most + 8);
    expect((await broker.publish(stream, new Uint8Array(1))).ok).to.equal(true);
  });

  it('stores each line of a file once, also when the file is read again from its start', async () => {
    const stream = await newStream(broker);
    const lines = numbered(500);
    const ingest = async (count: number, handle: RabbitMqStreamBroker): Promise<void> => {
      const receipts = await lastValueFrom(
        handle
          .publishFrom(stream, lines.slice(0, count).entries(), {
            producer: 'file',
            message: ([line, value]: [number, string]) => ({ value: Buffer.from(value), id: BigInt(line + 1) }),
          })
          .pipe(toArray()),
      );
      expect(receipts.filter(({ ok }) => ok)).to.have.length(count);
    };
    await ingest(300, broker);
    await broker.close();
    broker = handles.make(server);
    await ingest(500, broker);
    expect(await read(stream)).to.deep.equal(lines);
    expect(await broker.lastPublishingId('file', stream)).to.equal(500n);
  });

  it('goes on with ids of its own behind those of the sink before, under the same name', async () => {
    const stream = await newStream(broker);
    for (const round of [0, 1, 2]) {
      const sink = broker.sink(stream, { codec: text, producer: 'p' });
      expect(() => broker.sink(stream, { producer: 'p' })).to.throw(InvalidOptionError);
      const receipts = await Promise.all([sink.send(`${round}a`), sink.send(`${round}b`)]);
      expect(receipts.map(({ id }) => id)).to.deep.equal([BigInt(2 * round + 1), BigInt(2 * round + 2)]);
      const ended = lastValueFrom(sink.receipts, { defaultValue: undefined });
      sink.complete();
      await ended;
    }
    expect(await read(stream)).to.deep.equal(['0a', '0b', '1a', '1b', '2a', '2b']);
  });

  for (const [code, compression] of (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).entries()) {
    it(`stores sub-entries compressed with ${compression}`, async () => {
      const stream = await newStream(broker);
      const values = numbered(250);
      const receipts = await publish(values, stream, { codec: text, subEntry: { size: 100, compression } });
      expect(receipts.filter(({ ok }) => ok)).to.have.length(250);
      const chunks = await readChunks(server, stream, 250);
      const entries = chunks.flatMap((chunk) => chunk.entries);
      expect(entries.map(({ sub }) => sub)).to.deep.equal(
        [100, 100, 50].map((records) => ({ compression: code, records })),
      );
      expect(await read(stream)).to.deep.equal(values);
    });
  }

  it('lets the broker filter', async () => {
    const stream = await newStream(broker);
    interface Order {
      readonly region: string;
      readonly n: number;
    }
    const orders = broker.sink(stream, { codec: json<Order>(), filterValue: (order: Order) => order.region });
    for (const region of ['eu', 'us']) {
      // confirmed before the next, so that no chunk has both: chunks are what the broker filters
      await Promise.all([1, 2, 3].map((n) => orders.send({ region, n })));
    }
    await broker.publish(stream, Buffer.from('{}'));
    const chunks = await readChunks(server, stream, 7);
    // how many chunks it makes is the broker's choice
    const blooms = chunks.map(({ bloomSize }) => bloomSize > 0);
    expect(blooms.pop()).to.equal(false);
    expect(new Set(blooms)).to.deep.equal(new Set([true]));
    const filtered = broker.values(stream, {
      start: earliest(),
      codec: json<Order>(),
      filter: { values: ['us'] },
    });
    const got = await lastValueFrom(filtered.pipe(take(3), toArray()));
    expect(got).to.deep.equal([1, 2, 3].map((n) => ({ region: 'us', n })));
  });

  it('shares a super stream out by hash, each key in its order', async () => {
    const name = unique('super');
    await broker.createSuperStream(name, { partitions: 3 });
    const keys = ['', '0', '1', '2', 'hello', 'invoice-1', 'key-42', 'é', '日本'];
    const values = Array.from({ length: 100 }, (_, n) => keys.map((key) => ({ key, n }))).flat();
    const receipts = await publish(values, name, {
      codec: json(),
      superStream: true,
      routing: routeByHash(({ key }: { key: string }) => key),
    });
    expect(receipts.filter(({ ok }) => ok)).to.have.length(values.length);
    const placed = [
      ['hello', 'invoice-1', 'key-42'],
      ['', '2', 'é', '日本'],
      ['0', '1'],
    ];
    for (const [n, partition] of (await broker.partitions(name)).entries()) {
      const got = (await read(partition)).map((value) => JSON.parse(value) as { key: string; n: number });
      expect(got).to.deep.equal(values.filter(({ key }) => placed[n]!.includes(key)));
    }
    await broker.deleteSuperStream(name);
  });

  it('shares a super stream out by binding key', async () => {
    const name = unique('super');
    await broker.createSuperStream(name, { bindingKeys: ['eu', 'us'] });
    const receipts = await publish(['eu 1', 'us 1', 'asia 1', 'eu 2'], name, {
      codec: text,
      superStream: true,
      routing: routeByKey((value: string) => value.split(' ')[0]!),
    });
    expect(receipts.map(({ value, error }) => `${value} ${error?.code ?? 'ok'}`)).to.have.members([
      'eu 1 ok',
      'us 1 ok',
      'asia 1 ROUTING',
      'eu 2 ok',
    ]);
    const [eu, us] = await broker.partitions(name);
    expect(await read(eu!)).to.deep.equal(['eu 1', 'eu 2']);
    expect(await read(us!)).to.deep.equal(['us 1']);
    await broker.deleteSuperStream(name);
  });

  it('ends every message with a receipt when the stream is deleted meanwhile, and goes on when it is there again', async () => {
    const stream = await newStream(broker);
    const sink = broker.sink(stream, { codec: text, maxInFlight: 50 });
    const receipts: Receipt<string>[] = [];
    sink.receipts.subscribe((receipt) => receipts.push(receipt));
    let offered = 0;
    const offer = (): void => {
      for (let n = 0; n < 20; n++) sink.next(`message ${offered++}`);
    };
    await until(() => {
      offer();
      return receipts.length > 200;
    });
    const deleted = broker.deleteStream(stream);
    await until(() => {
      offer();
      return receipts.some(({ error }) => error instanceof StreamNotFoundError);
    });
    await deleted;
    await sink.flush();
    expect(receipts).to.have.length(offered);
    const codes = new Set(receipts.map(({ error }) => error?.code));
    codes.delete('PUBLISH_UNCERTAIN');
    expect([...codes]).to.deep.equal([undefined, 'STREAM_NOT_FOUND']);

    await broker.createStream(stream);
    expect((await sink.send('there again')).ok).to.equal(true);
    expect(await read(stream)).to.deep.equal(['there again']);
  });

  it('says at once that a stream is not there', async () => {
    let error: unknown;
    await broker.publish(unique('nowhere'), new Uint8Array(1)).catch((thrown: unknown) => (error = thrown));
    expect(error).to.be.instanceOf(StreamNotFoundError);
  });

  for (const subEntry of [undefined, { size: 10, compression: 'gzip' as const }]) {
    it(`loses nothing and stores nothing twice when the broker is killed${subEntry ? ', in batches too' : ''}`, async () => {
      const stream = await newStream(broker);
      const count = 20_000;
      const values = numbered(count);
      const receipts: Receipt<string>[] = [];
      const done = new Promise<void>((resolve, reject) => {
        broker
          .publishFrom(stream, values, { codec: text, producer: 'p', maxInFlight: 300, batchSize: 50, subEntry })
          .subscribe({ next: (receipt) => receipts.push(receipt), error: reject, complete: resolve });
      });
      await until(() => receipts.length > 2_000, { every: 1 });
      await server.kill();
      expect(receipts.length, 'it was in the middle of it').to.be.below(count);
      await server.restart();
      await done;
      expect(receipts.filter(({ ok }) => !ok)).to.deep.equal([]);
      expect(receipts).to.have.length(count);
      expect(await read(stream)).to.deep.equal(values);
    });
  }

  it('goes on when the broker has taken a rest from reading', async () => {
    const stream = await newStream(broker);
    // it stops when 50 000 are unconfirmed
    const receipts = await publish(numbered(120_000), stream, { codec: text, maxInFlight: 100_000 });
    expect(receipts.filter(({ ok }) => ok)).to.have.length(120_000);
  });

  it('gives up a message that is not confirmed in time', async () => {
    const proxy = await startProxy(server);
    const { host, port } = proxy;
    const behind = handles.make(server, { host, port, resolveAddress: () => ({ host, port }) });
    const stream = await newStream(behind);
    const sink = behind.sink(stream, { codec: text, confirmTimeout: 200 });
    await sink.send('in time');
    proxy.stall(true);
    const late = await sink.send('late');
    expect(late.error?.code).to.equal('PUBLISH_UNCERTAIN');
    proxy.stall(false);
    expect((await sink.send('in time again')).id).to.equal(3n);
    expect(await read(stream)).to.deep.equal(['in time', 'late', 'in time again']);
    await proxy.stop();
  });

  it('carries bytes as they are', async () => {
    const stream = await newStream(broker);
    const sink = broker.sink(stream, { codec: bytes });
    const value = Uint8Array.from({ length: 300 }, (_, n) => n);
    await sink.send(value);
    const [got] = await lastValueFrom(broker.values(stream, { start: earliest(), until: untilNow() }).pipe(toArray()));
    expect(Buffer.compare(got!, value)).to.equal(0);
  });
});
