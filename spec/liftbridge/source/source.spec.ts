import { expect } from 'chai';
import { StreamUnavailableError } from '../../../lib/core/errors.js';
import { earliest, newOnly } from '../../../lib/core/starts.js';
import type { LiftbridgeSourceOptions } from '../../../lib/liftbridge/source/options.js';
import { settled, SourceBench } from './source-kit.js';

describe('liftbridge: a source over the partitions of a stream', () => {
  let bench: SourceBench;

  beforeEach(() => {
    bench = new SourceBench(2);
    for (const [n, log] of bench.logs.entries()) log.append(`${n}a`, `${n}b`, `${n}c`);
  });

  it('looks up which there are, and reads them all', async () => {
    bench.trouble('stream', new StreamUnavailableError('not at the moment'));
    const tap = bench.read({ start: earliest() });
    await bench.clock.pass(100);
    expect(tap.all).to.have.length(6);
  });

  it('begins when there is a connection, and once', async () => {
    bench.session.up = false;
    const tap = bench.read({ start: earliest() });
    await settled();
    expect(bench.asked).to.deep.equal([]);
    bench.session.up = true;
    for (const source of bench.live) {
      source.located();
      source.located();
    }
    await settled();
    expect(tap.all).to.have.length(6);
  });

  it('waits for its turn on a durable, which it can give up', async () => {
    const first = bench.read({ start: earliest(), durable: 'd' });
    await settled();
    first.unsubscribe();
    const open = bench.hold('store');
    first.all[0]!.ack();
    const second = bench.read({ start: earliest(), durable: 'd' });
    await settled();
    expect(second.all).to.deep.equal([]);
    second.unsubscribe();
    const third = bench.read({ start: earliest(), durable: 'd' });
    await open();
    expect(third.all).to.have.length(5);
    expect(second.all).to.deep.equal([]);
  });

  it('leaves an early subscriber with positions that can move, and no other', async () => {
    const durable = bench.read({ start: earliest(), durable: 'd', partition: 0 });
    const plain = bench.read({ start: earliest(), partition: 1 });
    await settled();
    durable.unsubscribe();
    plain.unsubscribe();
    expect(bench.open).to.deep.equal([]);
    await bench.clock.pass(60_000);
    expect(bench.live.size).to.equal(1);
    durable.ackAll();
    await settled();
    expect(bench.live.size).to.equal(0);
    expect(bench.positions.get(0)).to.equal(2n);
  });

  describe('as a member of a group', () => {
    /** So long may a member be silent, in ms. */
    const timeout = 10_000;

    const member = async (partitions: number[], options: LiftbridgeSourceOptions = {}) => {
      bench.group.partitions = partitions;
      const tap = bench.read({ start: earliest(), queue: 'g', ...options });
      await bench.clock.pass(50);
      return tap;
    };
    const dealt = async (partitions: number[]) => {
      bench.group.epoch++;
      bench.group.partitions = partitions;
      await bench.clock.pass(timeout);
    };
    const cursor = (partition: number) => bench.positions.get(partition);

    it('knocks before it asks for the cursor, so that who read before can store it', async () => {
      bench.rival(0, 0n);
      const tap = await member([0]);
      expect(tap.all).to.deep.equal([]);
      expect(bench.calls).to.have.length(1);
      bench.positions.set(0, 0n);
      await bench.clock.pass(100);
      expect(tap.values()).to.deep.equal(['0b', '0c']);
      expect(bench.last.asked.consumer).to.include({ groupId: 'g', groupEpoch: 1n });
    });

    it('stores where it stands when a partition is dealt out to another, and reads the others on', async () => {
      const tap = await member([0, 1]);
      await bench.clock.pass(100);
      tap.ackAll();
      await dealt([1]);
      expect(cursor(0)).to.equal(2n);
      bench.logs[0]!.append('0d');
      bench.logs[1]!.append('1d');
      await settled();
      expect(tap.values().at(-1)).to.equal('1d');
      expect(bench.open.map(({ log }) => log.partition)).to.deep.equal([1]);
    });

    it('moves nothing by late acks of what was given away, and does not emit that again when it came back', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      const early = [...tap.all];
      await dealt([]);
      early[0]!.ack();
      await bench.clock.pass(5_000);
      expect(cursor(0)).to.equal(undefined);
      await dealt([0]);
      await bench.clock.pass(200);
      expect(tap.values()).to.deep.equal(['0a', '0b', '0c', '0b', '0c']);
      expect(cursor(0)).to.equal(0n);
      // these are out again
      for (const delivery of early) delivery.ack();
      await bench.clock.pass(5_000);
      expect(cursor(0)).to.equal(0n);
      tap.all[3]!.ack();
      await bench.clock.pass(5_000);
      expect(cursor(0)).to.equal(1n);
    });

    it('that gets a partition back reads it when its own position is stored, not before', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      const open = bench.hold('store');
      tap.ackAll();
      await dealt([]);
      await dealt([0]);
      expect(bench.open).to.deep.equal([]);
      await open();
      await bench.clock.pass(200);
      expect(tap.all).to.have.length(3);
      bench.logs[0]!.append('0d');
      expect(tap.values().at(-1)).to.equal('0d');
      expect(cursor(0)).to.equal(2n);
    });

    it('does not emit again what is released after the partition was given away', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      const open = bench.hold('store');
      tap.all[0]!.ack();
      await dealt([]);
      tap.all[1]!.release();
      await bench.clock.pass(1_000);
      expect(tap.all).to.have.length(3);
      await open();
    });

    it('that is replaced stores where it stood, and takes the partition back if it stays its own', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      tap.all[0]!.ack();
      bench.rival(0, 1n);
      await settled();
      expect(cursor(0)).to.equal(0n);
      await bench.clock.pass(1_000);
      expect(tap.values()).to.deep.equal(['0a', '0b', '0c', '0b', '0c']);
      expect(tap.error).to.equal(undefined);
    });

    it('that is fenced stores nothing', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      tap.ackAll();
      bench.manual = true;
      await bench.lose();
      await bench.clock.pass(50);
      bench.positions.set(0, 7n);
      bench.last.end(9, 'Consumer is not currently assigned this partition');
      await bench.clock.pass(300);
      expect(cursor(0)).to.equal(7n);
      expect(tap.error).to.equal(undefined);
    });

    it('that was cut off for too long and has lost its partitions does not lower what others have stored', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      const open = bench.hold('assignment');
      await bench.clock.pass(0.9 * timeout);
      tap.all[0]!.ack();
      // another member reads it by now, and this one has not been told so
      bench.positions.set(0, 2n);
      await bench.clock.pass(timeout);
      expect(bench.open).to.deep.equal([]);
      expect(cursor(0)).to.equal(2n);
      await open();
    });

    it('does not store what waits for a connection once the partition is another one’s', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      const open = bench.hold('store');
      tap.ackAll();
      await bench.clock.pass(5_000);
      bench.manual = true;
      await bench.lose();
      await dealt([]);
      bench.positions.set(0, 7n);
      await open();
      expect(cursor(0)).to.equal(7n);
    });

    it('stores where it stands when it has read a read-only partition to its end', async () => {
      bench.logs[0]!.isReadonly = true;
      const tap = await member([0]);
      await bench.clock.pass(100);
      expect(tap.completed).to.equal(true);
      tap.ackAll();
      await settled();
      expect(cursor(0)).to.equal(2n);
    });

    it('uses the epoch of the moment in which it subscribes', async () => {
      const open = bench.hold('fetch');
      await member([0]);
      await bench.clock.pass(100);
      await dealt([0]);
      await open();
      expect(bench.last.asked.consumer?.groupEpoch).to.equal(2n);
    });

    it('that leaves while it takes a partition over leaves nothing behind', async () => {
      const tap = await member([0, 1], { start: newOnly() });
      tap.unsubscribe();
      await settled();
      expect(bench.asked.at(-1)).to.equal('leave');
      expect(bench.open).to.deep.equal([]);
      await bench.clock.pass(100);
      expect(bench.clock.size).to.equal(0);
      expect(bench.stores).to.deep.equal([]);
    });

    it('that ends stores its positions before it leaves', async () => {
      const tap = await member([0, 1]);
      await bench.clock.pass(100);
      tap.ackAll();
      const open = bench.hold('store');
      tap.unsubscribe();
      await settled();
      expect(bench.asked).to.not.include('leave');
      await open();
      expect(bench.asked.at(-1)).to.equal('leave');
      expect([...bench.positions].sort()).to.deep.equal([
        [0, 2n],
        [1, 2n],
      ]);
      expect(bench.clock.size).to.equal(0);
    });

    it('that is unsubscribed keeps its partitions until what it has of them is settled', async () => {
      const tap = await member([0]);
      await bench.clock.pass(100);
      tap.unsubscribe();
      await bench.clock.pass(5_000);
      expect(bench.open).to.have.length(1);
      tap.ackAll();
      await settled();
      expect(bench.open).to.deep.equal([]);
      expect(cursor(0)).to.equal(2n);
    });
  });
});
