import { expect } from 'chai';
import { UnsupportedError } from '../../../lib/core/errors.js';
import { settled, SinkBench } from './sink-kit.js';

interface Order {
  readonly region?: string;
  readonly text: string;
}

describe('A sink with filter values', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  it('sends each message with what the function gives for its value', async () => {
    const sink = await bench.live({ filterValue: (order: Order) => order.region });
    sink.give({ region: 'eu', text: 'a' }, undefined, Buffer.from('a'));
    sink.give({ text: 'b' }, undefined, Buffer.from('b'));
    sink.give({ region: '日本', text: 'c' }, undefined, Buffer.from('c'));
    await settled();
    expect(bench.connection.frames.map(({ version }) => version)).to.deep.equal([2]);
    expect(bench.connection.entries.map(({ filter }) => filter)).to.deep.equal(['eu', null, '日本']);
    expect(bench.connection.bodies).to.deep.equal(['a', 'b', 'c']);
    bench.connection.confirm(2n, 1n, 3n);
    expect(sink.receipts.map(({ ok }) => ok)).to.deep.equal([true, true, true]);
  });

  it('prefers the value that a message has of its own', async () => {
    const sink = await bench.live({ filterValue: () => 'by function' });
    sink.give('a', { filterValue: 'of its own' } as object);
    sink.give('b', { filterValue: '' } as object);
    await settled();
    expect(bench.connection.entries.map(({ filter }) => filter)).to.deep.equal(['of its own', '']);
  });

  it('sends those with and those without in frames of their own, in their order', async () => {
    const sink = await bench.live();
    sink.offer('a');
    sink.give('b', { filterValue: 'x' } as object);
    sink.give('c', { headers: { h: 1 } });
    sink.offer('d');
    await settled();
    expect(bench.connection.frames.map(({ version, entries }) => [version, entries.map(({ id }) => id)])).to.deep.equal(
      [
        [1, [1n]],
        [2, [2n]],
        [1, [3n, 4n]],
      ],
    );
  });

  it('counts the filter value in when it looks whether a message fits', async () => {
    bench.broker.frameMax = 4096;
    const sink = await bench.live({ filterValue: () => 'four' });
    const most = 4096 - 13 - 12 - 2 - 4 - 8;
    sink.give('fits', undefined, Buffer.alloc(most));
    sink.give('too large', undefined, Buffer.alloc(most + 1));
    await settled();
    expect(sink.told).to.deep.equal(['too large FRAME_TOO_LARGE']);
    expect(bench.connection.ids).to.deep.equal([1n]);
  });

  it('refuses a value for which the function throws, or gives what is no filter value', async () => {
    const sink = await bench.live({
      filterValue: (value: string) => {
        if (value === 'throws') throw new Error('no region');
        return (value === 'number' ? 7 : 'x'.repeat(40_000)) as string;
      },
    });
    sink.offer('throws', 'number', 'long');
    expect(sink.told).to.deep.equal(['throws PUBLISH', 'number INVALID_OPTION', 'long INVALID_OPTION']);
    expect(sink.receipts[0]!.error!.message).to.contain('no region');
  });

  it('is not possible with a broker that knows no filters', async () => {
    bench.broker.filters = false;
    bench.broker.version = '3.12.1';
    const sink = await bench.live({ filterValue: () => 'x' });
    sink.offer('a');
    expect(sink.told).to.deep.equal(['a UNSUPPORTED']);
    expect(sink.receipts[0]!.error).to.be.instanceOf(UnsupportedError);
    expect(sink.receipts[0]!.error!.message).to.contain('3.12.1');
  });

  it('sends the same filter values again without asking the function again', async () => {
    let calls = 0;
    const sink = await bench.live({ resend: true, filterValue: () => `call ${++calls}` });
    sink.offer('a', 'b');
    await settled();
    bench.connection.drop();
    await bench.broker.retry();
    expect(bench.connection.entries.map(({ filter }) => filter)).to.deep.equal(['call 1', 'call 2']);
  });
});
