import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { built, root } from '../package/built.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { killAll, runExample, startExample } from './run-example.js';

/** Lines that each program prints, in this order, on every broker. */
const programs: Readonly<Record<string, readonly RegExp[]>> = {
  replay: [
    /^earliest\(\) +one two three four five six$/,
    /^latest\(\) +six$/,
    /^fromOffset\(3\) +three four five six$/,
    /^fromTime\(.*\) +four five six$/,
    /^fromAgo\(60_000\) +one two three four five six$/,
    /^untilOffset\(4\) +one two three four$/,
    /^untilTime\(.*\) +one two three$/,
    /^untilNow\(\) +(one two three four five six|not on NATS Streaming)$/,
    /^newOnly\(\) +seven$/,
  ],
  'durable-worker': [
    /^the worker does: job 1, job 2, job 3$/,
    /^the worker stops$/,
    /^the worker resumes: job 4, job 5, job 6, job 7, job 8$/,
    /^a team of 2 does: job 1, job 2, job 3, job 4, job 5, job 6, job 7, job 8$/,
    /^each job once: both had a share$/,
  ],
  pipeline: [
    /^5 requests on /,
    /^ {2}billed order 1 \(apple\): 50$/,
    /^ {2}gave up on order 3 \(unknown\): no price for 'unknown'$/,
    /^3 billed, 1 dead letter, 1 test dropped$/,
    /^3 bridged to the archive$/,
    /^ {2}archived 50 for order 1, from bills$/,
  ],
  'sink-with-receipts': [
    /^send\('four'\): the broker has it$/,
    /^flush\(\)/,
    /^receipts: 100, all confirmed: true$/,
    /^pending: never more than 8: true$/,
    /^overflow 'error': 6 7 8 got OVERFLOW$/,
    /^overflow 'drop-newest': 6 7 8 got OVERFLOW$/,
    /^overflow 'drop-oldest': 3 4 5 got OVERFLOW$/,
    /^publishTo: 20 receipts$/,
    /^publish: InvalidOptionError$/,
    /^stored: 120, from 'one' to 'number 120'$/,
  ],
  'http-ingest': [
    /^events: 202, 10000 stored, 0 failed$/,
    /^mixed: 207, 2 stored, 1 failed; line 2: PUBLISH$/,
    /^bad\/name: 404/,
    /^late: 503, 0 stored/,
    /^closed$/,
  ],
};

/** The programs of examples/ that the other ones are made of, or that have a spec of their own. */
const others = ['start', 'start-input', 'start-print', 'support'];

describe('examples', () => {
  let server: NatsStreamingServer;

  before(async () => {
    await built();
    server = await startNatsStreaming();
  });

  after(() => server.stop());

  afterEach(killAll);

  const runs = async (name: string, args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await runExample(name, args);
    expect(stderr).to.equal('');
    expect(code, stdout).to.equal(0);
    const lines = stdout.split('\n');
    let from = 0;
    for (const expected of programs[name]!) {
      const at = lines.findIndex((line, n) => n >= from && expected.test(line));
      expect(at, `${String(expected)} in\n${stdout}`).not.to.equal(-1);
      from = at + 1;
    }
  };

  for (const name of Object.keys(programs)) {
    it(`${name} runs on the memory broker`, () => runs(name, []));

    it(`${name} runs on NATS Streaming`, () => runs(name, ['--broker', server.url, '--cluster', server.cluster]));
  }

  it('each have a spec', async () => {
    const files = await readdir(join(root, 'examples'));
    const names = files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));
    expect(names).to.have.members([...Object.keys(programs), ...others]);
  });

  it('http-ingest serves until it is asked to end, and answers what is under way', async () => {
    const program = startExample('http-ingest', ['--port', '0']);
    const [url] = await program.printed(/http:\/\/127.0.0.1:\d+\//);
    const call = request(`${url}events`, { method: 'POST', headers: { expect: '100-continue' } });
    call.flushHeaders();
    await once(call, 'continue');
    program.child.kill('SIGINT');
    call.end('{"n":1}\n{"n":2}\n');
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    expect(response.statusCode).to.equal(202);
    expect((await response.toArray()).join('')).to.equal('{"stored":2}\n');
    const { code, stdout } = await program.ended;
    expect(stdout).to.match(/\nclosed\n$/);
    expect(code).to.equal(0);
  });
});
