import { expect } from 'chai';
import { ConnectionError, InvalidOptionError, ProtocolError } from '../../../lib/core/errors.js';
import { byKey } from '../../../lib/liftbridge/partitioners.js';
import { settled, SinkBench } from './sink-kit.js';

describe('Outbox of Liftbridge, when something is lost', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  afterEach(async () => {
    await bench.outbox.close();
    expect(bench.clock.running, 'timers that are left').to.equal(0);
  });

  describe('with the connection', () => {
    it('is uncertain of what was sent, sends what was not, and writes on', async () => {
      const sink = bench.sink();
      sink.offer('a', 'b');
      await settled();
      sink.offer('c');
      const old = bench.drop();
      sink.offer('d');
      await settled();
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN', 'b PUBLISH_UNCERTAIN']);
      expect(sink.errors[0]!.message).to.contain(old.calls[0]!.messages[0]!.correlationId).and.contain('resend: true');
      expect(sink.errors[0]!.cause).to.be.instanceOf(ConnectionError);
      bench.locate();
      await settled();
      expect(bench.call.values).to.deep.equal(['c', 'd']);
      bench.call.ackAll();
      await settled();
      expect(sink.told.slice(2)).to.deep.equal(['c ok', 'd ok']);
    });

    it('tells of an answer that cannot be read, which ends the call, and of nothing else', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      bench.call.end(14, 'UNAVAILABLE', 'gone', new ConnectionError('lost'));
      await bench.clock.pass(2_000);
      sink.offer('b');
      await settled();
      expect(bench.events).to.deep.equal([]);
      bench.call.end(13, 'INTERNAL', 'bad', new ProtocolError('a PublishResponse ends in the middle of a field'));
      await bench.clock.pass(2_000);
      expect(bench.events).to.have.length(1);
      expect(bench.events[0]).to.have.property('type', 'protocol');
      expect(bench.events[0]).to.have.nested.property('error.code', 'PROTOCOL');
      expect(bench.events[0])
        .to.have.nested.property('error.message')
        .that.matches(/^cannot publish at fake:9292: a PublishResponse ends in the middle of a field/);
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN', 'b PUBLISH_UNCERTAIN']);
    });

    it('sends all again in its order where that is allowed', async () => {
      const sink = bench.sink({ resend: true });
      const careful = bench.sink({}, 'careful');
      sink.offer('a', 'b');
      sink.give('c', { correlationId: 'mine' });
      careful.offer('x');
      await settled();
      bench.call.ack('b');
      sink.offer('d');
      const old = bench.drop();
      await settled();
      bench.locate();
      sink.offer('e');
      await settled();
      expect(careful.told).to.deep.equal(['x PUBLISH_UNCERTAIN']);
      expect(bench.call.values).to.deep.equal(['a', 'c', 'd', 'e']);
      bench.call.ackAll();
      await settled();
      expect(sink.told).to.deep.equal(['b ok', 'a ok', 'c ok', 'd ok', 'e ok']);
      const [a, c] = bench.call.messages;
      expect(a!.correlationId).not.to.equal(old.calls[0]!.messages[0]!.correlationId);
      expect(sink.receipts.slice(1, 3).map(({ id }) => id)).to.deep.equal([a!.correlationId, c!.correlationId]);
      expect(c!.correlationId).to.equal('mine');
    });

    it('sends what needs no ack and was not written', async () => {
      const sink = bench.sink({ ackPolicy: 'none' });
      sink.offer('a');
      await settled();
      sink.offer('b');
      bench.drop();
      await settled();
      bench.locate();
      await settled();
      expect(sink.told).to.deep.equal(['a ok', 'b ok']);
      expect(bench.call.values).to.deep.equal(['b']);
    });

    it('moves on to another channel when the old one has answered what it was sent', async () => {
      const sink = bench.sink({ resend: true });
      sink.offer('a');
      await settled();
      sink.offer('b');
      const old = bench.call;
      bench.channel.up = false;
      bench.locate();
      expect(old.halfClosed).to.equal(true);
      expect(old.values).to.deep.equal(['a', 'b']);
      sink.offer('c');
      await settled();
      old.ack('a');
      await settled();
      expect(bench.channel.calls).to.deep.equal([]);
      old.end(0, 'OK', '');
      await settled();
      expect(bench.call.values).to.deep.equal(['b', 'c']);
      bench.call.ackAll();
      await settled();
      expect(sink.told).to.deep.equal(['a ok', 'b ok', 'c ok']);
    });

    it('moves on to another channel where the old one does not end', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      const old = bench.call;
      bench.channel.up = false;
      bench.locate();
      sink.offer('b');
      await bench.clock.pass(5_000);
      expect(bench.call.values).to.deep.equal(['b']);
      bench.call.ackAll();
      await settled();
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN', 'b ok']);
      old.end(0, 'OK', '');
    });

    it('sends what was written on a call that the server has not looked at', async () => {
      const sink = bench.sink();
      sink.offer('a', 'b');
      await settled();
      sink.offer('c');
      bench.call.unseen = true;
      bench.drop();
      sink.offer('d');
      await settled();
      expect(sink.told).to.deep.equal([]);
      bench.locate();
      await settled();
      expect(bench.call.values).to.deep.equal(['a', 'b', 'c', 'd']);
    });

    it('fails what was not looked at where that would be so again', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      bench.call.unseen = true;
      const error = new InvalidOptionError('no such header', { broker: 'liftbridge' });
      bench.call.end(3, 'INVALID_ARGUMENT', 'no such header', error);
      await settled();
      expect(sink.told).to.deep.equal(['a INVALID_OPTION']);
    });

    it('fails nothing more when there is nothing more to be had', async () => {
      const sink = bench.sink();
      sink.offer('a');
      bench.drop();
      sink.publisher.stop(new ConnectionError('given up', { broker: 'liftbridge' }));
      await settled();
      expect(sink.told).to.deep.equal(['a CONNECTION']);
    });
  });

  describe('with the call alone', () => {
    it('opens another one a little later', async () => {
      const sink = bench.sink({ resend: true });
      sink.offer('a');
      await settled();
      bench.call.end(13, 'INTERNAL', 'oops');
      await settled();
      expect(bench.channel.calls).to.have.length(1);
      await bench.clock.pass(50);
      expect(bench.channel.calls).to.have.length(2);
      expect(bench.call.values).to.deep.equal(['a']);
      bench.call.ackAll();
      await settled();
      expect(sink.told).to.deep.equal(['a ok']);
    });

    it('waits longer and longer, until there is an answer', async () => {
      const sink = bench.sink({ resend: true });
      sink.offer('a');
      await settled();
      const waits: number[] = [];
      for (let n = 0; n < 9; n++) {
        if (n === 7) bench.call.answer({ ack: {}, correlationId: 'nobody' });
        const { length } = bench.channel.calls;
        const from = bench.clock.now();
        bench.call.end(13, 'INTERNAL', 'oops');
        while (bench.channel.calls.length === length) await bench.clock.pass(5);
        waits.push(bench.clock.now() - from);
      }
      // half of each wait is random
      expect(waits[0]).to.be.within(25, 50);
      expect(waits[3]).to.be.within(200, 400);
      expect(waits[6]).to.be.within(1_000, 2_000);
      expect(waits[8]).to.be.within(25, 105);
      bench.call.ackAll();
      await settled();
    });

    it('does not wait on another channel', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      bench.call.end(13, 'INTERNAL', 'oops');
      sink.offer('b');
      bench.locate();
      await settled();
      expect(bench.call.values).to.deep.equal(['b']);
    });

    it('is told as an end, also where it ended well', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      bench.call.end(0, 'OK', '');
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN']);
    });

    for (const [code, name] of [
      [12, 'UNIMPLEMENTED'],
      [16, 'UNAUTHENTICATED'],
      [7, 'PERMISSION_DENIED'],
    ] as const) {
      it(`fails what was sent and what waits when publishing is refused as ${name}`, async () => {
        const sink = bench.sink({ maxInFlight: 1, resend: true });
        sink.offer('a', 'b');
        await settled();
        bench.call.end(code, name, 'not you');
        const [error] = sink.errors;
        expect(sink.told).to.deep.equal([`a ${error!.code}`, `b ${error!.code}`]);
        expect(error!.code).to.be.oneOf(['UNSUPPORTED', 'AUTHENTICATION', 'AUTHORIZATION']);
        expect(error!.message).to.contain('not you').and.contain('fake:9292');
        // what comes later tries anew
        sink.offer('c');
        await bench.clock.pass(2_000);
        expect(bench.call.values).to.deep.equal(['c']);
      });
    }
  });

  describe('with an ack', () => {
    it('is uncertain when its time is over, and does not hear a later one', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      await bench.clock.pass(3_000);
      sink.offer('b');
      await settled();
      await bench.clock.pass(2_000);
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN']);
      expect(sink.errors[0]!.message).to.contain('5000 ms');
      expect(sink.errors[0]!.cause).to.have.property('code', 'TIMEOUT');
      bench.call.ack('a');
      await bench.clock.pass(2_999);
      expect(sink.told).to.have.length(1);
      await bench.clock.pass(1);
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN', 'b PUBLISH_UNCERTAIN']);
    });

    it('counts for each sink as its option says, with one timer', async () => {
      const slow = bench.sink({ ackTimeout: 60_000 });
      const never = bench.sink({ ackTimeout: Infinity }, 'never');
      const quick = bench.sink({ ackTimeout: 1_000 }, 'quick');
      never.offer('a');
      slow.offer('b');
      quick.offer('c', 'd');
      await settled();
      expect(bench.clock.running).to.equal(1);
      bench.call.ack('d');
      await bench.clock.pass(999);
      expect(quick.told).to.deep.equal(['d ok']);
      await bench.clock.pass(1);
      expect(quick.told).to.deep.equal(['d ok', 'c PUBLISH_UNCERTAIN']);
      expect(bench.clock.running).to.equal(1);
      await bench.clock.pass(59_000);
      expect(slow.told).to.deep.equal(['b PUBLISH_UNCERTAIN']);
      expect(bench.clock.running).to.equal(0);
      expect(never.told).to.deep.equal([]);
    });

    it('sends again where that is allowed, and takes only the later answer', async () => {
      const sink = bench.sink({ resend: true, ackTimeout: 1_000 });
      sink.offer('a');
      sink.give('b', { correlationId: 'mine' });
      await settled();
      await bench.clock.pass(1_000);
      expect(bench.call.values).to.deep.equal(['a', 'b', 'a', 'b']);
      const ids = bench.call.messages.map(({ correlationId }) => correlationId);
      bench.call.answer({ ack: { offset: 1 }, correlationId: ids[0] });
      await settled();
      expect(sink.told).to.deep.equal([]);
      bench.call.answer({ ack: { offset: 2 }, correlationId: ids[2] }, { ack: { offset: 3 }, correlationId: 'mine' });
      await settled();
      expect(sink.receipts.map(({ id }) => id)).to.deep.equal([ids[2], 'mine']);
    });
  });

  describe('with a stream that the broker does not know', () => {
    it('tries again for a second', async () => {
      const sink = bench.sink({ maxInFlight: 2 });
      sink.offer('a', 'b', 'c');
      await settled();
      bench.call.refuse('a', 'notFound');
      bench.call.refuse('b', 'notFound');
      sink.offer('d');
      await settled();
      expect(sink.told).to.deep.equal([]);
      await bench.clock.pass(25);
      expect(bench.call.values).to.deep.equal(['a', 'b', 'a', 'b']);
      bench.call.answer(
        ...bench.call.messages.slice(2).map(({ correlationId }, offset) => ({ ack: { offset }, correlationId })),
      );
      await settled();
      expect(sink.told).to.deep.equal(['a ok', 'b ok']);
      expect(bench.call.values.slice(4)).to.deep.equal(['c', 'd']);
    });

    it('sends nothing again before it knows what became of those behind', async () => {
      const sink = bench.sink();
      sink.offer('a', 'b', 'c');
      await settled();
      bench.call.refuse('a', 'notFound');
      bench.call.ack('c');
      sink.offer('d');
      await bench.clock.pass(60);
      expect(bench.call.values).to.deep.equal(['a', 'b', 'c']);
      bench.call.refuse('b', 'notFound');
      await bench.clock.pass(25);
      expect(bench.call.values.slice(3)).to.deep.equal(['a', 'b', 'd']);
    });

    it('believes it then, until nothing waits any more', async () => {
      const sink = bench.sink({ maxInFlight: 1 });
      const refusals = async (value: string): Promise<number> => {
        let attempts = 0;
        const { length } = sink.receipts;
        while (sink.receipts.length === length) {
          bench.call.refuse(value, 'notFound', 'no such stream: s');
          attempts++;
          await settled();
          if (sink.receipts.length === length) {
            const written = bench.call.messages.length;
            while (bench.call.messages.length === written) await bench.clock.pass(5);
          }
        }
        return attempts;
      };
      sink.offer('a', 'b', 'c');
      await settled();
      const from = bench.clock.now();
      expect(await refusals('a')).to.be.greaterThan(4);
      expect(bench.clock.now() - from).to.be.within(1_000, 1_010);
      expect(sink.told).to.deep.equal(['a STREAM_NOT_FOUND']);
      expect(sink.errors[0]!.message).to.contain('no such stream: s').and.contain("'s'");
      expect(await refusals('b')).to.equal(1);
      expect(await refusals('c')).to.be.greaterThan(4);
    });

    it('asks for the number of partitions again', async () => {
      const sink = bench.sink({ partition: byKey() });
      sink.give('a', { key: 'user-1' });
      sink.give('b', { key: 'bar' });
      await settled();
      expect(bench.call.messages.map(({ partition }) => partition)).to.deep.equal([0, 2]);
      bench.call.refuse('b', 'notFound', 'no such partition: 2');
      bench.call.ack('a');
      bench.session.partitions.set('s', 2);
      await bench.clock.pass(25);
      expect(bench.session.questions).to.deep.equal(['s', 's!']);
      expect(bench.call.messages.at(-1)).to.deep.include({ value: 'b', partition: 0 });
    });
  });

  describe('with the handle', () => {
    it('is uncertain of what was sent, and refuses what was not', async () => {
      const sink = bench.sink();
      const other = bench.sink({}, 'other');
      sink.offer('a');
      other.offer('x');
      await settled();
      bench.call.refuse('x', 'notFound');
      const late = bench.call.messages[0]!.correlationId;
      await bench.outbox.close();
      expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN']);
      expect(sink.errors[0]!.message).to.contain(late);
      expect(other.told).to.deep.equal(['x CLOSED']);
      expect(bench.call.cancelled).to.equal(true);
      sink.offer('b');
      await settled();
      expect(bench.call.values).to.deep.equal(['a', 'x']);
    });

    it('tells the answers that have come', async () => {
      const sink = bench.sink();
      sink.offer('a');
      await settled();
      bench.call.ack('a');
      await bench.outbox.close();
      expect(sink.told).to.deep.equal(['a ok']);
    });

    it('lets the server read what it does not answer, for a while', async () => {
      const sink = bench.sink({ ackPolicy: 'none' });
      sink.offer('a');
      const closing = bench.outbox.close(500);
      let closed = false;
      void closing.then(() => (closed = true));
      await settled();
      expect(sink.told).to.deep.equal(['a ok']);
      expect(bench.call.values).to.deep.equal(['a']);
      expect([bench.call.halfClosed, bench.call.cancelled, closed]).to.deep.equal([true, false, false]);
      bench.call.end(0, 'OK', '');
      await settled();
      expect(closed).to.equal(true);
    });

    it('does not wait for ever for that', async () => {
      const sink = bench.sink({ ackPolicy: 'none' });
      sink.offer('a');
      const closing = bench.outbox.close(500);
      await bench.clock.pass(500);
      await closing;
      expect(bench.call.cancelled).to.equal(true);
    });
  });
});
