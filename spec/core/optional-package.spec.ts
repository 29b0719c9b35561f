import { expect } from 'chai';
import { UnsupportedError } from '../../lib/core/errors.js';
import { importPackage } from '../../lib/core/optional-package.js';
import { refusal } from '../support/refusal.js';

interface Undici {
  Pool(): void;
}

describe('importPackage', () => {
  const wanted = { name: 'undici', needs: 'lonelyps over HTTP', broker: 'lonelyps' } as const;
  const load = (given: () => Promise<unknown>): Promise<Undici> => importPackage<Undici>(wanted, ['Pool'], given);

  it('gives the package, or its default export where that has the functions', async () => {
    const found = { Pool: () => undefined };
    expect(await load(() => Promise.resolve(found))).to.equal(found);
    expect(await load(() => Promise.resolve({ default: found }))).to.equal(found);
  });

  it('names one that is not installed, in one line', async () => {
    const missing = Object.assign(new Error("Cannot find package 'undici' imported from here\nmore"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const error = await refusal(load(() => Promise.reject(missing)));
    expect(error).to.be.instanceOf(UnsupportedError);
    expect(error.message).to.equal(
      'lonelyps over HTTP needs the package undici, which is not installed: npm install undici',
    );
    expect(error).to.have.deep.property('detail', { package: 'undici' });
  });

  it('names one that does not load', async () => {
    const error = await refusal(load(() => Promise.reject(new Error('a bad line\nmore'))));
    expect(error.message).to.include('which cannot be loaded (a bad line)').and.to.not.include('\n');
  });

  it('names one that is too old', async () => {
    expect((await refusal(load(() => Promise.resolve({})))).message).to.include('has no Pool');
  });
});
