import { expect } from 'chai';
import { constants } from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import { ConnectionError, FrameTooLargeError, ProtocolError } from '../../../lib/core/errors.js';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { FiredClock } from '../../support/fired-clock.js';
import { asking, closeAll, connect, Heard } from './channel-kit.js';

describe('liftbridge connection: streaming calls', () => {
  let fake: FakeLiftbridge;
  let heard: Heard;

  beforeEach(async () => {
    fake = await FakeLiftbridge.start();
    heard = new Heard();
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  it('send one message and take many', async () => {
    fake.on('Subscribe', (call) => {
      call.onEnd(() => {
        call.send(Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(100_000, 7));
        call.end();
      });
    });
    const channel = await connect(fake);
    const call = channel.call('Subscribe', heard, Buffer.from('please'));
    expect(channel.calls).to.equal(1);
    expect(await heard.end()).to.deep.equal({ code: 0, name: 'OK', message: '' });
    expect(heard.lines).to.deep.equal(['message 3', 'message 0', 'message 100000', 'ended OK']);
    expect(heard.messages[2]?.equals(Buffer.alloc(100_000, 7))).to.equal(true);
    expect(heard.cause).to.equal(undefined);
    expect(heard.flushes).to.be.above(0);
    expect(fake.calls[0]?.requests.map(String)).to.deep.equal(['please']);
    expect([call.open, channel.calls]).to.deep.equal([false, 0]);
  });

  it('send and take many', async () => {
    fake.on('PublishAsync', (call) => {
      call.onRequest((message) => call.send(Buffer.from(`got ${String(message)}`)));
      call.onEnd(() => call.end());
    });
    const channel = await connect(fake);
    const call = channel.call('PublishAsync', heard);
    expect(call.write(Buffer.concat(['a', 'b'].map((text) => grpcFrame(Buffer.from(text)))))).to.equal(true);
    await heard.until(2);
    call.write(grpcFrame(Buffer.from('c')));
    await heard.until(3);
    expect(heard.messages.map(String)).to.deep.equal(['got a', 'got b', 'got c']);
    call.halfClose();
    call.halfClose();
    expect(call.write(grpcFrame(Buffer.from('d')))).to.equal(false);
    expect((await heard.end()).code).to.equal(0);
  });

  it('end as the trailers say', async () => {
    const text = 'stream does not exist: "späte 100 %"\n';
    fake.on('Trailers', (call) => {
      call.send(Buffer.from('first'));
      call.end({ code: 5, message: text });
    });
    fake.on('HeadersOnly', (call) => call.end({ code: 9, message: text }));
    fake.on('Unknown', (call) => call.end({ code: 99 }));
    const channel = await connect(fake);
    for (const [method, code, name, message] of [
      ['Trailers', 5, 'NOT_FOUND', text],
      ['HeadersOnly', 9, 'FAILED_PRECONDITION', text],
      ['Unknown', 99, '99', ''],
    ] as const) {
      const told = new Heard();
      channel.call(method, told, Buffer.alloc(0));
      expect(await told.end()).to.deep.equal({ code, name, message });
      expect(told.cause).to.equal(undefined);
      expect(told.messages).to.have.length(method === 'Trailers' ? 1 : 0);
    }
  });

  it('end where the server has the last word, though more could be written', async () => {
    fake.on('PublishAsync', (call) => {
      call.onRequest(() => call.end({ code: 13, message: 'no' }));
    });
    const channel = await connect(fake);
    const call = channel.call('PublishAsync', heard);
    call.write(grpcFrame(Buffer.from('a')));
    expect(await heard.end()).to.include({ code: 13, message: 'no' });
    expect(call.write(grpcFrame(Buffer.from('b')))).to.equal(false);
    await until(() => fake.calls[0]?.closed, { every: 2 });
    expect(heard.ends).to.equal(1);
  });

  describe('end by a reset with', () => {
    for (const [reset, code] of [
      ['NO_ERROR', 2],
      ['PROTOCOL_ERROR', 13],
      ['INTERNAL_ERROR', 13],
      ['FLOW_CONTROL_ERROR', 13],
      ['REFUSED_STREAM', 14],
      ['CANCEL', 1],
      ['ENHANCE_YOUR_CALM', 8],
      ['INADEQUATE_SECURITY', 7],
      ['HTTP_1_1_REQUIRED', 2],
    ] as const) {
      for (const after of ['nothing', 'a message']) {
        it(`${reset} after ${after}`, async () => {
          fake.on('Subscribe', (call) => {
            if (after === 'a message') call.send(Buffer.from('a'));
            call.onEnd(() => setImmediate(() => call.rst(constants[`NGHTTP2_${reset}`])));
          });
          const channel = await connect(fake);
          channel.call('Subscribe', heard, Buffer.alloc(0));
          const status = await heard.end();
          if (reset === 'NO_ERROR') {
            expect(heard.cause).to.be.instanceOf(ProtocolError);
          } else {
            expect(status.code).to.equal(code);
            expect(status.message).to.include(reset);
            expect(heard.cause).to.equal(undefined);
          }
          expect(channel.up).to.equal(true);
        });
      }
    }
  });

  describe('of something that is no gRPC', () => {
    const cases: Record<string, [(call: Parameters<Parameters<FakeLiftbridge['on']>[1]>[0]) => void, RegExp, number]> =
      {
        'without a status': [(call) => call.trailers({}), /without a grpc-status/, 2],
        'without a status after a message': [
          (call) => {
            call.send(Buffer.from('a'));
            call.trailers({ 'x-other': '1' });
          },
          /without a grpc-status/,
          2,
        ],
        'with a status that is no number': [
          (call) => call.trailers({ 'grpc-status': 'fine' }),
          /without a grpc-status/,
          2,
        ],
        'with another content type': [
          (call) => {
            call.respond({ 'content-type': 'text/html' });
            call.raw(Buffer.from('<html>'));
          },
          /content type "text\/html"/,
          2,
        ],
        'with a compressed message': [(call) => call.raw(Buffer.from([1, 0, 0, 0, 1, 9])), /compressed/, 13],
        'with an odd first byte': [(call) => call.raw(Buffer.from('garbage')), /first byte/, 13],
        'with half a message': [
          (call) => {
            call.raw(Buffer.from([0, 0, 0, 0, 9, 1]));
            call.end();
          },
          /inside of a message/,
          2,
        ],
      };
    for (const [title, [serve, says, code]] of Object.entries(cases)) {
      it(title, async () => {
        fake.on('Subscribe', serve);
        const channel = await connect(fake);
        channel.call('Subscribe', heard, Buffer.alloc(0));
        expect((await heard.end()).code).to.equal(code);
        expect(heard.cause).to.be.instanceOf(ProtocolError);
        expect(heard.cause?.message).to.match(says);
        await until(() => fake.calls[0]?.closed, { every: 2 });
        expect([heard.ends, channel.calls, channel.up]).to.deep.equal([1, 0, true]);
      });
    }

    for (const [http, code] of [
      [400, 13],
      [401, 16],
      [403, 7],
      [404, 12],
      [429, 14],
      [500, 2],
      [503, 14],
    ] as const) {
      it(`with the HTTP status ${String(http)}`, async () => {
        fake.on('Subscribe', (call) => {
          call.respond({ ':status': http, 'content-type': 'text/plain' });
          call.raw(Buffer.from('sorry'));
          call.trailers({});
        });
        const channel = await connect(fake);
        channel.call('Subscribe', heard, Buffer.alloc(0));
        expect(await heard.end()).to.deep.include({
          code,
          message: `it answered with the HTTP status ${String(http)}`,
        });
        expect(heard.messages).to.have.length(0);
      });
    }

    it('takes a gRPC status before an HTTP one', async () => {
      fake.on('Subscribe', (call) => call.trailers({ ':status': 503, 'grpc-status': '8', 'grpc-message': 'later' }));
      (await connect(fake)).call('Subscribe', heard, Buffer.alloc(0));
      expect(await heard.end()).to.include({ code: 8, message: 'later' });
    });
  });

  it('refuse a message over the limit before it is here', async () => {
    fake.on('Subscribe', (call) => {
      call.send(Buffer.alloc(1_000));
      call.raw(Buffer.from([0, 0, 0, 3, 233, 1, 2, 3]));
    });
    const channel = await connect(fake, { maxMessageBytes: 1_000 });
    channel.call('Subscribe', heard, Buffer.alloc(0));
    expect((await heard.end()).name).to.equal('RESOURCE_EXHAUSTED');
    expect(heard.cause).to.be.instanceOf(FrameTooLargeError);
    expect(heard.lines).to.deep.equal(['message 1000', 'ended RESOURCE_EXHAUSTED']);
    await until(() => fake.calls[0]?.reset === constants.NGHTTP2_CANCEL, { every: 2 });
  });

  describe('are cancelled', () => {
    it('at the server, and say nothing more', async () => {
      fake.on('Subscribe', (call) => call.send(Buffer.from('a')));
      const channel = await connect(fake);
      const call = channel.call('Subscribe', heard, Buffer.alloc(0));
      await heard.until(1);
      call.cancel();
      call.cancel();
      expect([call.open, channel.calls]).to.deep.equal([false, 0]);
      await until(() => fake.calls[0]?.reset === constants.NGHTTP2_CANCEL, { every: 2 });
      call.resume();
      call.halfClose();
      expect(call.write(Buffer.alloc(9))).to.equal(false);
      fake.cut();
      await until(() => !channel.up, { every: 2 });
      expect(heard.lines).to.deep.equal(['message 1']);
    });

    it('from inside of a message, with more in the same chunk', async () => {
      fake.on('Subscribe', (call) => call.send(...Array.from({ length: 5 }, () => Buffer.from('a'))));
      const channel = await connect(fake);
      const call = channel.call(
        'Subscribe',
        Object.assign(heard, {
          message: () => {
            heard.lines.push('message');
            if (heard.lines.length === 3) call.cancel();
            return true;
          },
        }),
        Buffer.alloc(0),
      );
      await until(() => fake.calls[0]?.reset !== undefined, { every: 2 });
      expect(heard.lines).to.deep.equal(['message', 'message', 'message']);
      expect(heard.flushes).to.equal(0);
    });

    it('before they have begun', async () => {
      const channel = await connect(fake);
      channel.call('Subscribe', heard, Buffer.alloc(0)).cancel();
      await channel.probe(5_000);
      expect(heard.lines).to.deep.equal([]);
    });
  });

  it('end by what a handler throws, and the others go on', async () => {
    fake.on('Subscribe', (call) => call.send(Buffer.from('a'), Buffer.from('b')));
    const channel = await connect(fake);
    const other = new Heard();
    channel.call('Subscribe', other, Buffer.alloc(0));
    const broken = {
      message: () => {
        throw new TypeError('a defect');
      },
      flushed: () => undefined,
      drained: () => undefined,
      ended: heard.ended.bind(heard),
    };
    channel.call('Subscribe', broken, Buffer.alloc(0));
    await heard.end();
    expect(heard.cause).to.be.instanceOf(ConnectionError);
    expect((heard.cause?.cause as Error).message).to.equal('a defect');
    await other.until(2);
    expect(channel.calls).to.equal(1);
  });

  describe('writing', () => {
    it('says to hold back when the server does not read, and when to go on', async () => {
      fake.on('PublishAsync', (call) => {
        call.stream.pause();
      });
      const channel = await connect(fake);
      const call = channel.call('PublishAsync', heard);
      const slab = Buffer.concat(Array.from({ length: 64 }, () => grpcFrame(Buffer.alloc(1_019))));
      let slabs = 1;
      while (call.write(slab)) slabs++;
      expect(slabs).to.be.within(3, 8);
      for (let i = 0; i < 3; i++) await turn();
      expect(heard.drains).to.equal(0);
      const { stream } = await fake.call('PublishAsync');
      stream.resume();
      await until(() => heard.drains === 1, { every: 2 });
      expect(call.write(slab)).to.equal(true);
      await until(() => fake.calls[0]?.requests.length === (slabs + 1) * 64, { every: 2 });
      expect(heard.drains).to.equal(1);
    });

    it('waits for metadata', async () => {
      let give: (metadata: Record<string, string>) => void = () => undefined;
      const metadata = (): Promise<Record<string, string>> => new Promise((resolve) => (give = resolve));
      fake.on('PublishAsync', (call) => call.onRequest((message) => call.send(message)));
      const channel = await connect(fake, { metadata });
      const call = channel.call('PublishAsync', heard);
      expect(call.write(grpcFrame(Buffer.from('early')))).to.equal(false);
      expect(call.write(grpcFrame(Buffer.from('bird')))).to.equal(false);
      for (let i = 0; i < 3; i++) await turn();
      expect([heard.drains, fake.calls.length]).to.deep.equal([0, 0]);
      give({ token: 'x' });
      await heard.until(2);
      expect(heard.drains).to.equal(1);
      expect(heard.messages.map(String)).to.deep.equal(['early', 'bird']);
    });

    it('does not wait for ever for metadata', async () => {
      const clock = new FiredClock();
      const channel = await connect(fake, { clock, metadata: () => new Promise(() => undefined) });
      channel.call('PublishAsync', heard);
      const cancelled = channel.call('PublishAsync', new Heard());
      cancelled.cancel();
      expect(clock.timers.size).to.equal(1);
      clock.fire(10_000);
      expect(await heard.end()).to.include({ name: 'UNAUTHENTICATED' });
      expect(String(heard.cause?.cause)).to.include('it gave nothing within 10000 ms');
      expect([fake.calls.length, clock.timers.size]).to.deep.equal([0, 0]);
    });
  });

  describe('beyond what the server takes at a time', () => {
    it('wait, and do not end the others', async () => {
      const narrow = await FakeLiftbridge.start({ settings: { maxConcurrentStreams: 2 } });
      narrow.on('Subscribe', (call) => call.send(Buffer.from('a')));
      narrow.unary('Echo', (request) => request);
      const channel = await connect(narrow);
      const [first, second] = [new Heard(), new Heard()];
      for (const each of [first, second]) channel.call('Subscribe', each, Buffer.alloc(0));
      await first.until(1);
      await second.until(1);
      expect(channel.limit).to.equal(2);
      const echoed = channel.unary('Echo', Buffer.from('x'), asking());
      expect(await channel.probe(1)).to.equal(true);
      expect([channel.up, narrow.calls.length]).to.deep.equal([true, 2]);
      narrow.calls[0]?.end();
      expect(String(await echoed)).to.equal('x');
      expect([channel.up, second.ends]).to.deep.equal([true, 0]);
      await channel.close();
      await narrow.stop();
    });
  });
});
