import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { Running, killAll } from '../examples/run-example.js';
import { root } from '../package/built.js';
import { startNatsStreaming, stopAll, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { watchSignals } from '../../lib/cli/signals.js';
import { cli } from './cli-kit.js';

describe('rx-weir as a process', () => {
  let server: NatsStreamingServer;
  let url: string;

  before(async () => {
    server = await startNatsStreaming();
    url = `nats-streaming://${server.host}:${server.port}/${server.cluster}`;
  });

  afterEach(killAll);
  after(stopAll);

  function start(...args: string[]): Running {
    const env = { ...process.env, RX_WEIR_URL: url };
    return new Running(
      spawn(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', ...args], { cwd: root, env, stdio: 'pipe' }),
    );
  }

  it('replays what another has published, through pipes', async () => {
    const channel = unique('piped');
    const pub = start('pub', channel);
    pub.child.stdin.end('one\ntwo\n');
    expect(await pub.ended).to.deep.include({ code: 0, stdout: '' });
    const { code, stdout, stderr } = await start('replay', channel).ended;
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout.split('\n').map((line) => line.replace(/"time":"[^"]*",/, ''))).to.deep.equal([
      '{"offset":"1","value":"one"}',
      '{"offset":"2","value":"two"}',
      '',
    ]);
  });

  it('publishes on SIGINT what it has read, and exits with 130', async () => {
    const channel = unique('interrupted');
    const pub = start('pub', channel);
    pub.child.stdin.write('one\ntwo\nhalf a line');
    // it is at work when both have come
    const sub = await cli(['sub', url, channel, '--all', '-c', '2']);
    expect(sub.stdout).to.equal('one\ntwo\n');
    pub.child.kill('SIGINT');
    const { code, stderr } = await pub.ended;
    expect(code).to.equal(130);
    expect(stderr).to.match(/^rx-weir: interrupted; published 2 messages in /m);
  });

  it('writes and acks on SIGINT what has come, and exits with 130', async () => {
    const channel = unique('interrupted');
    await cli(['pub', url, channel], { stdin: '1\n2\n3\n' });
    const flags = [channel, '--durable', 'd', '--all'];
    const sub = start('sub', ...flags);
    await sub.printed(/3\n/);
    sub.child.kill('SIGINT');
    const { code, stdout, stderr } = await sub.ended;
    expect([code, stdout]).to.deep.equal([130, '1\n2\n3\n']);
    expect(stderr).to.match(/^rx-weir: interrupted after 3 messages in /m);
    await cli(['pub', url, channel, '4']);
    // the position was kept: the same durable of the same client id
    expect((await cli(['sub', url, ...flags, '-c', '1'])).stdout).to.equal('4\n');
  });

  it('ends when the reader of a pipe has gone', async () => {
    const channel = unique('head');
    await cli(['pub', url, channel, 'x'.repeat(1000), '-c', '2000']);
    const sub = start('sub', channel, '--all');
    await once(sub.child.stdout, 'data');
    sub.child.stdout.destroy();
    expect(await sub.ended).to.include({ code: 0, stderr: '' });
  });

  it('gives up at once at the second signal', () => {
    const listeners = new Map<string, () => void>();
    const exits: number[] = [];
    const { signal, codeOfSignal } = watchSignals({
      on: (name, listener) => listeners.set(name, listener),
      exit: (code) => exits.push(code),
    });
    expect([signal.aborted, codeOfSignal()]).to.deep.equal([false, undefined]);
    listeners.get('SIGTERM')?.();
    expect([signal.aborted, codeOfSignal(), exits]).to.deep.equal([true, 143, []]);
    listeners.get('SIGINT')?.();
    expect([codeOfSignal(), exits]).to.deep.equal([143, [130]]);
  });

  it('does not wait for a broker that is gone when it is interrupted', async () => {
    const gone = await startNatsStreaming({ needs: 'control' });
    const where = `nats-streaming://${gone.host}:${gone.port}/${gone.cluster}?closeTimeout=300`;
    const pub = start('pub', '-s', where, 'c', 'x', '-c', '100000', '--rate', '500');
    const seen = await cli(['sub', where, 'c', '--all', '-c', '1']);
    expect(seen.stdout).to.equal('x\n');
    await gone.kill();
    let stderr = '';
    pub.child.stderr.on('data', (chunk: string) => (stderr += chunk));
    await until(() => stderr.includes('the connection was lost'));
    pub.child.kill('SIGINT');
    const { code } = await pub.ended;
    expect(code).to.equal(130);
    expect(stderr).to.match(/interrupted; published \d+ messages? in .*(uncertain|failed)/);
  });
});
