import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { json } from '../../lib/codec/json.js';
import { earliest, fromOffset, latest, untilNow, untilOffset } from '../../lib/core/starts.js';
import {
  amqp,
  type Compression,
  type RabbitMqStreamBroker,
  type RabbitMqStreamSinkOptions,
} from '../../lib/rabbitmq-stream/index.js';
import { Tap } from '../contract/tap.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { Handles, newStream } from './support.js';

describe('rabbitmq-stream: reading', () => {
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

  const numbered = (count: number, start = 0): string[] => Array.from({ length: count }, (_, i) => String(start + i));
  const publish = async (
    values: readonly string[],
    options: Omit<RabbitMqStreamSinkOptions, 'filterValue'> & {
      filterValue?: (value: string) => string | undefined;
    } = {},
  ): Promise<void> => {
    const receipts = await lastValueFrom(
      broker.publishFrom(stream, values, { maxInFlight: 10_000, ...options, codec: text }).pipe(toArray()),
    );
    expect(receipts.filter(({ ok }) => !ok)).to.deep.equal([]);
  };

  it('begins inside of a chunk and of a sub-entry exactly at the offset asked for', async () => {
    await publish(numbered(2_000));
    await publish(numbered(2_000, 2_000), { subEntry: { size: 300, compression: 'gzip' } });
    for (const offset of [0, 1, 777, 1_999, 2_000, 2_001, 2_299, 2_300, 3_456, 3_999]) {
      const tap = new Tap(
        broker.messages(stream, { start: fromOffset(offset), until: untilOffset(3_999), codec: text }),
        (delivery) => {
          delivery.ack();
        },
      );
      const deliveries = await tap.complete();
      expect(deliveries.map(({ value }) => value)).to.deep.equal(numbered(4_000 - offset, offset));
      expect(deliveries.map((each) => each.offset)).to.deep.equal(numbered(4_000 - offset, offset).map(BigInt));
    }
  });

  it('latest() gives the last record of a chunk with many, and of a sub-entry', async () => {
    await publish(numbered(1_000));
    const one = await new Tap(broker.messages(stream, { start: latest(), codec: text })).at(0);
    expect([one.value, one.offset]).to.deep.equal(['999', 999n]);
    await publish(numbered(50, 1_000), { subEntry: { size: 50 } });
    const other = await new Tap(broker.messages(stream, { start: latest(), codec: text })).at(0);
    expect([other.value, other.offset]).to.deep.equal(['1049', 1049n]);
  });

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] satisfies Compression[]) {
    it(`sub-entries with compression ${compression} come one by one, in order`, async () => {
      await publish(numbered(10));
      await publish(numbered(500, 10), { subEntry: { size: 100, compression } });
      await publish(numbered(10, 510));
      const deliveries = await new Tap(
        broker.messages(stream, { start: earliest(), until: untilNow(), codec: text, maxInFlight: 7 }),
        (delivery) => {
          setImmediate(() => {
            delivery.ack();
          });
        },
      ).complete();
      expect(deliveries.map(({ value }) => value)).to.deep.equal(numbered(520));
      expect(deliveries.map(({ offset }) => offset)).to.deep.equal(numbered(520).map(BigInt));
    });
  }

  it('untilNow() completes where a stream holds nothing but stored positions', async () => {
    await broker.storeOffset('somebody', stream, 0);
    const tap = new Tap(broker.messages(stream, { start: earliest(), until: untilNow() }));
    expect(await tap.complete()).to.deep.equal([]);
    await publish(numbered(3));
    await broker.storeOffset('somebody', stream, 2);
    const other = new Tap(broker.messages(stream, { start: earliest(), until: untilNow(), codec: text }));
    expect((await other.complete()).map(({ value }) => value)).to.deep.equal(numbered(3));
  });

  it('filters at the broker by chunk, and after it by message', async () => {
    const region = (value: string): string | undefined => (value.startsWith('none') ? undefined : value.slice(0, 2));
    for (const part of ['eu', 'us', 'none', 'eu', 'asia']) {
      await publish(
        numbered(50).map((n) => `${part} ${n}`),
        { filterValue: region },
      );
    }
    await publish(['eu last', 'us last'], { filterValue: region });
    const read = async (filter: object): Promise<string[]> => {
      const deliveries = await new Tap(
        broker.messages(stream, { start: earliest(), until: untilOffset(251), filter, codec: text }),
        (delivery) => {
          delivery.ack();
        },
      ).complete();
      return deliveries.map(({ value }) => value);
    };
    const only = (part: string) => (delivery: { readonly value: Uint8Array }) =>
      text.decode(delivery.value, { channel: stream, headers: new Map() }).startsWith(part);
    const europe = await read({ values: ['eu'], postFilter: only('eu') });
    expect(europe.filter((value) => value !== 'us last')).to.deep.equal([
      ...numbered(50).map((n) => `eu ${n}`),
      ...numbered(50).map((n) => `eu ${n}`),
      'eu last',
    ]);
    const loose = await read({ values: ['eu'] });
    expect(loose.some((value) => value.startsWith('none'))).to.equal(false);
    const withNone = await read({ values: ['eu'], matchUnfiltered: true });
    expect(withNone.filter((value) => value.startsWith('none'))).to.have.length(50);
    const afterwards = await read({ postFilter: only('us') });
    expect(afterwards).to.deep.equal([...numbered(50).map((n) => `us ${n}`), 'us last']);
  });

  it('gives properties, headers and annotations of a message, and the whole with amqp()', async () => {
    await broker.publish(
      stream,
      { total: 5 },
      {
        codec: json<{ total: number }>(),
        headers: { tenant: 'a', attempt: 2, big: 2n ** 40n, ok: true },
        properties: { messageId: 'm-1', subject: 'created', creationTime: new Date(1_700_000_000_000) },
        annotations: { 'x-origin': 'spec' },
      },
    );
    const plain = await new Tap(broker.messages(stream, { start: earliest(), codec: json<{ total: number }>() })).at(0);
    expect(plain.value).to.deep.equal({ total: 5 });
    expect([...plain.headers]).to.deep.equal([
      ['tenant', 'a'],
      ['attempt', 2],
      ['big', 2n ** 40n],
      ['ok', true],
    ]);
    expect(plain.properties).to.include({ messageId: 'm-1', subject: 'created' });
    expect(plain.annotations.get('x-origin')).to.equal('spec');
    const whole = await new Tap(
      broker.messages(stream, { start: earliest(), codec: amqp(json<{ total: number }>()) }),
    ).at(0);
    expect(whole.value.body).to.deep.equal({ total: 5 });
    expect(whole.value.properties?.creationTime).to.deep.equal(new Date(1_700_000_000_000));
    expect(whole.value.applicationProperties?.get('tenant')).to.equal('a');
    await broker.publish(stream, whole.value as never, { codec: amqp(json()) as never });
    const copy = await new Tap(broker.messages(stream, { start: fromOffset(1), codec: json() })).at(0);
    expect([copy.value, copy.headers.get('big'), copy.properties.subject]).to.deep.equal([
      { total: 5 },
      2n ** 40n,
      'created',
    ]);
  });

  it('reads what was published through AMQP 0-9-1', async () => {
    await server.management.publish(stream, 'from afar', {
      properties: { message_id: 'm-9', headers: { a: 1, b: 'two' } },
    });
    const delivery = await new Tap(broker.messages(stream, { start: earliest(), codec: text })).at(0);
    expect(delivery.value).to.equal('from afar');
    expect(delivery.properties.messageId).to.equal('m-9');
    expect(delivery.headers.get('b')).to.equal('two');
    expect(delivery.annotations.get('x-routing-key')).to.equal(stream);
  });
});
