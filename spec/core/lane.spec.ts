import { expect } from 'chai';
import { Lane } from '../../lib/core/lane.js';
import { Watermark } from '../../lib/core/watermark.js';
import { HandMade } from './intake-kit.js';

describe('Lane', () => {
  const lane = (window = 4): Lane => new Lane(new Watermark(), window);
  const arrive = (to: Lane, ...offsets: number[]): void => {
    for (const offset of offsets) to.arrived(offset, offset);
  };

  describe('resumeAt', () => {
    it('is unknown before anything arrived', () => {
      expect(lane().resumeAt).to.equal(undefined);
    });

    it('is the lowest offset that is not settled, or the next to come', () => {
      const log = lane();
      arrive(log, 10, 11, 12);
      expect(log.resumeAt).to.equal(10);
      log.settle(11);
      expect(log.resumeAt).to.equal(10);
      log.settle(10);
      expect(log.resumeAt).to.equal(12);
      log.settle(12);
      expect(log.resumeAt).to.equal(13);
    });

    it('passes over a jump, because what is missing is not there', () => {
      const jumping = lane();
      arrive(jumping, 1, 2);
      jumping.settle(1);
      jumping.settle(2);
      arrive(jumping, 7);
      jumping.settle(7);
      expect(jumping.resumeAt).to.equal(8);
    });

    it('stops before a jump where messages may have been lost on the wire', () => {
      const jumping = lane();
      arrive(jumping, 1, 2);
      jumping.settle(1);
      jumping.settle(2);
      jumping.suspect = true;
      arrive(jumping, 7, 9);
      jumping.settle(7);
      jumping.settle(9);
      expect(jumping.resumeAt).to.equal(3);
      for (const offset of [3, 4, 5, 6]) jumping.settle(offset);
      expect(jumping.resumeAt).to.equal(10);
    });

    it('knows what is in hands where settled offsets are not kept', () => {
      const group = new Lane(undefined, 4);
      arrive(group, 3, 4, 9);
      expect(group.resumeAt).to.equal(10);
      group.places.set(4, new HandMade(4));
      expect(group.resumeAt).to.equal(4);
    });
  });

  describe('recentlySettled', () => {
    it('is one window of what was settled last', () => {
      const small = lane(3);
      arrive(small, 1, 2, 3, 4, 5, 6, 7);
      for (const offset of [1, 2]) small.settle(offset);
      expect([...small.recentlySettled()]).to.deep.equal([1, 2]);
      for (const offset of [3, 4, 5, 6, 7]) small.settle(offset);
      expect([...small.recentlySettled()].sort()).to.deep.equal([5, 6, 7]);
    });

    it('is at most 65 536, however large the window is', () => {
      const large = lane(1_000_000);
      for (let n = 1; n <= 70_000; n++) {
        large.arrived(n, n);
        large.settle(n);
      }
      expect(large.recentlySettled()).to.have.length(65_536);
      expect(large.recentlySettled()).to.include(70_000).and.not.include(1);
    });
  });

  it('contradicts: a later stamp on an offset that was passed', () => {
    const log = lane();
    expect(log.contradicts(1, 1)).to.equal(false);
    arrive(log, 1, 2, 3);
    expect([log.contradicts(2, 2), log.contradicts(3, 3), log.contradicts(2, 4), log.contradicts(4, 4)]).to.deep.equal([
      false,
      false,
      true,
      false,
    ]);
  });

  it('renew keeps what was settled, and forgets what was in hands', () => {
    const log = lane();
    arrive(log, 1, 2, 3);
    log.settle(2);
    log.places.set(1, new HandMade(1));
    log.held.set(3, new HandMade(3));
    log.renew(8);
    expect([log.places.size, log.held.size, log.recentlySettled().length]).to.deep.equal([0, 0, 0]);
    expect([log.settledOffsets!.has(2), log.last, log.suspect]).to.deep.equal([true, 3, true]);
  });

  it('reset forgets all', () => {
    const log = lane();
    arrive(log, 1, 2);
    log.settle(1);
    log.reset();
    expect([log.last, log.resumeAt, log.settledOffsets!.has(1)]).to.deep.equal([undefined, undefined, false]);
    arrive(log, 1);
    expect(log.resumeAt).to.equal(1);
  });

  it('find tells what is emitted or held of an offset', () => {
    const log = lane();
    const [emitted, held] = [new HandMade(1), new HandMade(2)];
    log.places.set(1, emitted);
    log.held.set(2, held);
    expect([log.find(1), log.find(2), log.find(3)]).to.deep.equal([emitted, held, undefined]);
  });
});
