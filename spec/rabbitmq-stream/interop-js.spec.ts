import { expect } from 'chai';
import { lastValueFrom } from 'rxjs';
import { RoutingError } from '../../lib/core/errors.js';
import {
  routeByHash,
  routeByKey,
  type RabbitMqStreamBroker,
  type RabbitMqStreamDelivery,
  type RabbitMqStreamRouting,
} from '../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { RabbitMqJs, type JsMessage, type JsOutgoing } from '../support/peers/rabbitmq-js.js';
import { until } from '../support/wait.js';
import { handleOn, hex, offsets, payloads, publishAll, read, textIn, utf8 } from './interop-kit.js';

const instant = new Date('2024-02-29T12:34:56.789Z');

const properties = {
  messageId: 'ä-1',
  userId: Buffer.from('user'),
  to: 'to',
  subject: 'Übergröße',
  replyTo: 'reply',
  correlationId: '日本',
  contentType: 'text/plain',
  contentEncoding: 'gzip',
  absoluteExpiryTime: instant,
  creationTime: new Date(1),
  groupId: 'group',
  groupSequence: 4_294_967_295,
  replyToGroupId: 'other',
};

/** Keys of all sorts: numbers, words, with letters of two, three and four bytes, short and long. */
const keys = Array.from(
  { length: 1_000 },
  (_, i) => [`${i}`, `invoice-${i}`, `größe ${i}`, `日本-${i}`, `🐇${i}`, 'k'.repeat(i + 1)][i % 6]!,
);

const numbered = (count: number, prefix = 'message'): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => utf8(`${prefix} ${i}`));
const textOf = ({ content }: JsMessage): string => content.toString();

// Names of streams, references, routing keys and filter values are ASCII here: the JS client counts their characters where
// the wire has bytes.
describe('RabbitMQ streams: interoperation with rabbitmq-stream-js-client', function () {
  this.timeout(60_000);
  let server: RabbitMqServer;
  let peer: RabbitMqJs;
  let broker: RabbitMqStreamBroker;

  before(async () => {
    server = await startRabbitMq();
    peer = await RabbitMqJs.connect(server);
    broker = handleOn(server);
  });

  after(async () => {
    await Promise.allSettled([broker?.close(), peer?.close()]);
    await server?.stop();
  });

  const made = async (prefix: string): Promise<string> => {
    const stream = unique(prefix);
    await broker.createStream(stream);
    return stream;
  };

  describe('single messages', () => {
    it('reads what the JS client published', async () => {
      const stream = await made('plain');
      const bodies = payloads(1_000);
      await peer.publish(
        stream,
        bodies.map((content) => ({ content })),
      );
      const got = await read(broker, stream, 1_000);
      expect(got.map(({ value }) => hex(value))).to.deep.equal(bodies.map(hex));
      expect(got.map(({ offset }) => offset)).to.deep.equal(offsets(0, 1_000));
    });

    it('publishes what the JS client reads', async () => {
      const stream = await made('plain');
      const bodies = payloads(1_000);
      await publishAll(broker, stream, bodies);
      const got = await peer.read(stream, { count: 1_000 });
      expect(got.map(({ content }) => hex(content))).to.deep.equal(bodies.map(hex));
      expect(got.map(({ offset }) => offset)).to.deep.equal(offsets(0, 1_000));
    });

    it('reads properties, application properties and annotations of the JS client, of which 0 and an empty text are null', async () => {
      const stream = await made('properties');
      const message: JsOutgoing = {
        content: utf8('x'),
        messageProperties: properties,
        applicationProperties: { text: 'ü', count: -2_147_483_648, zero: 0, empty: '' },
        messageAnnotations: { 'x-a': 'one', 'x-b': 2 },
      };
      await peer.publish(stream, [message]);
      const [got] = await read(broker, stream, 1);
      expect(textIn(got?.value ?? utf8(''))).to.equal('x');
      expect(got?.properties).to.deep.equal({ ...properties, userId: utf8('user') });
      expect(Object.fromEntries(got?.headers ?? [])).to.deep.equal({
        text: 'ü',
        count: -2_147_483_648,
        zero: null,
        empty: null,
      });
      expect(Object.fromEntries(got?.annotations ?? [])).to.deep.equal({ 'x-a': 'one', 'x-b': 2 });
    });

    it('writes properties, application properties and annotations of the types that the JS client survives', async () => {
      const stream = await made('properties');
      const headers = { Größe: 'ü', count: -2_147_483_648, small: 7, yes: true, 'long text': 'k'.repeat(300) };
      const annotations = { 'x-a': 'one', 'x-b': 2 };
      await broker.publish(stream, utf8('x'), { properties, headers, annotations });
      await broker.publish(stream, utf8('y'), { properties: { subject: 'alone' } });
      const [got, other] = await peer.read(stream, { count: 2 });
      expect(textOf(got!)).to.equal('x');
      expect(got?.messageProperties).to.deep.equal(properties);
      expect(got?.applicationProperties).to.deep.equal(headers);
      expect(got?.messageAnnotations).to.deep.equal(annotations);
      expect(other?.messageProperties).to.deep.equal({ subject: 'alone' });
    });
  });

  describe('sub-entries', () => {
    for (const compression of ['gzip', 'none'] as const) {
      it(`reads those of the JS client, with compression ${compression}`, async () => {
        const stream = await made('sub-entries');
        const bodies = numbered(300, 'ß');
        const messages = bodies.map((content, i) => ({ content, messageProperties: { messageId: `id ${i}` } }));
        await peer.publishSubEntry(stream, messages.slice(0, 200), compression);
        await peer.publishSubEntry(stream, messages.slice(200), compression);
        const got = await read(broker, stream, 300);
        expect(got.map(({ value }) => textIn(value))).to.deep.equal(bodies.map(textIn));
        expect(got.map(({ offset }) => offset)).to.deep.equal(offsets(0, 300));
        expect(got[299]?.properties).to.deep.equal({ messageId: 'id 299' });
      });

      it(`writes what the JS client reads, with compression ${compression} and one sub-entry a chunk`, async () => {
        const stream = await made('sub-entries');
        const subEntry = { size: 100, compression };
        const bodies = numbered(300, 'ß');
        for (const begin of [0, 100, 200]) {
          const batch = bodies.slice(begin, begin + 100);
          await lastValueFrom(broker.publishFrom(stream, batch, { subEntry, onError: 'throw' }));
        }
        const got = await peer.read(stream, { count: 300 });
        expect(got.map(textOf)).to.deep.equal(bodies.map(textIn));
      });
    }
  });

  describe('positions and names', () => {
    it('goes on behind the offset that the JS client has stored, which goes on behind ours', async () => {
      const stream = await made('positions');
      const name = unique('name');
      await publishAll(broker, stream, numbered(900));
      const first = await peer.read(stream, { count: 300, name });
      expect(await broker.queryOffset(name, stream)).to.equal(299n);
      const second = await read(broker, stream, 300, { durable: name });
      await until(async () => (await peer.queryOffset(stream, name)) === 599n, { message: 'the offset 599' });
      const start = (await peer.queryOffset(stream, name)) + 1n;
      const third = await peer.read(stream, { count: 300, name, start });
      expect([...first, ...second, ...third].map(({ offset }) => offset)).to.deep.equal(offsets(0, 900));
    });

    it('is deduplicated with the JS client under one producer name, by the ids of either', async () => {
      const stream = await made('producers');
      const producer = unique('name');
      const theirs = (from: number, to: number): JsOutgoing[] =>
        offsets(from, to - from + 1).map((publishingId) => ({ publishingId, content: utf8(`theirs ${publishingId}`) }));
      const ours = offsets(51, 100).map((id) => ({ id, value: utf8(`ours ${id}`) }));
      await peer.publish(stream, theirs(1, 100), { name: producer });
      expect(await broker.lastPublishingId(producer, stream)).to.equal(100n);
      await lastValueFrom(broker.publishFrom(stream, ours, { producer, message: (each) => each, onError: 'throw' }));
      await peer.publish(stream, theirs(141, 160), { name: producer });
      const got = await read(broker, stream, 160);
      const wanted = [...theirs(1, 100), ...ours.slice(50), ...theirs(151, 160)];
      expect(got.map(({ value }) => textIn(value))).to.deep.equal(
        wanted.map((each) => textIn('value' in each ? each.value : each.content)),
      );
    });
  });

  describe('filters', () => {
    /** Each array is published by itself, so that its chunks hold nothing else. */
    const regions = [['eu'], ['us'], [undefined], ['eu', 'us']].map((pair) =>
      Array.from({ length: 100 }, (_, i) => pair[i % pair.length]),
    );
    const us = regions.flat().flatMap((region, i) => (region === 'us' ? [BigInt(i)] : []));

    it('publishes filter values that the JS client reads by', async () => {
      const stream = await made('filters');
      const filterValue = (region: string | undefined): string | undefined => region;
      const message = (region: string | undefined) => ({ value: utf8('x'), headers: { region: region ?? 'none' } });
      for (const values of regions) {
        await lastValueFrom(broker.publishFrom(stream, values, { message, filterValue, onError: 'throw' }));
      }
      const postFilterFunc = ({ applicationProperties }: JsMessage): boolean =>
        applicationProperties?.['region'] === 'us';
      const everything = (): boolean => true;
      const values = ['us'];
      const filters = [
        { values, matchUnfiltered: false, postFilterFunc: everything },
        { values, matchUnfiltered: true, postFilterFunc: everything },
        { values, matchUnfiltered: false, postFilterFunc },
      ];
      const got: bigint[][] = [];
      for (const [i, filter] of filters.entries()) {
        const messages = await peer.read(stream, { count: [100, 200, 150][i]!, filter });
        got.push(messages.map(({ offset = -1n }) => offset));
      }
      expect(got).to.deep.equal([offsets(100, 100), offsets(100, 200), us]);
    });

    it('reads by filter values that the JS client published', async () => {
      const stream = await made('filters');
      const filter = ({ applicationProperties }: JsMessage): string | undefined => {
        const region = applicationProperties?.['region'];
        return region === undefined ? undefined : String(region);
      };
      for (const values of regions) {
        const messages = values.map((region) => ({
          content: utf8('x'),
          ...(region && { applicationProperties: { region } }),
        }));
        await peer.publish(stream, messages, { filter });
      }
      const postFilter = ({ headers }: RabbitMqStreamDelivery): boolean => headers.get('region') === 'us';
      const [chunks, unfiltered, exact] = await Promise.all([
        read(broker, stream, 100, { filter: { values: ['us'] } }),
        read(broker, stream, 200, { filter: { values: ['us'], matchUnfiltered: true } }),
        read(broker, stream, 150, { filter: { values: ['us'], postFilter } }),
      ]);
      expect(chunks.map(({ offset }) => offset)).to.deep.equal(offsets(100, 100));
      expect(unfiltered.map(({ offset }) => offset)).to.deep.equal(offsets(100, 200));
      expect(exact.map(({ offset }) => offset)).to.deep.equal(us);
    });
  });

  describe('super streams', () => {
    const partitioned = async (superStream: string, count: number): Promise<Map<string, string | undefined>> => {
      const got = await read(broker, superStream, count, { superStream: true });
      return new Map(got.map(({ value, partition }) => [textIn(value), partition?.slice(superStream.length)]));
    };
    const publishKeys = async (
      superStream: string,
      values: readonly string[],
      routing: RabbitMqStreamRouting,
    ): Promise<void> => {
      const message = (key: string) => ({ value: utf8(key) });
      const options = { superStream: true, routing, message, onError: 'throw' } as const;
      await lastValueFrom(broker.publishFrom(superStream, values, options));
    };
    const byHash = routeByHash((key: string) => key);
    const byKey = routeByKey((key: string) => key);

    it('routes 1 000 keys by hash to the partitions that the JS client takes, and each reads the other', async () => {
      const [theirs, ours] = [unique('theirs'), unique('ours')];
      await peer.createSuperStream(theirs, 7);
      await broker.createSuperStream(ours, { partitions: 7 });
      await peer.publishKeys(theirs, keys, 'hash');
      await publishKeys(ours, keys, byHash);
      const inTheirs = await partitioned(theirs, keys.length);
      const read = await peer.readSuperStream(ours, keys.length);
      const inOurs = new Map(read.map(({ message, partition }) => [textOf(message), partition.slice(ours.length)]));
      expect(inTheirs.size).to.equal(1_000);
      expect(new Set(inTheirs.values()).size).to.equal(7);
      expect(Object.fromEntries(inOurs)).to.deep.equal(Object.fromEntries(inTheirs));
    });

    it('keeps the messages of a key in one partition when both publish to it', async () => {
      const superStream = unique('both');
      await broker.createSuperStream(superStream, { partitions: 3 });
      const few = keys.slice(0, 20);
      await peer.publishKeys(superStream, few, 'hash');
      await partitioned(superStream, 20);
      await publishKeys(superStream, few, byHash);
      const got = await read(broker, superStream, 40, { superStream: true });
      for (const key of few) {
        const homes = got.filter(({ value }) => textIn(value) === key).map(({ partition }) => partition);
        expect(homes).to.have.lengthOf(2);
        expect(new Set(homes).size).to.equal(1);
      }
    });

    it('routes by key to the partitions that the JS client takes', async () => {
      const regions = ['amer', 'emea', 'apac'];
      const [theirs, ours] = [unique('theirs'), unique('ours')];
      await peer.createSuperStream(theirs, regions);
      await broker.createSuperStream(ours, { bindingKeys: regions });
      await peer.publishKeys(theirs, regions, 'key');
      await publishKeys(ours, regions, byKey);
      const inTheirs = await partitioned(theirs, 3);
      const read = await peer.readSuperStream(ours, 3);
      const inOurs = new Map(read.map(({ message, partition }) => [textOf(message), partition.slice(ours.length)]));
      expect(Object.fromEntries(inTheirs)).to.deep.equal({ amer: '-amer', emea: '-emea', apac: '-apac' });
      expect(Object.fromEntries(inOurs)).to.deep.equal(Object.fromEntries(inTheirs));
      const miss: unknown = await publishKeys(theirs, ['none'], byKey).catch((error: unknown) => error);
      expect(miss).to.be.instanceOf(RoutingError);
    });
  });
});
