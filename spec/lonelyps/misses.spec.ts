import { expect } from 'chai';
import { Misses } from '../../lib/lonelyps/misses.js';
import { ManualClock } from '../support/manual-clock.js';

describe('lonelyps misses', () => {
  let clock: ManualClock;
  let told: string[];
  let misses: Misses;

  beforeEach(() => {
    clock = new ManualClock();
    told = [];
    misses = new Misses(clock, (channel) => told.push(channel));
  });

  it('makes one of twenty words of a loss, after 1.5 s of quiet', async () => {
    for (let n = 0; n < 20; n++) {
      misses.add('a');
      await clock.pass(100);
    }
    misses.add('b');
    await clock.pass(1_399);
    expect(told).to.deep.equal([]);
    await clock.pass(1);
    expect(told).to.deep.equal(['a']);
    await clock.pass(100);
    expect(told).to.deep.equal(['a', 'b']);
    expect(clock.size).to.equal(0);
  });

  it('tells after 10 s where there is no quiet, and begins anew', async () => {
    for (let n = 0; n < 12; n++) {
      misses.add('a');
      await clock.pass(1_000);
    }
    expect(told).to.deep.equal(['a']);
    await clock.pass(1_500);
    expect(told).to.deep.equal(['a', 'a']);
  });

  it('tells what waits when it has to', () => {
    misses.add('a');
    misses.add('b');
    misses.flush();
    misses.flush();
    expect(told).to.deep.equal(['a', 'b']);
    expect(clock.size).to.equal(0);
  });

  it('keeps a bounded number', () => {
    for (let n = 0; n < 10_050; n++) misses.add(String(n));
    expect(told).to.have.length(50);
    expect(told[0]).to.equal('0');
    misses.flush();
  });
});
