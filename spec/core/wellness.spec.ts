import { expect } from 'chai';
import { ConnectionError } from '../../lib/core/errors.js';
import { silent } from '../../lib/core/logger.js';
import { Wellness } from '../../lib/core/wellness.js';

const cause = new ConnectionError('the connection was lost');

/** What a session tells, while its own connection is there or not. */
class Bench {
  up = false;
  readonly told: string[] = [];
  readonly logged: unknown[] = [];
  /** What each hook does besides. */
  also: () => void = () => undefined;
  readonly wellness = new Wellness({
    up: () => this.up,
    logger: { ...silent, error: (_message: string, error: unknown) => this.logged.push(error) },
    hooks: {
      located: () => this.note('located'),
      connected: (again) => this.note(again ? 'connected again' : 'connected'),
      interrupted: () => this.note('interrupted'),
      failed: () => this.note('failed'),
    },
  });

  /** The session's own connection is there. */
  connect(): void {
    this.up = true;
    this.wellness.located();
  }

  lose(): void {
    this.up = false;
    this.wellness.interrupted(cause);
  }

  private note(hook: string): void {
    this.told.push(hook);
    this.also();
  }
}

describe('core: wellness', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));

  it('is well with the session’s own connection, and again after it was lost', () => {
    bench.connect();
    expect(bench.told).to.deep.equal(['located', 'connected']);
    bench.lose();
    bench.connect();
    expect(bench.told.slice(2)).to.deep.equal(['interrupted', 'located', 'connected again']);
  });

  it('tells of an interruption once, and of none before it was well', () => {
    bench.lose();
    expect(bench.told).to.deep.equal([]);
    bench.connect();
    bench.lose();
    bench.wellness.interrupted(cause);
    expect(bench.told.slice(2)).to.deep.equal(['interrupted']);
  });

  it('is well when the last who lost a connection has it again', () => {
    const [one, other] = [{}, {}];
    bench.connect();
    bench.wellness.suspended(one, cause);
    bench.wellness.suspended(other, cause);
    bench.wellness.suspended(other, cause);
    bench.wellness.resumed(one);
    expect(bench.told.slice(2)).to.deep.equal(['interrupted']);
    bench.wellness.resumed(other);
    bench.wellness.resumed(other);
    expect(bench.told.slice(3)).to.deep.equal(['connected again']);
  });

  it('is not well while its own connection is there and another is not, nor the other way round', () => {
    const one = {};
    bench.connect();
    bench.wellness.suspended(one, cause);
    bench.lose();
    bench.connect();
    expect(bench.told.slice(2)).to.deep.equal(['interrupted', 'located']);
    bench.up = false;
    bench.wellness.resumed(one);
    expect(bench.told).to.have.length(4);
    bench.connect();
    expect(bench.told.slice(4)).to.deep.equal(['located', 'connected again']);
  });

  it('does not mind who resumes and was not suspended', () => {
    bench.connect();
    bench.wellness.resumed({});
    expect(bench.told).to.have.length(2);
  });

  it('begins anew after a reset, by which nobody is suspended', () => {
    bench.connect();
    bench.wellness.suspended({}, cause);
    const given = bench.wellness.reset(() => {
      bench.up = false;
      bench.wellness.suspended({}, cause);
      return 'given';
    });
    bench.wellness.failed(cause);
    bench.connect();
    expect(given).to.equal('given');
    expect(bench.told.slice(2)).to.deep.equal(['interrupted', 'failed', 'located', 'connected']);
  });

  it('does not tell of the interruption that a reset is', () => {
    bench.connect();
    bench.wellness.reset(() => {
      bench.wellness.suspended({}, cause);
    });
    expect(bench.told).to.have.length(2);
  });

  it('tells nothing after it was closed', () => {
    bench.connect();
    expect(bench.wellness.closed).to.equal(false);
    bench.wellness.close();
    bench.wellness.suspended({}, cause);
    bench.lose();
    bench.connect();
    bench.wellness.failed(cause);
    expect(bench.wellness.closed).to.equal(true);
    expect(bench.told).to.have.length(2);
  });

  it('logs what a hook throws, and goes on', () => {
    const failure = new Error('a hook failed');
    bench.also = () => {
      throw failure;
    };
    bench.connect();
    bench.lose();
    expect(bench.told).to.deep.equal(['located', 'connected', 'interrupted']);
    expect(bench.logged).to.deep.equal([failure, failure, failure]);
  });
});
