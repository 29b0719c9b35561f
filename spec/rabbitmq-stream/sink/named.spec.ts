import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { settled, SinkBench } from './sink-kit.js';

describe('A named producer', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  it('goes on behind the last id that the broker has of it', async () => {
    bench.broker.stream('s').lastIds.set('p', 41n);
    const sink = await bench.live({ producer: 'p' });
    expect(bench.connection.requests).to.deep.equal([keys.declarePublisher, keys.queryPublisherSequence]);
    sink.offer('a', 'b');
    await settled();
    expect(bench.connection.ids).to.deep.equal([42n, 43n]);
    expect(bench.broker.stream('s').bodies).to.deep.equal(['a', 'b']);
  });

  it('goes on behind an id that no number can hold', async () => {
    bench.broker.stream('s').lastIds.set('p', 2n ** 60n);
    const sink = await bench.live({ producer: 'p' });
    sink.offer('a');
    await settled();
    expect(bench.connection.ids).to.deep.equal([2n ** 60n + 1n]);
    bench.connection.confirm(2n ** 60n + 1n);
    expect(sink.told).to.deep.equal(['a ok']);
  });

  it('takes ids that the broker has already, which are confirmed and not stored again', async () => {
    bench.broker.stream('s').lastIds.set('p', 2n);
    bench.broker.confirms = true;
    const sink = await bench.live({ producer: 'p' });
    for (const id of [1n, 2n, 3n]) sink.give(`line ${id}`, { id });
    await settled();
    expect(sink.told).to.deep.equal(['line 1 ok', 'line 2 ok', 'line 3 ok']);
    expect(bench.broker.stream('s').bodies).to.deep.equal(['line 3']);
  });

  it('after a loss confirms what is stored, and sends the rest again under its ids, before what is new', async () => {
    const sink = await bench.live({ producer: 'p', maxInFlight: 4 });
    sink.offer('stored', 'stored too');
    await settled();
    bench.broker.stores = false;
    sink.offer('lost');
    await settled();
    sink.offer('gathered', 'queued');
    bench.connection.drop();
    expect(sink.told).to.deep.equal([]);

    bench.broker.stores = true;
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['stored ok', 'stored too ok']);
    expect(bench.connection.bodies).to.deep.equal(['lost', 'gathered', 'queued']);
    expect(bench.connection.ids).to.deep.equal([3n, 4n, 5n]);
    bench.connection.confirm(3n, 4n, 5n);
    expect(bench.broker.stream('s').bodies).to.deep.equal(['stored', 'stored too', 'lost', 'gathered', 'queued']);
    expect(sink.receipts.map(({ id }) => id)).to.deep.equal([1n, 2n, 3n, 4n, 5n]);
  });

  it('sends the id 0 again, because nobody can tell whether the broker has it', async () => {
    const sink = await bench.live({ producer: 'p' });
    bench.broker.stores = false;
    sink.give('a', { id: 0n });
    await settled();
    bench.connection.drop();
    bench.broker.stores = true;
    await bench.broker.retry();
    expect(bench.broker.stream('s').bodies).to.deep.equal(['a']);
    expect(sink.told).to.deep.equal([]);
  });

  it('is one in a handle for each stream, until its sink has ended', async () => {
    bench.broker.stream('t');
    const sink = bench.sink({ producer: 'p' });
    expect(() => bench.sink({ producer: 'p' }))
      .to.throw(InvalidOptionError, "'p'")
      .with.property('broker', 'rabbitmq-stream');
    bench.sink({ producer: 'q' });
    bench.sink({ producer: 'p' }, 't');
    bench.sink();
    bench.sink();
    sink.publisher.close();
    bench.sink({ producer: 'p' });
  });

  it('keeps its name where it cannot be asked for what is stored, and tries again', async () => {
    bench.broker.confirms = true;
    bench.broker.refusals.push(1, 6);
    const sink = bench.sink({ producer: 'p' });
    sink.offer('a');
    await settled();
    expect(bench.connection.requests.slice(0, 3)).to.deep.equal([
      keys.declarePublisher,
      keys.queryPublisherSequence,
      keys.deletePublisher,
    ]);
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['a ok']);
    expect(bench.connection.link.count).to.equal(1);
  });

  it('loses nothing and stores nothing twice, whatever breaks when', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ offer: fc.integer({ min: 1, max: 12 }) }) },
      { weight: 3, arbitrary: fc.record({ confirm: fc.array(fc.nat({ max: 30 }), { maxLength: 10 }) }) },
      { weight: 2, arbitrary: fc.constant({ turn: true }) },
      {
        weight: 2,
        arbitrary: fc.record({
          drop: fc.constant(true),
          arrives: fc.boolean(),
          sent: fc.boolean(),
          again: fc.boolean(),
        }),
      },
    );
    const shape = fc.record({
      steps: fc.array(step, { maxLength: 40 }),
      size: fc.constantFrom(undefined, 1, 3),
      batchSize: fc.integer({ min: 1, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ steps, size, batchSize }) => {
        const world = new SinkBench();
        const options = { producer: 'p', maxInFlight: 10, batchSize };
        const sink = await world.live(size === undefined ? options : { ...options, subEntry: { size } });
        let offered = 0;
        for (const each of steps) {
          if ('offer' in each) for (let n = 0; n < each.offer; n++) sink.offer(String(++offered));
          else if ('confirm' in each) {
            const { ids } = world.connection;
            world.connection.confirm(...each.confirm.flatMap((at) => ids[at] ?? []));
          } else if ('drop' in each) {
            // what the sockets were given last does not always arrive
            world.broker.stores = each.arrives;
            sink.offer(String(++offered));
            if (each.sent) await settled();
            world.connection.drop();
            world.broker.stores = true;
            if (each.again) await world.broker.retry();
          } else await settled();
        }
        world.broker.confirms = true;
        await world.broker.retry();
        world.connection.confirm(...world.connection.ids);
        await sink.flush();
        expect(sink.told).to.have.members(Array.from({ length: offered }, (_, n) => `${n + 1} ok`));
        const stored = world.broker.stream('s').bodies;
        expect(stored).to.deep.equal(Array.from({ length: offered }, (_, n) => String(n + 1)));
      }),
      { numRuns: 60 },
    );
  });
});
