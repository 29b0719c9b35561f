import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { DecodeError, ProtocolError, UnsupportedError } from '../../lib/core/errors.js';
import { keys } from '../../lib/rabbitmq-stream/codec/keys.js';
import { amqp } from '../../lib/rabbitmq-stream/index.js';
import { encodeChunk, encodeDeliver } from '../support/rabbitmq-frames.js';
import { until } from '../support/wait.js';
import { bundle, data, type FakeLog, type Spoil } from './fake-log.js';
import { SourceBench, upTo } from './source-bench.js';

/** Spoils the second chunk the first so many times. */
function once(change: (frame: Buffer) => Uint8Array | 'end' | undefined, times = 1): Spoil {
  return (frame, chunk, before) => (chunk === 1 && before < times ? change(frame) : undefined);
}

function sized(size: number, rest: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(size);
  return Buffer.concat([head, rest]);
}

/** Where the chunk begins in a Deliver frame of version 1. */
const chunkAt = 9;

/** The frame with other bytes at a place, counted from its size. */
function at(place: number, ...bytes: number[]): (frame: Buffer) => Buffer {
  return (frame) => {
    const changed = Buffer.from(frame);
    changed.set(bytes, place);
    return changed;
  };
}

describe('a source of RabbitMQ Streams, and bytes that should not come', () => {
  let bench: SourceBench;

  beforeEach(async () => {
    bench = await SourceBench.start();
  });

  afterEach(async () => {
    await bench.stop();
  });

  describe('once', () => {
    /** What ends the connection, and whether the fault is the source's own to tell or the connection's. */
    const fatal: readonly [string, (frame: Buffer) => Uint8Array | 'end'][] = [
      ['a chunk whose CRC is off by one bit', (frame) => at(chunkAt + 35, frame[chunkAt + 35]! ^ 1)(frame)],
      ['a chunk whose data is off by one bit', (frame) => at(frame.length - 1, frame.at(-1)! ^ 0x80)(frame)],
      ['a chunk with another magic', at(chunkAt, 0x51)],
      ['a chunk of an unknown type', at(chunkAt + 1, 9)],
      ['a chunk that says to have more entries', at(chunkAt + 2, 0, 4)],
      ['a chunk that says to have fewer entries', at(chunkAt + 2, 0, 2)],
      ['a chunk that says to have 65 535 entries', at(chunkAt + 2, 0xff, 0xff)],
      ['a chunk that says to have another number of records', at(chunkAt + 4, 0, 0, 0, 5)],
      ['a chunk that says to have 4 GiB of data', at(chunkAt + 36, 0xff, 0xff, 0xff, 0xff)],
      ['a Deliver of an unknown version', at(6, 0, 3)],
      ['a Deliver that ends before its chunk', (frame) => sized(20, frame.subarray(4, 24))],
      ['a size of 0', () => sized(0)],
      ['a size of 3', () => sized(3, Buffer.from([0, 8, 0]))],
      ['a size of 4 GiB', () => sized(0xffffffff, Buffer.alloc(100))],
      ['a frame that ends in the middle, and the connection with it', () => 'end'],
      ['a MetadataUpdate whose string is longer than it', () => Buffer.from('00000008001000010006ffee', 'hex')],
      ['a PublishConfirm with a lying count', () => Buffer.from('000000090003000101ffffffff', 'hex')],
      ['a ConsumerUpdate of another version', () => Buffer.from('0000000a001a0007000000000001', 'hex')],
    ];
    for (const [what, change] of fatal) {
      for (const together of [false, true]) {
        it(`${what}${together ? ', together with the answer to Subscribe' : ''}`, async () => {
          bench.log.grow(3, 3, 3);
          if (together) {
            // the chunk in question is the first that comes
            bench.log.together = true;
            bench.log.spoil = (frame, chunk, before) => (chunk === 0 && before === 0 ? change(frame) : undefined);
          } else bench.log.spoil = once(change);
          bench.read();
          await bench.saw(9);
          expect(bench.offsets).to.deep.equal(upTo(9));
          expect(bench.failure).to.equal(undefined);
          expect(bench.log.connections).to.equal(2);
          expect(bench.of('reset')).to.deep.equal([]);
          expect(bench.of('gap')).to.deep.equal([]);
          const [told] = bench.of('protocol');
          if (told !== undefined) expect(told.error).to.be.instanceOf(ProtocolError);
        });
      }
    }

    const inside: readonly [string, Parameters<FakeLog['add']>[0]][] = [
      ['a sub-entry that is no gzip', { entries: [bundle([data('x')], 1, { data: Buffer.from('no gzip at all') })] }],
      [
        'a sub-entry that inflates to more than it says',
        { entries: [bundle([Buffer.alloc(1e6)], 1, { uncompressedSize: 9 })] },
      ],
      [
        'a sub-entry that inflates to less than it says',
        { entries: [bundle([data('x')], 1, { uncompressedSize: 99 })] },
      ],
      ['a sub-entry that says to be 4 GiB', { entries: [bundle([data('x')], 1, { uncompressedSize: 0xffffffff })] }],
      ['a sub-entry with fewer records than it says', { entries: [bundle([data('x')], 0, { records: 50 })] }],
      ['a sub-entry with more records than it says', { entries: [bundle([data('x'), data('y')], 1, { records: 1 })] }],
      ['a record that is longer than its chunk', { entries: [Buffer.from([1])] }],
    ];
    for (const [what, fields] of inside) {
      it(`${what}, behind records that were emitted`, async () => {
        const good = [data('value 3'), data('value 4')];
        bench.log.grow(3);
        bench.log.add({ entries: [...good, data('value 5')] });
        bench.log.grow(3);
        bench.log.spoil = once((frame) => {
          const entries = [...good, ...fields.entries];
          const chunk = Buffer.from(encodeChunk({ ...fields, ...bench.log.chunks[1]!, entries, recordCount: 3 }));
          return Buffer.from(encodeDeliver(frame[8]!, chunk));
        });
        if (what.startsWith('a record')) {
          bench.log.spoil = once((frame) => {
            // the CRC is right, the length of the last record is not
            const changed = Buffer.concat([encodeChunk({ ...bench.log.chunks[1]!, entries: good }), lie]);
            changed.writeUInt16BE(3, 2);
            changed.writeUInt32BE(3, 4);
            return rightly(frame[8]!, changed);
          });
        }
        bench.read();
        await bench.saw(9);
        expect(bench.offsets).to.deep.equal(upTo(9));
        expect(bench.failure).to.equal(undefined);
        expect(bench.of('protocol').map(({ error }) => error.code)).to.deep.equal(['PROTOCOL']);
        expect(bench.log.connections).to.equal(2);
      });
    }

    it('a command that it does not know is passed over', async () => {
      bench.log.grow(3, 3, 3);
      const unknown = Buffer.from('000000080077000100000000', 'hex');
      bench.log.spoil = once((frame) => Buffer.concat([unknown, frame, unknown]));
      bench.read();
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
      expect(bench.log.connections).to.equal(1);
    });

    it('an answer to what nobody has asked', async () => {
      bench.log.grow(3, 3, 3);
      const answer = Buffer.from('0000000a8077000100000ff00001', 'hex');
      bench.log.spoil = once((frame) => Buffer.concat([frame, answer]));
      bench.read();
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
      expect(bench.log.connections).to.equal(2);
    });

    it('and what was emitted before is settled all the same, and stored', async () => {
      bench.log.grow(3, 3);
      bench.log.spoil = once(at(chunkAt, 0));
      bench.acks = false;
      const subscription = bench.read({ durable: 'd' });
      await bench.saw(6);
      expect(bench.offsets).to.deep.equal(upTo(6));
      for (const each of bench.seen) each.ack();
      subscription.unsubscribe();
      await until(() => bench.log.stored.get('d') === 5n, { every: 2 });
    });
  });

  describe('again and again at one place', () => {
    it('ends the source with the ProtocolError after three times, and the handle goes on', async () => {
      bench.log.grow(3, 3, 3);
      bench.log.spoil = once((frame) => at(chunkAt + 35, frame[chunkAt + 35]! ^ 1)(frame), Infinity);
      bench.read();
      await until(() => bench.failure, { every: 2, message: 'the error' });
      expect(bench.failure).to.be.instanceOf(ProtocolError).with.property('message').that.includes('offset 3');
      expect(bench.offsets).to.deep.equal(upTo(3));
      expect(bench.of('protocol')).to.have.length(3);
      expect(bench.log.subscriptions).to.have.length(3);
      bench.log.spoil = () => undefined;
      bench.failure = undefined;
      bench.seen.length = 0;
      bench.read();
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
    });

    it('does so inside of a chunk, with what is before emitted once', async () => {
      bench.log.grow(3);
      bench.log.add({ entries: [data('value 3'), data('value 4'), bundle([data('x')], 1, { records: 9 })] });
      bench.log.grow(3);
      bench.read();
      await until(() => bench.failure, { every: 2, message: 'the error' });
      expect(bench.failure).to.be.instanceOf(ProtocolError);
      expect(bench.offsets).to.deep.equal(upTo(5));
      expect(bench.of('protocol')).to.have.length(3);
    });

    it('goes on after two times', async () => {
      bench.log.grow(3, 3, 3);
      bench.log.spoil = once(at(chunkAt, 7), 2);
      bench.read();
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
      expect(bench.of('protocol')).to.have.length(2);
    });

    it('counts anew at another place', async () => {
      bench.log.grow(1, 1, 1, 1, 1, 1);
      bench.log.spoil = (frame, chunk, times) => (chunk > 0 && times < 2 ? at(chunkAt, 7)(frame) : undefined);
      bench.read();
      await bench.saw(6);
      expect(bench.offsets).to.deep.equal(upTo(6));
      expect(bench.of('protocol').length).to.be.at.least(5);
    });
  });

  it('a compression that no client knows is an UnsupportedError that names it', async () => {
    bench.log.grow(2);
    bench.log.add({ entries: [bundle([data('x')], 7)] });
    bench.read();
    await until(() => bench.failure, { every: 2, message: 'the error' });
    expect(bench.failure).to.be.instanceOf(UnsupportedError).with.property('message').that.includes('7');
    expect(bench.offsets).to.deep.equal([0, 1]);
  });

  describe('records that are no AMQP messages', () => {
    const fill = (): void => {
      bench.log.add({ entries: [data('good'), Buffer.from('hello'), Buffer.from([0x00, 0x53, 0x75, 0xa0, 0x50, 1])] });
      bench.log.add({ entries: [new Uint8Array(0), data('last')] });
    };

    it('come as they are without amqp()', async () => {
      fill();
      bench.read();
      await bench.saw(5);
      const values = bench.seen.map(({ value }) => Buffer.from(value as Uint8Array).toString('latin1'));
      expect(values).to.deep.equal(['good', 'hello', '\0Su\xa0P\x01', '', 'last']);
    });

    it('end the source by default, at the first of them', async () => {
      fill();
      bench.read({ codec: amqp() });
      await until(() => bench.failure, { every: 2, message: 'the error' });
      expect(bench.failure).to.be.instanceOf(DecodeError).with.property('message').that.includes('offset 1');
      expect(bench.offsets).to.deep.equal([0]);
    });

    it("are passed over with 'skip'", async () => {
      fill();
      bench.read({ codec: amqp(), onDecodeError: 'skip', durable: 'd', storeEvery: { messages: 5 } });
      await bench.saw(2);
      expect(bench.offsets).to.deep.equal([0, 4]);
      await until(() => bench.log.stored.get('d') === 4n, { every: 2, message: 'the position to be stored' });
    });

    it('go to a function, raw, and the stream goes on', async () => {
      fill();
      const bad: string[] = [];
      bench.read({
        codec: amqp(),
        onDecodeError: async (delivery) => {
          await Promise.resolve();
          bad.push(`${String(delivery.offset)} ${delivery.value.length}`);
        },
      });
      await bench.saw(2);
      expect(bench.offsets).to.deep.equal([0, 4]);
      expect(bad).to.deep.equal(['1 5', '2 6', '3 0']);
    });
  });

  describe('in the middle of a handshake', () => {
    const garbage = Buffer.from('00000006801200010000', 'hex');

    it('of the first connection reject connect() with a ProtocolError', async () => {
      bench.fake.once(keys.saslHandshake, (_frame, connection) => {
        connection.raw(garbage);
      });
      const error: unknown = await bench.broker.connect().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(ProtocolError);
      bench.log.grow(2);
      bench.read();
      await bench.saw(2);
    });

    it('of a connection that is made again are tried again', async () => {
      bench.log.grow(3, 3);
      bench.read();
      await bench.saw(6);
      let spoilt = 0;
      const off = bench.fake.on(keys.open, (_frame, connection, proceed) => {
        if (spoilt++ < 3) connection.raw(garbage);
        else proceed();
      });
      for (const each of bench.fake.connections) each.reset();
      await until(() => bench.log.live.length === 1, {
        every: 2,
        message: () => `a subscription; ${String(bench.failure)}`,
      });
      off();
      bench.log.grow(3);
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
      expect(bench.failure).to.equal(undefined);
    });

    it('of the connection for the subscription alone are tried again', async () => {
      bench.log.grow(3, 3);
      bench.read();
      await bench.saw(6);
      bench.fake.once(keys.open, (_frame, connection) => {
        connection.raw(garbage);
      });
      bench.log.live[0]!.connection.reset();
      await until(() => bench.log.live.length === 1, {
        every: 2,
        message: () => `a subscription; ${String(bench.failure)}`,
      });
      bench.log.grow(3);
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
      expect(bench.failure).to.equal(undefined);
    });
  });

  it('a storm of MetadataUpdates is one recovery', async () => {
    bench.log.grow(3, 3);
    bench.read();
    await bench.saw(6);
    bench.log.move('s', 50);
    await until(() => bench.log.live.length === 1, { every: 2, message: 'a subscription' });
    bench.log.grow(3);
    await bench.saw(9);
    bench.log.storm('another', 50);
    await bench.quiet();
    expect(bench.offsets).to.deep.equal(upTo(9));
    expect(bench.log.subscriptions).to.have.length(2);
    expect(bench.of('disconnected')).to.have.length(1);
    expect(bench.states.filter((state) => state === 'reconnecting')).to.have.length(1);
  });

  it('leaves no handle behind', async () => {
    const others = (): string[] =>
      process
        .getActiveResourcesInfo()
        .filter((each) => each !== 'Timeout')
        .sort();
    const before = others();
    bench.log.grow(3, 3, 3);
    bench.log.spoil = (frame, chunk, times) => (chunk > 0 && times < 2 ? at(chunkAt, 7)(frame) : undefined);
    const subscription = bench.read({ durable: 'd', ackWait: 60_000 });
    await bench.saw(9);
    subscription.unsubscribe();
    await bench.broker.close();
    await until(() => bench.fake.open === 0, { every: 2 });
    await bench.quiet();
    expect(others()).to.deep.equal(before);
  });
});

/** A record that says to be longer than what is left. */
const lie = Buffer.from([0, 0, 0, 9, 1, 2]);

/** A Deliver frame of a chunk whose data was changed, with the length and CRC that this data has. */
function rightly(subscriptionId: number, chunk: Buffer): Buffer {
  const bytes = Buffer.from(chunk);
  bytes.writeUInt32BE(bytes.length - 48, 36);
  bytes.writeUInt32BE(crc32(bytes.subarray(48)), 32);
  return Buffer.from(encodeDeliver(subscriptionId, bytes));
}
