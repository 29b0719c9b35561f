import { expect } from 'chai';
import { text } from '../../../lib/codec/text.js';
import { DecodeError, StreamUnavailableError } from '../../../lib/core/errors.js';
import { earliest, untilNow, untilOffset } from '../../../lib/core/starts.js';
import type { LiftbridgeSourceOptions } from '../../../lib/liftbridge/source/options.js';
import { settled, SourceBench } from './source-kit.js';

describe('liftbridge: partitions in one window', () => {
  let bench: SourceBench;

  beforeEach(() => {
    bench = new SourceBench(3);
    for (const [n, log] of bench.logs.entries()) log.append(`${n}a`, `${n}b`, `${n}c`);
  });

  const reading = async (options: LiftbridgeSourceOptions & { codec?: unknown } = {}) => {
    const tap = bench.read({ start: earliest(), ...options });
    await settled();
    return tap;
  };

  for (const maxInFlight of [1, 2, 4]) {
    it(`take turns where ${maxInFlight} may be unsettled`, async () => {
      const tap = await reading({ maxInFlight });
      for (let acked = 0; acked < 9; acked++) {
        expect(tap.all.length).to.equal(Math.min(9, maxInFlight + acked));
        tap.all[acked]!.ack();
      }
      for (const partition of [0, 1, 2]) expect(tap.offsets(partition)).to.deep.equal([0, 1, 2]);
      if (maxInFlight > 1) return;
      // none has its third before each had its first
      const thirds = tap.all.findIndex(({ offset }) => offset === 2n);
      expect(new Set(tap.all.slice(0, thirds).map(({ partition }) => partition)).size).to.equal(3);
    });
  }

  it('go on where each is settled within its emission, and where each settles the one before', async () => {
    for (const settle of [0, 1]) {
      const tap = bench.read({ start: earliest(), maxInFlight: 1 + settle });
      tap.onNext = () => tap.all.at(-1 - settle)?.ack();
      await settled();
      expect(tap.all).to.have.length(9);
      tap.unsubscribe();
    }
  });

  it('go on where each is released once within its emission', async () => {
    const tap = bench.read({ start: earliest(), maxInFlight: 1 });
    tap.onNext = (delivery) => (delivery.redelivered ? delivery.ack() : delivery.release());
    await settled();
    await bench.clock.pass(100);
    expect(tap.all).to.have.length(18);
    expect(tap.values().filter((_, i) => tap.all[i]!.redelivered)).to.have.length(9);
  });

  it('emit nothing more after an unsubscription within an emission, and leave nothing', async () => {
    for (const settle of [true, false]) {
      const tap = bench.read({ start: earliest() });
      tap.onNext = (delivery) => {
        tap.unsubscribe();
        if (settle) delivery.ack();
      };
      await settled();
      expect(tap.all).to.have.length(1);
      expect(bench.open).to.deep.equal([]);
      await bench.clock.pass(30_000);
      expect(bench.clock.size).to.equal(0);
    }
  });

  it('emit nothing more after a close within an emission', async () => {
    const tap = bench.read({ start: earliest(), durable: 'd' });
    let closing: Promise<void> | undefined;
    tap.onNext = (delivery) => {
      closing = bench.close();
      delivery.ack();
    };
    await settled();
    await bench.clock.pass(2_000);
    await closing;
    expect(tap.all).to.have.length(1);
    expect(tap.completed).to.equal(true);
    expect(bench.open).to.deep.equal([]);
    expect(bench.clock.size).to.equal(0);
  });

  it('that one had no room for comes again after a loss, once', async () => {
    const tap = await reading({ maxInFlight: 2 });
    await bench.lose();
    tap.ackAll();
    await bench.clock.pass(600);
    for (let i = 0; i < 5; i++) tap.ackAll();
    for (const partition of [0, 1, 2]) expect(tap.offsets(partition)).to.deep.equal([0, 1, 2]);
  });

  it('that were released come once more, though the link was lost meanwhile', async () => {
    const tap = await reading({ maxInFlight: 9 });
    const [first] = tap.all;
    first!.release();
    await bench.lose();
    await bench.clock.pass(600);
    const again = tap.all.filter(({ partition, offset }) => partition === first!.partition && offset === first!.offset);
    expect(again.map(({ redeliveries }) => redeliveries)).to.deep.equal([0, 1]);
    expect(tap.all).to.have.length(10);
  });

  describe('that have reached their end', () => {
    it('complete with the last of them', async () => {
      const tap = await reading({ until: untilNow(), maxInFlight: 1 });
      tap.onNext = (delivery) => {
        for (const log of bench.logs) log.append('later');
        delivery.ack();
      };
      tap.all[0]!.ack();
      await settled();
      expect(tap.completed).to.equal(true);
      expect(tap.all).to.have.length(9);
      expect(bench.open).to.deep.equal([]);
    });

    it('are not read any more, while others are', async () => {
      bench.logs[1]!.append('1d');
      const tap = await reading({ until: untilOffset(3) });
      expect(tap.all).to.have.length(10);
      expect(bench.open.map(({ log }) => log.partition).sort()).to.deep.equal([0, 2]);
      // whatever becomes of it
      bench.logs[1]!.isPaused = true;
      await bench.clock.pass(1_000);
      expect(tap.error).to.equal(undefined);
      bench.logs[0]!.append('0d');
      bench.logs[2]!.append('2d');
      await settled();
      expect(tap.completed).to.equal(true);
    });

    it('because there was nothing to read are not subscribed to', async () => {
      bench.logs[2]!.truncate(0);
      const tap = await reading({ until: untilNow() });
      expect(tap.completed).to.equal(true);
      expect(bench.calls.map(({ log }) => log.partition).sort()).to.deep.equal([0, 1]);
    });

    it('store their position at the end of all', async () => {
      bench.logs[1]!.append('1d');
      const tap = await reading({ until: untilOffset(3), durable: 'd' });
      tap.ackAll();
      tap.unsubscribe();
      await settled();
      expect([...bench.positions].sort()).to.deep.equal([
        [0, 2n],
        [1, 3n],
        [2, 2n],
      ]);
    });

    it('because they are read-only: complete when all are', async () => {
      const tap = await reading();
      for (const log of bench.logs.slice(0, 2)) for (const call of log.calls) call.end(8, 'End of readonly partition');
      bench.logs[2]!.append('2d');
      expect(tap.completed).to.equal(false);
      expect(tap.all).to.have.length(10);
      await bench.end(8, 'End of readonly partition');
      expect(tap.completed).to.equal(true);
    });
  });

  it('of which one fails: the source errors, and the others are left', async () => {
    const tap = await reading();
    for (const call of bench.logs[1]!.calls) call.end(9, 'commit log was closed');
    expect(tap.error).to.be.instanceOf(StreamUnavailableError);
    expect(bench.open).to.deep.equal([]);
    tap.ackAll();
    await bench.clock.pass(30_000);
    expect(bench.clock.size).to.equal(0);
  });

  describe('with what no codec reads', () => {
    const codec = {
      decode: (bytes: Uint8Array) => {
        const value = text.decode(bytes, undefined as never);
        if (value === '1a') throw new Error('no');
        return value;
      },
    };

    it('error, and go no further', async () => {
      const tap = await reading({ codec, maxInFlight: 1, partition: 1 });
      expect(tap.error).to.be.instanceOf(DecodeError);
      expect(bench.clock.size).to.equal(0);
      expect(bench.open).to.deep.equal([]);
    });

    it('skip it', async () => {
      const tap = await reading({ codec, onDecodeError: 'skip' });
      expect(tap.all).to.have.length(8);
    });

    it('hold its place until the function is done, and store nothing beyond it', async () => {
      let done = (): void => undefined;
      const onDecodeError = () => new Promise<void>((resolve) => (done = resolve));
      const tap = await reading({ codec, onDecodeError, durable: 'd', partition: 1 });
      tap.ackAll();
      await bench.clock.pass(5_000);
      expect(bench.positions.get(1)).to.equal(undefined);
      done();
      await bench.clock.pass(5_000);
      expect(bench.positions.get(1)).to.equal(2n);
    });

    it('let the function be done after the source has ended', async () => {
      let done = (): void => undefined;
      const onDecodeError = () => new Promise<void>((resolve) => (done = resolve));
      const tap = await reading({ codec, onDecodeError, durable: 'd', partition: 1 });
      tap.ackAll();
      tap.unsubscribe();
      await settled();
      done();
      await settled();
      expect(bench.positions.get(1)).to.equal(2n);
      expect(bench.clock.size).to.equal(0);
    });
  });
});
