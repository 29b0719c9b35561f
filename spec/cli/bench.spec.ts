import { expect } from 'chai';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  stopAll,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { cli } from './cli-kit.js';

describe('rx-weir bench and info', () => {
  after(stopAll);

  const number = '[\\d\u00a0]+';
  const decimal = '[\\d.]+';

  /** All three ways, as a table, as JSON and as CSV. */
  async function measures(url: string, kind: string): Promise<void> {
    const channel = unique('bench');
    const messages = kind === 'lonelyps' ? '200' : '2000';
    const options = ['--msgs', messages, '--size', '100B'];
    const table = await cli(['bench', url, channel, '--create', ...options]);
    expect(table.code, table.stderr).to.equal(0);
    const [title, header, line] = table.stdout.split('\n');
    expect(title).to.equal(`${kind}, 100 bytes a message, window 1\u00a0024`);
    expect(header?.trim().split(/ {2,}/)).to.deep.equal([
      'messages',
      'seconds',
      'msgs/s',
      'MB/s',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'max ms',
    ]);
    const columns = [number, decimal, number, decimal, decimal, decimal, decimal, decimal].join(' +');
    expect(line).to.match(new RegExp(`^publish +${columns}$`));
    const both = await cli(['bench', url, channel, '--both', '--csv', ...options]);
    expect(both.code, both.stderr).to.equal(0);
    const [names, ...rows] = both.stdout
      .trimEnd()
      .split('\n')
      .map((each) => each.split(','));
    expect(names?.slice(0, 3)).to.deep.equal(['broker', 'what', 'messages']);
    expect(rows.map((each) => each.slice(0, 4))).to.deep.equal([
      [kind, 'publish', messages, '100'],
      [kind, 'receive', messages, '100'],
    ]);
    for (const row of rows) {
      const [p50, p95, p99, max] = row.slice(-4).map(Number) as [number, number, number, number];
      expect(p50 <= p95 && p95 <= p99 && p99 <= max && max > 0, row.join()).to.equal(true);
    }
    if (kind === 'lonelyps') return;
    const sub = await cli(['bench', url, channel, '--sub', '--json', '--msgs', '3000', '--delete']);
    const { broker, results } = JSON.parse(sub.stdout) as { broker: string; results: Record<string, unknown>[] };
    expect(broker).to.equal(kind);
    expect(results[0]).to.include({ label: 'receive', messages: 3000 });
  }

  it('measure the memory broker', () => measures(`memory:${unique('bench')}`, 'memory'));

  it('measure NATS Streaming', async () => {
    const { host, port, cluster } = await startNatsStreaming();
    const url = `stan://${host}:${port}/${cluster}`;
    await measures(url, 'nats-streaming');
    const channel = unique('told');
    await cli(['pub', url, channel], { stdin: 'a\nb\nc\n' });
    const { stdout } = await cli(['info', url, channel]);
    expect(stdout)
      .to.match(/^broker +nats-streaming$/m)
      .and.to.match(/^has no +headers, keys$/m);
    expect(stdout).to.match(new RegExp(`^${channel} +1 +\\S+Z +3 +\\S+Z$`, 'm'));
  });

  it('measure RabbitMQ', async () => {
    const { url } = await startRabbitMq();
    await measures(url, 'rabbitmq-stream');
    const info = await cli(['info', url, unique('missing')]);
    expect(info.code, info.stdout).to.equal(5);
    const channel = unique('told');
    await cli(['pub', url, channel, '--create', 'x']);
    const told = JSON.parse((await cli(['info', url, channel, '--json'])).stdout) as Record<string, unknown>;
    expect(told).to.deep.include({
      state: 'connected',
      capabilities: { replay: true, durable: true, queue: true, headers: true, keys: false },
    });
    const { parts } = told['channel'] as {
      parts: { name: string; first: { offset: string }; last: { offset: string } }[];
    };
    expect(parts.map(({ name, first, last }) => [name, first.offset, last.offset])).to.deep.equal([
      [channel, '0', '0'],
    ]);
    expect(JSON.stringify(told)).not.to.include('guest:guest');
  });

  it('measure Liftbridge', async () => {
    const { url } = await startLiftbridge();
    await measures(`liftbridge://${url}`, 'liftbridge');
    const { stdout } = await cli(['info', `liftbridge://${url}`]);
    expect(stdout)
      .to.match(/^server +\S+ at \S+:\d+, leads \d+ partitions$/m)
      .and.to.match(/^streams +/m);
  });

  it('measure lonelyps, but for what it does not keep', async () => {
    const { socketUrl } = await startLonelypss();
    await measures(`lonelyps+${socketUrl}`, 'lonelyps');
    const sub = await cli(['bench', `lonelyps+${socketUrl}`, 'c', '--sub']);
    expect(sub.code).to.equal(2);
    expect(sub.stderr).to.match(/keeps no messages; measure it with --both/);
    expect((await cli(['info', `lonelyps+${socketUrl}`, 'topic'])).stdout).to.match(
      /topic: lonelyps keeps no messages/,
    );
  });
});
