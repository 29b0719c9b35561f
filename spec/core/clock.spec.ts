import { expect } from 'chai';
import { TestScheduler } from 'rxjs/testing';

import { schedulerClock, systemClock } from '../../lib/core/clock.js';

describe('systemClock', () => {
  it('tells the time of the system', () => {
    const before = Date.now();
    expect(systemClock.now()).to.be.within(before, Date.now());
  });

  it('calls later, in order', async () => {
    const calls: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.after(0, () => {
        calls.push('after');
        resolve();
      });
      systemClock.soon(() => calls.push('soon'));
      calls.push('at once');
    });
    expect(calls).to.deep.equal(['at once', 'soon', 'after']);
  });

  it('does not call after a cancel, and takes a second cancel', async () => {
    let called = false;
    const cancel = systemClock.after(0, () => {
      called = true;
    });
    cancel();
    cancel();
    await new Promise<void>((resolve) => systemClock.after(1, resolve));
    expect(called).to.equal(false);
    await new Promise<void>((resolve) => {
      const own = systemClock.after(0, () => {
        own();
        resolve();
      });
    });
  });

  it('does not call at once for a delay that timers cannot hold', async () => {
    let called = false;
    const cancel = systemClock.after(2 ** 40, () => {
      called = true;
    });
    const never = systemClock.after(Infinity, () => {
      called = true;
    });
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
    cancel();
    never();
    expect(called).to.equal(false);
  });
});

describe('schedulerClock', () => {
  it('runs in the virtual time of a TestScheduler', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
    scheduler.run(({ flush }) => {
      const clock = schedulerClock(scheduler);
      const calls: [string, number][] = [];
      const note = (name: string) => () => calls.push([name, clock.now()]);
      clock.after(30, note('later'));
      clock.after(10, note('sooner'));
      const cancel = clock.after(20, note('never'));
      clock.after(10, () => {
        clock.soon(note('same frame'));
        cancel();
        cancel();
      });
      clock.soon(note('soon'));
      expect(calls).to.deep.equal([]);
      flush();
      expect(calls).to.deep.equal([
        ['soon', 0],
        ['sooner', 10],
        ['same frame', 10],
        ['later', 30],
      ]);
    });
  });
});
