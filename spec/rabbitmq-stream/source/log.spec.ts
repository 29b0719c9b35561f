import { expect } from 'chai';
import fc from 'fast-check';
import { Log } from '../../../lib/rabbitmq-stream/source/log.js';

type Seen = Parameters<Log['arrived']>[0];

/** A chunk as far as a log looks at it. */
function chunk(first: number | bigint, records: number, timestamp: number, epoch = 1): Seen {
  const after = typeof first === 'bigint' ? first + BigInt(records) : first + records;
  return { first, after, timestamp, epoch };
}

/** A log that has seen these. */
function having(...chunks: Seen[]): Log {
  const log = new Log();
  for (const each of chunks) {
    expect(log.contradicts(each)).to.equal(false);
    log.arrived(each);
  }
  return log;
}

describe('Log', () => {
  it('takes anything for its own before it has seen something', () => {
    expect(new Log().contradicts(chunk(5, 1, 0))).to.equal(false);
    expect(new Log().endsAfter(undefined)).to.equal(false);
  });

  it('goes on with what lies behind, also with gaps, clocks that go back and new leaders', () => {
    const log = having(chunk(0, 10, 5_000), chunk(10, 1, 4_000), chunk(50, 5, 1_000, 2));
    expect(log.contradicts(chunk(55, 1, 1))).to.equal(false);
  });

  it('knows again what it has seen, by whichever leader', () => {
    const chunks = [chunk(0, 10, 9_000), chunk(10, 10, 9_001), chunk(20, 10, 1_000, 2), chunk(30, 10, 2_000, 3)];
    const log = having(...chunks);
    for (const each of chunks) expect(log.contradicts(each)).to.equal(false);
  });

  it('does not take a failover to a leader whose clock is late for another log', () => {
    // the link was lost with both at hand, and the first of them comes again
    const before = chunk(100, 50, 60_000, 1);
    const log = having(before, chunk(150, 5, 12_000, 2));
    expect(log.contradicts(before)).to.equal(false);
  });

  it('tells another log of the same length, whatever its clock says', () => {
    const log = having(chunk(0, 10, 1_000), chunk(10, 10, 2_000));
    for (const timestamp of [1, 1_999, 2_001, 900_000]) {
      expect(log.contradicts(chunk(10, 10, timestamp)), String(timestamp)).to.equal(true);
    }
    expect(log.contradicts(chunk(10, 10, 2_000, 2))).to.equal(true);
  });

  it('tells a longer one, whose chunks lie across those that were seen', () => {
    const log = having(chunk(90, 10, 1_000));
    // 95 is in the middle of a chunk that was seen
    expect(log.contradicts(chunk(95, 30, 2_000))).to.equal(true);
    expect(log.contradicts(chunk(0, 200, 2_000))).to.equal(true);
    expect(log.contradicts(chunk(99, 1, 2_000))).to.equal(true);
    expect(log.contradicts(chunk(90, 9, 1_000))).to.equal(true);
  });

  it('tells a shorter one by its time', () => {
    const log = having(chunk(90, 10, 100_000));
    expect(log.contradicts(chunk(3, 1, 100_001))).to.equal(true);
    expect(log.contradicts(chunk(3, 1, 99_000))).to.equal(false);
  });

  it('tells a shorter one by its leader, and gives the clock of an earlier leader a second', () => {
    const log = having(chunk(90, 10, 100_000, 4));
    expect(log.contradicts(chunk(3, 1, 50_000, 5))).to.equal(true);
    expect(log.contradicts(chunk(3, 1, 100_900, 3))).to.equal(false);
    expect(log.contradicts(chunk(3, 1, 101_100, 3))).to.equal(true);
  });

  it('looks at the chunk behind, where others were seen further on', () => {
    const log = having(chunk(10, 1, 5_000), chunk(20, 1, 900_000));
    expect(log.contradicts(chunk(5, 1, 6_000))).to.equal(true);
    expect(log.contradicts(chunk(15, 1, 6_000))).to.equal(false);
  });

  it('remembers enough, and not everything', () => {
    const log = new Log();
    for (let n = 0; n < 10_000; n++) log.arrived(chunk(n, 1, n));
    for (let n = 9_900; n < 10_000; n++) {
      expect(log.contradicts(chunk(n, 1, n))).to.equal(false);
      expect(log.contradicts(chunk(n, 1, n + 1))).to.equal(true);
    }
    expect(log.contradicts(chunk(5, 1, 5))).to.equal(false);
  });

  it('counts across 2^53', () => {
    const log = having(chunk(2 ** 53 - 2, 1, 1_000), chunk(2 ** 53 - 1, 1, 1_001), chunk(2n ** 53n, 4, 1_002));
    expect(log.contradicts(chunk(2 ** 53 - 1, 1, 1_001))).to.equal(false);
    expect(log.contradicts(chunk(2n ** 53n + 1n, 3, 1_002))).to.equal(true);
    expect(log.contradicts(chunk(2n ** 53n + 4n, 3, 1_002))).to.equal(false);
    expect(log.endsAfter(2 ** 53 - 1)).to.equal(true);
    expect(log.endsAfter(2n ** 53n)).to.equal(false);
  });

  it('sees at the leader’s last chunk that it has come to its end before', () => {
    const log = having(chunk(0, 10, 1), chunk(10, 10, 2));
    expect(log.endsAfter(undefined)).to.equal(true);
    expect(log.endsAfter(0)).to.equal(true);
    expect(log.endsAfter(10)).to.equal(false);
    // that of a chunk with notes
    expect(log.endsAfter(20)).to.equal(false);
  });

  it('never takes a log for another one, from wherever it is read again', () => {
    const stored = fc.array(
      fc.record({ records: fc.integer({ min: 1, max: 9 }), ms: fc.nat(50), leader: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(
        stored,
        fc.array(fc.nat(39), { maxLength: 5 }),
        fc.integer({ min: -900, max: 900 }),
        (sizes, turns, skew) => {
          let first = 0;
          let now = 1_000_000;
          let epoch = 1;
          const log = sizes.map(({ records, ms, leader }) => {
            if (leader) epoch++;
            now += ms;
            const made = chunk(first, records, now + (epoch % 2) * skew, epoch);
            first = Number(made.after);
            return made;
          });
          const known = new Log();
          for (const from of [0, ...turns]) {
            for (const each of log.slice(from, from + 10)) {
              expect(known.contradicts(each)).to.equal(false);
              known.arrived(each);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
