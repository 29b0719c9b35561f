import { expect } from 'chai';
import { earliest } from '../../../lib/core/starts.js';
import { settled, SourceBench } from './source-kit.js';

describe('liftbridge: a source over the partitions of a stream', () => {
  it('reads', async () => {
    const bench = new SourceBench(2);
    bench.logs[0]!.append('a', 'b');
    bench.logs[1]!.append('c');
    const reading = bench.read({ start: earliest() });
    await settled();
    expect(reading.error).to.equal(undefined);
    expect(reading.values()).to.deep.equal(['a', 'b', 'c']);
    reading.ackAll();
    reading.unsubscribe();
    await settled();
    expect(bench.clock.size).to.equal(0);
    expect(bench.open).to.deep.equal([]);
  });
});
