import { expect } from 'chai';
import {
  FrameTooLargeError,
  InvalidOptionError,
  OffsetMismatchError,
  PublishError,
  RoutingError,
  StreamUnavailableError,
} from '../../../lib/core/errors.js';
import { byKey, roundRobin } from '../../../lib/liftbridge/partitioners.js';
import { settled, SinkBench } from './sink-kit.js';

describe('Outbox of Liftbridge', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  it('does nothing until the first message, and asks for a connection where there is none', async () => {
    bench.session.main = undefined;
    const sink = bench.sink();
    await settled();
    expect(bench.wakes).to.equal(0);
    sink.offer('a');
    expect(bench.wakes).to.equal(1);
    bench.locate();
    await settled();
    expect(bench.channel.calls).to.have.length(1);
    expect(bench.call.values).to.deep.equal(['a']);
  });

  it('writes what one turn brings at once, for all channels in their order', async () => {
    const [sink, other] = [bench.sink(), bench.sink({}, 'other')];
    sink.offer('a', 'b');
    await Promise.resolve();
    other.offer('c');
    sink.offer('d');
    expect(bench.call.writes).to.deep.equal([]);
    await settled();
    expect(bench.call.writes).to.have.length(1);
    expect(bench.call.messages.map(({ stream, value }) => `${stream} ${value}`)).to.deep.equal([
      's a',
      's b',
      'other c',
      's d',
    ]);
    expect(bench.channel.calls).to.have.length(1);
  });

  it('asks for no offset, the first partition and the ack of the leader', async () => {
    bench.sink().offer('a');
    await settled();
    const [message] = bench.call.messages;
    expect(message).to.deep.include({ stream: 's', partition: 0, ackPolicy: 0, expectedOffset: -1n, key: '' });
    expect(message!.correlationId).to.match(/^[A-Za-z0-9]{6}-0{10}1$/);
  });

  it('confirms in the order of the answers, with offset and id, and each once', async () => {
    const sink = bench.sink();
    sink.offer('a', 'b', 'c');
    await settled();
    bench.call.ack('c', 'a');
    bench.call.ack('a', 'c', 'b');
    await settled();
    expect(sink.told).to.deep.equal(['c ok', 'a ok', 'b ok']);
    const ids = bench.call.messages.map(({ correlationId }) => correlationId);
    expect(sink.receipts[0]).to.deep.equal({
      ok: true,
      confirmed: true,
      value: 'c',
      channel: 's',
      id: ids[2],
      offset: 2n,
    });
    expect(sink.receipts.map(({ id }) => id)).to.deep.equal([ids[2], ids[0], ids[1]]);
    expect(sink.publisher.pending).to.equal(0);
  });

  it('drops answers that nobody waits for, and those that say nothing', async () => {
    const sink = bench.sink();
    sink.offer('a');
    await settled();
    const { correlationId } = bench.call.messages[0]!;
    bench.call.answer(
      { ack: { offset: 7 }, correlationId: 'nobody' },
      { asyncError: { code: 7, message: 'no' }, correlationId: 'nobody' },
      { ack: { offset: 7 }, correlationId: correlationId.replace(/1$/, '2') },
      { ack: { offset: 7 }, correlationId: '' },
      { correlationId },
    );
    await settled();
    expect(sink.told).to.deep.equal([]);
    expect(bench.events).to.deep.equal([]);
    bench.call.ack('a');
    await settled();
    expect(sink.told).to.deep.equal(['a ok']);
  });

  it('keeps offsets exact that are no safe integers', async () => {
    const sink = bench.sink();
    sink.offer('a');
    await settled();
    const { correlationId } = bench.call.messages[0]!;
    bench.call.answer({ ack: { offset: 2n ** 63n - 1n }, correlationId });
    await settled();
    expect(sink.receipts[0]).to.deep.include({ offset: 2n ** 63n - 1n });
  });

  it('fills the room that comes free in one write', async () => {
    const sink = bench.sink({ maxInFlight: 3 });
    sink.offer('a', 'b', 'c', 'd', 'e', 'f', 'g');
    await settled();
    expect(bench.call.writes.map((write) => write.length)).to.deep.equal([3]);
    bench.call.ack('a');
    bench.call.ack('b', 'c');
    await settled();
    expect(bench.call.writes.map((write) => write.length)).to.deep.equal([3, 3]);
  });

  it('waits while the call takes no more', async () => {
    bench.channel.full = true;
    const [sink, other] = [bench.sink(), bench.sink({}, 'other')];
    sink.offer('a');
    await settled();
    sink.offer('b');
    other.offer('c');
    await settled();
    expect(bench.call.values).to.deep.equal(['a']);
    bench.call.drain();
    await settled();
    expect(bench.call.values).to.deep.equal(['a', 'b', 'c']);
  });

  it('writes within a turn when there is enough, and holds back then', async () => {
    bench.channel.full = true;
    const sink = bench.sink();
    for (let n = 0; n < 10; n++) sink.give(String(n), undefined, Buffer.alloc(20_000));
    expect(bench.call.writes.map((write) => write.length)).to.deep.equal([3, 1]);
    await settled();
    expect(bench.call.messages).to.have.length(4);
  });

  it('sends keys, headers, correlation ids and expected offsets', async () => {
    const sink = bench.sink();
    const bytes = Buffer.from([0, 255]);
    sink.give('a', { key: 'schlüssel', headers: { h: 'ö', i: bytes }, correlationId: 'mine', expectedOffset: 5n });
    sink.give('b', { key: Buffer.from('k'), headers: new Map([['x', 'y']]), id: 'other', expectedOffset: 0 });
    sink.give('c', { partition: 2, ackPolicy: 'all', expectedOffset: -1 });
    await settled();
    const [a, b, c] = bench.call.messages;
    expect(a).to.deep.include({ key: 'schlüssel', correlationId: 'mine', expectedOffset: 5n });
    expect(a!.headers).to.deep.equal({ h: 'ö', i: bytes.toString() });
    expect(b).to.deep.include({ key: 'k', headers: { x: 'y' }, correlationId: 'other', expectedOffset: 0n });
    expect(c).to.deep.include({ partition: 2, ackPolicy: 1, expectedOffset: -1n });
    bench.call.ackAll();
    await settled();
    expect(sink.receipts.map(({ id }) => id)).to.deep.equal(['mine', 'other', c!.correlationId]);
  });

  it('refuses a correlation id that another message waits under, and takes it when that is done', async () => {
    const sink = bench.sink();
    sink.give('a', { correlationId: 'mine' });
    sink.give('b', { correlationId: 'mine' });
    sink.give('c');
    await settled();
    expect(sink.told).to.deep.equal(['b INVALID_OPTION']);
    const ours = bench.call.messages[1]!.correlationId;
    const next = ours.replace(/2$/, '3');
    for (const id of [ours, next]) sink.give(id, { correlationId: id });
    expect(sink.told.slice(1)).to.deep.equal([`${ours} INVALID_OPTION`, `${next} INVALID_OPTION`]);
    bench.call.ack('a', 'c');
    await settled();
    sink.give('d', { correlationId: 'mine' });
    // of a receipt, as who sends a message once more does
    sink.give('e', { correlationId: ours });
    sink.give('f');
    await settled();
    bench.call.ack('f', 'd', 'e');
    await settled();
    expect(sink.told.slice(3)).to.deep.equal(['a ok', 'c ok', 'f ok', 'd ok', 'e ok']);
    expect(sink.receipts.at(-1)!.id).to.equal(ours);
  });

  it('tells refusals by their code, before the ack that comes with them', async () => {
    const sink = bench.sink();
    const codes = {
      readonly: StreamUnavailableError,
      incorrectOffset: OffsetMismatchError,
      encryptionFailed: PublishError,
      internal: PublishError,
      unknown: PublishError,
      badRequest: InvalidOptionError,
    } as const;
    sink.offer(...Object.keys(codes), 'permissionDenied', 'large');
    await settled();
    for (const code of Object.keys(codes)) bench.call.refuse(code, code as keyof typeof codes, `because of ${code}`);
    bench.call.refuse('permissionDenied', 'permissionDenied');
    bench.call.refuse('large', 'badRequest', 'message exceeds max replication size');
    // it is stored all the same, and says so
    bench.call.ack('permissionDenied');
    await settled();
    expect(sink.told).to.deep.equal([
      'readonly STREAM_UNAVAILABLE',
      'incorrectOffset OFFSET_MISMATCH',
      'encryptionFailed PUBLISH',
      'internal PUBLISH',
      'unknown PUBLISH',
      'badRequest INVALID_OPTION',
      'permissionDenied AUTHORIZATION',
      'large FRAME_TOO_LARGE',
    ]);
    expect(sink.errors[1]!.message).to.contain("'s'").and.contain('because of incorrectOffset');
    expect(sink.errors[1]!.detail).to.deep.include({ name: 'INCORRECT_OFFSET' });
    expect(sink.errors[3]!.retriable).to.equal(true);
    expect(sink.publisher.pending).to.equal(0);
  });

  it('believes an ack that says that the message is not stored', async () => {
    const sink = bench.sink();
    sink.offer('a', 'b', 'c', 'd');
    await settled();
    const ids = bench.call.messages.map(({ correlationId }) => correlationId);
    bench.call.answer(...ids.map((correlationId, at) => ({ ack: { ackError: at + 1 }, correlationId })));
    await settled();
    expect(sink.told).to.deep.equal(['a PUBLISH', 'b OFFSET_MISMATCH', 'c FRAME_TOO_LARGE', 'd PUBLISH']);
  });

  it('refuses what the server would end the call for, and nothing that it would not', async () => {
    const sink = bench.sink();
    // 5 before the value, 3 for the stream, 20 for the correlation id, 11 for the expected offset
    const most = 4 * 1024 * 1024 - 39;
    sink.give('fits', undefined, new Uint8Array(most));
    sink.give('too large', undefined, new Uint8Array(most + 1));
    sink.give('too large with a key', { key: 'k' }, new Uint8Array(most));
    await settled();
    expect(bench.call.messages).to.have.length(1);
    expect(sink.told).to.deep.equal(['too large FRAME_TOO_LARGE', 'too large with a key FRAME_TOO_LARGE']);
    expect(sink.errors[0]).to.be.instanceOf(FrameTooLargeError);
    expect(sink.errors[0]!.message).to.contain('4194304');
    expect(bench.call.open).to.equal(true);
  });

  describe('without acks', () => {
    it('is done when it was written', async () => {
      const sink = bench.sink({ ackPolicy: 'none', maxInFlight: 2 });
      sink.offer('a', 'b', 'c');
      expect(sink.told).to.deep.equal([]);
      await settled();
      expect(sink.told).to.deep.equal(['a ok', 'b ok', 'c ok']);
      const ids = bench.call.messages.map(({ correlationId }) => correlationId);
      expect(sink.receipts.map(({ id }) => id)).to.deep.equal(ids);
      expect(sink.receipts[0]).to.deep.include({ ok: true, confirmed: false });
      expect(sink.receipts[0]).not.to.have.property('offset');
      expect(bench.call.messages[0]!.ackPolicy).to.equal(2);
    });

    it('tells a later refusal as an event', async () => {
      const sink = bench.sink({ ackPolicy: 'none' });
      sink.offer('a');
      bench.sink({ ackPolicy: 'none' }, 'other').offer('b');
      await settled();
      bench.call.refuse('b', 'notFound', 'no such stream: other');
      expect(bench.events).to.have.length(1);
      const [event] = bench.events;
      expect(event).to.deep.include({ type: 'protocol', channel: 'other' });
      expect(event).to.have.nested.property('error.code', 'STREAM_NOT_FOUND');
    });

    it('refuses an expected offset', async () => {
      const sink = bench.sink({ ackPolicy: 'none' });
      sink.give('a', { expectedOffset: 1 });
      sink.give('b', { expectedOffset: 1, ackPolicy: 'all' });
      await settled();
      expect(sink.told).to.deep.equal(['a INVALID_OPTION']);
      expect(bench.call.values).to.deep.equal(['b']);
    });

    it('does not count as sent while the call takes nothing', async () => {
      bench.channel.full = true;
      const sink = bench.sink({ ackPolicy: 'none' });
      sink.offer('a');
      await settled();
      sink.offer('b');
      await settled();
      expect(sink.told).to.deep.equal(['a ok']);
      bench.call.drain();
      await settled();
      expect(sink.told).to.deep.equal(['a ok', 'b ok']);
    });
  });

  describe('with a partitioner', () => {
    it('asks once for the number of partitions, and not where none has to be chosen', async () => {
      bench.sink({ partition: 3 }).offer('a');
      const sink = bench.sink({ partition: byKey() });
      for (const key of ['user-1', 'key', 'foo', undefined]) sink.give(key ?? '-', { key });
      await settled();
      expect(bench.session.questions).to.deep.equal(['s']);
      sink.give('bar', { key: Buffer.from('bar') });
      await settled();
      expect(bench.session.questions).to.deep.equal(['s']);
      expect(bench.call.messages.map(({ value, partition }) => `${value} ${partition}`)).to.deep.equal([
        'a 3',
        'user-1 0',
        'key 1',
        'foo 1',
        '- 0',
        'bar 2',
      ]);
    });

    it('takes turns', async () => {
      const sink = bench.sink({ partition: roundRobin() });
      sink.offer('a', 'b', 'c', 'd', 'e');
      sink.give('f', { partition: 3 });
      await settled();
      expect(bench.call.messages.map(({ partition }) => partition)).to.deep.equal([0, 1, 2, 3, 0, 3]);
    });

    it('asks a function of the user, which may be wrong', async () => {
      const seen: unknown[] = [];
      const answers: unknown[] = [2, 4, -1, 'x', new Error('no idea')];
      const sink = bench.sink({
        partition: (message, count) => {
          seen.push({ ...message, count });
          const answer = answers.shift();
          if (answer instanceof Error) throw answer;
          return answer as number;
        },
      });
      sink.give('a', { key: 'k' });
      sink.offer('b', 'c', 'd', 'e');
      sink.give('f', { partition: 4 });
      await settled();
      expect(seen[0]).to.deep.equal({ value: 'a', bytes: Buffer.from('a'), key: Buffer.from('k'), count: 4 });
      expect(bench.call.messages.map(({ partition }) => partition)).to.deep.equal([2]);
      expect(sink.told).to.deep.equal(['b ROUTING', 'c ROUTING', 'd ROUTING', 'e PUBLISH', 'f ROUTING']);
      expect(sink.errors[0]).to.be.instanceOf(RoutingError);
      expect(sink.errors[0]!.message).to.contain('no partition 4').and.contain('0 to 3');
      expect(sink.errors[3]!.message).to.contain('no idea');
    });

    it('waits for the number, and fails what waits where there is no such stream', async () => {
      bench.session.main = undefined;
      const sink = bench.sink({ partition: byKey() });
      const missing = bench.sink({ partition: byKey() }, 'missing');
      sink.offer('a');
      missing.offer('b');
      await settled();
      bench.locate();
      await settled();
      expect(bench.channel.calls).to.deep.equal([]);
      await bench.session.again();
      expect(bench.call.values).to.deep.equal(['a']);
      expect(missing.told).to.deep.equal(['b STREAM_NOT_FOUND']);
      bench.session.partitions.set('missing', 1);
      missing.offer('c');
      await settled();
      expect(bench.call.values).to.deep.equal(['a', 'c']);
    });
  });
});
