import { expect } from 'chai';
import type { Entry } from '../../../lib/core/publisher.js';
import { SecondChance } from '../../../lib/liftbridge/sink/second-chance.js';
import { HandClock, SinkBench, settled } from './sink-kit.js';

describe('liftbridge: the second chance of what was refused because its stream is not known', () => {
  let clock: HandClock;
  let chance: SecondChance;
  /** When messages were sent again, in ms from the begin, and which. */
  let sent: string[];
  let begun: number;
  let awaited: boolean;
  const entry = (name: string): Entry => ({ value: name }) as Entry;
  /** No connection was made again. */
  const never = -Infinity;

  beforeEach(() => {
    clock = new HandClock();
    begun = clock.now();
    sent = [];
    awaited = false;
    chance = new SecondChance(
      clock,
      (entries) => sent.push(`${clock.now() - begun}: ${entries.map(({ value }) => String(value)).join(' ')}`),
      () => awaited,
    );
  });
  afterEach(() => {
    chance.release();
    expect(clock.running, 'timers left').to.equal(0);
  });

  /** Refuses a message whenever it was sent again. Returns the time of the refusal that is believed, in ms from the begin. */
  const refused = async (name: string, reconnectedAt: number): Promise<number> => {
    const again = entry(name);
    while (chance.take(again, reconnectedAt)) {
      const before = sent.length;
      while (sent.length === before) await clock.pass(1);
      if (sent.length > 1_000) throw new Error('it has chances without end');
    }
    return clock.now() - begun;
  };

  it('lasts a second on the first connection, at longer and longer intervals, up to its very end', async () => {
    expect(await refused('a', never)).to.equal(1_000);
    expect(sent.map((line) => Number.parseInt(line, 10))).to.deep.equal([25, 75, 175, 375, 775, 1_000]);
  });

  it('lasts ten after a connection was made again, counted from then', async () => {
    expect(await refused('a', begun)).to.equal(10_000);
    expect(sent.slice(0, 7).map((line) => Number.parseInt(line, 10))).to.deep.equal([
      25, 75, 175, 375, 775, 1_275, 1_775,
    ]);
  });

  it('lasts the rest of the ten where the refusal came later, and a second at least', async () => {
    expect(await refused('a', begun - 6_000)).to.equal(4_000);
    chance.forget();
    begun = clock.now();
    expect(await refused('b', begun - 9_500)).to.equal(1_000);
    chance.forget();
    begun = clock.now();
    expect(await refused('c', begun - 60_000)).to.equal(1_000);
  });

  it('lasts longer where the connection is made again while it lasts', async () => {
    expect(chance.take(entry('a'), never)).to.equal(true);
    await clock.pass(600);
    expect(await refused('b', begun + 500)).to.equal(10_500);
  });

  it('is over for all that come then, until a message was stored', async () => {
    await refused('a', begun);
    expect(chance.take(entry('b'), begun)).to.equal(false);
    chance.forget();
    expect(chance.take(entry('c'), begun)).to.equal(true);
  });

  it('is there anew for one that is written when nothing else waits, but not for one that was sent again', async () => {
    const a = entry('a');
    chance.take(a, never);
    await clock.pass(25);
    chance.written(a, true);
    await clock.pass(1_000);
    expect(chance.take(a, never)).to.equal(false);
    chance.written(entry('b'), false);
    expect(chance.take(entry('b'), never)).to.equal(false);
    chance.written(entry('c'), true);
    expect(chance.take(entry('c'), never)).to.equal(true);
  });

  it('waits for the answers that are on their way, so that all go again in their order; not at the end', async () => {
    awaited = true;
    chance.take(entry('a'), never);
    await clock.pass(60);
    chance.take(entry('b'), never);
    awaited = false;
    await clock.pass(25);
    expect(sent).to.deep.equal(['75: a b']);
    awaited = true;
    chance.take(entry('c'), never);
    await clock.pass(1_000);
    expect(sent.slice(1)).to.deep.equal(['1000: c']);
  });

  it('gives what it keeps to who asks for it, and sends none of that', async () => {
    chance.take(entry('a'), never);
    chance.take(entry('b'), never);
    expect(chance.holding).to.equal(true);
    expect(chance.release().map(({ value }) => value)).to.deep.equal(['a', 'b']);
    expect(chance.holding).to.equal(false);
    await clock.pass(10_000);
    expect(sent).to.deep.equal([]);
  });

  it('is given to what a sink publishes after a reconnection: the broker may know its streams again in ten seconds', async () => {
    const bench = new SinkBench();
    bench.outbox.located();
    const sink = bench.sink();
    sink.offer('a');
    await settled();
    bench.call.ackAll();
    bench.drop();
    bench.locate();
    sink.offer('b');
    for (let ms = 0; ms < 9_000; ms += 25) {
      await bench.clock.pass(25);
      if (bench.call.values.length > sent.length) {
        sent.push('b');
        bench.call.refuse('b', 'notFound');
      }
    }
    expect(sent.length).to.be.within(15, 30);
    expect(sink.told).to.deep.equal(['a ok']);
    await bench.clock.pass(500);
    bench.call.answer({ ack: { offset: 7 }, correlationId: bench.call.messages.at(-1)!.correlationId });
    await settled();
    expect(sink.told).to.deep.equal(['a ok', 'b ok']);
    // the next refusal is believed after what is left of the ten seconds
    await bench.clock.pass(10_000);
    sink.offer('c');
    await settled();
    for (let ms = 0; ms <= 1_000; ms += 25) {
      bench.call.refuse('c', 'notFound');
      await bench.clock.pass(25);
    }
    await bench.outbox.close();
    expect(sink.told).to.deep.equal(['a ok', 'b ok', 'c STREAM_NOT_FOUND']);
  });
});
