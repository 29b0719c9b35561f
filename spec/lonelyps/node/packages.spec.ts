import { expect } from 'chai';
import { loadUndici, loadWs } from '../../../lib/lonelyps/node/packages.js';

describe('lonelyps/node: optional packages', () => {
  it('are those that specs install, and have what is used of them', async () => {
    expect(new (await loadUndici()).Pool('http://localhost', {})).to.respondTo('dispatch');
    expect((await loadWs()).WebSocket).to.respondTo('send');
  });
});
