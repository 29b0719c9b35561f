import { expect } from 'chai';
import { asyncScheduler, NEVER, of, Subject, VirtualTimeScheduler } from 'rxjs';
import { idle } from '../../lib/operators/idle.js';
import { refused } from './refused.js';
import { testScheduler } from './test-scheduler.js';

describe('idle', () => {
  it('emits null whenever nothing came for so long, and goes on', () => {
    testScheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot(' -ab-------c-----|');
      const expected = '    -ab--0--0-c--0--|'.replaceAll('0', 'n');
      expectObservable(source$.pipe(idle(3))).toBe(expected, { a: 'a', b: 'b', c: 'c', n: null });
      expectSubscriptions(source$.subscriptions).toBe('^---------------!');
    });
  });

  it('begins with the subscription, and repeats for as long as it is silent', () => {
    testScheduler().run(({ expectObservable }) => {
      expectObservable(NEVER.pipe(idle(2, 'quiet')), '---------!').toBe('--q-q-q-q', { q: 'quiet' });
    });
  });

  it('counts from the last value, however many there were', () => {
    testScheduler().run(({ hot, expectObservable }) => {
      const source$ = hot('-aaaaaaaaaaaaa------|');
      expectObservable(source$.pipe(idle(5))).toBe('-aaaaaaaaaaaaa----n-|', { a: 'a', n: null });
    });
  });

  it('ends with an error of the source', () => {
    testScheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('-a---#');
      expectObservable(source$.pipe(idle(3, 'n'))).toBe('-a--n#');
      expectSubscriptions(source$.subscriptions).toBe('^----!');
    });
  });

  it('is silent after it was unsubscribed from', () => {
    testScheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('-a---------');
      expectObservable(source$.pipe(idle(3, 'n')), '-----!').toBe('-a--n-');
      expectSubscriptions(source$.subscriptions).toBe('^----!');
    });
  });

  it('keeps one timer, whatever comes, and ends it', () => {
    const scheduler = new VirtualTimeScheduler();
    const source$ = new Subject<number>();
    const subscription = source$.pipe(idle(10, -1, scheduler)).subscribe();
    for (let n = 0; n < 1000; n++) source$.next(n);
    expect(scheduler.actions).to.have.length(1);
    subscription.unsubscribe();
    expect(source$.observed).to.equal(false);
    const seen: number[] = [];
    of(1)
      .pipe(idle(10, -1, scheduler))
      .subscribe((value) => seen.push(value));
    scheduler.flush();
    expect(seen).to.deep.equal([1]);
  });

  it('takes what a silence makes the source emit, and ends when a silence ends it', () => {
    const scheduler = new VirtualTimeScheduler();
    const source$ = new Subject<string>();
    const seen: string[] = [];
    source$.pipe(idle(10, 'quiet', scheduler)).subscribe((value) => {
      seen.push(`${scheduler.now()} ${value}`);
      if (seen.length === 1) source$.next('woken');
      if (seen.length === 3) source$.complete();
    });
    scheduler.flush();
    expect(seen).to.deep.equal(['10 quiet', '10 woken', '20 quiet']);
  });

  it('does not wait longer because the clock was set back, and runs on real time by default', async () => {
    let shift = 0;
    const scheduler = Object.assign(Object.create(asyncScheduler) as typeof asyncScheduler, {
      now: () => Date.now() - shift,
    });
    const source$ = new Subject<string>();
    const quiet = new Promise<string>((resolve) => {
      const subscription = source$.pipe(idle(5, 'quiet', scheduler)).subscribe((value) => {
        if (value !== 'quiet') return;
        subscription.unsubscribe();
        resolve(value);
      });
    });
    source$.next('a');
    shift = 5;
    expect(await quiet).to.equal('quiet');
    await new Promise<void>((resolve) => {
      const subscription = NEVER.pipe(idle(1)).subscribe((value) => {
        expect(value).to.equal(null);
        subscription.unsubscribe();
        resolve();
      });
    });
  });

  it('refuses a duration that no timer can wait', () => {
    for (const ms of [0, -1, NaN, Infinity, 2 ** 31, '5' as never]) {
      expect(refused(() => idle(ms))).to.match(/idle\(\): ms must be a number of milliseconds from 1 to 2147483647/);
    }
  });
});
