import { expect } from 'chai';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { StreamExistsError } from '../../lib/core/errors.js';
import { fromOffset, latest } from '../../lib/core/starts.js';
import type { LiftbridgeBroker } from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { PythonLiftbridge } from '../support/peers/python-liftbridge.js';
import { offsetsOf, pythonDoes, read, textIn, textsOf } from './interop-kit.js';
import { Handles, named, newStream } from './support.js';

// Left out, for the client cannot do it: headers, acks, partitions other than 0 when reading. Its start_at_time() repeats a
// line for its log a billion times over and dies of that, so that times are given as what lies between them and now.
describe('Liftbridge: interoperation with python-liftbridge', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: LiftbridgeServer;
  let peer: PythonLiftbridge;
  let broker: LiftbridgeBroker;

  before(async () => {
    server = await startLiftbridge();
    peer = await PythonLiftbridge.start(server);
    broker = handles.make(server);
  });

  after(async () => {
    await Promise.allSettled([handles.close(), peer?.stop()]);
    await server?.stop();
  });

  it('reads what it published to a stream that it made: values, keys, offsets, the subject', async () => {
    const stream = unique('theirs');
    await peer.createStream(stream, { subject: `${stream}.subject` });
    await peer.publish(stream, [{ value: 'one', key: 'a' }, { value: 'zwölf 日本 🐇', key: 'größe' }, { value: '' }]);
    const got = await read(broker, stream, 3);
    expect(got.map(({ value, key }) => [textIn(value), key && textIn(key)])).to.deep.equal([
      ['one', 'a'],
      ['zwölf 日本 🐇', 'größe'],
      ['', undefined],
    ]);
    expect(offsetsOf(got)).to.deep.equal([0n, 1n, 2n]);
    for (const { subject, partition, headers, replyTo } of got) {
      expect({ subject, partition, replyTo }).to.deep.equal({
        subject: `${stream}.subject`,
        partition: 0,
        replyTo: undefined,
      });
      expect(headers.size).to.equal(0);
    }
  });

  it('publishes what it reads from the earliest, to a stream that either made; offsets and times are the same', async () => {
    const theirs = unique('theirs');
    await peer.createStream(theirs);
    for (const stream of [theirs, await newStream(broker)]) {
      await broker.publish(stream, 'größe', { codec: text, key: 'ключ', headers: { unseen: 'by it' } });
      await broker.publish(stream, new Uint8Array(0));
      await broker.publish(stream, Uint8Array.of(0, 255, 254), { key: Uint8Array.of(255, 0) });
      const got = await peer.subscribe(stream, { count: 3 }).messages;
      expect(got.map(({ key, value }) => [textIn(key), textIn(value)]).slice(0, 2)).to.deep.equal([
        ['ключ', 'größe'],
        ['', ''],
      ]);
      expect(got[2]).to.deep.include({
        key: Uint8Array.of(255, 0),
        value: Uint8Array.of(0, 255, 254),
        subject: stream,
      });
      const ours = await read(broker, stream, 3);
      expect(got.map(({ offset, timestamp }) => [offset, timestamp])).to.deep.equal(
        ours.map(({ offset, timestamp }) => [offset, timestamp]),
      );
    }
  });

  it('publishes a thousand in the order in which it reads them, and goes on from an offset as it does', async () => {
    const stream = await newStream(broker);
    const values = named('message', 1_000);
    await lastValueFrom(broker.publishFrom(stream, values, { codec: text, onError: 'throw' }));
    const [all, end, ours] = await Promise.all([
      peer.subscribe(stream, { count: 1_000 }).messages,
      peer.subscribe(stream, { count: 3, start: 997 }).messages,
      read(broker, stream, 3, { start: fromOffset(997) }),
    ]);
    expect(textsOf(all)).to.deep.equal(values);
    expect(offsetsOf(end)).to.deep.equal([997n, 998n, 999n]);
    expect(textsOf(end)).to.deep.equal(textsOf(ours));
  });

  it('is heard by it from its subscription on, and it by us from ours', async () => {
    const stream = await newStream(broker);
    await broker.publish(stream, 'before', { codec: text });
    const { ready, messages } = peer.subscribe(stream, { count: 1, start: 'new' });
    await ready;
    await broker.publish(stream, 'after', { codec: text });
    expect(textsOf(await messages)).to.deep.equal(['after']);
    const values = broker.values(stream, { start: latest(), codec: text });
    expect(await firstValueFrom(values)).to.equal('after');
  });

  it('is read by it from the latest, and from a time before and one to come', async () => {
    const stream = await newStream(broker);
    await broker.publish(stream, 'one', { codec: text });
    await broker.publish(stream, 'two', { codec: text });
    const hour = 3_600;
    const got = await pythonDoes(
      server,
      { do: 'read', stream, count: 1 },
      { do: 'read', stream, ago: hour, count: 2 },
      { do: 'read', stream, ago: -hour, then: ['three'], count: 1 },
    );
    expect(got).to.deep.equal([['two'], ['one', 'two'], ['three']]);
    expect(textsOf(await read(broker, stream, 3))).to.deep.equal(['one', 'two', 'three']);
  });

  it('reads what it published to a partition by number, and to a NATS subject', async () => {
    const subject = unique('subject');
    const stream = await newStream(broker, { partitions: 2, subject });
    await pythonDoes(
      server,
      { do: 'publish', stream, partition: 1, value: 'second partition', key: 'k' },
      { do: 'publish_to_subject', subject, value: 'by subject', key: 'k' },
      { do: 'publish_to_subject', subject: `${subject}.1`, value: 'by subject of the second', key: 'k' },
    );
    const [first] = await read(broker, stream, 1, { partition: 0 });
    expect(first).to.include({ partition: 0, subject });
    expect(textIn(first?.value)).to.equal('by subject');
    const second = await read(broker, stream, 2, { partition: 1 });
    expect(textsOf(second)).to.deep.equal(['second partition', 'by subject of the second']);
    for (const each of second) {
      expect(each).to.include({ partition: 1, subject: `${subject}.1` });
      expect(textIn(each.key)).to.equal('k');
    }
  });

  it('is told that a stream of that name is there, as it is by ours', async () => {
    const theirs = unique('theirs');
    await peer.createStream(theirs);
    const refused = await broker.createStream({ name: theirs }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(StreamExistsError);
    await broker.createStream({ name: theirs, ifNotExists: true });
    const failed = await peer.createStream(await newStream(broker)).catch((error: unknown) => error);
    expect(failed).to.have.property('message').that.includes('ErrStreamExists');
  });
});
