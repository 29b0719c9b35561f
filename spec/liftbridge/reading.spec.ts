import { expect } from 'chai';
import { connect as connectNats } from 'nats';
import { lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { earliest, fromOffset, fromTime, latest, newOnly, untilNow, untilOffset } from '../../lib/core/starts.js';
import type { LiftbridgeBroker, LiftbridgeSourceOptions } from '../../lib/liftbridge/index.js';
import { startPositions, stopPositions } from '../../lib/liftbridge/codec/enums.js';
import { encodeSubscribeRequest } from '../../lib/liftbridge/codec/requests.js';
import { Tap } from '../contract/tap.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { connect, Heard } from './connection/channel-kit.js';
import { fill, Handles, named, newStream, Told } from './support.js';

describe('liftbridge: reading', () => {
  let server: LiftbridgeServer;
  const handles = new Handles();
  let broker: LiftbridgeBroker;

  before(async () => {
    server = await startLiftbridge();
  });
  after(() => server.stop());
  beforeEach(() => {
    broker = handles.make(server);
  });
  afterEach(() => handles.close());

  /** A stream of three partitions with `10 * (partition + 1)` messages each. */
  async function threePartitions(): Promise<string> {
    const stream = await newStream(broker, { partitions: 3 });
    for (const partition of [0, 1, 2]) {
      const values = named(`p${partition}`, 10 * (partition + 1));
      await Promise.all(values.map((value) => broker.publish(stream, value, { codec: text, partition })));
    }
    return stream;
  }

  const read = (stream: string, options: LiftbridgeSourceOptions): Promise<{ partition: number; value: string }[]> =>
    lastValueFrom(broker.messages(stream, { until: untilNow(), ...options, codec: text }).pipe(toArray()));

  /** How many messages the server finds by its own search for a time. */
  async function served(stream: string, startTimestamp: bigint): Promise<number> {
    const [host, port] = server.url.split(':');
    const channel = await connect({ host: host!, port: Number(port) });
    const heard = new Heard();
    const request = { stream, startPosition: startPositions.timestamp, startTimestamp };
    channel.call('Subscribe', heard, encodeSubscribeRequest({ ...request, stopPosition: stopPositions.latest }));
    await heard.end();
    await channel.close();
    return Math.max(0, heard.messages.length - 1);
  }

  it('reads one partition, some, or all, each in its order, and completes when the last has ended', async () => {
    const stream = await threePartitions();
    for (const [partition, wanted] of [
      [1, [1]],
      [
        [0, 2],
        [0, 2],
      ],
      ['all', [0, 1, 2]],
      [undefined, [0, 1, 2]],
    ] as const) {
      const deliveries = await read(stream, { start: earliest(), partition });
      expect([...new Set(deliveries.map((delivery) => delivery.partition))].sort()).to.deep.equal(wanted);
      for (const each of wanted) {
        const values = deliveries.filter((delivery) => delivery.partition === each).map(({ value }) => value);
        expect(values).to.deep.equal(named(`p${each}`, 10 * (each + 1)));
      }
    }
  });

  it('shares one window among the partitions, and none of them waits for ever', async () => {
    const stream = await threePartitions();
    let most = 0;
    const open = new Set<object>();
    const tap = new Tap(broker.messages(stream, { start: earliest(), maxInFlight: 4 }), (delivery) => {
      open.add(delivery);
      most = Math.max(most, open.size);
      setImmediate(() => {
        open.delete(delivery);
        delivery.ack();
      });
    });
    await tap.first(60);
    expect(most).to.equal(4);
  });

  it('starts and ends count in each partition', async () => {
    const stream = await threePartitions();
    const places = async (options: LiftbridgeSourceOptions): Promise<string[]> =>
      (await read(stream, options)).map(({ value }) => value).sort();
    expect(await places({ start: latest() })).to.deep.equal(['p0 9', 'p1 19', 'p2 29']);
    expect(await places({ start: newOnly() })).to.deep.equal([]);
    expect(await places({ start: fromOffset(18), until: untilOffset(19), partition: [1, 2] })).to.deep.equal([
      'p1 18',
      'p1 19',
      'p2 18',
      'p2 19',
    ]);
  });

  it('gives what Liftbridge knows of a message', async () => {
    const stream = unique('facts');
    await broker.createStream({ name: stream, subject: `${stream}.*` });
    const before = BigInt(Date.now() - 1) * 1_000_000n;
    const key = new Uint8Array([0, 255, 1]);
    const headers = { text: 'grün', bytes: new Uint8Array([128, 0]) };
    await broker.publish(stream, 'mine', { codec: text, key, headers });
    const nats = await connectNats({ servers: server.natsUrl! });
    nats.publish(`${stream}.a`, new TextEncoder().encode('plain'), { reply: 'answers' });
    nats.publish(`${stream}.b`);
    const tap = new Tap(broker.messages(stream, { start: earliest() }));
    const [mine, plain, empty] = await tap.first(3);
    expect(mine!.key).to.deep.equal(key);
    expect(new TextDecoder().decode(mine!.headers.get('text'))).to.equal('grün');
    expect(mine!.headers.get('bytes')).to.deep.equal(headers.bytes);
    expect([mine!.subject, mine!.replyTo, mine!.partition, mine!.channel]).to.deep.equal([
      `${stream}.*`,
      undefined,
      0,
      stream,
    ]);
    expect(mine!.timestamp > before).to.equal(true);
    expect(mine!.time.getTime()).to.equal(Number(mine!.timestamp / 1_000_000n));
    expect([plain!.subject, plain!.replyTo, plain!.key, plain!.headers.size]).to.deep.equal([
      `${stream}.a`,
      'answers',
      undefined,
      0,
    ]);
    expect(empty!.value).to.deep.equal(new Uint8Array(0));
    expect(JSON.parse(JSON.stringify(plain))).to.include({ value: 'plain', offset: '1', subject: `${stream}.a` });
    await nats.close();
  });

  it('keeps what it gave when the bytes that it came in are gone', async () => {
    const stream = await newStream(broker);
    await Promise.all(
      named('v', 300).map((value) =>
        broker.publish(stream, value, { codec: text, key: `k ${value}`, headers: { h: value } }),
      ),
    );
    const tap = new Tap(broker.messages(stream, { start: earliest() }));
    const deliveries = await tap.first(300);
    const told = deliveries.map(({ value, key, headers }) =>
      [value, key, headers.get('h')].map((bytes) => new TextDecoder().decode(bytes)),
    );
    expect(told).to.deep.equal(named('v', 300).map((value) => [value, `k ${value}`, value]));
    expect(deliveries.every(({ value }) => value.buffer.byteLength < 1_024)).to.equal(true);
    deliveries[7]!.release();
    const again = (await tap.first(301))[300]!;
    expect([again.offset, again.redeliveries, text.decode(again.value, again)]).to.deep.equal([7n, 1, 'v 7']);
  });

  it('finds a time also where the newest segment is empty, at which the server itself begins at the end', async () => {
    const stream = await newStream(broker, { segmentMaxAge: 100, cleanerInterval: 100 });
    for (const value of named('v', 5)) await broker.publish(stream, value, { codec: text });
    const [third] = await new Tap(broker.messages(stream, { start: fromOffset(2) })).first(1);
    const time = Number(third!.timestamp) / 1e6;
    // a segment is rolled while nothing comes
    await until(async () => (await served(stream, third!.timestamp)) === 0, { every: 50 });
    const deliveries = await read(stream, { start: fromTime(Math.floor(time)) });
    expect(deliveries.map(({ value }) => value)).to.include.members(['v 2', 'v 3', 'v 4']);
  });

  it('goes over a compacted log, whose offsets have holes, without a gap', async () => {
    const stream = await newStream(broker, { compact: true, segmentMaxBytes: 300, cleanerInterval: 100 });
    for (let round = 0; round < 10; round++) {
      for (const key of ['a', 'b']) await broker.publish(stream, `${key}${round}`, { codec: text, key });
    }
    await until(async () => (await read(stream, { start: earliest() })).length < 20, { timeout: 10_000 });
    const told = new Told(broker);
    const deliveries = await lastValueFrom(
      broker.messages(stream, { start: earliest(), until: untilNow(), codec: text }).pipe(toArray()),
    );
    const last = new Map(deliveries.map(({ key, value }) => [new TextDecoder().decode(key), value]));
    expect([...last]).to.have.deep.members([
      ['a', 'a9'],
      ['b', 'b9'],
    ]);
    expect(told.of('gap')).to.deep.equal([]);
  });

  it('has the broker wait while the window is full', async () => {
    const stream = await newStream(broker);
    const block = new Uint8Array(100_000);
    for (let n = 0; n < 60; n++) await broker.publish(stream, block);
    const reader = handles.make(server, { windowBytes: 65_536 });
    const tap = new Tap(reader.messages(stream, { start: earliest(), maxInFlight: 3 }));
    await tap.first(3);
    // what is behind comes only when a place is free
    await fill(broker, stream, ['fence']);
    expect(tap.all).to.have.length(3);
    for (let n = 0; n < 61; n++) (await tap.at(n)).ack();
    expect(tap.all.map(({ offset }) => offset)).to.deep.equal(Array.from({ length: 61 }, (_, n) => BigInt(n)));
  });
});
