import { expect } from 'chai';
import {
  ConnectionError,
  StreamNotFoundError,
  StreamUnavailableError,
  type WeirError,
} from '../../../lib/core/errors.js';
import type { RabbitMqStreamOptions } from '../../../lib/rabbitmq-stream/options.js';
import { Watched } from './session-kit.js';
import { settled } from '../../support/manual-clock.js';

const fast = { initialDelay: 100, maxDelay: 1000, factor: 2, jitter: 0 };
const unavailable = new StreamUnavailableError('no leader');
const lost = new ConnectionError('lost');

describe('retries of a session of RabbitMQ Streams', () => {
  let watched: Watched;
  let attempts: number[];
  let failures: WeirError[];
  let outcome: WeirError | undefined;
  let signals: AbortSignal[];

  /** What is retried: notes when, and comes to `outcome`. */
  const attempt = (signal: AbortSignal): Promise<void> => {
    signals.push(signal);
    attempts.push(watched.clock.now() - began);
    return outcome === undefined ? Promise.resolve() : Promise.reject(outcome);
  };
  const failed = (error: WeirError): void => void failures.push(error);
  let began = 0;

  const start = async (options: RabbitMqStreamOptions = {}): Promise<Watched['session']> => {
    watched = await new Watched({ host: 'a', connectTimeout: 2000, reconnect: fast, ...options }).started();
    [attempts, failures, signals] = [[], [], []];
    began = watched.clock.now();
    return watched.session;
  };

  afterEach(() => watched.close());

  it('tries at once, and no more once it has worked', async () => {
    const session = await start();
    outcome = undefined;
    session.retry(attempt, failed);
    expect(attempts).to.deep.equal([0]);
    await watched.clock.pass(10_000);
    expect(attempts).to.deep.equal([0]);
    expect(failures).to.deep.equal([]);
  });

  it('tries again, later and later, for ever', async () => {
    const session = await start();
    outcome = unavailable;
    session.retry(attempt, failed);
    await watched.clock.pass(60_000);
    expect(attempts.slice(0, 6)).to.deep.equal([0, 100, 300, 700, 1500, 2500]);
    expect(attempts.length).to.be.greaterThan(50);
    expect(failures).to.deep.equal([]);
  });

  it('fails at once with what is final', async () => {
    const session = await start();
    outcome = new StreamNotFoundError('deleted');
    session.retry(attempt, failed);
    await settled();
    expect(failures).to.deep.equal([outcome]);
    expect(watched.clock.size).to.equal(0);
  });

  it('fails with something that is no error of ours, which is a defect', async () => {
    const session = await start();
    session.retry(() => Promise.reject(new TypeError('x is not a function')), failed);
    await settled();
    expect(failures[0]).to.deep.include({ code: 'CONNECTION', retriable: false });
    expect(failures[0]!.message).to.include('x is not a function');
  });

  it('gives up after reconnect.maxAttempts', async () => {
    const session = await start({ reconnect: { ...fast, maxAttempts: 2 } });
    outcome = unavailable;
    session.retry(attempt, failed);
    await watched.clock.pass(10_000);
    expect(attempts).to.deep.equal([0, 100, 300]);
    expect(failures).to.have.length(1);
    expect(failures[0]!.message).to.match(/in 2 attempts; the last: no leader/);
    expect(failures[0]!.retriable).to.equal(false);
  });

  it('holds what was never established to connectTimeout, as the first connect is', async () => {
    const session = await start();
    outcome = lost;
    session.retry(attempt, failed);
    await watched.clock.pass(10_000);
    expect(attempts).to.deep.equal([0, 100, 300, 700, 1500, 2500]);
    expect(failures).to.deep.equal([lost]);
  });

  it('does not where the locator was lost as well meanwhile', async () => {
    const session = await start();
    outcome = lost;
    session.retry(attempt, failed);
    await watched.clock.pass(1600);
    watched.cluster.locator.drop();
    await watched.clock.pass(1500);
    expect(failures).to.deep.equal([]);
    await watched.clock.pass(3000);
    expect(failures).to.deep.equal([lost]);
  });

  it('does not with reconnect.initial', async () => {
    const session = await start({ reconnect: { ...fast, initial: true } });
    outcome = lost;
    session.retry(attempt, failed);
    await watched.clock.pass(60_000);
    expect(failures).to.deep.equal([]);
  });

  it('waits before the first attempt where something was lost, and tries for ever', async () => {
    const session = await start();
    outcome = lost;
    session.retry(attempt, failed, lost);
    await watched.clock.pass(60_000);
    expect(attempts.slice(0, 3)).to.deep.equal([100, 300, 700]);
    expect(failures).to.deep.equal([]);
  });

  it('leaves time for an election where the broker has removed something', async () => {
    const session = await start();
    outcome = unavailable;
    session.retry(attempt, failed, unavailable);
    await watched.clock.pass(1500);
    expect(attempts).to.deep.equal([500, 700, 1100]);
  });

  it('leaves less where reconnect.maxDelay is less', async () => {
    const session = await start({ reconnect: { ...fast, maxDelay: 50 } });
    outcome = undefined;
    session.retry(attempt, failed, unavailable);
    await watched.clock.pass(1500);
    expect(attempts).to.deep.equal([50]);
  });

  it('tries once with reconnect: false, and not at all where something was lost', async () => {
    const session = await start({ reconnect: false });
    outcome = lost;
    session.retry(attempt, failed);
    await watched.clock.pass(1000);
    session.retry(attempt, failed, unavailable);
    expect(failures).to.deep.equal([lost]);
    await watched.clock.pass(1000);
    expect(attempts).to.deep.equal([0]);
    expect(failures).to.deep.equal([lost, unavailable]);
  });

  it('ends by its cancel, which aborts the attempt that is under way', async () => {
    const session = await start();
    let fail: (error: WeirError) => void = () => undefined;
    const cancel = session.retry((signal) => {
      signals.push(signal);
      return new Promise((_, reject) => (fail = reject));
    }, failed);
    cancel();
    cancel();
    expect(signals[0]!.aborted).to.equal(true);
    fail(lost);
    await watched.clock.pass(10_000);
    expect(signals).to.have.length(1);
    expect(failures).to.deep.equal([]);
    outcome = unavailable;
    const later = session.retry(attempt, failed);
    await watched.clock.pass(50);
    later();
    await watched.clock.pass(10_000);
    expect(attempts).to.have.length(1);
  });
});
