import { expect } from 'chai';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeStreamStatsResponse } from '../../support/rabbitmq-frames.js';
import { until } from '../../support/wait.js';
import { SourceBench } from '../source-bench.js';

describe('a source of RabbitMQ Streams that lost its link', () => {
  let bench: SourceBench;

  beforeEach(async () => {
    bench = await SourceBench.start();
  });
  afterEach(() => bench.stop());

  const answer = (statistics: Readonly<Record<string, bigint>>): void => {
    bench.fake.on(keys.streamStats, ({ correlationId }, connection) => {
      connection.raw(encodeStreamStatsResponse(correlationId, new Map(Object.entries(statistics))));
    });
  };
  const lose = async (): Promise<void> => {
    bench.log.grow(3, 3, 3);
    bench.read();
    await until(() => bench.seen.length === 9);
    for (const { connection } of bench.log.live) connection.reset();
    await until(() => bench.of('reconnected').length === 1);
    bench.log.grow(3);
  };

  it('goes on at a new leader, which has the whole log and has committed nothing of it yet', async () => {
    answer({ first_chunk_id: 0n, last_chunk_id: 6n, committed_chunk_id: -1n });
    await lose();
    await until(() => bench.seen.length >= 12);
    expect(bench.offsets).to.deep.equal(Array.from({ length: 12 }, (_, i) => i));
    expect(bench.of('reset')).to.deep.equal([]);
  });

  it('begins anew at a leader whose log is shorter', async () => {
    answer({ first_chunk_id: 0n, last_chunk_id: 3n, committed_chunk_id: 3n });
    await lose();
    await until(() => bench.of('reset').length === 1);
    await until(() => bench.seen.length >= 21);
    expect(bench.offsets.slice(9)).to.deep.equal(Array.from({ length: 12 }, (_, i) => i));
  });

  it('goes by what is committed where a server tells of nothing else', async () => {
    answer({ first_chunk_id: 0n, committed_chunk_id: 6n });
    await lose();
    await until(() => bench.seen.length >= 12);
    expect(bench.offsets).to.deep.equal(Array.from({ length: 12 }, (_, i) => i));
    expect(bench.of('reset')).to.deep.equal([]);
  });
});
