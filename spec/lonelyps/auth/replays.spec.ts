import { expect } from 'chai';
import fc from 'fast-check';
import { Replays } from '../../../lib/lonelyps/auth/replays.js';
import { numbers } from '../codec/bytes.js';

const start = 1_700_000_000;

/** Codes of chance. */
function codes(seed: number): () => Uint8Array {
  const next = numbers(seed);
  return () => Uint8Array.from({ length: 64 }, () => next(256));
}

describe('lonelyps auth: codes that were used', () => {
  it('are known as long as their time would be accepted, as a simple list has them', () => {
    const uses = fc.array(
      fc.record({ wait: fc.nat(40), skew: fc.integer({ min: -120, max: 120 }), again: fc.nat(30) }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(uses, (steps) => {
        const code = codes(7);
        const replays = new Replays();
        const all: { timestamp: number; code: Uint8Array }[] = [];
        let now = start;
        for (const { wait, skew, again } of steps) {
          now += wait;
          const old = all[again];
          if (old !== undefined && Math.abs(now - old.timestamp) <= 120) {
            expect(replays.use(old.timestamp, old.code, now)).to.equal(false);
          }
          const one = { timestamp: now + skew, code: code() };
          expect(replays.use(one.timestamp, one.code, now)).to.equal(true);
          all.push(one);
        }
        expect(replays.length).to.be.at.most(all.length);
      }),
    );
  });

  it('many at once', () => {
    const replays = new Replays();
    const code = codes(1);
    const all = Array.from({ length: 20_000 }, code);
    for (const each of all) expect(replays.use(start, each, start)).to.equal(true);
    for (const each of all) expect(replays.use(start, each, start)).to.equal(false);
    expect(replays.length).to.equal(20_000);
  });

  it('that begin with zeros are codes like others', () => {
    const replays = new Replays();
    const zeros = new Uint8Array(64);
    expect(replays.use(start, zeros, start)).to.equal(true);
    expect(replays.use(start, zeros, start)).to.equal(false);
    const nearly = new Uint8Array(64);
    nearly[3] = 1;
    expect(replays.use(start, nearly, start)).to.equal(true);
    expect(replays.use(start, nearly, start)).to.equal(false);
  });

  it('are forgotten in the end, so that a long life takes no more room than a short one', () => {
    const replays = new Replays();
    const code = codes(2);
    let most = 0;
    for (let now = start; now < start + 3600; now++) {
      for (let i = 0; i < 5; i++) expect(replays.use(now, code(), now)).to.equal(true);
      most = Math.max(most, replays.length);
    }
    expect(most).to.be.within(5 * 120, 5 * (120 + 32));
  });

  it('are never forgotten early to make room: one too many is refused', () => {
    const replays = new Replays(100);
    const code = codes(3);
    const all = Array.from({ length: 100 }, code);
    for (const each of all) expect(replays.use(start, each, start)).to.equal(true);
    for (const now of [start, start + 60, start + 120]) {
      expect(replays.use(now, code(), now)).to.equal(false);
      for (const each of all) expect(replays.use(start, each, now)).to.equal(false);
    }
    expect(replays.length).to.equal(100);
    const later = start + 16 + 120;
    expect(replays.use(later, code(), later)).to.equal(true);
    expect(replays.length).to.equal(1);
  });
});
