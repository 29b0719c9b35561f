import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import type { Receipt } from '../../lib/core/broker.js';
import type { WeirError } from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import {
  byKey,
  roundRobin,
  type LiftbridgeBroker,
  type LiftbridgeDelivery,
  type LiftbridgeFields,
} from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import { Handles, newStream, Told } from './support.js';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `message ${n}`);

describe('liftbridge: publishing to a real server', function () {
  this.timeout(60_000);
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

  const read = (stream: string, partition = 0): Promise<LiftbridgeDelivery<string>[]> =>
    lastValueFrom(
      broker.messages(stream, { partition, start: earliest(), until: untilNow(), codec: text }).pipe(toArray()),
    );
  const valuesIn = (stream: string, partition = 0): Promise<string[]> =>
    lastValueFrom(
      broker.values(stream, { partition, start: earliest(), until: untilNow(), codec: text }).pipe(toArray()),
    );
  const publish = (stream: string, value: string, fields: LiftbridgeFields = {}): Promise<Receipt<string>> =>
    broker.publish(stream, value, { ...fields, codec: text });
  const failure = (promise: Promise<unknown>): Promise<WeirError> =>
    promise.then(
      () => expect.fail('it was published'),
      (error: unknown) => error as WeirError,
    );

  for (const ackPolicy of ['leader', 'all'] as const) {
    it(`publishes in order with the ack policy ${ackPolicy}, and gives a receipt for each`, async () => {
      const stream = await newStream(broker);
      const receipts = await lastValueFrom(
        broker.publishFrom(stream, numbered(5_000), { codec: text, ackPolicy }).pipe(toArray()),
      );
      expect(receipts.every(({ ok }) => ok)).to.equal(true);
      const offsets = receipts.map((receipt) => (receipt.ok ? receipt.offset : -1n));
      expect(offsets.sort((a, b) => Number(a! - b!))).to.deep.equal(Array.from({ length: 5_000 }, (_, n) => BigInt(n)));
      expect(new Set(receipts.map(({ id }) => id))).to.have.property('size', 5_000);
      expect(await valuesIn(stream)).to.deep.equal(numbered(5_000));
    });
  }

  it('publishes without acks, and loses nothing by closing at once', async () => {
    const stream = await newStream(broker);
    const other = handles.make(server);
    const receipts = await lastValueFrom(
      other.publishFrom(stream, numbered(5_000), { codec: text, ackPolicy: 'none' }).pipe(toArray()),
    );
    await other.close();
    expect(receipts.every((receipt) => receipt.ok && !receipt.confirmed && receipt.offset === undefined)).to.equal(
      true,
    );
    await until(async () => (await broker.partitionMetadata(stream)).newestOffset === 4_999n);
    expect(await valuesIn(stream)).to.deep.equal(numbered(5_000));
  });

  it('tells what the server refuses of what needs no ack', async () => {
    const told = new Told(broker);
    await publish('no-such-stream', 'a', { ackPolicy: 'none' });
    const [event] = await until(() => (told.has('protocol') ? told.of('protocol') : undefined));
    expect(event).to.have.property('channel', 'no-such-stream');
    expect(event!.error).to.have.property('code', 'STREAM_NOT_FOUND');
  });

  it('carries keys, headers and correlation ids', async () => {
    const stream = await newStream(broker);
    const bytes = new Uint8Array([0, 255, 10]);
    const receipt = await publish(stream, 'a', {
      key: 'schlüssel',
      headers: { naïve: 'ö', raw: bytes },
      correlationId: 'mine',
    });
    expect(receipt).to.deep.equal({ ok: true, confirmed: true, value: 'a', channel: stream, id: 'mine', offset: 0n });
    await publish(stream, 'b', { key: bytes, headers: new Map([['', '']]) });
    const [a, b] = await read(stream);
    expect(Buffer.from(a!.key!).toString()).to.equal('schlüssel');
    expect(
      [...a!.headers].map(([name, value]) => [name, Buffer.from(value as Uint8Array).toString('hex')]),
    ).to.have.deep.members([
      ['naïve', Buffer.from('ö').toString('hex')],
      ['raw', '00ff0a'],
    ]);
    expect([...b!.key!]).to.deep.equal([...bytes]);
    expect([...b!.headers.keys()]).to.deep.equal(['']);
  });

  it('carries empty values', async () => {
    const stream = await newStream(broker);
    await publish(stream, '');
    await publish(stream, '', { key: 'k' });
    expect(await valuesIn(stream)).to.deep.equal(['', '']);
  });

  it('publishes only at the expected offset', async () => {
    const stream = await newStream(broker, { optimisticConcurrencyControl: true });
    await publish(stream, 'a', { expectedOffset: 0 });
    await publish(stream, 'b', { expectedOffset: 1n });
    for (const expectedOffset of [0, 1n, 5]) {
      const error = await failure(publish(stream, 'x', { expectedOffset }));
      expect(error).to.have.property('code', 'OFFSET_MISMATCH');
    }
    await publish(stream, 'c', { expectedOffset: -1 });
    await publish(stream, 'd');
    expect(await failure(publish(stream, 'x', { ackPolicy: 'none', expectedOffset: 4 }))).to.have.property(
      'code',
      'INVALID_OPTION',
    );
    expect(await valuesIn(stream)).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('lets one of two writers at an offset', async () => {
    const stream = await newStream(broker, { optimisticConcurrencyControl: true });
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((value) => publish(stream, value, { expectedOffset: 0 })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    expect(await read(stream)).to.have.length(1);
  });

  it('wakes a partition that is paused', async () => {
    const stream = await newStream(broker);
    await publish(stream, 'a');
    await broker.pauseStream(stream);
    expect(await publish(stream, 'b')).to.deep.include({ offset: 1n });
    expect(await valuesIn(stream)).to.deep.equal(['a', 'b']);
  });

  it('is refused by a stream that is readonly, and goes on when it is not', async () => {
    const stream = await newStream(broker);
    await broker.setStreamReadonly(stream);
    const error = await failure(publish(stream, 'a'));
    expect(error).to.have.property('code', 'STREAM_UNAVAILABLE');
    expect(error.message).to.contain(stream).and.contain('readonly');
    await broker.setStreamReadonly(stream, { readonly: false });
    expect(await publish(stream, 'b')).to.deep.include({ offset: 0n });
  });

  it('fails where there is no such stream or partition, and on the same call goes on', async () => {
    const stream = await newStream(broker);
    const [unknown, beyond] = [publish('no-such-stream', 'a'), publish(stream, 'b', { partition: 7 })].map(failure);
    const fine = publish(stream, 'c');
    expect(await unknown).to.have.property('code', 'STREAM_NOT_FOUND');
    expect((await unknown!).message).to.contain('no such stream: no-such-stream');
    expect((await beyond!).message).to.contain('no such partition: 7');
    expect(await fine).to.deep.include({ offset: 0n });
  });

  it('finds a stream that is made a moment later', async () => {
    const stream = `${await newStream(broker)}-late`;
    const early = publish(stream, 'a');
    await new Promise((resolve) => setImmediate(resolve));
    await broker.createStream({ name: stream });
    expect(await early).to.deep.include({ offset: 0n });
    expect(await valuesIn(stream)).to.deep.equal(['a']);
    await broker.deleteStream(stream);
  });

  it('is refused what is too large for the server, and keeps what is too large for the call from it', async () => {
    const stream = await newStream(broker);
    const codes = [1_200_000, 4 * 1024 * 1024 - 200, 4 * 1024 * 1024, 5_000_000].map(async (size) => {
      const error = await failure(broker.publish(stream, new Uint8Array(size)));
      expect(error.message).to.contain(stream);
      return error.code;
    });
    const fine = publish(stream, 'a');
    expect(await Promise.all(codes)).to.deep.equal(codes.map(() => 'FRAME_TOO_LARGE'));
    expect(await fine).to.deep.include({ offset: 0n });
    await broker.publish(stream, new Uint8Array(1_000_000).fill(7));
    expect((await read(stream)).map(({ value }) => value.length)).to.deep.equal([1, 1_000_000]);
  });

  it('spreads by key as the other clients do', async () => {
    const stream = await newStream(broker, { partitions: 4 });
    const sink = broker.sink(stream, {
      codec: text,
      partition: byKey(),
      message: (value: string) => ({ value, key: value.split(' ')[0] }),
    });
    const values = ['key 1', 'foo 1', 'bar 1', 'user-1 1', 'key 2', 'foo 2', 'bar 2', 'user-1 2'];
    for (const value of values) sink.next(value);
    await sink.flush();
    const partitions = await Promise.all([0, 1, 2, 3].map((partition) => valuesIn(stream, partition)));
    expect(partitions).to.deep.equal([
      ['user-1 1', 'user-1 2'],
      ['key 1', 'foo 1', 'key 2', 'foo 2'],
      ['bar 1', 'bar 2'],
      [],
    ]);
    sink.complete();
  });

  it('spreads in turns, by a function of the user, and to the partition that is given', async () => {
    const stream = await newStream(broker, { partitions: 3 });
    const all = async (values: readonly string[], options: object): Promise<void> => {
      await lastValueFrom(broker.publishFrom(stream, values, { codec: text, onError: 'throw', ...options }));
    };
    await all(['a', 'b', 'c', 'd'], { partition: roundRobin() });
    await all(['0', '1', '2'], { partition: ({ value }: { value: unknown }) => 2 - Number(value) });
    await all(['x', 'y'], { partition: 1 });
    await publish(stream, 'z', { partition: 2 });
    expect(await Promise.all([0, 1, 2].map((partition) => valuesIn(stream, partition)))).to.deep.equal([
      ['a', 'd', '2'],
      ['b', '1', 'x', 'y'],
      ['c', '0', 'z'],
    ]);
    const error = await failure(all(['x'], { partition: () => 3 }));
    expect(error).to.have.property('code', 'ROUTING');
  });

  it('fails with a partitioner where there is no such stream', async () => {
    const [receipt] = await lastValueFrom(
      broker.publishFrom('no-such-stream', ['a'], { codec: text, partition: byKey() }).pipe(toArray()),
    );
    expect(receipt!.error).to.have.property('code', 'STREAM_NOT_FOUND');
  });

  it('is uncertain where no ack can come, and the message may be there all the same', async () => {
    const stream = await newStream(broker, { minIsr: 2 });
    const sink = broker.sink(stream, { codec: text, ackPolicy: 'all', ackTimeout: 300 });
    const receipt = await sink.send('a');
    expect(receipt.error).to.have.property('code', 'PUBLISH_UNCERTAIN');
    expect(receipt.error!.message).to.contain('300 ms');
    expect(await broker.partitionMetadata(stream)).to.deep.include({ newestOffset: 0n });
    sink.complete();
  });

  it('encrypts only with a key', async () => {
    const error = await failure(broker.createStream({ name: 'secret', encryption: true }));
    expect(error.message).to.contain('encryption');
  });
});
