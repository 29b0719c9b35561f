import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import { memoryHandle } from '../../lib/cli/memory-store.js';
import { run } from '../../lib/cli/run.js';
import { rabbitmqStream } from '../../lib/rabbitmq-stream/index.js';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  stopAll,
} from '../support/brokers/index.js';
import { removeFolder, temporaryFolder } from '../support/guard.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/wait.js';
import { cli, Collected } from './cli-kit.js';

const nbsp = '\u00a0';

describe('rx-weir pub and sub', () => {
  let url: string;

  beforeEach(() => {
    url = `memory:${unique('store')}`;
  });

  after(stopAll);

  const values = async (channel: string, ...more: string[]): Promise<string> =>
    (await cli(['sub', url, channel, '-e', ...more])).stdout;

  it('publish a value, the lines of standard input, a file, and all of it as one', async () => {
    const one = await cli(['pub', url, 'c', 'hello world']);
    expect(one.code).to.equal(0);
    expect(one.stderr).to.match(/^rx-weir: published 1 message in [\d.]+ s, [\d\u00a0]+ msg\/s, [\d.]+ MB\/s\n$/);
    await cli(['pub', url, 'c'], { stdin: 'a\nb\n\nc' });
    expect(await values('c')).to.equal('hello world\na\nb\n\nc\n');
    await cli(['pub', url, 'raw', '--raw'], { stdin: 'x\ny\n' });
    expect(await values('raw', '--raw')).to.equal('x\ny\n');
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'in'), '1,2,3');
    await cli(['pub', url, 'file', '--file', join(folder, 'in'), '-D', ',', '-c', '2']);
    expect(await values('file')).to.equal('1\n2\n');
    await removeFolder(folder);
    const missing = await cli(['pub', url, 'file', '--file', join(folder, 'none')]);
    expect(missing).to.include({ code: 1 });
    expect(missing.stderr).to.match(/ENOENT/);
  });

  it('publish with headers, a key, templates and at a pace', async () => {
    await cli([
      'pub',
      url,
      'c',
      'n {{Count}} of {{ID}}',
      '--templates',
      '-c',
      '3',
      '-H',
      'a: 1',
      '-H',
      'b=x:y',
      '-k',
      'key',
    ]);
    const lines = (await values('c', '--json'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ value }) => String(value).slice(0, 4))).to.deep.equal(['n 1 ', 'n 2 ', 'n 3 ']);
    expect(lines[0]).to.deep.include({ key: 'key', headers: { a: '1', b: 'x:y' } });
    const begun = performance.now();
    await cli(['pub', url, 'slow', 'x', '-c', '5', '--rate', '100']);
    await cli(['pub', url, 'slow', 'x', '-c', '3', '--sleep', '10ms']);
    expect(performance.now() - begun).to.be.greaterThan(50);
    expect(await values('slow')).to.equal('x\n'.repeat(8));
  });

  it('tell what failed, and end where the rest would fail too', async () => {
    const rabbit = await startRabbitMq();
    const input = new PassThrough();
    input.write('a\nb\n');
    // the input has no end, and the command ends all the same
    const missing = await cli(['pub', rabbit.url, unique('missing')], { stdin: input });
    expect(missing.code, missing.stderr).to.equal(5);
    expect(missing.stderr).to.match(/published 0 messages.*; \d failed/);
    const stream = unique('limited');
    const big = 'x'.repeat(5000);
    const mixed = await cli(['pub', `${rabbit.url}?frameMax=4096`, stream, '--create'], { stdin: `a\n${big}\nb\n` });
    expect(mixed.code, mixed.stderr).to.equal(1);
    expect(mixed.stderr).to.match(/published 2 messages.*; 1 failed/);
    expect((await cli(['sub', rabbit.url, stream, '-e'])).stdout).to.equal('a\nb\n');
  });

  it('carry keys, headers, properties and partitions where the broker has them', async () => {
    const rabbit = await startRabbitMq();
    const stream = unique('fields');
    const line =
      '{"value":"v","headers":{"n":1,"t":"x","b":{"base64":"/w=="}},"properties":{"subject":"s","messageId":{"bigint":"7"}}}\n';
    expect(await cli(['pub', rabbit.url, stream, '--create', '--ndjson', '-q'], { stdin: line })).to.include({
      code: 0,
    });
    const { stdout } = await cli(['replay', rabbit.url, stream]);
    const { offset, time, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
    expect(rest).to.deep.equal(JSON.parse(line));
    expect([offset, typeof time]).to.deep.equal(['0', 'string']);
    const keyed = await cli(['pub', rabbit.url, stream, 'x', '-k', 'key']);
    expect(keyed.code).to.equal(2);
    expect(keyed.stderr).to.match(/key/);
    expect(await cli(['pub', rabbit.url, stream, 'x', '-k', 'key', '--lossy', '-q'])).to.include({
      code: 0,
      stderr: '',
    });

    const lift = await startLiftbridge();
    const name = unique('fields');
    const url = `liftbridge://${lift.url}`;
    const made = '{"partition":0,"key":"k","headers":{"h":"é","raw":{"base64":"/w=="}},"value":"v"}\n';
    await cli(['pub', url, name, '--create', '--ndjson', '-q', '-X', 'ackPolicy=all'], { stdin: made });
    const again = JSON.parse((await cli(['replay', url, name])).stdout) as object;
    expect(again).to.deep.include(JSON.parse(made));
  });

  it('go on where a durable stood, and share a queue', async () => {
    await cli(['pub', url, 'c'], { stdin: '1\n2\n3\n4\n' });
    const first = await cli(['sub', url, 'c', '--durable', 'd', '--all', '-c', '2']);
    const second = await cli(['sub', url, 'c', '--durable', 'd', '--all', '-e']);
    expect([first.stdout, second.stdout]).to.deep.equal(['1\n2\n', '3\n4\n']);
    const looked = await cli(['sub', url, 'c', '--durable', 'e', '--all', '--no-ack', '--max-in-flight', '3']);
    const after = await cli(['sub', url, 'c', '--durable', 'e', '--all', '-c', '4']);
    expect([looked.stdout, after.stdout]).to.deep.equal(['1\n2\n3\n', '1\n2\n3\n4\n']);
  });

  it('begin and end where the flags say', async () => {
    await cli(['pub', url, 'c'], { stdin: '1\n2\n3\n4\n5\n' });
    const lines = (await cli(['replay', url, 'c'])).stdout.trimEnd().split('\n');
    const time = (JSON.parse(lines[0]!) as { time: string }).time;
    const shown = async (...flags: string[]): Promise<string> =>
      (await cli(['sub', url, 'c', ...flags])).stdout.replaceAll('\n', '');
    expect(await shown('-o', 'beginning', '-e')).to.equal('12345');
    expect(await shown('-o', '4', '-e')).to.equal('45');
    expect(await shown('--last', '-e')).to.equal('5');
    expect(await shown('-o', 'last', '-e')).to.equal('5');
    expect(await shown('--earliest', '--until-offset', '2')).to.equal('12');
    expect(await shown('--since', '1h', '--until-now')).to.equal('12345');
    expect(await shown('-o', `s@${time}`, '-c', '2')).to.equal('12');
    expect(await shown('-o', 'beginning', '-o', 'e@0')).to.equal('');
    expect(await shown('--new', '--wait', '30ms')).to.equal('');
    expect((await cli(['replay', url, 'c', '-o', '3', '--until-offset', '4'])).stdout.split('\n').length).to.equal(3);
    expect((await cli(['sub', url, 'c', '--all', '--last'])).stderr).to.match(
      /--all and --last both say where to start/,
    );
    expect((await cli(['sub', url, 'c', '--raw', '--json'])).stderr).to.match(/--raw and --json both say/);
    expect((await cli(['replay', url, 'c', '-o', 'end'])).stderr).to.match(/rx-weir sub --new/);
  });

  it('write headers alone, formats and JSON', async () => {
    await cli(['pub', url, 'c', 'value', '-k', 'k']);
    const line = JSON.parse(await values('c', '--headers-only')) as Record<string, unknown>;
    expect(line).to.include({ channel: 'c', offset: '1', key: 'k', bytes: 5 }).and.not.to.have.property('value');
    expect(await values('c', '-f', '%o:%s|')).to.equal('1:value|');
    expect(await values('c', '-D', ';')).to.equal('value;');
  });

  it('ack what the output has taken, and wait for an output that is slow', async () => {
    await cli(['pub', url, 'c', '--count', '500', 'x'.repeat(1000)]);
    const broker = memoryHandle(url.slice('memory:'.length), {});
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let taken = 0;
    const stdout = new (class extends Collected {
      override _write(chunk: Buffer, encoding: string, done: () => void): void {
        taken += chunk.length;
        void held.then(() => super._write(chunk, encoding, done));
      }
    })();
    const running = cli(['sub', url, 'c', '--all', '-e', '--durable', 'slow', '--max-in-flight', '50'], { stdout });
    await until(() => taken > 0);
    // the window is full of what was not taken yet, and nothing beyond it was asked for
    expect(taken).to.be.at.most(50 * 1001);
    release();
    expect(await running).to.include({ code: 0 });
    expect(stdout.bytes.length).to.equal(500 * 1001);
    await broker.close();
  });

  it('end quietly when the reader goes away', async () => {
    await cli(['pub', url, 'c', '-c', '5000', 'x']);
    for (const command of ['sub', 'replay']) {
      const stdout = new Writable({
        write(_chunk, _encoding, done) {
          done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
        },
      }) as Collected;
      const stderr = new Collected();
      const args = command === 'sub' ? ['sub', url, 'c', '--all'] : ['replay', url, 'c'];
      const signal = new AbortController().signal;
      expect(await run(args, { stdin: new PassThrough(), stdout, stderr, env: {}, signal })).to.equal(0);
      expect(stderr.text).to.equal('');
    }
  });

  it('say what cannot be reached or asked for', async () => {
    const nobody = `liftbridge://127.0.0.1:${await freePort()}`;
    for (const args of [
      ['pub', nobody, 'c', 'x'],
      ['sub', nobody, 'c'],
      ['replay', nobody, 'c'],
      ['info', nobody],
    ]) {
      const ran = await cli(args);
      expect(ran.code, ran.stderr).to.equal(3);
      expect(ran.stderr).to.match(/^rx-weir: cannot connect to Liftbridge .* nobody listens there/);
    }
    expect(await cli(['frob'])).to.include({
      code: 2,
      stderr: "rx-weir: there is no command 'frob'; there are pub, sub, replay, bench, info, doctor\n",
    });
    expect((await cli(['sub', url])).stderr).to.match(/which channel/);
    expect((await cli(['sub', url, 'c', '--frob'])).stderr).to.match(/Unknown option '--frob'/);
    expect((await cli(['pub', url, 'c', 'a', 'b'])).stderr).to.match(/'b' is one argument too many/);
    expect((await cli(['--version'])).stdout).to.match(/^\d+\.\d+\.\d+\n$/);
    for (const name of ['pub', 'sub', 'replay', 'bench', 'info', 'doctor']) {
      const { code, stdout } = await cli([name, '--help']);
      expect(code).to.equal(0);
      expect(stdout)
        .to.match(new RegExp(`^rx-weir ${name} \\[URL\\]`))
        .and.to.include('--server URL');
    }
    expect((await cli([])).code).to.equal(2);
  });

  it('show progress on a terminal, and none elsewhere', async () => {
    const stderr = new Collected();
    stderr.isTTY = true;
    await cli(['pub', url, 'c', 'x', '-c', '60', '--sleep', '10ms'], { stderr });
    expect(stderr.text)
      .to.match(/\r\u001b\[K\d+ messages?/)
      .and.to.match(new RegExp(`published 60 messages`));
    const quiet = new Collected();
    quiet.isTTY = true;
    await cli(['pub', url, 'c', 'x', '-c', '1500', '-q'], { stderr: quiet });
    expect(quiet.text).to.equal('');
    expect((await cli(['bench', url, 'c', '--msgs', '1500'])).stdout).to.include(`1${nbsp}500`);
  });

  it('share a super stream out by the key, and take options of the broker by their names', async () => {
    const server = await startRabbitMq();
    const channel = unique('super');
    const broker = rabbitmqStream({ url: server.url });
    await broker.createSuperStream(channel, { partitions: 3 });
    await broker.close();
    const lines = Array.from({ length: 30 }, (_, n) => `{"key":"k${n % 5}","value":"${n}"}\n`).join('');
    const batches = ['-X', 'subEntry.size=10', '-X', 'subEntry.compression=gzip'];
    const sent = await cli(['pub', server.url, channel, '--super-stream', '--ndjson', '-q', ...batches], {
      stdin: lines,
    });
    expect(sent).to.include({ code: 0, stderr: '' });
    const { stdout } = await cli(['sub', server.url, channel, '--super-stream', '-e', '-f', '%p:%s\\n']);
    const read = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(':') as [string, string]);
    expect(read.map(([, n]) => Number(n)).sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 30 }, (_, n) => n));
    const places = new Set(read.map(([partition, n]) => `${Number(n) % 5} in ${partition}`));
    expect(places.size, 'a key is in one partition').to.equal(5);
    const parts = (await cli(['info', server.url, channel])).stdout
      .split('\n')
      .filter((line) => line.startsWith(channel));
    expect(parts.length).to.equal(3);
  });

  it('take credentials from the environment and from files, and show none', async () => {
    const server = await startNatsStreaming({ auth: { user: 'ann', password: 's3cret' } });
    const where = `stan://${server.host}:${server.port}/${server.cluster}`;
    const env = { RX_WEIR_URL: where, RX_WEIR_PASSWORD: 's3cret' };
    const traced = await cli(['pub', 'c', 'x', '--user', 'ann', '--trace'], { env });
    expect(traced.code, traced.stderr).to.equal(0);
    expect(traced.stderr)
      .to.match(/^info idle -> connecting$/m)
      .and.not.to.include('s3cret');
    const refused = await cli(['pub', 'c', 'x'], { env: { ...env, RX_WEIR_USER: 'bob' } });
    expect(refused.code).to.equal(4);
    expect(refused.stderr).not.to.include('s3cret');
    const rabbit = await startRabbitMq();
    const folder = await temporaryFolder();
    const file = join(folder, 'creds');
    await writeFile(file, `${rabbit.username}:${rabbit.password}\n`);
    const bare = `rabbitmq-stream://${rabbit.host}:${rabbit.port}`;
    expect(await cli(['info', bare, '--creds', file])).to.include({ code: 0 });
    await writeFile(file, 'nothing of the kind');
    const wrong = await cli(['info', bare], { env: { RX_WEIR_CREDS: file } });
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr)
      .to.match(/must have a line of the form user:password/)
      .and.not.to.include('nothing of');
    expect((await cli(['info', bare, '--creds', join(folder, 'none')])).stderr).to.match(/cannot be read \(ENOENT\)/);
    await removeFolder(folder);
  });

  it('work with lonelyps, which has nothing to replay', async () => {
    const server = await startLonelypss();
    for (const [address, glob] of [
      [server.url, false],
      [server.socketUrl, true],
    ] as const) {
      const topic = unique('news');
      const stdout = new Collected();
      const flags = glob ? [`${topic.slice(0, -1)}*`, '--glob'] : [topic];
      const listening = cli(['sub', `lonelyps+${address}`, ...flags, '-c', '2', '--json'], { stdout });
      // nobody keeps what is published before somebody listens
      let sent = 0;
      await until(async () => {
        const { stderr, code } = await cli(['pub', `lonelyps+${address}`, topic, `message ${sent++}`]);
        expect(code, stderr).to.equal(0);
        return stdout.text.split('\n').length > 2;
      });
      expect(await listening).to.include({ code: 0, stderr: '' });
      expect(stdout.text).to.match(new RegExp(`^{"channel":"${topic}","value":"message \\d+"}\n`));
    }
    const replay = await cli(['replay', `lonelyps+${server.url}`, 'topic']);
    expect(replay.code).to.equal(6);
    expect(replay.stderr).to.match(/lonelyps keeps no messages, so there is nothing to replay; rx-weir sub/);
    expect((await cli(['sub', `lonelyps+${server.url}`, 'topic', '-e'])).code).to.equal(6);
    expect((await cli(['sub', `lonelyps+${server.url}`, 'topic', '--all'])).code).to.equal(2);
  });
});
