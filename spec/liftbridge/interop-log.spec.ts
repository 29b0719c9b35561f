import { expect } from 'chai';
import { distinct, filter, lastValueFrom, take, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { activity, byKey, type ActivityEvent, type LiftbridgeBroker } from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { GufoLiftbridge } from '../support/peers/gufo-liftbridge.js';
import { until, within } from '../support/wait.js';
import { gufoDoes, offsetsOf, read, textIn, textsOf } from './interop-kit.js';
import { fill, Handles, named, newStream } from './support.js';

describe('Liftbridge: what the server makes of the log', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: LiftbridgeServer;
  let peer: GufoLiftbridge;
  let broker: LiftbridgeBroker;

  before(async () => {
    // one of its own, since the activity stream of a server that others use is long
    server = await startLiftbridge({ needs: 'control' });
    peer = await GufoLiftbridge.start(server.url);
    broker = handles.make(server);
  });

  after(async () => {
    await Promise.allSettled([handles.close(), peer?.stop()]);
    await server?.stop();
  });

  describe('cursors, by the convention of go-liftbridge', () => {
    it('hold the offset of the last message that a durable has acked, for each partition', async () => {
      const stream = await newStream(broker, { partitions: 3 });
      const id = unique('durable');
      expect(await broker.fetchCursor({ stream, id })).to.equal(undefined);
      // keys of partitions 2, 2 and 1 of three
      const keys = ['foo', 'bar', 'key', 'foo', 'user-1'];
      const message = (key: string) => ({ value: new Uint8Array(0), key });
      await lastValueFrom(broker.publishFrom(stream, keys, { partition: byKey(), message, onError: 'throw' }));
      await read(broker, stream, keys.length, { durable: id });
      const cursors = (): Promise<(bigint | undefined)[]> =>
        Promise.all([0, 1, 2].map((partition) => broker.fetchCursor({ stream, partition, id })));
      await until(async () => (await cursors())[2] === 3n, { message: 'the offset 3 of partition 2' });
      expect(await cursors()).to.deep.equal([undefined, 0n, 3n]);
    });

    it('are gone on from at the next offset, whoever has set them', async () => {
      const stream = await newStream(broker);
      const id = unique('durable');
      await fill(broker, stream, named('message', 10));
      await broker.setCursor({ stream, id, offset: 4 });
      expect(offsetsOf(await read(broker, stream, 2, { durable: id }))).to.deep.equal([5n, 6n]);
      await until(async () => (await broker.fetchCursor({ stream, id })) === 6n, { message: 'the offset 6' });
      expect(await gufoDoes(server, { do: 'get_cursor', stream, id })).to.deep.equal([6]);
    });

    it('hold the position of a consumer group under its name with __group: before it', async () => {
      const stream = await newStream(broker);
      const queue = unique('group');
      const id = `__group:${queue}`;
      await fill(broker, stream, named('message', 10));
      await broker.setCursor({ stream, id, offset: 4 });
      expect(offsetsOf(await read(broker, stream, 2, { queue }))).to.deep.equal([5n, 6n]);
      await until(async () => (await broker.fetchCursor({ stream, id })) === 6n, { message: 'the offset 6' });
    });

    it('are meant otherwise by gufo-liftbridge, which stores the offset that comes next: one is read twice, or skipped', async () => {
      const stream = await newStream(broker);
      const [ours, theirs] = [unique('durable'), unique('durable')];
      await fill(broker, stream, named('message', 10));
      await read(broker, stream, 4, { durable: ours });
      await until(async () => (await broker.fetchCursor({ stream, id: ours })) === 3n, { message: 'the offset 3' });
      const [again] = await gufoDoes(
        server,
        { do: 'read', stream, id: ours, count: 2 },
        { do: 'set_cursor', stream, id: theirs, offset: 3 },
      );
      expect(again).to.deep.equal([3, 4]);
      expect(await broker.fetchCursor({ stream, id: theirs })).to.equal(4n);
      expect(offsetsOf(await read(broker, stream, 1, { durable: theirs }))).to.deep.equal([5n]);
    });
  });

  it('keeps the last message of each key and all without one, at their offsets, when it compacts by key', async () => {
    const stream = await newStream(broker, { compact: true, segmentMaxBytes: 200, cleanerInterval: 300 });
    const keys = ['a', 'b', undefined, 'größe'];
    const written = Array.from({ length: 40 }, (_, i) => ({ key: keys[i % 4], value: `value ${i}` }));
    // an empty value is kept like any other, and deletes nothing
    await broker.publish(stream, '', { codec: text, key: 'emptied' });
    await lastValueFrom(
      broker.publishFrom(stream, written, { codec: text, message: (each) => each, onError: 'throw' }),
    );
    const stored = () =>
      lastValueFrom(broker.messages(stream, { start: earliest(), until: untilNow(), codec: text }).pipe(toArray()));
    // the segment that is written to is never compacted, but holds no more than the last of each
    const kept = written.flatMap(({ key, value }, i) =>
      key === undefined || i >= written.length - keys.length ? [{ offset: BigInt(i + 1), key, value }] : [],
    );
    let got = await stored();
    const compacted = async (): Promise<boolean> => {
      got = await stored();
      return got.length <= kept.length + 1;
    };
    await until(compacted, { every: 100, message: () => `the log to be compacted; it has ${offsetsOf(got).join()}` });
    expect(got.map(({ offset, key, value }) => ({ offset, key: key && textIn(key), value }))).to.deep.equal([
      { offset: 0n, key: 'emptied', value: '' },
      ...kept,
    ]);
    // the other client finds the same
    const seen = await peer.subscribe(stream, { count: got.length });
    expect(offsetsOf(seen)).to.deep.equal(offsetsOf(got));
    expect(textsOf(seen)).to.deep.equal(got.map(({ value }) => value));
  });

  it('tells of what is done to streams and groups in __activity, which activity() reads', async () => {
    const stream = unique('stream');
    const queue = unique('group');
    const events = broker.values('__activity', { start: earliest(), codec: activity() }).pipe(
      filter(
        (event) => ('stream' in event && event.stream === stream) || ('groupId' in event && event.groupId === queue),
      ),
      // one may be told more than once
      distinct(({ id }) => id),
    );
    const told = (count: number): Promise<ActivityEvent[]> =>
      within(lastValueFrom(events.pipe(take(count), toArray())), 10_000, `${count} events`);
    await peer.createStream(stream, { partitions: 2 });
    await broker.pauseStream(stream, { partitions: [1], resumeAll: true });
    await broker.publish(stream, 'x', { codec: text, partition: 1 });
    await broker.setStreamReadonly(stream, { partitions: [0] });
    await broker.setStreamReadonly(stream, { readonly: false });
    const member = broker.messages(stream, { queue }).subscribe();
    const [joined] = (await told(6)).slice(-1);
    member.unsubscribe();
    await told(7);
    await broker.deleteStream(stream);
    const all = await told(8);
    const consumerId = joined && 'consumerId' in joined ? joined.consumerId : '';
    expect(consumerId).to.not.equal('');
    const sorted = all.map(({ id: _, ...event }) =>
      'partitions' in event ? { ...event, partitions: [...event.partitions].sort() } : event,
    );
    expect(sorted).to.deep.equal([
      { op: 'create-stream', stream, partitions: [0, 1] },
      { op: 'pause-stream', stream, partitions: [1], resumeAll: true },
      { op: 'resume-stream', stream, partitions: [1] },
      { op: 'set-stream-readonly', stream, partitions: [0], readonly: true },
      { op: 'set-stream-readonly', stream, partitions: [0, 1], readonly: false },
      { op: 'join-consumer-group', groupId: queue, consumerId, streams: [stream] },
      { op: 'leave-consumer-group', groupId: queue, consumerId, expired: false },
      { op: 'delete-stream', stream },
    ]);
    const ids = all.map(({ id }) => id);
    expect(ids).to.deep.equal([...ids].sort((a, b) => Number(a - b)));
  });
});
