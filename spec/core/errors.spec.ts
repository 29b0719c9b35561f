import { inspect } from 'node:util';

import { expect } from 'chai';

import * as errors from '../../lib/core/errors.js';
import { ConnectionError, errorCodes, InvalidOptionError, PublishError, WeirError } from '../../lib/core/errors.js';

type Subclass = new (message: string, options?: errors.WeirErrorOptions) => WeirError;

const classes = Object.entries(errors as unknown as Record<string, unknown>)
  .filter(([, value]) => typeof value === 'function' && value !== WeirError)
  .map(([name, value]) => [name, value as Subclass] as const);

/** A second copy of the module, as two versions of the package in one process would have. */
async function secondCopy(): Promise<typeof errors> {
  const address = new URL('../../lib/core/errors.ts?copy=2', import.meta.url).href;
  const copy = (await import(address)) as typeof errors;
  expect(copy.WeirError).not.to.equal(WeirError);
  return copy;
}

describe('errors', () => {
  it('has one class for each code', () => {
    expect(new Set(errorCodes).size).to.equal(errorCodes.length);
    const made = classes.map(([, Class]) => new Class('x').code);
    expect([...made].sort()).to.deep.equal([...errorCodes].sort());
  });

  for (const [name, Class] of classes) {
    it(`${name} knows its name, its kin and what it was told`, () => {
      const cause = new Error('why');
      const error = new Class('what', { cause, broker: 'memory', detail: { code: 7, at: 5n } });
      expect(error).to.be.instanceOf(Error).and.instanceOf(WeirError).and.instanceOf(Class);
      expect(error.name).to.equal(name);
      expect(String(error)).to.equal(`${name}: what`);
      expect(inspect(error)).to.contain(`${name}: what`);
      expect(error).to.include({ message: 'what', cause, broker: 'memory' });
      expect(error.detail).to.deep.equal({ code: 7, at: 5n });
      expect(new Class('x', { retriable: true }).retriable).to.equal(true);
      expect(new Class('x', { retriable: false }).retriable).to.equal(false);
      expect('cause' in new Class('x')).to.equal(false);
    });
  }

  it('says which can be tried again', () => {
    const retriable = classes.filter(([, Class]) => new Class('x').retriable).map(([name]) => name);
    expect(retriable.sort()).to.deep.equal([
      'BrokerTimeoutError',
      'ConnectionError',
      'OverflowError',
      'StreamUnavailableError',
    ]);
  });

  it('keeps its name when a bundler has renamed the class', () => {
    const a = class extends PublishError {};
    expect(new a('x').name).to.equal('PublishError');
  });

  it('knows its own by class', () => {
    const error = new PublishError('x');
    expect(error).not.to.be.instanceOf(ConnectionError);
    for (const other of [null, undefined, 5, 'x', {}, new Error('x'), { code: 'PUBLISH' }]) {
      expect(other instanceof WeirError).to.equal(false);
      expect(other instanceof PublishError).to.equal(false);
    }
  });

  it('does not take an error for one of a class that a program derived', () => {
    class MyPublishError extends PublishError {}
    expect(new MyPublishError('x')).to.be.instanceOf(MyPublishError).and.instanceOf(PublishError);
    expect(new PublishError('x')).not.to.be.instanceOf(MyPublishError);
  });

  it('knows the errors of another copy of the package', async () => {
    const copy = await secondCopy();
    const theirs = new copy.PublishError('x');
    expect(theirs).to.be.instanceOf(PublishError).and.instanceOf(WeirError);
    expect(theirs).not.to.be.instanceOf(ConnectionError);
    expect(new PublishError('x')).to.be.instanceOf(copy.PublishError).and.instanceOf(copy.WeirError);
  });

  it('survives JSON.stringify, with its causes and its bigints', () => {
    const inner = new ConnectionError('gone', { cause: new RangeError('deep') });
    const error = new PublishError('refused', {
      cause: inner,
      broker: 'memory',
      detail: { code: 5, offset: 2n ** 60n },
    });
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({
      name: 'PublishError',
      code: 'PUBLISH',
      message: 'refused',
      retriable: false,
      broker: 'memory',
      detail: { code: 5, offset: '1152921504606846976' },
      cause: {
        name: 'ConnectionError',
        code: 'CONNECTION',
        message: 'gone',
        retriable: true,
        cause: { name: 'RangeError', message: 'deep' },
      },
    });
    expect(JSON.parse(JSON.stringify(new InvalidOptionError('x', { cause: 'a word' })))).to.deep.equal({
      name: 'InvalidOptionError',
      code: 'INVALID_OPTION',
      message: 'x',
      retriable: false,
      cause: 'a word',
    });
  });
});
