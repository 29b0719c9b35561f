import { expect } from 'chai';
import { Durables, type DurableHolder } from '../../lib/core/durables.js';
import { InUseError } from '../../lib/core/errors.js';

/** A subscription that ends when it is told to, or a moment later. */
class Holder implements DurableHolder {
  stopped = false;
  finishing = 0;
  begun = 0;

  finish(): void {
    this.finishing++;
  }

  readonly begin = (): void => {
    this.begun++;
  };
}

describe('Durables', () => {
  const claim = (durables: Durables, holder: Holder, name = 'd', channel = 'c'): void => {
    durables.claim(channel, name, holder, holder.begin);
  };

  it('gives a free durable at once, and each name and channel apart', () => {
    const durables = new Durables('memory');
    const holders = [new Holder(), new Holder(), new Holder()];
    claim(durables, holders[0]!);
    claim(durables, holders[1]!, 'e');
    claim(durables, holders[2]!, 'd', 'other');
    expect(holders.map(({ begun }) => begun)).to.deep.equal([1, 1, 1]);
  });

  it('refuses it while a live subscription has it', () => {
    const durables = new Durables('memory');
    claim(durables, new Holder());
    const second = new Holder();
    expect(() => {
      claim(durables, second);
    }).to.throw(InUseError, "durable 'd' of 'c'");
    durables.release('c', 'd', second);
    expect(() => {
      claim(durables, second);
    }).to.throw(InUseError);
  });

  it('ends a subscription that only lingers, and waits for its end', () => {
    const durables = new Durables('memory');
    const [first, second] = [new Holder(), new Holder()];
    claim(durables, first);
    first.stopped = true;
    claim(durables, second);
    expect([first.finishing, second.begun]).to.deep.equal([1, 0]);
    durables.release('c', 'd', first);
    expect(second.begun).to.equal(1);
    durables.release('c', 'd', first);
    expect(() => {
      claim(durables, new Holder());
    }).to.throw(InUseError);
  });

  it('lets one wait, and lets it go again', () => {
    const durables = new Durables('memory');
    const [first, second, third] = [new Holder(), new Holder(), new Holder()];
    claim(durables, first);
    first.stopped = true;
    claim(durables, second);
    expect(() => {
      claim(durables, third);
    }).to.throw(InUseError);
    durables.release('c', 'd', second);
    claim(durables, third);
    durables.release('c', 'd', first);
    expect([second.begun, third.begun]).to.deep.equal([0, 1]);
  });

  describe('what was settled', () => {
    it('is kept for the next subscription', () => {
      const durables = new Durables('memory');
      const lane = durables.lane('c', 'd', 5);
      lane.arrived(1, 1);
      lane.settle(1);
      expect(durables.lane('c', 'd', 5).settledOffsets!.has(1)).to.equal(true);
      expect(durables.lane('c', 'e', 5).settledOffsets!.has(1)).to.equal(false);
    });

    it('is forgotten with the position', () => {
      const durables = new Durables('memory');
      durables.lane('c', 'd', 5).settle(1);
      durables.forget('c', 'd');
      expect(durables.lane('c', 'd', 5).settledOffsets!.has(1)).to.equal(false);
    });

    it('is forgotten when the channel, or all, lost its messages', () => {
      const durables = new Durables('memory');
      const of = (channel: string): boolean => durables.lane(channel, 'd', 5).settledOffsets!.has(1);
      for (const channel of ['c', 'cc', 'x']) durables.lane(channel, 'd', 5).settle(1);
      durables.reset('c');
      expect(['c', 'cc', 'x'].map(of)).to.deep.equal([false, true, true]);
      durables.reset(undefined);
      expect(['c', 'cc', 'x'].map(of)).to.deep.equal([false, false, false]);
    });

    it('is kept of the 1024 durables that were used last', () => {
      const durables = new Durables('memory');
      const of = (n: number): boolean => durables.lane('c', `d${n}`, 5).settledOffsets!.has(1);
      for (let n = 0; n < 1024; n++) durables.lane('c', `d${n}`, 5).settle(1);
      expect(of(0)).to.equal(true);
      durables.lane('c', 'one more', 5);
      expect([of(0), of(1)]).to.deep.equal([true, false]);
    });
  });
});
