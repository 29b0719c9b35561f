import { expect } from 'chai';
import { loadUndici, loadWs } from '../../../lib/lonelyps/node/packages.js';

describe('lonelyps/node: optional packages', () => {
  it('are loaded once', async () => {
    expect(await loadUndici()).to.equal(await loadUndici());
    expect(await loadWs()).to.equal(await loadWs());
  });
});
