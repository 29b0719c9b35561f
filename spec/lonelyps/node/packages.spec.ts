import { expect } from 'chai';
import { UnsupportedError } from '../../../lib/core/errors.js';
import { importPackage, loadUndici, loadWs } from '../../../lib/lonelyps/node/packages.js';
import { refusal } from '../../support/refusal.js';

describe('lonelyps/node: optional packages', () => {
  const load = (given: () => Promise<unknown>): Promise<{ Pool: unknown }> =>
    importPackage<{ Pool: unknown }>('undici', 'Pool', 'over HTTP', given);

  it('are loaded once', async () => {
    expect(await loadUndici()).to.equal(await loadUndici());
    expect(await loadWs()).to.equal(await loadWs());
  });

  it('are named where they are not installed, in one line', async () => {
    const missing = Object.assign(new Error("Cannot find package 'undici' imported from here\nmore"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const error = await refusal(load(() => Promise.reject(missing)));
    expect(error).to.be.instanceOf(UnsupportedError);
    expect(error.message).to.equal(
      'lonelyps over HTTP needs the package undici, which is not installed: npm install undici',
    );
  });

  it('are named where they do not load', async () => {
    const error = await refusal(load(() => Promise.reject(new Error('a bad line\nmore'))));
    expect(error.message).to.include('which cannot be loaded (a bad line)').and.to.not.include('\n');
  });

  it('are named where they are too old', async () => {
    expect((await refusal(load(() => Promise.resolve({})))).message).to.include('has no Pool');
  });
});
