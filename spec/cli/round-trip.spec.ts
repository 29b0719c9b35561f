import { expect } from 'chai';
import { startLiftbridge, startNatsStreaming, startRabbitMq, stopAll } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { cli, hashOfLines, hashOfValues, linesOf, trickyValues, type Ran } from './cli-kit.js';

const count = 100_000;

describe('rx-weir replay and pub: 100 000 messages', () => {
  const values = [...trickyValues(count)];
  const expected = hashOfValues(values);
  let original: Ran;

  before(async () => {
    const url = `memory:${unique('origin')}`;
    await cli(['pub', url, 'origin', '--ndjson'], { stdin: linesOf(values) });
    original = await cli(['replay', url, 'origin']);
  });

  after(stopAll);

  it('are the same byte for byte on the memory broker', () => {
    expect(original).to.include({ code: 0, stderr: '' });
    expect(hashOfLines(original.stdout)).to.deep.equal(expected);
  });

  /** What one broker has replayed goes to this one, and what this one replays goes back. */
  async function roundTrip(url: string): Promise<void> {
    const stream = unique('replayed');
    const wide = ['--max-in-flight', '8192'];
    const there = await cli(['pub', url, stream, '--ndjson', '--create', ...wide], { stdin: original.bytes });
    expect(there.code, there.stderr).to.equal(0);
    expect(there.stderr).to.match(/^rx-weir: published 100\u00a0000 messages in .* msg\/s, .* MB\/s\n$/);
    const replayed = await cli(['replay', url, stream]);
    expect(replayed).to.include({ code: 0, stderr: '' });
    expect(hashOfLines(replayed.stdout)).to.deep.equal(expected);
    const back = `memory:${unique('back')}`;
    expect(await cli(['pub', back, 'b', '--ndjson', '-q'], { stdin: replayed.bytes })).to.include({ code: 0 });
    expect(hashOfLines((await cli(['replay', back, 'b'])).stdout)).to.deep.equal(expected);
  }

  it('go to NATS Streaming and back', async () => {
    const { host, port, cluster } = await startNatsStreaming();
    await roundTrip(`nats-streaming://${host}:${port}/${cluster}`);
  });

  it('go to RabbitMQ and back', async () => {
    const { url } = await startRabbitMq();
    await roundTrip(url);
  });

  it('go to Liftbridge and back', async () => {
    const { url } = await startLiftbridge();
    await roundTrip(`liftbridge://${url}`);
  });
});
