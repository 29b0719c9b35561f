import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import type { BrokerEvent } from '../../lib/core/broker.js';
import { DecodeError } from '../../lib/core/errors.js';
import { earliest, fromOffset, untilNow } from '../../lib/core/starts.js';
import {
  amqp,
  amqpType,
  type AmqpMessageInit,
  type RabbitMqStreamBroker,
  type RabbitMqStreamDelivery,
} from '../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { Rstream } from '../support/peers/python-rstream.js';
import { textOf, textsOf, type RstreamOutgoing } from '../support/peers/python-rstream-values.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { handleOn, hex, offsets, payloads, publishAll, read, textIn, utf8 } from './interop-kit.js';

const uuid = '0f0e0d0c-0b0a-0908-0706-050403020100';
const instant = new Date('2024-02-29T12:34:56.789Z');

/** Application properties of all kinds that both sides have, as rstream takes them. */
const fields = {
  plain: 'text',
  'Größe 日本': 'ü – 🐇',
  empty: '',
  zero: 0,
  int: -2_147_483_648,
  long: -(2n ** 62n),
  double: 1.5,
  yes: true,
  no: false,
  bytes: Uint8Array.of(0, 255, 128),
  nothing: null,
};

const numbered = (count: number, prefix = 'message'): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => utf8(`${prefix} ${i}`));
const asData = (bodies: readonly Uint8Array[]): RstreamOutgoing[] => bodies.map((body) => ({ body }));

// Names of streams, references and filter values are ASCII here: rstream counts their characters where the wire has bytes.
describe('RabbitMQ streams: interoperation with rstream', function () {
  this.timeout(60_000);
  let server: RabbitMqServer;
  let peer: Rstream;
  let broker: RabbitMqStreamBroker;

  before(async () => {
    server = await startRabbitMq();
    peer = await Rstream.start(server);
    broker = handleOn(server);
  });

  after(async () => {
    await Promise.allSettled([broker?.close(), peer?.stop()]);
    await server?.stop();
  });

  const made = async (prefix: string): Promise<string> => {
    const stream = unique(prefix);
    await broker.createStream(stream);
    return stream;
  };

  describe('bodies', () => {
    it('reads what rstream published: data, values of text and bytes, and bytes that are no AMQP message', async () => {
      const stream = await made('bodies');
      const bodies = payloads(996).concat(['', 'ß', '日本語 🐇', '\0Sp'].map(utf8));
      const sent = bodies.map((body, i): RstreamOutgoing => {
        if (i > 995) return { value: textIn(body) };
        return i % 3 === 0 ? { raw: Uint8Array.of(1, ...body) } : i % 3 === 1 ? { body } : { value: body };
      });
      await peer.publish(stream, sent);
      const got = await read(broker, stream, 1_000);
      const wanted = bodies.map((body, i) => (i <= 995 && i % 3 === 0 ? `01${hex(body)}` : hex(body)));
      expect(got.map(({ value }) => hex(value))).to.deep.equal(wanted);
      expect(got.map(({ offset }) => offset)).to.deep.equal(offsets(0, 1_000));
    });

    it('publishes what rstream reads, with its decoder and without', async () => {
      const stream = await made('bodies');
      const bodies = payloads(1_000);
      await publishAll(broker, stream, bodies);
      const decoded = peer.read(stream, { count: 1_000 }).messages;
      const [first] = await peer.read(stream, { count: 1, start: 5, amqp: false }).messages;
      const got = await decoded;
      expect(got.map(({ body }) => hex(body as Uint8Array))).to.deep.equal(bodies.map(hex));
      expect(got.map(({ offset }) => offset)).to.deep.equal(offsets(0, 1_000));
      expect(first?.offset).to.equal(5n);
      expect(hex(first?.raw as Uint8Array)).to.equal(`005375a023${hex(bodies[5] ?? Uint8Array.of())}`);
    });

    it('gives the bytes of what rstream makes of a string body, which is no AMQP message, and amqp() refuses it', async () => {
      const stream = await made('bodies');
      await peer.publish(stream, [{ body: 'hello' }, { body: utf8('after it') }]);
      const [broken, whole] = await read(broker, stream, 2);
      // the length of the text, and then a map of 31 bytes where the text should be
      expect(hex(broken?.value ?? Uint8Array.of())).to.match(/^005375a005.+$/);
      expect(textIn(whole?.value ?? Uint8Array.of())).to.equal('after it');
      const refused: unknown[] = [];
      const messages$ = broker.messages(stream, {
        codec: amqp(),
        start: fromOffset(0),
        until: untilNow(),
        onDecodeError: ({ offset }) => refused.push(offset),
      });
      const decoded = await lastValueFrom(messages$.pipe(toArray()));
      expect(refused).to.deep.equal([0n]);
      expect(decoded.map(({ value }) => value.body)).to.deep.equal([{ kind: 'data', data: utf8('after it') }]);
      const failure: unknown = await lastValueFrom(
        broker.messages(stream, { codec: amqp(), start: fromOffset(0) }),
      ).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(DecodeError);
    });
  });

  describe('the sections of AMQP messages', () => {
    it('reads those of rstream, by codec and from the delivery', async () => {
      const stream = await made('sections');
      const properties = {
        message_id: 'ä-1',
        user_id: utf8('user'),
        to: 'to',
        subject: 'Übergröße',
        reply_to: 'reply',
        correlation_id: 2n ** 63n,
        content_type: 'text/plain',
        content_encoding: 'gzip',
        absolute_expiry_time: instant.getTime(),
        creation_time: 0,
        group_id: 'group',
        group_sequence: 4_294_967_295,
        reply_to_group_id: 'other',
      };
      await peer.publish(stream, [
        { body: utf8('x'), properties, applicationProperties: fields, annotations: { 'x-a': 'one', 'x-b': 2 } },
        { value: new Map([['list', [1, 'two', null]]]), properties: { message_id: { uuid } } },
        { sequence: [[1, 'zwölf'], ['three']], properties: { message_id: utf8('binary') } },
      ]);
      const wanted = {
        messageId: 'ä-1',
        userId: utf8('user'),
        to: 'to',
        subject: 'Übergröße',
        replyTo: 'reply',
        correlationId: 2n ** 63n,
        contentType: 'text/plain',
        contentEncoding: 'gzip',
        absoluteExpiryTime: instant,
        creationTime: new Date(0),
        groupId: 'group',
        groupSequence: 4_294_967_295,
        replyToGroupId: 'other',
      };
      const [plain] = await read(broker, stream, 1);
      expect(plain?.properties).to.deep.equal(wanted);
      expect(Object.fromEntries(plain?.headers ?? [])).to.deep.equal(fields);
      expect(Object.fromEntries(plain?.annotations ?? [])).to.deep.equal({ 'x-a': 'one', 'x-b': 2 });
      const messages$ = broker.messages(stream, { codec: amqp(), start: fromOffset(0), until: untilNow() });
      const [data, value, sequence] = (await lastValueFrom(messages$.pipe(toArray()))).map((each) => each.value);
      expect(data?.body).to.deep.equal({ kind: 'data', data: utf8('x') });
      expect(data?.properties).to.deep.equal(wanted);
      expect(Object.fromEntries(data?.applicationProperties ?? [])).to.deep.equal(fields);
      expect(value?.body).to.deep.equal({ kind: 'value', value: new Map([['list', [1, 'two', null]]]) });
      expect(String(value?.properties?.messageId)).to.equal(uuid);
      expect(sequence?.body).to.deep.equal({ kind: 'sequence', items: [1, 'zwölf', 'three'] });
      expect(sequence?.properties?.messageId).to.deep.equal(utf8('binary'));
    });

    it('writes those that rstream reads, by codec and with fields', async () => {
      const stream = await made('sections');
      const properties = {
        messageId: 'ä-1',
        userId: utf8('user'),
        to: 'to',
        subject: 'Übergröße',
        replyTo: 'reply',
        correlationId: 2n ** 63n,
        contentType: 'text/plain',
        contentEncoding: 'gzip',
        absoluteExpiryTime: instant,
        creationTime: new Date(0),
        groupId: 'group',
        groupSequence: 4_294_967_295,
        replyToGroupId: 'other',
      };
      const annotations = { 'x-a': 'one', 'x-b': 2 };
      await broker.publish(stream, utf8('x'), { headers: fields, properties, annotations });
      const messages: AmqpMessageInit[] = [
        { body: { kind: 'value', value: new Map([['list', [1, 'two', null]]]) }, properties: { messageId: 7n } },
        { body: { kind: 'sequence', items: [1, 'zwölf'] }, applicationProperties: { id: amqpType('uuid', uuid) } },
        { body: { kind: 'value', value: 'ß' }, messageAnnotations: annotations, header: { durable: true } },
      ];
      await lastValueFrom(broker.publishFrom(stream, messages, { codec: amqp(), onError: 'throw' }));
      const [data, map, sequence, text] = await peer.read(stream, { count: 4 }).messages;
      expect(textsOf(data?.properties)).to.deep.equal({
        message_id: 'ä-1',
        user_id: 'user',
        to: 'to',
        subject: 'Übergröße',
        reply_to: 'reply',
        correlation_id: 2n ** 63n,
        content_type: 'text/plain',
        content_encoding: 'gzip',
        absolute_expiry_time: instant.getTime(),
        creation_time: 0,
        group_id: 'group',
        group_sequence: 4_294_967_295,
        reply_to_group_id: 'other',
      });
      expect(textOf(data?.body)).to.equal('x');
      expect(data?.applicationProperties?.['bytes']).to.deep.equal(fields.bytes);
      expect(textsOf({ ...data?.applicationProperties, bytes: null })).to.deep.equal({ ...fields, bytes: null });
      expect(textsOf(data?.annotations)).to.deep.equal(annotations);
      expect(textOf(map?.value)).to.deep.equal(new Map([['list', [1, 'two', null]]]));
      expect(map?.properties).to.deep.equal({ message_id: 7 });
      expect(textOf(sequence?.sequence)).to.deep.equal([[1, 'zwölf']]);
      expect(sequence?.applicationProperties).to.deep.equal({ id: { uuid } });
      expect(textOf(text?.value)).to.equal('ß');
      expect(textsOf(text?.annotations)).to.deep.equal(annotations);
    });
  });

  describe('sub-entries', () => {
    it('reads those of rstream, with gzip and without, from the first one and from the middle of one', async () => {
      const stream = await made('sub-entries');
      const bodies = numbered(501, 'ß');
      await peer.publishSubEntries(stream, [
        { compression: 'Gzip', messages: asData(bodies.slice(0, 300)) },
        { compression: 'No', messages: asData(bodies.slice(300, 400)) },
        { compression: 'Gzip', messages: bodies.slice(400, 500).map((raw) => ({ raw })) },
      ]);
      await peer.publish(stream, asData(bodies.slice(500)));
      const all = await read(broker, stream, 501);
      expect(all.map(({ value }) => textIn(value))).to.deep.equal(bodies.map(textIn));
      expect(all.map(({ offset }) => offset)).to.deep.equal(offsets(0, 501));
      const some = await read(broker, stream, 384, { start: fromOffset(117) });
      expect(some.map(({ value }) => textIn(value))).to.deep.equal(bodies.slice(117).map(textIn));
      expect(some.map(({ offset }) => offset)).to.deep.equal(offsets(117, 384));
    });

    for (const compression of ['gzip', 'none'] as const) {
      it(`writes those that rstream reads, with compression ${compression}`, async () => {
        const stream = await made('sub-entries');
        const bodies = numbered(500, 'ß');
        const subEntry = { size: 120, compression };
        await lastValueFrom(broker.publishFrom(stream, bodies, { subEntry, onError: 'throw' }));
        const middle = peer.read(stream, { count: 333, start: 167 });
        await middle.messages;
        const all = await peer.read(stream, { count: 500 }).messages;
        expect(all.map(({ body }) => textOf(body))).to.deep.equal(bodies.map(textIn));
        expect(all.map(({ offset }) => offset)).to.deep.equal(offsets(0, 500));
        expect(middle.soFar.map(({ offset }) => offset)).to.deep.equal(offsets(167, 333));
        expect(middle.soFar.map(({ body }) => textOf(body))).to.deep.equal(bodies.slice(167).map(textIn));
      });
    }
  });

  describe('positions and names', () => {
    it('goes on behind the offset that rstream has stored, and rstream behind ours', async () => {
      const stream = await made('positions');
      const name = unique('reader');
      const bodies = numbered(900);
      await publishAll(broker, stream, bodies);
      const first = await peer.read(stream, { count: 300, name }).messages;
      expect(await broker.queryOffset(name, stream)).to.equal(299n);
      const second = await read(broker, stream, 300, { durable: name });
      await until(async () => (await broker.queryOffset(name, stream)) === 599n, { message: 'the offset 599' });
      expect(await peer.queryOffset(stream, name)).to.equal(599n);
      const third = await peer.read(stream, { count: 300, name, resume: true }).messages;
      expect([...first, ...second, ...third].map(({ offset }) => offset)).to.deep.equal(offsets(0, 900));
      expect(await broker.lag(name, stream)).to.equal(0n);
    });

    it('stores and asks for offsets by hand', async () => {
      const stream = await made('positions');
      expect(await peer.queryOffset(stream, 'a')).to.equal(undefined);
      await peer.storeOffset(stream, 'a', 2n ** 63n - 1n);
      expect(await broker.queryOffset('a', stream)).to.equal(2n ** 63n - 1n);
      await broker.storeOffset('b', stream, 12);
      expect(await peer.queryOffset(stream, 'b')).to.equal(12n);
    });

    it('is deduplicated with rstream under one producer name, by the ids of either', async () => {
      const stream = await made('producers');
      const producer = unique('producer');
      const theirs = (from: number, to: number): RstreamOutgoing[] =>
        offsets(from, to - from + 1).map((id) => ({ id, body: utf8(`theirs ${id}`) }));
      const ours = (ids: bigint[] | undefined[]): Promise<unknown> => {
        const values = ids.map((id: bigint | undefined, i) => ({ id, value: utf8(`ours ${id ?? i}`) }));
        return lastValueFrom(
          broker.publishFrom(stream, values, { producer, message: (message) => message, onError: 'throw' }),
        );
      };
      await peer.publish(stream, theirs(1, 100), { name: producer });
      expect(await broker.lastPublishingId(producer, stream)).to.equal(100n);
      await ours(offsets(51, 100));
      await peer.publish(stream, theirs(141, 160), { name: producer });
      // both go on by themselves behind what the broker has seen
      await ours([undefined, undefined]);
      await peer.publish(stream, [{ body: utf8('theirs next') }], { name: producer });
      expect(await broker.lastPublishingId(producer, stream)).to.equal(163n);
      const got = await read(broker, stream, 163);
      const wanted = [
        ...theirs(1, 100).map(({ id }) => `theirs ${id}`),
        ...offsets(101, 50).map((id) => `ours ${id}`),
        ...theirs(151, 160).map(({ id }) => `theirs ${id}`),
        ...['ours 0', 'ours 1', 'theirs next'],
      ];
      expect(got.map(({ value }) => textIn(value))).to.deep.equal(wanted);
    });
  });

  // Stored offsets are records of the log too: they take offsets, so that those of messages have gaps here.
  describe('single active consumers', () => {
    it('takes over from a member of rstream that dies', async () => {
      const stream = await made('group');
      const queue = unique('group');
      const other = await Rstream.start(server);
      const told: BrokerEvent[] = [];
      const listening = broker.events.subscribe((event) => told.push(event));
      try {
        await publishAll(broker, stream, numbered(300));
        const theirs = other.read(stream, { count: 1_000, name: queue, single: true });
        theirs.messages.catch(() => undefined);
        await until(() => theirs.soFar.length === 300, { message: 'rstream to read 300 messages' });
        expect(theirs.active).to.equal(true);
        const ours = read(broker, stream, 200, { queue });
        await until(async () => (await broker.queryOffset(queue, stream)) === 299n, { message: 'the offset 299' });
        await other.kill();
        await publishAll(broker, stream, numbered(200, 'later'));
        expect((await ours).map(({ value }) => textIn(value))).to.deep.equal(numbered(200, 'later').map(textIn));
        expect(told.filter(({ type }) => type === 'gap')).to.deep.equal([]);
      } finally {
        listening.unsubscribe();
        await other.kill();
      }
    });

    it('leaves to a member of rstream when its connections are cut', async () => {
      const stream = await made('group');
      const queue = unique('group');
      const proxy = await startProxy(server);
      const mine = handleOn(server, { resolveAddress: () => ({ host: proxy.host, port: proxy.port }) });
      try {
        await publishAll(broker, stream, numbered(300));
        const seen: string[] = [];
        mine.messages(stream, { queue, start: earliest(), storeEvery: { messages: 100 } }).subscribe((delivery) => {
          seen.push(textIn(delivery.value));
          delivery.ack();
        });
        await until(() => seen.length === 300, { message: '300 messages' });
        const theirs = peer.read(stream, { count: 200, name: queue, single: true });
        await theirs.ready;
        await until(async () => (await broker.queryOffset(queue, stream)) === 299n, { message: 'the offset 299' });
        expect(theirs.active).to.equal(false);
        proxy.cut();
        await publishAll(broker, stream, numbered(200, 'later'));
        expect((await theirs.messages).map(({ body }) => textOf(body))).to.deep.equal(
          numbered(200, 'later').map(textIn),
        );
        expect(theirs.active).to.equal(true);
        expect(seen).to.deep.equal(numbered(300).map(textIn));
      } finally {
        await mine.close();
        await proxy.stop();
      }
    });
  });

  describe('filters', () => {
    /** Each array is published by itself, so that its chunks hold nothing else. */
    const regions = [['eu'], ['us'], [undefined], ['eu', 'us']].map((pair) =>
      Array.from({ length: 100 }, (_, i) => pair[i % pair.length]),
    );
    const us = regions.flat().flatMap((region, i) => (region === 'us' ? [BigInt(i)] : []));

    it('publishes filter values that rstream reads by', async () => {
      const stream = await made('filters');
      const filterValue = (region: string | undefined): string | undefined => region;
      const message = (region: string | undefined) => ({ value: utf8('x'), headers: region ? { region } : {} });
      for (const values of regions) {
        await lastValueFrom(broker.publishFrom(stream, values, { message, filterValue, onError: 'throw' }));
      }
      const [chunks, unfiltered, exact] = await Promise.all([
        peer.read(stream, { count: 100, filter: { values: ['us'] } }).messages,
        peer.read(stream, { count: 200, filter: { values: ['us'], matchUnfiltered: true } }).messages,
        peer.read(stream, { count: 150, filter: { values: ['us'], property: 'region' } }).messages,
      ]);
      expect(chunks.map(({ offset }) => offset)).to.deep.equal(offsets(100, 100));
      expect(unfiltered.map(({ offset }) => offset)).to.deep.equal(offsets(100, 200));
      expect(exact.map(({ offset }) => offset)).to.deep.equal(us);
    });

    it('reads by filter values that rstream published, where all of its messages have one', async () => {
      const stream = await made('filters');
      for (const values of regions) {
        const messages = values.map((region) => ({ body: utf8('x'), applicationProperties: region ? { region } : {} }));
        await peer.publish(stream, messages, values.includes(undefined) ? {} : { filter: 'region' });
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
});
