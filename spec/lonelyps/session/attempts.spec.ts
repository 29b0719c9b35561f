import { expect } from 'chai';
import { BrokerTimeoutError, ConnectionError, PublishError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import { Attempts } from '../../../lib/lonelyps/session/attempts.js';
import { Broadcasters } from '../../../lib/lonelyps/session/broadcasters.js';
import type { Result, Verdict } from '../../../lib/lonelyps/session/verdict.js';
import { ManualClock } from '../../support/manual-clock.js';

const away = new ConnectionError('nobody there');
const cut = new ConnectionError('cut off');
const busy = new PublishError('503', { retriable: true, detail: { status: 503 } });
const no = new PublishError('400');

const unwritten: Verdict<string> = { kind: 'next', error: away, fate: 'unwritten' };
const unknown: Verdict<string> = { kind: 'next', error: cut, fate: 'unknown' };
const refused: Verdict<string> = { kind: 'next', error: busy, fate: 'refused' };
const final: Verdict<string> = { kind: 'final', error: no };
const done: Verdict<string> = { kind: 'done', value: 'yes' };

describe('lonelyps attempts', () => {
  let clock: ManualClock;
  let tried: { readonly url: string; readonly at: number }[];

  beforeEach(() => {
    clock = new ManualClock();
    tried = [];
  });

  function attempts(urls: readonly string[], retries = 2): Attempts {
    const all = urls.map((url) => ({ url, priority: Infinity }));
    const broadcasters = new Broadcasters(all, clock, () => 0);
    return new Attempts({ broadcasters, clock, log: silent, retries, totalTimeout: 30_000, random: () => 0.5 });
  }

  /** Runs with these verdicts, one after the other, the last for ever. */
  async function run(
    verdicts: readonly Verdict<string>[],
    { urls = ['a'], repeat = true, retries = 2, stop = undefined as AbortSignal | undefined } = {},
  ): Promise<Result<string>> {
    const start = clock.now();
    let count = 0;
    let result: Result<string> | undefined;
    void attempts(urls, retries)
      .run(
        (url) => {
          tried.push({ url, at: clock.now() - start });
          return Promise.resolve(verdicts[Math.min(count++, verdicts.length - 1)]!);
        },
        { repeat, stop },
      )
      .then((it) => (result = it));
    await clock.pass(120_000);
    expect(clock.size).to.equal(0);
    return result!;
  }

  it('end with one that throws, and do not reject', async () => {
    const broken = new Error('no randomness');
    const result = await attempts(['a', 'b']).run(() => Promise.reject(broken), { repeat: true });
    expect(result.kind).to.equal('unknown');
    expect((result as { error: Error }).error)
      .to.be.instanceOf(ConnectionError)
      .and.include({ cause: broken, retriable: false });
  });

  it('give what the first that answers gives', async () => {
    expect(await run([done])).to.deep.equal({ kind: 'done', value: 'yes', repeated: false });
    expect(tried).to.have.length(1);
  });

  it('try the next at once, and all again after a wait that grows', async () => {
    const result = await run([refused, unwritten], { urls: ['a', 'b'], retries: 4 });
    expect(tried.map(({ at }) => at)).to.deep.equal([0, 0, 1500, 1500, 4000, 4000, 8500, 8500]);
    expect(result.kind).to.equal('refused');
    expect(result.kind !== 'done' && result.error).to.be.instanceOf(PublishError);
    expect(result.kind !== 'done' && result.error.message).to.equal('503 (the last of 8 attempts)');
    expect(result.kind !== 'done' && result.error.detail).to.deep.equal({ status: 503 });
  });

  it('succeed after 503, 503', async () => {
    const result = await run([refused, refused, done], { urls: ['a', 'b'] });
    expect(result).to.deep.equal({ kind: 'done', value: 'yes', repeated: false });
    expect(tried[2]?.at).to.equal(1500);
  });

  it('wait as long as a broadcaster asks for, up to totalTimeout', async () => {
    await run([{ ...refused, retryAfter: 7_000 }, done]);
    expect(tried[1]?.at).to.equal(7_000);
    tried = [];
    await run([{ ...refused, retryAfter: 3_600_000 }, done]);
    expect(tried[1]?.at).to.equal(30_000);
  });

  it('stop at a final answer', async () => {
    expect(await run([final])).to.deep.equal({ kind: 'refused', error: no });
    expect(tried).to.have.length(1);
  });

  it('stop where nobody can tell, unless it may be repeated', async () => {
    expect(await run([unknown], { repeat: false })).to.deep.equal({ kind: 'unknown', error: cut });
    expect(tried).to.have.length(1);
    expect(await run([unknown, done])).to.deep.equal({ kind: 'done', value: 'yes', repeated: true });
    const last = await run([unknown, refused]);
    expect(last.kind).to.equal('unknown');
    expect(await run([unknown, final])).to.deep.equal({ kind: 'unknown', error: no });
  });

  it('tell that nothing was written', async () => {
    expect((await run([unwritten], { urls: ['a', 'b'] })).kind).to.equal('unwritten');
  });

  it('end their wait when told to stop', async () => {
    const aborter = new AbortController();
    const late = new BrokerTimeoutError('late');
    clock.after(500, () => {
      aborter.abort(late);
    });
    expect(await run([unwritten, done], { stop: aborter.signal })).to.deep.equal({ kind: 'unwritten', error: away });
    expect(tried).to.have.length(1);
    expect(await run([done], { stop: aborter.signal })).to.deep.equal({ kind: 'unwritten', error: late });
  });
});

describe('lonelyps broadcasters', () => {
  it('are asked by priority, by chance among equals, and each once', () => {
    const clock = new ManualClock();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((url, index) => ({ url, priority: [1, 0, Infinity, 0][index]! }));
    const broadcasters = new Broadcasters([a!, b!, c!, d!], clock);
    const passes = Array.from({ length: 200 }, () =>
      broadcasters
        .pass()
        .map(({ url }) => url)
        .join(''),
    );
    expect([...new Set(passes)].sort()).to.deep.equal(['bdac', 'dbac']);
  });

  it('come last for a while where they could not be connected to', async () => {
    const clock = new ManualClock();
    const [a, b] = ['a', 'b'].map((url, priority) => ({ url, priority }));
    const broadcasters = new Broadcasters([a!, b!], clock);
    broadcasters.notReached(a!);
    expect(broadcasters.pass()).to.deep.equal([b, a]);
    await clock.pass(10_000);
    expect(broadcasters.pass()).to.deep.equal([a, b]);
    broadcasters.notReached(a!);
    broadcasters.reached(a!);
    expect(broadcasters.pass()).to.deep.equal([a, b]);
  });
});
