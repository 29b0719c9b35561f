import { expect } from 'chai';
import { StreamUnavailableError } from '../../../lib/core/errors.js';
import { earliest, newOnly } from '../../../lib/core/starts.js';
import type { LiftbridgeSourceOptions } from '../../../lib/liftbridge/source/options.js';
import { settled, SourceBench, type Reading } from '../source/source-kit.js';

describe('liftbridge: members of a group in one handle', () => {
  /** So long may a member be silent, in ms. */
  const timeout = 10_000;
  let bench: SourceBench;

  beforeEach(() => {
    bench = new SourceBench();
    bench.log0.append('a', 'b', 'c');
    bench.group.timeout = timeout;
  });

  const member = async (options: LiftbridgeSourceOptions = {}): Promise<Reading> => {
    const tap = bench.read({ start: earliest(), queue: 'g', ...options });
    await bench.clock.pass(50);
    return tap;
  };
  /** The first of them reads. */
  const members = async (count = 2, options: LiftbridgeSourceOptions = {}): Promise<Reading[]> => {
    bench.dealt = [0];
    const taps: Reading[] = [];
    for (let n = 0; n < count; n++) taps.push(await member(options));
    await bench.clock.pass(200);
    return taps;
  };
  /** The partition is another member's, and all of them hear of it in the time of a heartbeat. */
  const dealTo = async (to: number, ms = timeout): Promise<void> => {
    bench.group.epoch++;
    bench.dealt = [to];
    await bench.clock.pass(ms);
  };

  it('emit nothing again that one of them has acked, however long its position takes to be stored', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.ackAll();
    const open = bench.hold('store');
    await dealTo(1);
    await bench.append('d');
    await open();
    await bench.clock.pass(500);
    expect([one.values(), other.values()]).to.deep.equal([['a', 'b', 'c'], ['d']]);
    expect(bench.positions.get(0)).to.equal(2n);
    other.ackAll();
    await bench.clock.pass(5_000);
    expect(bench.positions.get(0)).to.equal(3n);
  });

  it('emit nothing again where the position could not be stored', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.ackAll();
    bench.trouble('store', new StreamUnavailableError('not at the moment'));
    await dealTo(1);
    await bench.append('d');
    expect(other.values()).to.deep.equal(['d']);
  });

  it('hand over what is unsettled, and nothing else', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.all[1]!.ack();
    await dealTo(1);
    expect(other.values()).to.deep.equal(['a', 'c']);
    expect(other.all.map(({ redelivered }) => redelivered)).to.deep.equal([true, true]);
    await bench.clock.pass(5_000);
    expect(bench.positions.get(0)).to.equal(undefined);
    other.all[0]!.ack();
    await bench.clock.pass(5_000);
    expect(bench.positions.get(0)).to.equal(1n);
  });

  it('hand over what was released', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.all[0]!.ack();
    one.all[2]!.ack();
    one.all[1]!.release();
    await dealTo(1);
    expect(other.values()).to.deep.equal(['b']);
  });

  it('hand over the first message of the log with "new only" too, and what came before any of them had one', async () => {
    for (const emitted of [true, false]) {
      bench = new SourceBench();
      const [one, other] = (await members(2, { start: newOnly() })) as [Reading, Reading];
      if (emitted) await bench.append('a');
      const open = bench.hold('leader');
      await dealTo(1);
      if (!emitted) await bench.append('a');
      await open();
      await bench.clock.pass(500);
      expect([one.values(), other.values()]).to.deep.equal([emitted ? ['a'] : [], ['a']]);
    }
  });

  it('do not emit what the one before acks late, as long as it has not come again', async () => {
    const [one, other] = (await members(2, { maxInFlight: 3 })) as [Reading, Reading];
    const left = [...one.all];
    const third = await member({ maxInFlight: 1 });
    await dealTo(2);
    expect(third.values()).to.deep.equal(['a']);
    for (const delivery of left) delivery.ack();
    third.all[0]!.ack();
    await bench.append('d');
    expect(third.values()).to.deep.equal(['a', 'd']);
    expect(other.all).to.deep.equal([]);
  });

  it('do not emit to a third what the first acks when the second has it', async () => {
    const [one, other, third] = (await members(3)) as [Reading, Reading, Reading];
    await dealTo(1);
    expect(other.values()).to.deep.equal(['a', 'b', 'c']);
    one.all[1]!.ack();
    other.all[0]!.ack();
    await dealTo(2);
    expect(third.values()).to.deep.equal(['c']);
    one.ackAll();
    other.ackAll();
    await dealTo(0);
    expect(one.all).to.have.length(3);
  });

  it('believe a cursor that somebody has moved back meanwhile, and one that is further on', async () => {
    const [one, other] = (await members(2, { storeEvery: { messages: 1 } })) as [Reading, Reading];
    one.ackAll();
    await settled();
    bench.positions.set(0, 0n);
    await dealTo(9);
    bench.positions.set(0, 0n);
    await dealTo(1);
    expect(other.values()).to.deep.equal(['b', 'c']);
    await bench.append('d', 'e');
    await dealTo(9);
    bench.positions.set(0, 3n);
    await dealTo(0);
    expect(one.values()).to.deep.equal(['a', 'b', 'c', 'e']);
  });

  it('know nothing of a stream that was made anew, nor count acks of the one before', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.all[0]!.ack();
    await dealTo(9);
    bench.created = 2n;
    bench.positions.clear();
    bench.log0.truncate(0);
    bench.log0.append('A', 'B');
    await dealTo(1);
    one.ackAll();
    await dealTo(9);
    await dealTo(0);
    expect(other.values()).to.deep.equal(['A', 'B']);
    expect(one.values().slice(3)).to.deep.equal(['A', 'B']);
  });

  it('are not kept from reading by one whose epoch is over', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.ackAll();
    const open = bench.hold('assignment');
    bench.group.epoch++;
    bench.dealt = [1];
    await bench.clock.pass(timeout / 2);
    await open();
    await dealTo(1);
    await bench.append('d');
    expect([...one.values(), ...other.values()]).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('end while they wait for the one before, and leave nothing', async () => {
    const [one, other] = (await members()) as [Reading, Reading];
    one.ackAll();
    const open = bench.hold('store');
    await dealTo(1);
    other.unsubscribe();
    one.unsubscribe();
    await settled();
    await open();
    await bench.clock.pass(500);
    expect(bench.open).to.deep.equal([]);
    expect(bench.clock.size).to.equal(0);
    expect(other.all).to.deep.equal([]);
  });
});
