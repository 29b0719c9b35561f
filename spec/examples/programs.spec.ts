import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { count, lastValueFrom } from 'rxjs';
import { earliest, untilNow } from '../../lib/index.js';
import { rabbitmqStream } from '../../lib/rabbitmq-stream/index.js';
import { built, root } from '../package/built.js';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  type LiftbridgeServer,
  type LonelypssServer,
  type NatsStreamingServer,
  type RabbitMqServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { killAll, runExample, startExample } from './run-example.js';

/** Lines that each program prints, in this order, on every broker. */
const programs: Readonly<Record<string, readonly RegExp[]>> = {
  replay: [
    /^earliest\(\) +one two three four five six$/,
    /^latest\(\) +six$/,
    /^fromOffset\([23]\) +three four five six$/,
    /^fromTime\(.*\) +four five six$/,
    /^fromAgo\(60_000\) +one two three four five six$/,
    /^untilOffset\([34]\) +one two three four$/,
    /^untilTime\(.*\) +one two three$/,
    /^untilNow\(\) +(one two three four five six|not on NATS Streaming)$/,
    /^newOnly\(\) +seven$/,
  ],
  'durable-worker': [
    /^the worker does: job 1, job 2, job 3$/,
    /^the worker stops$/,
    /^the worker resumes: job 4, job 5, job 6, job 7, job 8$/,
    /^a team(?: of 2 does: job 1, job 2, job 3, job 4, job 5, job 6, job 7, job 8|: one works and the others stand by.*)$/,
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

/** Those that show RabbitMQ alone. */
const rabbitPrograms: Readonly<Record<string, readonly RegExp[]>> = {
  'rabbitmq-super-stream': [
    /3 partitions, -0 -1 -2$/,
    /^300 orders are published$/,
    /^300 orders done, never more than 8 at a time: true$/,
    /^ {2}-0: c4 c6 c8$/,
    /^ {2}-1: c1 c2 c3 c5$/,
    /^ {2}-2: c0 c7 c9$/,
    /^each customer is in one partition: true$/,
    /^20 orders are published$/,
    /^ {2}-0: stored is offset 89$/,
    /^the next run does 20 orders$/,
  ],
  'rabbitmq-single-active': [
    /^10 jobs on /,
    /^ann leaves$/,
    /^ann did job 1, job 2, job 3, job 4$/,
    /^bob did job 5, job 6, job 7, job 8, job 9, job 10$/,
    /^each job once, in order: true$/,
    /^0 jobs are left$/,
  ],
  'rabbitmq-filtering': [
    /^4 × 500 readings on /,
    /^no filter: 2000 came, 500 of them from asia$/,
    /^filter.values: \d+ came, 500 of them from asia$/,
    /^and postFilter: 500 came, 500 of them from asia$/,
  ],
  'rabbitmq-file-ingest': [
    /^package-lock.json on /,
    /^the stream had line 0; 1000 lines are confirmed from line 1 on$/,
    /^interrupted$/,
    /^the stream had line (\d+); \d+ lines are confirmed from line \d+ on$/,
    /^the stream had line (\d+); \1 lines are confirmed from line 1 on$/,
    /^the stream has each line once: true$/,
  ],
};

/** Those that show Liftbridge alone. */
const liftbridgePrograms: Readonly<Record<string, readonly RegExp[]>> = {
  'liftbridge-view': [
    /^201 changes of 4 prices on /,
    /^now: apple 49, pear 149, quince 349$/,
    /^and: apple 49, pear 99, quince 349$/,
    /^compaction has left less than half of them$/,
    /^later: .*pear 99/,
  ],
  'liftbridge-workers': [
    /^6 partitions on /,
    /^ {2}ann: \d \d$/,
    /^ {2}bob: \d \d$/,
    /^ {2}cid: \d \d$/,
    /^ann leaves$/,
    /^ {2}bob: \d \d \d$/,
    /^ {2}cid: \d \d \d$/,
    /^each order is done: true$/,
    /^those of a customer in their order: true$/,
  ],
  'liftbridge-from-nats': [
    /^'sensors-\w+\.\*' is recorded on /,
    /^from the cellar: offset 3 of 'readings'$/,
    /^4 messages are played again$/,
    /^ {2}replay\.sensors\.kitchen: 21$/,
    /^ {2}replay\.sensors\.attic: 9$/,
    /^ {2}replay\.sensors\.kitchen: 22$/,
    /^ {2}replay\.sensors\.cellar: 12, calibrated$/,
  ],
};

/** Those that show lonelyps alone. */
const lonelypsPrograms: Readonly<Record<string, readonly RegExp[]>> = {
  'lonelyps-webhook': [
    /^order 1: 100 cents$/,
    /^order 2: 200 cents$/,
    /^order 3: 300 cents$/,
    /^the page says: 600 cents so far$/,
  ],
  'lonelyps-notify': [
    /^one: 0 notified$/,
    /^two: 0 notified$/,
    /^three: 0 notified$/,
    /^100 side by side$/,
    /^a file: 0 notified$/,
  ],
  'lonelyps-dashboard': [/^the dashboard is at http:/, /^6 readings$/, /^closed$/],
};

const all = { ...programs, ...rabbitPrograms, ...liftbridgePrograms, ...lonelypsPrograms };

/** The programs of examples/ that the other ones are made of, or that have a spec of their own. */
const others = ['start', 'start-input', 'start-print', 'support', 'testing-a-service', 'nest-service'];

describe('examples', () => {
  let server: NatsStreamingServer;
  let rabbit: RabbitMqServer;
  let liftbridge: LiftbridgeServer;
  let open: LonelypssServer;
  let guarded: LonelypssServer;
  let folder: string;

  before(async () => {
    await built();
    [server, rabbit, liftbridge, open, guarded, folder] = await Promise.all([
      startNatsStreaming(),
      startRabbitMq(),
      startLiftbridge(),
      startLonelypss({ auth: 'none' }),
      startLonelypss({ auth: 'hmac' }),
      mkdtemp(join(tmpdir(), 'rx-weir-examples-')),
    ]);
    await writeFile(join(folder, 'subscriber-secrets.json'), guarded.secrets());
  });

  after(() =>
    Promise.all([
      ...[server, rabbit, liftbridge, open, guarded].map((each) => each.stop()),
      rm(folder, { recursive: true }),
    ]),
  );

  afterEach(killAll);

  const runs = async (name: string, args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await runExample(name, args);
    expect(stderr).to.equal('');
    expect(code, stdout).to.equal(0);
    const lines = stdout.split('\n');
    let from = 0;
    for (const words of all[name]!) {
      const at = lines.findIndex((line, n) => n >= from && words.test(line));
      expect(at, `${String(words)} in\n${stdout}`).not.to.equal(-1);
      from = at + 1;
    }
  };

  for (const name of Object.keys(programs)) {
    it(`${name} runs on the memory broker`, () => runs(name, []));

    it(`${name} runs on NATS Streaming`, () => runs(name, ['--broker', server.url, '--cluster', server.cluster]));
  }

  for (const name of [...Object.keys(programs), ...Object.keys(rabbitPrograms)]) {
    it(`${name} runs on RabbitMQ`, () => runs(name, ['--broker', rabbit.url]));
  }

  for (const name of [...Object.keys(programs), ...Object.keys(liftbridgePrograms)]) {
    it(`${name} runs on Liftbridge`, () => {
      const { url, natsUrl = '' } = liftbridge;
      const nats = name === 'liftbridge-from-nats' ? ['--nats', natsUrl] : [];
      return runs(name, ['--broker', `liftbridge://${url}`, ...nats]);
    });
  }

  for (const name of Object.keys(lonelypsPrograms)) {
    it(`${name} runs on lonelyps`, () =>
      runs(name, ['--broker', open.url, ...(name === 'lonelyps-dashboard' ? ['--readings', '6'] : [])]));
  }

  for (const name of ['lonelyps-webhook', 'lonelyps-notify']) {
    it(`${name} runs on lonelyps with secrets`, () =>
      runs(name, ['--broker', guarded.url, '--secrets', join(folder, 'subscriber-secrets.json')]));
  }

  it('lonelyps-dashboard serves a page with its script until it is asked to end', async () => {
    const program = startExample('lonelyps-dashboard', ['--broker', open.url]);
    const [url] = await program.printed(/http:\/\/127.0.0.1:\d+/);
    const page = await (await fetch(url)).text();
    expect(page).to.contain(open.socketUrl);
    const script = await (await fetch(new URL(/src="(.*?)"/.exec(page)![1]!, url))).text();
    expect(script)
      .to.contain('insertRow')
      .and.not.to.match(/\b(from|import|require)\b\s*\(?\s*['"]node:/);
    program.child.kill('SIGINT');
    const { code, stdout } = await program.ended;
    expect(stdout).to.match(/\nclosed\n$/);
    expect(code).to.equal(0);
  });

  it('each have a spec', async () => {
    const files = await readdir(join(root, 'examples'));
    const names = files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));
    expect(names).to.have.members([...Object.keys(all), ...others]);
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

  it('rabbitmq-file-ingest goes on where it was killed, and stores no line twice', async () => {
    const broker = rabbitmqStream({ url: rabbit.url });
    try {
      const file = join(folder, 'lines.txt');
      const lines = 200_000;
      await writeFile(file, Array.from({ length: lines }, (_, n) => `line ${n}`).join('\n'));
      const stream = unique('ingest');
      const args = [file, '--stream', stream, '--broker', rabbit.url];
      const killed = startExample('rabbitmq-file-ingest', args);
      await killed.printed(/10000 lines/);
      killed.child.kill('SIGKILL');
      await killed.ended;
      const { code, stdout, stderr } = await runExample('rabbitmq-file-ingest', args);
      expect(stderr).to.equal('');
      expect(code).to.equal(0);
      const [, had] = /^the stream had line (\d+);/m.exec(stdout)!;
      expect(Number(had)).to.be.within(10_000, lines - 1);
      const stored$ = broker.values(stream, { start: earliest(), until: untilNow() }).pipe(count());
      expect(await lastValueFrom(stored$)).to.equal(lines);
      await broker.deleteStream(stream);
    } finally {
      await broker.close();
    }
  });
});
