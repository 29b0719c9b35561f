import { expect } from 'chai';
import { ConnectionError, PublishError } from '../../lib/core/errors.js';
import { PublisherBench, turn } from './publisher-kit.js';

describe('Publisher', () => {
  describe('the window', () => {
    it('writes at most maxInFlight, and the next with each confirmation, in order', () => {
      const { port, publisher, ...bench } = build({ maxInFlight: 2, buffer: 10 });
      bench.offer(1, 2, 3, 4);
      expect(port.open).to.deep.equal([1, 2]);
      expect([publisher.pending, publisher.room]).to.deep.equal([4, false]);
      port.confirm(2);
      expect(port.open).to.deep.equal([1, 3]);
      port.confirm(1);
      port.confirm(3);
      expect(port.open).to.deep.equal([4]);
      expect([publisher.pending, publisher.room]).to.deep.equal([1, true]);
      port.confirm(4);
      expect(bench.told()).to.deep.equal(['2 ok', '1 ok', '3 ok', '4 ok']);
    });

    it('fills the room once where a port tells of several together', () => {
      const { port, publisher, ...bench } = build({ maxInFlight: 2, buffer: 10 });
      let rooms = 0;
      publisher.onRoom = () => rooms++;
      bench.offer(1, 2, 3);
      publisher.together(() => {
        port.confirm(1);
        // what comes inside of it, as from a receipt's listener, waits as well
        publisher.together(() => port.refuse(2, new PublishError('no')));
        bench.offer(4);
        expect(port.open).to.deep.equal([]);
        expect(bench.told()).to.deep.equal(['1 ok', '2 PUBLISH']);
        expect(rooms).to.equal(0);
      });
      expect([port.open, rooms]).to.deep.equal([[3, 4], 0]);
      publisher.together(() => port.confirm(3));
      expect([port.open, rooms]).to.deep.equal([[4], 1]);
    });

    it('goes on where something throws while a port tells of several', () => {
      const { port, publisher, ...bench } = build({ maxInFlight: 1, buffer: 10 });
      bench.offer(1, 2);
      const telling = (): void => {
        publisher.together(() => {
          port.confirm(1);
          throw new Error('a defect');
        });
      };
      expect(telling).to.throw('a defect');
      expect(port.open).to.deep.equal([2]);
    });

    it('tells each receipt once, whatever the port says after it', () => {
      const bench = new PublisherBench();
      bench.offer(1);
      const entry = bench.port.written[0]!;
      bench.port.confirm(1);
      bench.publisher.confirmed(entry);
      bench.publisher.refused(entry, new PublishError('no'));
      bench.publisher.lost([entry], 'lost', undefined);
      expect(bench.told).to.deep.equal(['1 ok']);
      expect(bench.publisher.pending).to.equal(0);
    });

    it('a receipt tells what the broker told', () => {
      const bench = new PublisherBench();
      bench.offer('a', 'b');
      bench.publisher.confirmed(bench.port.written[0]!, 7n, 3);
      bench.publisher.confirmed(bench.port.written[1]!, undefined, undefined, false);
      expect(bench.receipts).to.deep.equal([
        { ok: true, confirmed: true, value: 'a', channel: 'c', id: 'id-1', offset: 7n, notified: 3 },
        { ok: true, confirmed: false, value: 'b', channel: 'c', id: 'id-2' },
      ]);
    });

    it('asks for a connection, and waits until the port can write', () => {
      const bench = new PublisherBench({ maxInFlight: 5, buffer: 5 });
      bench.port.writable = false;
      bench.offer(1, 2);
      expect([bench.port.wakes, bench.port.open.length]).to.deep.equal([2, 0]);
      bench.port.writable = true;
      bench.publisher.pump();
      expect(bench.port.open).to.deep.equal([1, 2]);
    });

    it('what the port cannot write gets its receipt, and the next is written', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 5 });
      bench.port.unsendable.add(2);
      bench.offer(1, 2, 3);
      bench.port.confirm(1);
      expect(bench.port.open).to.deep.equal([3]);
      expect(bench.told).to.deep.equal(['1 ok', '2 PUBLISH']);
      expect(bench.receipts[1]).to.not.have.property('id');
    });

    it('values that are offered from within a receipt are taken in their turn', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 5 });
      const receipt = bench.receipt.bind(bench);
      bench.receipt = (told) => {
        receipt(told);
        if (Number(told.value) < 5) bench.offer(Number(told.value) + 10);
      };
      bench.offer(1, 2);
      bench.port.confirmAll();
      expect(bench.told).to.deep.equal(['1 ok', '2 ok', '11 ok', '12 ok']);
    });

    it('twenty thousand failures from within pump take no stack', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 20_000 });
      bench.offer(0);
      for (let n = 1; n <= 20_000; n++) {
        bench.port.unsendable.add(n);
        bench.offer(n);
      }
      bench.port.confirm(0);
      expect(bench.receipts).to.have.length(20_001);
      expect(bench.publisher.pending).to.equal(0);
    });
  });

  describe('the buffer', () => {
    it("'error': the value too many is not accepted", () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 2 });
      expect(bench.offer(1, 2, 3, 4)).to.deep.equal([true, true, true, false]);
      expect(bench.told).to.deep.equal(['4 OVERFLOW']);
      expect(bench.receipts[0]!.error!.message).to.include('1 messages are unconfirmed and 2 wait');
      bench.port.confirmAll();
      expect(bench.told).to.deep.equal(['4 OVERFLOW', '1 ok', '2 ok', '3 ok']);
    });

    it("'drop-newest' does the same", () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 1, overflow: 'drop-newest' });
      expect(bench.offer(1, 2, 3)).to.deep.equal([true, true, false]);
      expect(bench.told).to.deep.equal(['3 OVERFLOW']);
    });

    it("'drop-oldest' drops the oldest that waits", () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 2, overflow: 'drop-oldest' });
      expect(bench.offer(1, 2, 3, 4, 5)).to.deep.equal([true, true, true, true, true]);
      expect(bench.told).to.deep.equal(['2 OVERFLOW', '3 OVERFLOW']);
      bench.port.confirmAll();
      expect(bench.told.slice(2)).to.deep.equal(['1 ok', '4 ok', '5 ok']);
    });

    it("'drop-oldest' drops the value itself where none may wait", () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 0, overflow: 'drop-oldest' });
      expect(bench.offer(1, 2)).to.deep.equal([true, false]);
      expect(bench.told).to.deep.equal(['2 OVERFLOW']);
    });

    it('one window may wait for the connection beside the buffer', () => {
      const bench = new PublisherBench({ maxInFlight: 2, buffer: 1 });
      bench.port.writable = false;
      expect(bench.offer(1, 2, 3, 4)).to.deep.equal([true, true, true, false]);
    });

    it('those who wait for room themselves may exceed it', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 0 });
      bench.offer(1);
      expect(bench.publisher.offer(bench.entry(2), true)).to.equal(true);
    });
  });

  describe('when the link is lost', () => {
    const cause = new ConnectionError('dropped');

    it('what was written is uncertain, what was not waits', () => {
      const bench = new PublisherBench({ maxInFlight: 2, buffer: 5 });
      bench.offer(1, 2, 3);
      bench.port.writable = false;
      bench.publisher.lost([...bench.port.written], 'the link dropped', cause);
      expect(bench.told).to.deep.equal(['1 PUBLISH_UNCERTAIN', '2 PUBLISH_UNCERTAIN']);
      const [first] = bench.receipts;
      expect(first).to.include({ ok: false, id: 'id-1' });
      expect(first!.error!.message).to.include('id-1').and.include('the link dropped').and.include('resend');
      expect(first!.error!.cause).to.equal(cause);
      expect(bench.publisher.pending).to.equal(1);
      bench.port.writable = true;
      bench.publisher.pump();
      expect(bench.port.open).to.deep.equal([3]);
    });

    it('with resend it is written again, before what waits, in its order, under its id', () => {
      const bench = new PublisherBench({ maxInFlight: 2, buffer: 5, resend: true });
      bench.offer(1, 2, 3);
      const [one, two] = [...bench.port.written];
      bench.port.writable = false;
      bench.publisher.lost([one!, two!], 'the link dropped', cause);
      expect([bench.told.length, bench.publisher.pending]).to.deep.equal([0, 3]);
      expect(one!.id).to.equal('id-1');
      bench.port.writable = true;
      bench.publisher.pump();
      expect(bench.port.written.slice(2).map(({ value }) => value)).to.deep.equal([1, 2]);
      bench.port.written.splice(0, 2);
      bench.port.confirmAll();
      expect(bench.told).to.deep.equal(['1 ok', '2 ok', '3 ok']);
    });

    it('what certainly was not stored is written again without resend', () => {
      const bench = new PublisherBench();
      bench.offer(1);
      bench.publisher.lost([...bench.port.written], 'never stored', cause, true);
      expect(bench.told).to.deep.equal([]);
      expect(bench.port.written.map(({ value }) => value)).to.deep.equal([1, 1]);
    });

    it('with resend, a handle that closes tells that it is uncertain', () => {
      const bench = new PublisherBench({ resend: true });
      bench.offer(1);
      bench.publisher.stop(new ConnectionError('over'));
      bench.publisher.lost([...bench.port.written], 'the handle was closed', undefined);
      expect(bench.told).to.deep.equal(['1 PUBLISH_UNCERTAIN']);
    });

    it('failQueued fails what waits, and what comes later tries anew', () => {
      const bench = new PublisherBench({ maxInFlight: 5 });
      bench.port.writable = false;
      bench.offer(1, 2);
      bench.publisher.failQueued(cause);
      expect(bench.told).to.deep.equal(['1 CONNECTION', '2 CONNECTION']);
      bench.offer(3);
      bench.port.writable = true;
      bench.publisher.pump();
      bench.port.confirm(3);
      expect(bench.told.at(-1)).to.equal('3 ok');
    });

    it('failQueued leaves what is offered from within its receipts alone', () => {
      const bench = new PublisherBench({ maxInFlight: 5 });
      bench.port.writable = false;
      const receipt = bench.receipt.bind(bench);
      bench.receipt = (told) => {
        receipt(told);
        bench.offer(told.value);
      };
      bench.offer(1, 2);
      bench.publisher.failQueued(cause);
      expect(bench.told).to.deep.equal(['1 CONNECTION', '2 CONNECTION']);
      expect(bench.publisher.pending).to.equal(2);
    });
  });

  it('withdraw takes back what was not written', () => {
    const bench = new PublisherBench({ maxInFlight: 1, buffer: 5 });
    const [one, two, three] = [1, 2, 3].map((value) => bench.entry(value));
    for (const entry of [one!, two!, three!]) bench.publisher.offer(entry);
    expect([
      bench.publisher.withdraw(one!),
      bench.publisher.withdraw(two!),
      bench.publisher.withdraw(two!),
    ]).to.deep.equal([false, true, false]);
    bench.port.confirmAll();
    expect(bench.told).to.deep.equal(['1 ok', '3 ok']);
    expect(bench.publisher.pending).to.equal(0);
  });

  describe('stop', () => {
    it('fails what waits and what comes; what was written is awaited', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 5 });
      bench.offer(1, 2);
      const error = new ConnectionError('over');
      bench.publisher.stop(error);
      expect(bench.offer(3)).to.deep.equal([false]);
      bench.port.confirm(1);
      expect(bench.told).to.deep.equal(['2 CONNECTION', '3 CONNECTION', '1 ok']);
      expect(bench.publisher.failure).to.equal(error);
    });
  });

  describe('flush', () => {
    it('resolves at once when nothing is pending', async () => {
      await new PublisherBench().publisher.flush();
    });

    it('waits for what was accepted before it, not for what comes after', async () => {
      const bench = new PublisherBench({ maxInFlight: 10 });
      const done: string[] = [];
      bench.offer(1, 2);
      bench.publisher.whenFlushed(() => done.push('first'));
      bench.offer(3);
      bench.publisher.whenFlushed(() => done.push('second'));
      const third = bench.publisher.flush().then(() => done.push('third'));
      bench.offer(4);
      bench.port.confirm(3);
      bench.port.confirm(2);
      expect(done).to.deep.equal([]);
      bench.port.confirm(1);
      await third;
      expect(done).to.deep.equal(['first', 'second', 'third']);
      expect(bench.publisher.pending).to.equal(1);
    });

    it('counts failures, and what was taken back', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 5 });
      let flushed = 0;
      const entry = bench.entry(2);
      bench.offer(1);
      bench.publisher.offer(entry);
      bench.publisher.whenFlushed(() => flushed++);
      bench.port.refuse(1, new PublishError('no'));
      expect(flushed).to.equal(0);
      bench.port.confirm(2);
      expect(flushed).to.equal(1);
      bench.offer(3, 4);
      bench.publisher.whenFlushed(() => flushed++);
      bench.publisher.withdraw(bench.entry(5));
      bench.port.confirmAll();
      expect(flushed).to.equal(2);
    });
  });

  describe('its hooks', () => {
    it('onRoom is called for each way in which a place comes free', () => {
      const bench = new PublisherBench({ maxInFlight: 1, buffer: 5 });
      let rooms = 0;
      bench.publisher.onRoom = () => rooms++;
      const after = (act: () => void): number => {
        rooms = 0;
        act();
        return rooms;
      };
      bench.offer(1);
      expect(after(() => bench.port.confirm(1))).to.equal(1);
      bench.offer(2, 3);
      expect(after(() => bench.port.confirm(2))).to.equal(0);
      expect(after(() => bench.port.refuse(3, new PublishError('no')))).to.equal(1);
      bench.port.unsendable.add(4);
      expect(after(() => bench.offer(4))).to.equal(1);
      bench.port.writable = false;
      bench.offer(5);
      expect(after(() => bench.publisher.failQueued(new ConnectionError('no')))).to.equal(1);
      expect(after(() => bench.publisher.stop(new ConnectionError('over')))).to.equal(1);
    });

    it('onPending is called at most once a turn, with the count at its end', async () => {
      const bench = new PublisherBench({ maxInFlight: 10 });
      const counts: number[] = [];
      bench.publisher.onPending = (count) => counts.push(count);
      bench.offer(1, 2, 3);
      bench.port.confirm(2);
      expect(counts).to.deep.equal([]);
      await turn();
      expect(counts).to.deep.equal([2]);
      bench.port.confirmAll();
      await turn();
      expect(counts).to.deep.equal([2, 0]);
    });
  });
});

/** For specs that read better with the parts apart. */
function build(settings: ConstructorParameters<typeof PublisherBench>[0]) {
  const bench = new PublisherBench(settings);
  return {
    port: bench.port,
    publisher: bench.publisher,
    offer: bench.offer.bind(bench),
    told: () => bench.told,
  };
}
