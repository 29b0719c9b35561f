import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { OffsetMismatchError } from '../../lib/core/errors.js';
import { fromOffset, fromTime, latest } from '../../lib/core/starts.js';
import { byKey, type LiftbridgeBroker, type LiftbridgeDelivery } from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { GufoLiftbridge, type GufoIncoming, type GufoOutgoing } from '../support/peers/gufo-liftbridge.js';
import { gufoDoes, hex, offsetsOf, read, textIn, textsOf, utf8 } from './interop-kit.js';
import { Handles, named, newStream } from './support.js';

const headers = {
  plain: utf8('text'),
  Größe: utf8('日本 🐇'),
  binary: Uint8Array.of(0, 255, 254, 10, 13),
  empty: new Uint8Array(0),
  'a name with: all of {it}': utf8('x'),
};

/** Without the two that the server adds, which gufo-liftbridge leaves among the others. */
const ownHeaders = (message: GufoIncoming): Record<string, Uint8Array> => {
  const { subject, reply, ...own } = message.headers;
  expect(textIn(subject)).to.equal(message.subject);
  expect(textIn(reply)).to.equal('');
  return own;
};

/** What either has of a message, in one form. */
const facts = ({ offset, timestamp, partition, subject, key, value }: LiftbridgeDelivery | GufoIncoming): object => {
  return { offset, timestamp, partition, subject, key: hex(key ?? new Uint8Array(0)), value: hex(value) };
};

describe('Liftbridge: interoperation with gufo-liftbridge', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: LiftbridgeServer;
  let peer: GufoLiftbridge;
  let broker: LiftbridgeBroker;

  before(async () => {
    server = await startLiftbridge();
    peer = await GufoLiftbridge.start(server.url);
    broker = handles.make(server);
  });

  after(async () => {
    await Promise.allSettled([handles.close(), peer?.stop()]);
    await server?.stop();
  });

  /** Values of lengths from none to some thousands, with and without key. */
  const assorted = (count: number): GufoOutgoing[] =>
    Array.from({ length: count }, (_, i) => ({
      value: randomBytes(i % 97 === 0 ? 0 : i % 89 === 0 ? 20_000 : (i * 7) % 300),
      ...(i % 3 === 0 && { key: randomBytes((i % 40) + 1) }),
    }));

  for (const way of ['publish', 'publishBulk'] as const) {
    it(`reads what it sent by ${way}, to a stream that either made`, async () => {
      const theirs = unique('theirs');
      await peer.createStream(theirs, { subject: `${theirs}.subject` });
      for (const stream of [theirs, await newStream(broker)]) {
        const messages: GufoOutgoing[] = [
          { value: utf8('größe'), key: Uint8Array.of(255, 0, 1), headers },
          { value: new Uint8Array(0) },
          { value: Uint8Array.of(0, 254), key: utf8('ключ') },
        ];
        await peer[way](stream, messages, { ack: 'all' });
        const got = await read(broker, stream, 3);
        expect(got.map(({ key, value }) => ({ key, value }))).to.deep.equal(
          messages.map(({ key, value }) => ({ key, value })),
        );
        expect(Object.fromEntries(got[0]!.headers)).to.deep.equal(headers);
        expect(got[1]?.headers.size).to.equal(0);
        const seen = await peer.subscribe(stream, { count: 3 });
        expect(got.map(facts)).to.deep.equal(seen.map(facts));
        expect(offsetsOf(got)).to.deep.equal([0n, 1n, 2n]);
        expect(got[2]?.subject).to.equal(stream === theirs ? `${theirs}.subject` : stream);
      }
    });
  }

  it('publishes keys and headers that it reads, to a stream that either made', async () => {
    const theirs = unique('theirs');
    await peer.createStream(theirs);
    for (const stream of [theirs, await newStream(broker)]) {
      await broker.publish(stream, utf8('größe'), { key: Uint8Array.of(255, 0), headers, ackPolicy: 'all' });
      await broker.publish(stream, new Uint8Array(0), { headers: new Map([['as text', 'ü']]) });
      const [first, second] = await peer.subscribe(stream, { count: 2 });
      expect(first).to.deep.include({ value: utf8('größe'), key: Uint8Array.of(255, 0), subject: stream });
      expect(ownHeaders(first!)).to.deep.equal(headers);
      expect(second).to.deep.include({ value: new Uint8Array(0), key: new Uint8Array(0) });
      expect(ownHeaders(second!)).to.deep.equal({ 'as text': utf8('ü') });
    }
  });

  it('has the same bytes, keys, offsets and times as it, to the nanosecond, of a thousand from each', async () => {
    const stream = await newStream(broker);
    const [ours, theirs] = [assorted(1_000), assorted(1_000)];
    const receipts = await lastValueFrom(
      broker.publishFrom(stream, ours, { message: (each: GufoOutgoing) => each, onError: 'throw' }).pipe(toArray()),
    );
    const offsets = await peer.publishBulk(stream, theirs);
    expect(offsets).to.deep.equal(theirs.map((_, i) => BigInt(1_000 + i)));
    expect(receipts.map((receipt) => receipt.ok && receipt.offset)).to.deep.equal(ours.map((_, i) => BigInt(i)));
    const [got, seen] = await Promise.all([read(broker, stream, 2_000), peer.subscribe(stream, { count: 2_000 })]);
    expect(got.map(({ value }) => hex(value))).to.deep.equal([...ours, ...theirs].map(({ value }) => hex(value)));
    expect(got.map(facts)).to.deep.equal(seen.map(facts));
    // a time in ms would end so, one in nanoseconds does for one in a million
    expect(got.some(({ timestamp }) => timestamp % 1_000_000n !== 0n)).to.equal(true);
  });

  it('goes on from an offset, the latest and a time as it does', async () => {
    const stream = await newStream(broker);
    await lastValueFrom(broker.publishFrom(stream, named('message', 300), { codec: text, onError: 'throw' }));
    const [ours, theirs] = await Promise.all([
      read(broker, stream, 3, { start: fromOffset(297) }),
      peer.subscribe(stream, { count: 3, start: 297 }),
    ]);
    expect(ours.map(facts)).to.deep.equal(theirs.map(facts));
    const [[last], [seen]] = await Promise.all([
      read(broker, stream, 1, { start: latest() }),
      peer.subscribe(stream, { count: 1, start: 'latest' }),
    ]);
    expect(facts(last!)).to.deep.equal(facts(seen!));
    // both take the time in units in which the nanoseconds get lost, so that it is rounded down to the one before
    const [from] = await read(broker, stream, 1, { start: fromOffset(150) });
    const ms = Number(from!.timestamp / 1_000_000n);
    const [[again], [found]] = await Promise.all([
      read(broker, stream, 1, { start: fromTime(ms) }),
      gufoDoes(server, { do: 'read', stream, time: ms / 1_000, count: 1 }) as Promise<number[][]>,
    ]);
    expect(again!.timestamp >= BigInt(ms) * 1_000_000n).to.equal(true);
    expect(again!.offset <= 150n).to.equal(true);
    expect(found).to.deep.equal([Number(again!.offset)]);
  });

  it('gets what it compressed as it is, under X-Msg-Encoding, and is understood when it does the same', async () => {
    const stream = await newStream(broker);
    const value = utf8('größe '.repeat(1_000));
    await gufoDoes(server, { do: 'publish', stream, value: hex(value) });
    const [got] = await read(broker, stream, 1);
    expect(textIn(got!.headers.get('X-Msg-Encoding'))).to.equal('zlib');
    expect(got!.value.length).to.be.lessThan(value.length / 10);
    expect(hex(inflateSync(got!.value))).to.equal(hex(value));
    await broker.publish(stream, deflateSync(value), { headers: { 'X-Msg-Encoding': 'zlib', other: 'x' } });
    const seen = await peer.subscribe(stream, { count: 2 });
    expect(seen.map((each) => hex(each.value))).to.deep.equal([hex(value), hex(value)]);
    // it takes the header away with the compression
    expect(ownHeaders(seen[1]!)).to.deep.equal({ other: utf8('x') });
  });

  it('is not refused by optimistic concurrency control, which refuses its messages: it expects offset 0 for each', async () => {
    const stream = await newStream(broker, { optimisticConcurrencyControl: true });
    expect(await peer.publishBulk(stream, [{ value: utf8('its first') }])).to.deep.equal([0n]);
    const refused = await peer.publishBulk(stream, [{ value: utf8('its second') }]).catch((error: unknown) => error);
    expect(refused).to.have.property('message').that.includes('incorrect expected offset');
    expect((await broker.publish(stream, utf8('any'))).offset).to.equal(1n);
    expect((await broker.publish(stream, utf8('this'), { expectedOffset: 2 })).offset).to.equal(2n);
    const mismatch = await broker.publish(stream, utf8('x'), { expectedOffset: 2 }).catch((error: unknown) => error);
    expect(mismatch).to.be.instanceOf(OffsetMismatchError);
    expect(textsOf(await peer.subscribe(stream, { count: 3 }))).to.deep.equal(['its first', 'any', 'this']);
  });

  describe('partitions by key', () => {
    // key, then CRC-32 (IEEE) modulo 2, 3, 4, 5 and 16, as go-liftbridge has them
    const vectors: readonly (readonly [string, number, number, number, number, number])[] = [
      ['', 0, 0, 0, 0, 0],
      ['key', 1, 1, 1, 2, 9],
      ['foo', 1, 2, 1, 4, 1],
      ['bar', 0, 2, 2, 3, 10],
      ['user-1', 0, 2, 0, 4, 4],
      ['x,cg,0', 0, 0, 0, 2, 0],
      ['__group:g1,orders,2', 1, 2, 1, 0, 5],
    ];

    for (const [column, partitions] of [2, 3, 4, 5, 16].entries()) {
      it(`puts each key where go-liftbridge would, with ${partitions} partitions`, async () => {
        const stream = await newStream(broker, { partitions });
        const keys = vectors.map(([key]) => key);
        const message = (key: string) => ({ value: utf8(key), key });
        await lastValueFrom(broker.publishFrom(stream, keys, { partition: byKey(), message, onError: 'throw' }));
        const wanted = new Map<number, string[]>();
        for (const [key, ...modulo] of vectors) {
          wanted.set(modulo[column]!, [...(wanted.get(modulo[column]!) ?? []), key]);
        }
        for (const [partition, group] of wanted) {
          const seen = await peer.subscribe(stream, { count: group.length, partition });
          expect(textsOf(seen)).to.deep.equal(group);
        }
      });
    }

    it('reads keys from partitions that it chose by the same hash, all merged', async () => {
      const stream = unique('theirs');
      await peer.createStream(stream, { partitions: 4 });
      const keys = named('größe', 40).map(utf8);
      const placeOf = (key: Uint8Array): number => crc32(key) % 4;
      for (const partition of [0, 1, 2, 3]) {
        const messages = keys.filter((key) => placeOf(key) === partition).map((key) => ({ key, value: key }));
        await peer.publishBulk(stream, messages, { partition });
      }
      const message = (key: Uint8Array) => ({ value: key, key });
      await lastValueFrom(broker.publishFrom(stream, keys, { partition: byKey(), message, onError: 'throw' }));
      const got = await read(broker, stream, 80);
      expect(got.map(({ partition }) => partition)).to.deep.equal(got.map(({ key }) => placeOf(key!)));
      // each once from either
      expect(textsOf(got).sort()).to.deep.equal([...keys, ...keys].map(textIn).sort());
    });
  });
});
