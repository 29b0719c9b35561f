import { expect } from 'chai';
import { built } from '../package/built.js';
import { killAll, runExample } from './run-example.js';

describe('examples/testing-a-service', () => {
  before(() => built());
  afterEach(killAll);

  it('has specs that pass', async () => {
    const { code, stdout, stderr } = await runExample('testing-a-service');
    expect(stderr).to.equal('');
    expect(code, stdout).to.equal(0);
    expect(stdout).to.contain('tries an order without a price three times, a minute apart');
    expect(stdout).to.match(/ pass 4$/m);
    expect(stdout).to.match(/ fail 0$/m);
  });
});
