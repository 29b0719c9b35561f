import { connect as connectV3, type NatsConnection as ConnectionV3 } from '@nats-io/transport-node';
import { expect } from 'chai';
import { connect, headers as natsHeaders, type NatsConnection } from 'nats';
import { OffsetMismatchError, ProtocolError, PublishUncertainError } from '../../lib/core/errors.js';
import {
  envelope,
  natsPublisher,
  openEnvelope,
  type EnvelopedAck,
  type EnvelopedMessage,
  type LiftbridgeBroker,
  type NatsPublisher,
} from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { GufoLiftbridge } from '../support/peers/gufo-liftbridge.js';
import { PythonLiftbridge } from '../support/peers/python-liftbridge.js';
import { within } from '../support/wait.js';
import { hex, offsetsOf, read, textIn, textsOf, utf8 } from './interop-kit.js';
import { Handles, named, newStream } from './support.js';

/** What a NATS client gets on a subject, as many as asked for. */
async function heard(nats: NatsConnection, subject: string, count: number): Promise<() => Promise<Uint8Array[]>> {
  const subscription = nats.subscribe(subject, { max: count });
  const all = (async () => {
    const got: Uint8Array[] = [];
    for await (const { data } of subscription) got.push(data);
    return got;
  })();
  await nats.flush();
  return () => within(all, 10_000, `${count} messages on ${subject}`);
}

describe('Liftbridge: interoperation through NATS', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: LiftbridgeServer;
  let gufo: GufoLiftbridge;
  let python: PythonLiftbridge;
  let nats: NatsConnection;
  let natsV3: ConnectionV3;
  let broker: LiftbridgeBroker;
  let publisher: NatsPublisher;

  before(async () => {
    // an address that was given to the specs may have come without that of its NATS server
    server = await startLiftbridge({ needs: 'control' });
    [gufo, python, nats, natsV3] = await Promise.all([
      GufoLiftbridge.start(server.url),
      PythonLiftbridge.start(server),
      connect({ servers: server.natsUrl! }),
      connectV3({ servers: server.natsUrl! }),
    ]);
    broker = handles.make(server);
    publisher = natsPublisher(nats);
  });

  after(async () => {
    await publisher?.close();
    await Promise.allSettled([handles.close(), gufo?.stop(), python?.stop(), nats?.close(), natsV3?.close()]);
    await server?.stop();
  });

  describe('plain messages', () => {
    it('are read by us and by both peers alike: bytes, subject, time, and no key', async () => {
      const subject = unique('subject');
      const stream = await newStream(broker, { subject });
      // the last three begin as an envelope does: of a version that there is not, cut off, with a CRC that is wrong
      const bodies = [
        utf8('größe'),
        new Uint8Array(0),
        Uint8Array.of(0, 255, 254),
        Buffer.from('b90e43b4010800001a026869', 'hex'),
        Buffer.from('b90e43', 'hex'),
        Buffer.from('b90e43b4000c0100000000011a026869', 'hex'),
      ];
      for (const body of bodies) nats.publish(subject, body);
      const [ours, gufos, pythons] = await Promise.all([
        read(broker, stream, bodies.length),
        gufo.subscribe(stream, { count: bodies.length }),
        python.subscribe(stream, { count: bodies.length }).messages,
      ]);
      for (const got of [ours, gufos, pythons]) {
        expect(got.map(({ value }) => hex(value))).to.deep.equal(bodies.map(hex));
        expect(got.every((each) => each.subject === subject)).to.equal(true);
        expect(got.every(({ key }) => key === undefined || key.length === 0)).to.equal(true);
        expect(got.map(({ offset, timestamp }) => [offset, timestamp])).to.deep.equal(
          ours.map(({ offset, timestamp }) => [offset, timestamp]),
        );
      }
      expect(ours.every(({ replyTo, headers }) => replyTo === undefined && headers.size === 0)).to.equal(true);
    });

    it('have their reply subject in replyTo, where an answer finds its way, and lose their NATS headers', async () => {
      const stream = await newStream(broker);
      const headers = natsHeaders();
      headers.set('lost', 'on the way');
      const answer = nats.request(stream, utf8('question'), { timeout: 10_000, headers });
      const [got] = await read(broker, stream, 1);
      expect(textIn(got!.value)).to.equal('question');
      expect(got!.replyTo).to.match(/^_INBOX\./);
      expect(got!.headers.size).to.equal(0);
      nats.publish(got!.replyTo!, utf8('answer'));
      expect(textIn((await answer).data)).to.equal('answer');
      // gufo-liftbridge has it among the headers
      const [seen] = await gufo.subscribe(stream, { count: 1 });
      expect(textIn(seen!.headers['reply'])).to.equal(got!.replyTo);
    });

    it('tell by which subject they came to a stream with a wildcard, and find each stream on a subject', async () => {
      const subject = unique('subject');
      const stream = await newStream(broker, { subject: `${subject}.*` });
      const other = await newStream(broker, { subject: `${subject}.b` });
      for (const token of ['a', 'b', 'c']) nats.publish(`${subject}.${token}`, utf8(token));
      const got = await read(broker, stream, 3);
      expect(got.map((each) => [each.subject, textIn(each.value)])).to.deep.equal(
        ['a', 'b', 'c'].map((token) => [`${subject}.${token}`, token]),
      );
      expect(textsOf(await read(broker, other, 1))).to.deep.equal(['b']);
    });
  });

  describe('envelopes', () => {
    for (const [name, connection] of [
      ["the client 'nats', version 2", () => nats],
      ["'@nats-io/transport-node', version 3", () => natsV3],
    ] as const) {
      it(`with a CRC-32C, published by ${name}, are acknowledged, and read by us and by both peers`, async () => {
        const subject = unique('subject');
        const stream = await newStream(broker, { subject });
        const own = natsPublisher(connection());
        const headers = { Größe: '日本 🐇', binary: Uint8Array.of(0, 255) };
        const acks = [
          await own.publish(subject, utf8('größe'), { key: 'ключ', headers, correlationId: 'mine', ackPolicy: 'all' }),
          await own.publish(subject, new Uint8Array(0)),
        ];
        expect(await own.publish(subject, Uint8Array.of(0, 254), { ackPolicy: 'none' })).to.equal(undefined);
        await own.close();
        expect(acks[0]).to.deep.include({
          stream,
          subject,
          partitionSubject: subject,
          correlationId: 'mine',
          ackPolicy: 'all',
        });
        expect(acks.map((ack) => ack?.offset)).to.deep.equal([0n, 1n]);
        const [ours, gufos, pythons] = await Promise.all([
          read(broker, stream, 3),
          gufo.subscribe(stream, { count: 3 }),
          python.subscribe(stream, { count: 3 }).messages,
        ]);
        for (const got of [ours, gufos, pythons]) {
          expect(got.map(({ value }) => hex(value))).to.deep.equal([hex(utf8('größe')), '', '00fe']);
          expect(got.map(({ key }) => textIn(key))).to.deep.equal(['ключ', '', '']);
        }
        const wanted = { Größe: utf8('日本 🐇'), binary: Uint8Array.of(0, 255) };
        expect(Object.fromEntries(ours[0]!.headers)).to.deep.equal(wanted);
        expect(gufos[0]!.headers).to.deep.include(wanted);
        // of a stream whose partition has one copy, both moments are told, in nanoseconds
        expect(acks[0]!.receptionTimestamp).to.equal(ours[0]!.timestamp);
        expect(acks[0]!.commitTimestamp! >= acks[0]!.receptionTimestamp!).to.equal(true);
      });
    }

    it('go to a partition by its subject, with and without a CRC', async () => {
      const subject = unique('subject');
      const stream = await newStream(broker, { subject, partitions: 3 });
      const ack = await publisher.publish(`${subject}.2`, utf8('one'), { key: 'k' });
      // what the protocol calls the subject of the partition is that of the stream, in Liftbridge 1.9
      expect(ack).to.include({ stream, subject: `${subject}.2`, partitionSubject: subject, offset: 0n });
      nats.publish(`${subject}.2`, envelope(utf8('two'), { key: 'k', crc: false }));
      const seen = await gufo.subscribe(stream, { count: 2, partition: 2 });
      expect(seen.map(({ partition, key, value }) => [partition, textIn(key), textIn(value)])).to.deep.equal([
        [2, 'k', 'one'],
        [2, 'k', 'two'],
      ]);
      expect(textsOf(await read(broker, stream, 2, { partition: 2 }))).to.deep.equal(['one', 'two']);
    });

    it('are acknowledged a thousand at once, each as its own, in the order of the log', async () => {
      const stream = await newStream(broker);
      const values = named('message', 1_000);
      const acks = await Promise.all(values.map((value) => publisher.publish(stream, utf8(value))));
      expect(acks.map((ack) => ack?.offset)).to.deep.equal(values.map((_, i) => BigInt(i)));
      expect(textsOf(await read(broker, stream, 1_000))).to.deep.equal(values);
    });

    it('bring one ack from each stream on the subject, which openEnvelope reads', async () => {
      const subject = unique('subject');
      const streams = [await newStream(broker, { subject }), await newStream(broker, { subject })];
      const ackInbox = unique('acks');
      const acks = await heard(nats, ackInbox, 2);
      nats.publish(subject, envelope(utf8('x'), { ackInbox, correlationId: 'ü' }));
      const opened = (await acks()).map((bytes) => openEnvelope(bytes) as EnvelopedAck);
      expect(opened.map(({ stream }) => stream).sort()).to.deep.equal([...streams].sort());
      for (const ack of opened) {
        expect(ack).to.deep.include({ kind: 'ack', offset: 0n, correlationId: 'ü', subject, error: undefined });
      }
    });

    it('say what offset they expect, and are refused where they get another; a plain message expects 0', async () => {
      const stream = await newStream(broker, { optimisticConcurrencyControl: true });
      expect(await publisher.publish(stream, utf8('one'), { expectedOffset: 0 })).to.include({ offset: 0n });
      const refused = await publisher
        .publish(stream, utf8('x'), { expectedOffset: 0 })
        .catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(OffsetMismatchError);
      nats.publish(stream, utf8('plain, and dropped without a word'));
      expect(await publisher.publish(stream, utf8('two'))).to.include({ offset: 1n });
      expect(textsOf(await read(broker, stream, 2))).to.deep.equal(['one', 'two']);
    });

    it('that no stream listens for are uncertain when their time is over', async () => {
      const own = natsPublisher(nats, { ackTimeout: 50 });
      const uncertain = await own.publish(unique('nobody'), utf8('x')).catch((error: unknown) => error);
      expect(uncertain).to.be.instanceOf(PublishUncertainError);
      await own.close();
    });
  });

  it('hears on NATS what we and both peers publish over gRPC, in envelopes', async () => {
    const stream = await newStream(broker);
    const got = await heard(nats, stream, 3);
    await broker.publish(stream, utf8('ours'), { key: 'größe', headers: { h: 'ü' }, ackPolicy: 'all' });
    await gufo.publishBulk(stream, [{ value: utf8('gufo'), key: Uint8Array.of(255), headers: { h: utf8('x') } }]);
    await python.publish(stream, [{ value: 'python', key: 'k' }]);
    const [ours, gufos, pythons] = (await got()).map((bytes) => openEnvelope(bytes) as EnvelopedMessage);
    expect(ours).to.deep.include({ kind: 'message', value: utf8('ours'), key: utf8('größe'), ackPolicy: 'all' });
    expect(ours!.expectedOffset).to.equal(undefined);
    expect([...ours!.headers]).to.deep.equal([['h', utf8('ü')]]);
    expect(ours!.ackInbox).to.be.a('string');
    expect(gufos).to.deep.include({ value: utf8('gufo'), key: Uint8Array.of(255), ackPolicy: 'leader' });
    expect(pythons).to.deep.include({ value: utf8('python'), key: utf8('k') });
    // neither peer says that it does not mind, and so expects the first offset
    expect([gufos!.expectedOffset, pythons!.expectedOffset]).to.deep.equal([0n, 0n]);
    expect(offsetsOf(await read(broker, stream, 3))).to.deep.equal([0n, 1n, 2n]);
  });

  it('publishes to a subject over gRPC, with key and headers, what both peers read and a NATS client hears', async () => {
    const subject = unique('subject');
    const stream = await newStream(broker, { subject: `${subject}.>` });
    const got = await heard(nats, `${subject}.a.b`, 1);
    const receipt = await broker.publishToSubject(`${subject}.a.b`, utf8('größe'), { key: 'k', headers: { h: 'ü' } });
    expect(receipt).to.include({ stream, subject: `${subject}.a.b`, offset: 0n });
    expect(openEnvelope((await got())[0]!)).to.deep.include({ kind: 'message', value: utf8('größe'), key: utf8('k') });
    const [[seen], [other]] = await Promise.all([
      gufo.subscribe(stream, { count: 1 }),
      python.subscribe(stream, { count: 1 }).messages,
    ]);
    for (const each of [seen!, other!]) {
      expect(each).to.deep.include({ subject: `${subject}.a.b`, key: utf8('k'), value: utf8('größe') });
    }
    expect(textIn(seen!.headers['h'])).to.equal('ü');
  });

  it('finds a broken envelope where the server takes it for a plain message', async () => {
    const stream = await newStream(broker);
    const broken = envelope(utf8('größe'), { key: 'k' });
    broken[broken.length - 1]! ^= 1;
    expect(() => openEnvelope(broken)).to.throw(ProtocolError);
    nats.publish(stream, broken);
    const [got] = await read(broker, stream, 1);
    expect(got!.key).to.equal(undefined);
    expect(hex(got!.value)).to.equal(hex(broken));
    const [seen] = await gufo.subscribe(stream, { count: 1 });
    expect(hex(seen!.value)).to.equal(hex(broken));
  });
});
