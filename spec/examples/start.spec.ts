import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { built } from '../package/built.js';
import { startLiftbridge, startNatsStreaming, startRabbitMq } from '../support/brokers/index.js';
import { killAll, runExample, startExample, type Outcome } from './run-example.js';

describe('examples/start.ts (npm start)', () => {
  let folder: string;

  before(async () => {
    await built();
    folder = await mkdtemp(join(tmpdir(), 'rx-weir-start-'));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  afterEach(killAll);

  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };

  const refuses = ({ code, stdout, stderr }: Outcome, expected: number, words: string): void => {
    expect(stderr.trim().split('\n'), stderr).to.have.length(1);
    expect(stderr).to.include(words);
    expect(stdout).to.equal('');
    expect(code).to.equal(expected);
  };

  it('tells the words of the library with the packages in package-lock.json, and ends', async () => {
    const { code, stdout, stderr } = await runExample('start');
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    const lines = stdout.split('\n');
    expect(lines.length).to.be.below(40);
    const words = lines.map((line) => /^(\S+) {2,}/.exec(line)?.[1]).filter((word) => word !== undefined);
    expect(words).to.deep.equal(
      ['receipt', 'start', 'delivery', 'ack', 'in-flight', 'sink', 'Next:'].filter((w) => w !== 'Next:'),
    );
    expect(stdout).to.match(/at most 16 of 16 deliveries were unsettled/);
    expect(stdout)
      .to.match(/#2 .* attempt 1: released/)
      .and.to.match(/#2 .* succeeds, attempt 2: acked/);
    expect(stdout).to.match(/#3 .* attempt 3: put aside/);
    expect(stdout).to.match(/read back: .*, then delivery.ack\(\)/);
    expect(stdout).to.match(/lines done and 1 line put aside/);
    expect(stdout, 'no colours in a pipe').not.to.include('\u001b');
  });

  it('reads a file, whatever its line ends, without its empty lines, and also bytes that are no text', async () => {
    const odd = Uint8Array.of(0xff, 0xfe, 0x41);
    const path = await file('odd.txt', Buffer.concat([Buffer.from('one\r\n\r\n  \ntwo\nthree\r\n'), odd]));
    const { code, stdout } = await runExample('start', [path]);
    expect(code).to.equal(0);
    expect(stdout)
      .to.match(/4 lines published/)
      .and.to.match(/3 lines done and 1 line put aside/);
  });

  it('puts aside the lines that --fail names', async () => {
    const path = await file('fail.txt', 'good\nbad 1\ngood\nbad 2\n');
    const { code, stdout } = await runExample('start', [path, '--fail', 'bad']);
    expect(code).to.equal(0);
    expect(stdout).to.match(/2 lines done and 2 lines put aside/);
    expect(stdout).to.include("read back: 'bad 1'").and.to.include("read back: 'bad 2'");
  });

  it('goes through a file of 100 000 lines', async () => {
    const path = await file('big.txt', Array.from({ length: 100_000 }, (_, n) => `line ${n}`).join('\n'));
    const { code, stdout } = await runExample('start', [path]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/99 999 lines done and 1 line put aside/);
  });

  it('reads standard input that is piped in, and after -', async () => {
    const piped = await runExample('start', [], { stdin: 'a\nb\nc\nd\n' });
    expect(piped.code).to.equal(0);
    expect(piped.stdout).to.include('4 lines published');
    const named = await runExample('start', ['-'], { stdin: 'a' });
    expect(named.code).to.equal(0);
    expect(named.stdout).to.include('1 line published');
  });

  it('takes package-lock.json where a pipe stays silent, and says so', async () => {
    const { code, stdout, stderr } = await startExample('start').ended;
    expect(code).to.equal(0);
    expect(stderr).to.include('nothing came on standard input');
    expect(stdout).to.include('the packages in package-lock.json');
  });

  it('explains itself', async () => {
    const { code, stdout } = await runExample('start', ['--help']);
    expect(code).to.equal(0);
    expect(stdout).to.include('npm start -- [FILE]').and.to.include('--broker URL');
  });

  it('says in one line what is wrong', async () => {
    const empty = await file('empty.txt', '\n\r\n');
    const nested = join(folder, 'nested');
    await mkdir(nested);
    refuses(await runExample('start', [join(folder, 'none')]), 1, 'there is no such file');
    refuses(await runExample('start', [nested]), 1, 'it is a folder');
    refuses(await runExample('start', [empty]), 1, 'there are none');
    refuses(await runExample('start', ['-'], { stdin: '' }), 1, 'there are none');
    refuses(await runExample('start', ['a', 'b']), 2, 'one FILE at a time');
    refuses(await runExample('start', ['--nonsense']), 2, '--nonsense');
    refuses(await runExample('start', ['--broker', 'http://x']), 1, 'servers begins with');
    refuses(await runExample('start', ['--broker', 'nats://127.0.0.1:1']), 1, 'cannot connect');
  });

  it('closes on Ctrl-C', async () => {
    const program = startExample('start', ['-']);
    program.child.stdin.write('first\n'.repeat(10));
    await program.printed(/standard input/);
    program.child.kill('SIGINT');
    const { code, stderr } = await program.ended;
    expect(stderr).to.equal('interrupted: closing\n');
    expect(code).to.equal(130);
  });

  const runsOn = async (args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await runExample('start', args);
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    expect(stdout).to.match(/at most 16 of 16 deliveries were unsettled/);
    expect(stdout).to.match(/#3 .* attempt 3: put aside/);
    expect(stdout).to.match(/lines done and 1 line put aside/);
  };

  it('does the same on NATS Streaming', async () => {
    const server = await startNatsStreaming();
    try {
      await runsOn(['--broker', server.url, '--cluster', server.cluster]);
    } finally {
      await server.stop();
    }
  });

  it('does the same on RabbitMQ', async () => {
    const server = await startRabbitMq();
    try {
      await runsOn(['--broker', server.url]);
    } finally {
      await server.stop();
    }
  });

  it('does the same on Liftbridge', async () => {
    const server = await startLiftbridge();
    try {
      await runsOn(['--broker', `liftbridge://${server.url}`]);
    } finally {
      await server.stop();
    }
  });
});
