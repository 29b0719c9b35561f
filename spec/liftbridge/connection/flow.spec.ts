import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import type { Channel } from '../../../lib/liftbridge/connection/channel.js';
import { FakeLiftbridge, type FakeCall } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { asking, closeAll, connect, Heard } from './channel-kit.js';

const KiB = 1024;

/** What a server has written to one call, for as long as the call takes it. */
class Tap {
  sent = 0;
  #count = 0;

  constructor(call: FakeCall, size: number, total = Infinity) {
    const pour = (): void => {
      while (this.#count < total) {
        const message = Buffer.alloc(size);
        message.writeUInt32BE(this.#count++);
        this.sent += size + 5;
        if (!call.raw(grpcFrame(message))) {
          call.stream.once('drain', pour);
          return;
        }
      }
      call.end();
    };
    pour();
  }
}

describe('liftbridge connection: flow control', () => {
  let fake: FakeLiftbridge;
  let channel: Channel;
  let taps: Tap[];
  let limits: { size: number; total: number };

  beforeEach(async () => {
    fake = await FakeLiftbridge.start();
    taps = [];
    limits = { size: 1_000, total: Infinity };
    fake.on('Subscribe', (call) => taps.push(new Tap(call, limits.size, limits.total)));
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  /** Waits until nothing more comes. */
  const still = async (): Promise<number> => {
    for (let before = -1; before !== channel.received;) {
      before = channel.received;
      for (let i = 0; i < 20; i++) await turn();
      // a probe has its answer after all that was sent before it
      await channel.probe(5_000);
      if (channel.received - before < 200) return channel.received;
    }
    return channel.received;
  };

  it('makes the server wait for a call that does not read, and for no other', async () => {
    const windowBytes = 128 * KiB;
    channel = await connect(fake, { windowBytes });
    fake.unary('CreateStream', (request) => request);
    const slow = new Heard();
    slow.appetite = 10;
    channel.call('Subscribe', slow, Buffer.alloc(0));
    await slow.until(10);
    const received = await still();
    // the window, what was handed over, what Node keeps of a stopped stream, and one read of the socket
    expect(received).to.be.below(windowBytes + 10 * 1_005 + 16 * KiB + 64 * KiB);
    expect(slow.messages).to.have.length(10);

    const fast = new Heard();
    channel.call('Subscribe', fast, Buffer.alloc(0));
    await fast.until(3_000);
    const large = Buffer.alloc(300 * KiB, 1);
    expect((await channel.unary('CreateStream', large, asking())).equals(large)).to.equal(true);
    expect(slow.messages).to.have.length(10);
    expect(slow.flushes).to.be.below(11);
  });

  for (const size of [40, 1_000, 70_000]) {
    it(`loses, doubles and reorders nothing of messages of ${String(size)} bytes, however often it is stopped`, async () => {
      const total = size > 10_000 ? 60 : 5_000;
      limits = { size, total };
      channel = await connect(fake, { windowBytes: 96 * KiB });
      const heard = new Heard();
      heard.appetite = 1;
      const call = channel.call('Subscribe', heard, Buffer.alloc(0));
      let random = 7;
      while (!heard.status) {
        await turn();
        random = (random * 1_103_515_245 + 12_345) & 0x7fffffff;
        heard.appetite = 1 + ((random >> 8) % (random & 1 ? 3 : 600));
        call.resume();
      }
      expect(heard.messages.map((message) => message.readUInt32BE())).to.deep.equal(
        Array.from({ length: total }, (_, i) => i),
      );
      expect(heard.messages.every((message) => message.length === size)).to.equal(true);
      expect(heard.lines.at(-1)).to.equal('ended OK');
      expect(heard.ends).to.equal(1);
    });
  }

  it('goes on at once with the rest of a chunk', async () => {
    fake.on('Subscribe', (call) => {
      call.send(Buffer.from('a'), Buffer.from('b'), Buffer.from('c'));
      call.end();
    });
    channel = await connect(fake);
    const heard = new Heard();
    heard.appetite = 1;
    const call = channel.call('Subscribe', heard, Buffer.alloc(0));
    await heard.until(1);
    await still();
    expect(heard.messages.map(String)).to.deep.equal(['a']);
    expect(heard.flushes).to.equal(1);
    heard.appetite = 1;
    call.resume();
    expect(heard.messages.map(String)).to.deep.equal(['a', 'b']);
    expect([heard.flushes, heard.ends]).to.deep.equal([2, 0]);
    call.resume();
    expect(heard.lines).to.deep.equal(['message 1', 'message 1', 'message 1']);
    heard.appetite = Infinity;
    call.resume();
    expect((await heard.end()).code).to.equal(0);
    expect(heard.lines).to.have.length(4);
  });

  it('can be resumed by a handler, a message at a time', async () => {
    limits = { size: 40, total: 2_000 };
    channel = await connect(fake);
    const heard = new Heard();
    let depth = 0;
    let deepest = 0;
    const call = channel.call(
      'Subscribe',
      Object.assign(heard, {
        message: (bytes: Uint8Array, start: number, end: number) => {
          heard.messages.push(Buffer.from(bytes.subarray(start, end)));
          return false;
        },
        flushed: () => {
          deepest = Math.max(deepest, ++depth);
          call.resume();
          depth--;
        },
      }),
      Buffer.alloc(0),
    );
    await heard.end();
    expect(heard.messages).to.have.length(2_000);
    expect(deepest).to.be.below(4);
  });

  it('hands over all that came before a status, however late it is read', async () => {
    limits.total = 50;
    channel = await connect(fake);
    const heard = new Heard();
    heard.appetite = 1;
    const call = channel.call('Subscribe', heard, Buffer.alloc(0));
    await heard.until(1);
    await until(() => fake.calls[0]?.stream.writableFinished, { every: 2 });
    await still();
    expect(heard.status).to.equal(undefined);
    heard.appetite = Infinity;
    call.resume();
    expect((await heard.end()).code).to.equal(0);
    expect(heard.messages).to.have.length(50);
  });

  it('does not take a status for the end of messages that were lost with the connection', async () => {
    limits.total = 50;
    channel = await connect(fake);
    const heard = new Heard();
    heard.appetite = 1;
    const call = channel.call('Subscribe', heard, Buffer.alloc(0));
    await heard.until(1);
    await still();
    fake.cut();
    expect((await heard.end()).name).to.equal('UNAVAILABLE');
    call.resume();
    expect(heard.messages).to.have.length(1);
    expect(heard.lines.at(-1)).to.equal('ended UNAVAILABLE');
  });

  it('can be cancelled while it is stopped, and leaves nothing behind', async () => {
    channel = await connect(fake, { windowBytes: 64 * KiB });
    const heard = new Heard();
    heard.appetite = 3;
    const call = channel.call('Subscribe', heard, Buffer.alloc(0));
    await heard.until(3);
    await still();
    call.cancel();
    await until(() => fake.calls[0]?.reset !== undefined, { every: 2 });
    expect(heard.lines).to.have.length(3);
    expect(channel.calls).to.equal(0);
    expect(await channel.probe(5_000)).to.equal(true);
  });
});
