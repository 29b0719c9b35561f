import { expect } from 'chai';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { ProtocolError, WeirError } from '../../../lib/core/errors.js';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import type { Channel } from '../../../lib/liftbridge/connection/channel.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { refusal } from '../../support/refusal.js';
import { FiredClock } from '../../support/fired-clock.js';
import { asking, closeAll, connect, Heard } from './channel-kit.js';

/** Numbers that look random and are the same in each run. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

describe('liftbridge connection: garbage', () => {
  afterEach(closeAll);

  it('in the place of messages ends the call, and nothing else', async () => {
    const fake = await FakeLiftbridge.start();
    const sound = Buffer.concat([
      grpcFrame(Buffer.from('one')),
      grpcFrame(Buffer.alloc(300)),
      grpcFrame(Buffer.alloc(0)),
    ]);
    let served = 0;
    fake.on('Subscribe', (call) => {
      const dice = new Dice(++served);
      let bytes = served % 3 === 0 ? dice.bytes(1 + dice.below(200)) : Buffer.from(sound);
      if (served % 3 === 1) bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8);
      if (served % 3 === 2) bytes = bytes.subarray(0, dice.below(bytes.length));
      const cut = dice.below(bytes.length);
      call.raw(bytes.subarray(0, cut));
      call.raw(bytes.subarray(cut));
      if (dice.below(2)) call.end();
      else call.trailers({ 'grpc-status': dice.bytes(2).toString('hex') });
    });
    const channel = await connect(fake);
    for (let i = 0; i < 400; i++) {
      const heard = new Heard();
      channel.call('Subscribe', heard, Buffer.alloc(0));
      const { code } = await heard.end();
      if (heard.cause) expect(heard.cause).to.be.instanceOf(WeirError);
      else expect(code).to.be.a('number');
      if (code === 0) expect(heard.messages.length).to.be.below(4);
      expect(heard.ends).to.equal(1);
    }
    expect([channel.up, channel.calls]).to.deep.equal([true, 0]);
    await fake.stop();
  });

  describe('in the place of HTTP/2', () => {
    let server: Server;
    let dice: Dice;
    const sockets = new Set<Socket>();
    const frame = (type: number, flags: number, stream: number, content: Uint8Array): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(content.length, 0, 3);
      head[3] = type;
      head[4] = flags;
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, content]);
    };
    /** Frames of all types, most of which should not come. */
    const nonsense = (): Buffer => {
      switch (dice.below(8)) {
        case 0:
          return dice.bytes(1 + dice.below(100));
        case 1:
        case 2:
          return frame(1, 4 | dice.below(2), 1, Buffer.concat([Buffer.of(0x88), dice.bytes(dice.below(20))]));
        case 3:
          return frame(dice.below(12), dice.below(256), dice.below(4), dice.bytes(dice.below(60)));
        default:
          return frame(dice.below(10), dice.below(2), dice.below(3), dice.bytes([4, 5, 8, 0][dice.below(4)]!));
      }
    };

    before(async () => {
      server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.write(frame(4, 0, 0, Buffer.alloc(0)));
        socket.once('data', () => {
          socket.write(Buffer.concat(Array.from({ length: 1 + dice.below(6) }, nonsense)));
          socket.end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    after(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });

    // After some of it, such as a frame over the limit, Node says goodbye to the peer, reads no more and tells nobody. That is
    // what the probe is for.
    it('ends the connection, at the next probe at the latest, with a typed error', async () => {
      const { port } = server.address() as AddressInfo;
      let protocolErrors = 0;
      for (let seed = 1; seed <= 300; seed++) {
        dice = new Dice(seed);
        const clock = new FiredClock();
        const opening = connect({ host: '127.0.0.1', port }, { clock }).catch((error: unknown) => error);
        const channel = (await opening) as Channel | WeirError;
        if (channel instanceof WeirError) continue;
        const losses: WeirError[] = [];
        channel.onLost((error) => losses.push(error));
        const heard = new Heard();
        const asked = refusal(channel.unary('Ask', Buffer.alloc(3), asking()));
        channel.call('Subscribe', heard);
        for (let i = 0; i < 50 && losses.length === 0; i++) await turn();
        if (losses.length === 0) {
          const probing = channel.probe(777);
          clock.fire(777);
          await probing;
        }
        await heard.end();
        expect(await asked).to.be.instanceOf(WeirError);
        if (losses[0] instanceof ProtocolError) protocolErrors++;
        const closing = channel.close();
        clock.fire(1_000);
        await closing;
        expect(heard.ends).to.equal(1);
        expect(losses).to.have.length(1);
        expect(clock.timers.size).to.equal(0);
      }
      expect(protocolErrors).to.be.above(20);
    });
  });
});
