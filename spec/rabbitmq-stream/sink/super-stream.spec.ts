import { expect } from 'chai';
import { ConnectionError, RoutingError } from '../../../lib/core/errors.js';
import { routeByHash, routeByKey } from '../../../lib/rabbitmq-stream/routing.js';
import { settled, SinkBench } from './sink-kit.js';

const same = (value: string): string => value;
const byHash = { superStream: true, routing: routeByHash(same) };
const byKey = { superStream: true, routing: routeByKey(same) };

describe('A sink of a super stream', () => {
  let bench: SinkBench;
  const bodies = (stream: string): string[] => bench.broker.stream(stream).bodies;

  beforeEach(() => {
    bench = new SinkBench();
    bench.broker.superStreams.set('ss', ['ss-0', 'ss-1', 'ss-2']);
    for (const n of [0, 1, 2]) bench.broker.stream(`ss-${n}`);
    bench.broker.confirms = true;
  });

  it("puts each key where RabbitMQ's other clients put it", async () => {
    const sink = bench.sink(byHash, 'ss');
    sink.offer('', '0', '1', '2', 'hello', 'invoice-1', 'key-42', 'é', '日本');
    await settled();
    expect(bodies('ss-0')).to.deep.equal(['hello', 'invoice-1', 'key-42']);
    expect(bodies('ss-1')).to.deep.equal(['', '2', 'é', '日本']);
    expect(bodies('ss-2')).to.deep.equal(['0', '1']);
    expect(sink.told.every((line) => line.endsWith(' ok'))).to.equal(true);
    expect(bench.broker.questions.filter((question) => question.startsWith('partitions'))).to.have.length(1);
  });

  it('has ids of its own for each partition, and makes a producer only where something goes', async () => {
    const sink = bench.sink({ ...byHash, producer: 'p' }, 'ss');
    bench.broker.stream('ss-2').lastIds.set('p', 10n);
    sink.offer('hello', '0', 'invoice-1', '1');
    await settled();
    expect(sink.receipts.map(({ value, id }) => [value, id])).to.deep.equal([
      ['hello', 1n],
      ['invoice-1', 2n],
      ['0', 11n],
      ['1', 12n],
    ]);
    expect(bench.broker.questions).to.deep.equal(['partitions ss', 'link ss-0', 'link ss-2']);
  });

  it('has one window over all partitions', async () => {
    bench.broker.confirms = false;
    const sink = await bench.live({ ...byHash, maxInFlight: 2 }, 'ss');
    sink.offer('hello', '0', '1', '2');
    await settled();
    expect([...bodies('ss-0'), ...bodies('ss-1'), ...bodies('ss-2')]).to.deep.equal(['hello', '0']);
    bench.connection.confirm(1n);
    await settled();
    expect([...bodies('ss-0'), ...bodies('ss-1'), ...bodies('ss-2')]).to.deep.equal(['hello', '2', '0', '1']);
  });

  it('goes on with the other partitions while one is away', async () => {
    const sink = await bench.live(byHash, 'ss');
    bench.broker.streams.delete('ss-0');
    sink.offer('hello', '0', 'invoice-1', '1');
    await settled();
    expect(sink.told).to.deep.equal(['hello STREAM_NOT_FOUND', 'invoice-1 STREAM_NOT_FOUND', '0 ok', '1 ok']);
    bench.broker.stream('ss-0');
    sink.offer('key-42');
    await settled();
    expect(sink.told.at(-1)).to.equal('key-42 ok');
  });

  it('answers those who answer a failure with another try', async () => {
    const sink = await bench.live(byHash, 'ss');
    bench.broker.streams.delete('ss-0');
    let tries = 0;
    sink.onReceipt = ({ ok }) => {
      if (!ok && ++tries < 4) sink.offer('hello');
    };
    sink.offer('hello');
    await settled();
    await settled();
    expect(sink.told).to.deep.equal(new Array(4).fill('hello STREAM_NOT_FOUND'));
  });

  it('fails with what is wrong where there is no such super stream, and tries anew', async () => {
    const sink = bench.sink(byHash, 'nowhere');
    sink.offer('a', 'b');
    await settled();
    expect(sink.told).to.deep.equal(['a STREAM_NOT_FOUND', 'b STREAM_NOT_FOUND']);
    bench.broker.superStreams.set('nowhere', []);
    sink.offer('c');
    await settled();
    expect(sink.told.at(-1)).to.equal('c ROUTING');
    bench.broker.superStreams.set('nowhere', ['ss-0']);
    sink.offer('d');
    await settled();
    expect(sink.told.at(-1)).to.equal('d ok');
  });

  it('refuses a value for which the function throws or gives no string', async () => {
    const sink = await bench.live(
      {
        superStream: true,
        routing: routeByHash((value: string) => {
          if (value === 'throws') throw new Error('no customer');
          return 7 as unknown as string;
        }),
      },
      'ss',
    );
    sink.offer('throws', 'number');
    expect(sink.told).to.deep.equal(['throws PUBLISH', 'number INVALID_OPTION']);
    expect(sink.receipts[0]!.error!.message).to.contain('no customer');
  });

  it('takes what a message has wrong as it comes to it', async () => {
    const sink = bench.sink(byHash, 'ss');
    sink.give('hello', { id: 5n });
    sink.give('invoice-1', { id: 4n });
    await settled();
    expect(sink.told).to.deep.equal(['invoice-1 INVALID_OPTION', 'hello ok']);
  });

  it('asks for the partitions again when a link was lost', async () => {
    const sink = await bench.live({ ...byHash, producer: 'p' }, 'ss');
    sink.offer('hello');
    await settled();
    bench.broker.confirms = bench.broker.stores = false;
    sink.offer('invoice-1');
    await settled();
    bench.broker.confirms = bench.broker.stores = true;
    bench.broker.superStreams.set('ss', ['ss-0', 'ss-1', 'ss-2', 'ss-3']);
    bench.broker.stream('ss-3');
    bench.connection.drop();
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['hello ok', 'invoice-1 ok']);
    // 3329588566 mod 4
    sink.offer('');
    await settled();
    expect(bodies('ss-2')).to.deep.equal(['']);
    expect(bench.broker.suspendees.size).to.equal(0);
  });

  it('ends all its producers', async () => {
    const sink = await bench.live(byHash, 'ss');
    sink.offer('hello', '0', '2');
    await sink.flush();
    expect(bench.connection.publishers.size).to.equal(3);
    sink.publisher.close();
    await settled();
    expect(bench.connection.publishers.size).to.equal(0);
  });

  describe('by key', () => {
    beforeEach(() => {
      bench.broker.bindings.set('eu', ['ss-0']).set('us', ['ss-1']).set('all', ['ss-0', 'ss-1', 'ss-2']);
    });

    it('asks once for each key, and keeps the order of each', async () => {
      const sink = await bench.live(
        { superStream: true, routing: routeByKey((value: string) => value.slice(0, 2)) },
        'ss',
      );
      sink.offer('eu1', 'us1', 'eu2', 'us2');
      await settled();
      sink.offer('eu3', 'us3');
      await settled();
      expect(bodies('ss-0')).to.deep.equal(['eu1', 'eu2', 'eu3']);
      expect(bodies('ss-1')).to.deep.equal(['us1', 'us2', 'us3']);
      expect(bench.broker.questions.filter((question) => question.startsWith('route'))).to.deep.equal([
        'route eu',
        'route us',
      ]);
    });

    it('says which key has no partition, and is not put off for ever', async () => {
      const sink = await bench.live(byKey, 'ss');
      sink.offer('asia', 'eu');
      await settled();
      expect(sink.told).to.deep.equal(['asia ROUTING', 'eu ok']);
      const error = sink.receipts[0]!.error!;
      expect(error).to.be.instanceOf(RoutingError);
      expect(error.message).to.contain("'asia'").and.to.contain("'ss'");
      bench.broker.bindings.set('asia', ['ss-2']);
      sink.offer('asia');
      await settled();
      expect(sink.told.at(-1)).to.equal('asia ok');
    });

    it('publishes to every partition of a key, and confirms when all have it', async () => {
      bench.broker.confirms = false;
      const sink = await bench.live(byKey, 'ss');
      sink.offer('all');
      await settled();
      expect(['ss-0', 'ss-1', 'ss-2'].map(bodies)).to.deep.equal([['all'], ['all'], ['all']]);
      const { connection } = bench;
      const ids = Buffer.alloc(8);
      ids.writeBigUInt64BE(1n);
      for (const publisherId of [0, 1]) connection.link.events.confirm(publisherId, ids, 0, 1);
      connection.link.events.confirm(1, ids, 0, 1);
      expect(sink.told).to.deep.equal([]);
      connection.link.events.confirm(2, ids, 0, 1);
      expect(sink.told).to.deep.equal(['all ok']);
    });

    it('says that it failed where one of several partitions did not take it', async () => {
      const sink = await bench.live(byKey, 'ss');
      bench.broker.streams.delete('ss-1');
      sink.offer('all');
      await settled();
      expect(sink.told).to.deep.equal(['all STREAM_NOT_FOUND']);
      expect(bodies('ss-0')).to.deep.equal(['all']);
    });

    it('leaves out streams that are no partitions', async () => {
      bench.broker.bindings.set('odd', ['s', 'ss-2']).set('none', ['s']);
      const sink = await bench.live(byKey, 'ss');
      sink.offer('odd', 'none');
      await settled();
      expect(sink.told).to.deep.equal(['none ROUTING', 'odd ok']);
      expect(bodies('s')).to.deep.equal([]);
    });

    it('asks for a bounded number of keys at a time', async () => {
      let open = (): void => undefined;
      const sink = await bench.live({ superStream: true, routing: routeByKey(() => `key ${++key}`) }, 'ss');
      let key = 0;
      for (let n = 1; n <= 200; n++) bench.broker.bindings.set(`key ${n}`, ['ss-0']);
      bench.broker.gate = new Promise((resolve) => {
        open = resolve;
      });
      for (let n = 1; n <= 200; n++) sink.offer(String(n));
      await settled();
      expect(key).to.equal(64);
      expect(sink.port.writable).to.equal(false);
      open();
      await sink.flush();
      expect(bodies('ss-0')).to.have.length(200);
    });

    it('fails what waits for a key when the handle is closed', async () => {
      const sink = await bench.live(byKey, 'ss');
      bench.broker.gate = new Promise(() => undefined);
      sink.offer('eu');
      bench.outbox.close();
      expect(sink.told).to.deep.equal(['eu CLOSED']);
    });

    it('fails what waits for a key when no connection is to be had', async () => {
      const sink = await bench.live(byKey, 'ss');
      const error = new ConnectionError('away', { broker: 'rabbitmq-stream' });
      bench.broker.gate = Promise.reject(error);
      sink.offer('eu', 'us');
      await settled();
      expect(sink.told).to.deep.equal([]);
      bench.broker.giveUp(error);
      expect(sink.told).to.deep.equal(['eu CONNECTION', 'us CONNECTION']);
      bench.broker.gate = Promise.resolve();
      sink.offer('eu');
      await settled();
      expect(sink.told.at(-1)).to.equal('eu ok');
    });
  });
});
