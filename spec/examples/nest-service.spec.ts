import { expect } from 'chai';
import { built } from '../package/built.js';
import { killAll, runExample, startExample } from './run-example.js';

describe('examples/nest-service', () => {
  before(() => built());
  afterEach(killAll);

  it('orders from itself, and ends when all is billed', async () => {
    const { code, stdout, stderr } = await runExample('nest-service');
    expect(stderr).to.equal('');
    expect(code, stdout).to.equal(0);
    expect(stdout.match(/^ordered: 201$/gm)).to.have.length(3);
    expect(stdout).to.match(/^ready: 200$/m);
    const bills = stdout.match(/^billed order [apq]: \d0$/gm);
    expect(bills).to.have.members(['billed order a: 50', 'billed order p: 40', 'billed order q: 60']);
    expect(stdout).to.match(/\nclosed\n$/);
  });

  it('finishes the bills at work when it is told to end, and exits with 0', async () => {
    const program = startExample('nest-service', ['--port', '0']);
    const [url] = await program.printed(/http:\/\/\S+(?=\/orders)/);
    const order = async (id: number): Promise<number> => {
      const body = JSON.stringify({ id: String(id), item: 'apple' });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${url}/orders`, { method: 'POST', headers, body })).status;
    };
    expect((await fetch(`${url}/health/live`)).status).to.equal(200);
    const statuses = await Promise.all(Array.from({ length: 100 }, (_, n) => order(n)));
    expect(statuses).to.deep.equal(Array(100).fill(201));
    program.child.kill('SIGTERM');
    const { code, stdout, stderr } = await program.ended;
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    const bills = stdout.match(/^billed order \d+/gm) ?? [];
    expect(new Set(bills)).to.have.property('size', 100);
    expect(stdout).to.match(/\nclosed\n$/);
  });

  it('says in one line that its broker cannot be reached', async () => {
    const { code, stderr } = await runExample('nest-service', ['--broker', 'nats://127.0.0.1:1']);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^nest-service: BrokerModule: broker '\w+' cannot be reached: .*connect: false.*\n$/);
  });
});
