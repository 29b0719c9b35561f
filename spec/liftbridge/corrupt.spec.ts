import { constants } from 'node:http2';
import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import type { Receipt } from '../../lib/core/broker.js';
import { FrameTooLargeError, ProtocolError, PublishUncertainError, WeirError } from '../../lib/core/errors.js';
import { grpcFrame } from '../../lib/liftbridge/codec/grpc-frame.js';
import type { FakeCall } from '../support/fake-liftbridge.js';
import { until } from '../support/wait.js';
import { numbers } from './codec/bytes.js';
import { theirEncode } from './codec/oracle.js';
import type { Spoil, Spoilt } from './fake-log.js';
import { SourceBench, upTo } from './source-bench.js';

/** Spoils the message at offset 3 the first so many times. */
function once(change: (frame: Buffer) => Spoilt, times = 1): Spoil {
  return (frame, offset, before) => (offset === 3 && before < times ? change(frame) : undefined);
}

const framed = (...bytes: number[]): Buffer => Buffer.from(grpcFrame(Buffer.from(bytes)));

/** The frame with other bytes at a place. */
function at(place: number, ...bytes: number[]): (frame: Buffer) => Buffer {
  return (frame) => {
    const changed = Buffer.from(frame);
    changed.set(bytes, place);
    return changed;
  };
}

/** What is no gRPC, and no protobuf: in the place of an answer. */
const malformed: Record<string, (frame: Buffer) => Spoilt> = {
  'bytes that are no protobuf': () => framed(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  'a field that is longer than its message': () => framed(0x1a, 0x7f, 1, 2),
  'a field with a length of 4 GiB': () => framed(0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1),
  'a field with a length of 2^63': () => framed(0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1),
  'a varint that does not end': () => framed(0x08, 0x80, 0x80),
  'a field with the number 0': () => framed(0x00, 1),
  'a group': () => framed(0x0b, 0x08, 1, 0x0c),
  'a wire type that there is not': () => framed(0x0f, 1),
  'a fixed field that is cut off': () => framed(0xa1, 0x06, 1, 2),
  'a frame that says it is compressed': at(0, 1),
  'a frame with an unknown flag': at(0, 0x80),
  'a frame that is cut off, and the end': (frame) => (call) => {
    call.raw(frame.subarray(0, 9));
    call.end();
  },
  'no trailers at all': () => (call) => call.trailers({}),
  'trailers without a status': () => (call) => call.trailers({ 'x-other': '1' }),
  'a status that is no number': () => (call) => call.trailers({ 'grpc-status': 'fine' }),
};

/** What ends a call, or the connection, without being malformed. */
const lost: Record<string, (bench: SourceBench, call: FakeCall) => void> = {
  'RST_STREAM with CANCEL': (_bench, call) => call.rst(constants.NGHTTP2_CANCEL),
  'RST_STREAM with INTERNAL_ERROR': (_bench, call) => call.rst(constants.NGHTTP2_INTERNAL_ERROR),
  'RST_STREAM with PROTOCOL_ERROR': (_bench, call) => call.rst(constants.NGHTTP2_PROTOCOL_ERROR),
  'RST_STREAM with REFUSED_STREAM': (_bench, call) => call.rst(constants.NGHTTP2_REFUSED_STREAM),
  'RST_STREAM with ENHANCE_YOUR_CALM': (_bench, call) => call.rst(constants.NGHTTP2_ENHANCE_YOUR_CALM),
  'the status UNAVAILABLE': (_bench, call) => call.end({ code: 14, message: 'away' }),
  'the status OK': (_bench, call) => call.end(),
  'GOAWAY with NO_ERROR, and the end': (bench, call) => {
    bench.fake.goaway();
    call.end({ code: 14, message: 'goes away' });
  },
  'GOAWAY with PROTOCOL_ERROR': (bench) => bench.fake.goaway(constants.NGHTTP2_PROTOCOL_ERROR, 'no', 0),
  'the end of the connection': (bench) => bench.fake.cut(),
  'a reset of the connection': (bench) => bench.fake.cut({ reset: true }),
};

describe('liftbridge: bytes that should not come', function () {
  this.timeout(30_000);
  let bench: SourceBench;
  const thrown: unknown[] = [];
  const note = (error: unknown): void => {
    thrown.push(error);
  };

  beforeEach(async () => {
    process.on('unhandledRejection', note);
    bench = await SourceBench.start();
  });

  afterEach(async () => {
    await bench.stop();
    process.off('unhandledRejection', note);
    expect(thrown.splice(0)).to.deep.equal([]);
  });

  /** All came once, in their order, and all is well. */
  function expectSound(count: number): void {
    expect(bench.offsets).to.deep.equal(upTo(count));
    expect(bench.failure).to.equal(undefined);
    expect(bench.of('reset')).to.deep.equal([]);
    expect(bench.of('gap')).to.deep.equal([]);
    expect(bench.told.states.at(-1)).to.equal('connected');
  }

  describe('to a source', () => {
    for (const [what, change] of Object.entries(malformed)) {
      it(`${what}: it is told, and read again`, async () => {
        bench.log.grow(6);
        bench.log.spoil = once(change);
        bench.read();
        await bench.saw(6);
        bench.log.grow(3);
        await bench.saw(9);
        expectSound(9);
        expect(bench.of('protocol').map(({ error }) => error.code)).to.deep.equal(['PROTOCOL']);
        expect(bench.log.subscriptions).to.equal(2);
      });
    }

    const wrongTypes: Record<string, number[]> = {
      'an offset': [0x0a, 1, 5],
      'a key': [0x10, 1],
      'a value': [0x18, 1],
      'a timestamp': [0x22, 1, 5],
    };
    for (const [what, bytes] of Object.entries(wrongTypes)) {
      it(`${what} of another wire type`, async () => {
        bench.log.grow(6);
        bench.log.spoil = once(() => framed(...bytes));
        bench.read();
        await bench.saw(6);
        expectSound(6);
        expect(bench.of('protocol')).to.have.length(1);
      });
    }

    for (const [what, end] of Object.entries(lost)) {
      it(`${what}: it goes on where it was`, async () => {
        bench.log.grow(6);
        bench.log.spoil = once(() => (call) => end(bench, call));
        bench.read();
        await bench.saw(6);
        bench.log.grow(3);
        await bench.saw(9);
        expectSound(9);
        expect(bench.of('protocol')).to.deep.equal([]);
        expect(bench.told.states).to.include('reconnecting');
      });
    }

    it('what was emitted before is settled all the same, and stored', async () => {
      bench.log.grow(6);
      bench.log.spoil = once(malformed['a group']!);
      bench.acks = false;
      const subscription = bench.read({ durable: 'd' });
      await bench.saw(6);
      expect(bench.offsets).to.deep.equal(upTo(6));
      for (const each of bench.seen) each.ack();
      subscription.unsubscribe();
      await until(() => bench.log.cursors.get('d') === 5n, { every: 2, message: 'the position to be stored' });
    });

    it('a message over the limit ends it, and says what to do', async () => {
      bench.log.grow(6);
      bench.log.spoil = once(at(1, 0, 0x50, 0, 0), Infinity);
      bench.read();
      const error = await bench.failed();
      expect(error).to.be.instanceOf(FrameTooLargeError);
      expect(bench.offsets).to.deep.equal(upTo(3));
      expect(bench.told.states.at(-1)).to.equal('connected');
    });

    it('an empty message in the middle is none', async () => {
      bench.log.grow(6);
      bench.log.spoil = once((frame) => Buffer.concat([framed(), frame, framed()]));
      bench.read();
      await bench.saw(6);
      expectSound(6);
      expect(bench.log.subscriptions).to.equal(1);
    });

    it('fields that nobody knows are passed over', async () => {
      bench.log.grow(6);
      bench.log.spoil = once((frame) => {
        const message = Buffer.concat([
          Buffer.from([0xa0, 0x06, 5]),
          frame.subarray(5),
          Buffer.from([0xaa, 0x06, 1, 9]),
        ]);
        return grpcFrame(message);
      });
      bench.read();
      await bench.saw(6);
      expectSound(6);
      expect(bench.log.subscriptions).to.equal(1);
    });
  });

  describe('to a source, again and again at one place', () => {
    it('ends it with the ProtocolError after three times, and the handle goes on', async () => {
      bench.log.grow(6);
      bench.log.spoil = once(malformed['a group']!, Infinity);
      bench.read();
      expect(await bench.failed()).to.be.instanceOf(ProtocolError);
      expect(bench.offsets).to.deep.equal(upTo(3));
      expect(bench.of('protocol')).to.have.length(3);
      expect(bench.log.subscriptions).to.equal(3);
      expect(bench.told.states.at(-1)).to.equal('connected');
      bench.log.spoil = () => undefined;
      bench.failure = undefined;
      bench.seen.length = 0;
      bench.read();
      await bench.saw(6);
      expectSound(6);
    });

    it('goes on after two times', async () => {
      bench.log.grow(6);
      bench.log.spoil = once(malformed['a group']!, 2);
      bench.read();
      await bench.saw(6);
      expectSound(6);
      expect(bench.of('protocol')).to.have.length(2);
    });

    it('counts anew at another place', async () => {
      bench.log.grow(6);
      const spoilt = (frame: Buffer) => (call: FakeCall) => void call.raw(at(0, 1)(frame));
      bench.log.spoil = (frame, offset, before) => (offset > 0 && before < 2 ? spoilt(frame) : undefined);
      bench.read();
      await bench.saw(6);
      expectSound(6);
      expect(bench.of('protocol').length).to.be.at.least(5);
    });

    it('ends it at the first message, too', async () => {
      bench.log.grow(3);
      bench.log.spoil = (frame) => at(0, 1)(frame);
      bench.read();
      expect(await bench.failed()).to.be.instanceOf(ProtocolError);
      expect(bench.offsets).to.deep.equal([]);
      expect(bench.log.subscriptions).to.equal(3);
    });
  });

  describe('to a sink', () => {
    const answers: Record<string, (ack: Buffer) => Spoilt> = {
      ...malformed,
      'an ack that is a number': () => framed(0x08, 1),
      'an error that is a number': () => framed(0x10, 1),
      'a correlation id that is a number': () => framed(0x18, 1),
      'an ack whose offset is a text': () => framed(0x0a, 3, 0x22, 1, 5),
      'an ack that is longer than what is around it': () => framed(0x0a, 9, 1),
    };
    const all = Object.entries(answers).map(
      ([what, change]) =>
        [
          what,
          (call: FakeCall, ack: Buffer): void => {
            const changed = change(ack);
            if (typeof changed === 'function') changed(call);
            else call.raw(changed);
          },
        ] as const,
    );
    const ends = Object.entries(lost).map(
      ([what, end]) =>
        [
          what,
          (call: FakeCall): void => {
            end(bench, call);
          },
        ] as const,
    );
    for (const [what, answer] of [...all, ...ends]) {
      const isMalformed = !(what in lost);
      it(`${what}: what is in flight is uncertain, and the next is published`, async () => {
        let answered = 0;
        bench.log.answer = (call, ack) => {
          // the first is stored and confirmed, the second is not confirmed, and nothing is heard of the third
          if (++answered === 1) call.raw(ack());
          else if (answered === 2) answer(call, ack());
        };
        const sink = bench.broker.sink('s', { codec: text });
        const receipts: Receipt<string>[] = [];
        sink.receipts.subscribe((receipt) => receipts.push(receipt));
        await sink.send('a');
        const failed = await Promise.all([sink.send('b'), sink.send('c')]);
        for (const { error } of failed) expect(error, String(error)).to.be.instanceOf(PublishUncertainError);
        bench.log.answer = undefined;
        expect((await sink.send('d')).ok).to.equal(true);
        expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, false, false, true]);
        expect(bench.of('protocol').map(({ error }) => error.code)).to.deep.equal(isMalformed ? ['PROTOCOL'] : []);
        await until(() => bench.told.states.at(-1) === 'connected', { every: 2 });
        sink.complete();
      });
    }

    it('sends again what is in flight where that was asked for', async () => {
      let answered = 0;
      bench.log.answer = (call, ack) => {
        if (++answered === 2) call.raw(framed(0x0f));
        else call.raw(ack());
      };
      const sink = bench.broker.sink('s', { codec: text, resend: true });
      const receipts = await Promise.all(['a', 'b', 'c'].map((value) => sink.send(value)));
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, true, true]);
      sink.complete();
    });

    it('answers to what nobody has published, and second ones, are nothing', async () => {
      const stranger = grpcFrame(theirEncode('PublishResponse', { ack: { offset: 9 }, correlationId: 'nobody' }));
      const refusal = { asyncError: { code: 2, message: 'no' }, correlationId: 'nobody' };
      bench.log.answer = (call, ack) => {
        const mine = ack();
        call.raw(Buffer.concat([stranger, framed(), grpcFrame(theirEncode('PublishResponse', refusal)), mine, mine]));
      };
      for (const value of ['a', 'b', 'c']) {
        expect((await bench.broker.publish('s', value, { codec: text })).ok).to.equal(true);
      }
      expect(bench.fake.callsOf('PublishAsync')).to.have.length(1);
      expect(bench.of('protocol')).to.deep.equal([]);
    });

    it('an answer that says neither yes nor no is none', async () => {
      bench.log.answer = (call, _ack, { correlationId }) => {
        call.raw(grpcFrame(theirEncode('PublishResponse', { correlationId })));
      };
      const sink = bench.broker.sink('s', { codec: text, ackTimeout: 50 });
      const { error } = await sink.send('a');
      expect(error).to.be.instanceOf(PublishUncertainError);
      expect(error!.message).to.include('50 ms');
      sink.complete();
    });
  });

  describe('to a request', () => {
    const bad: Record<string, Uint8Array> = {
      'no protobuf': Buffer.alloc(20, 0xff),
      'a broker that is a number': Buffer.from([0x08, 1]),
      'a lying length': Buffer.from([0x0a, 0x7f, 1]),
      'a stream with a lying length inside': Buffer.from([0x12, 4, 0x22, 9, 0x08, 0]),
      'a port that is a text': Buffer.from([0x0a, 3, 0x1a, 1, 5]),
      'a group': Buffer.from([0x0b]),
    };
    for (const [what, bytes] of Object.entries(bad)) {
      it(`for metadata: ${what}`, async () => {
        bench.log.grow(3);
        bench.log.change = () => bytes;
        const error = await bench.broker.metadata().catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(ProtocolError);
        expect((error as Error).message).to.include(bench.fake.url);
        bench.log.change = (_method, good) => good;
        bench.read();
        await bench.saw(3);
        expectSound(3);
      });
    }

    for (const method of ['FetchPartitionMetadata', 'FetchCursor', 'FetchMetadata', 'SetCursor']) {
      it(`${method} of a source is a typed error or tried again, and the handle goes on`, async () => {
        bench.log.grow(3);
        let times = 0;
        bench.log.change = (asked, good) => (asked === method && times++ < 2 ? Buffer.from([0x0b]) : good);
        const subscription = bench.read({ durable: 'd' });
        await until(() => bench.failure !== undefined || bench.seen.length === 3, { every: 2 });
        if (bench.failure !== undefined) expect(bench.failure).to.be.instanceOf(ProtocolError);
        subscription.unsubscribe();
        await bench.quiet();
        bench.log.change = (_method, good) => good;
        bench.failure = undefined;
        bench.seen.length = 0;
        bench.read();
        await bench.saw(3);
        expect(bench.offsets).to.deep.equal(upTo(3));
      });
    }
  });

  it('gets over some hundreds of random changes of a session', async () => {
    const { log } = bench;
    const below = numbers(20_261_121);
    let changes = 0;
    const mutate = (bytes: Uint8Array): Uint8Array => {
      changes++;
      const changed = Buffer.from(bytes);
      const place = below(Math.max(changed.length, 1));
      switch (below(4)) {
        case 0:
          if (changed.length > 0) changed[place]! ^= 1 << below(8);
          return changed;
        case 1:
          return changed.subarray(0, place);
        case 2:
          return Buffer.concat([changed.subarray(0, place), Buffer.from([below(256)]), changed.subarray(place)]);
        default:
          return Buffer.concat([changed.subarray(0, place), changed.subarray(Math.min(place + 3, changed.length))]);
      }
    };
    const end = (call: FakeCall): void => {
      log.over.add(call);
      if (below(2) === 0) call.end({ code: below(17), message: 'so' });
      else call.rst(below(14));
    };
    for (let round = 0; round < 80; round++) {
      log.grow(3);
      log.spoil = (frame) => (below(6) === 0 ? mutate(frame) : below(12) === 0 ? end : undefined);
      log.change = (_method, bytes) => (below(8) === 0 ? mutate(bytes) : bytes);
      log.answer = (call, ack) => {
        if (below(9) === 0) end(call);
        else call.raw(below(3) === 0 ? mutate(ack()) : ack());
      };
      const { broker } = bench;
      const errors: unknown[] = [];
      const subscription = broker.messages('s', { durable: 'd' }).subscribe({
        next: (delivery) => delivery.ack(),
        error: (error: unknown) => errors.push(error),
      });
      bench.read();
      const sink = broker.sink('s', { codec: text, ackTimeout: 40 });
      const receipts = await Promise.all(['a', 'b', 'c', 'd'].map((value) => sink.send(value)));
      for (const { ok, error } of receipts) if (!ok) expect(error, String(error)).to.be.instanceOf(WeirError);
      const asked = await broker.metadata().catch((error: unknown) => error);
      if (asked instanceof Error) expect(asked).to.be.instanceOf(WeirError);
      subscription.unsubscribe();
      if (bench.failure !== undefined) expect(bench.failure).to.be.instanceOf(WeirError);
      for (const error of errors) expect(error, String(error)).to.be.instanceOf(WeirError);
      bench.failure = undefined;
      sink.complete();
    }
    expect(changes).to.be.at.least(200);
    log.spoil = () => undefined;
    log.change = (_method, bytes) => bytes;
    log.answer = undefined;
    await bench.quiet();
    // a call in which a frame was cut off would wait for the rest of it
    bench.fake.cut();
    const sink = bench.broker.sink('s', { codec: text, resend: true });
    expect((await sink.send('last')).ok).to.equal(true);
    sink.complete();
    bench.seen.length = 0;
    bench.failure = undefined;
    bench.read();
    await until(() => bench.offsets.includes(log.values.length - 1), { every: 2, message: 'the last message' });
  });
});
