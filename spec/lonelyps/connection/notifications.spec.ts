import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { ConnectionError, FrameTooLargeError, ProtocolError, PublishError } from '../../../lib/core/errors.js';
import type { Body } from '../../../lib/lonelyps/body.js';
import { settled } from '../../support/manual-clock.js';
import { until, within } from '../../support/wait.js';
import { bodyOf, exact, hmacAuth, sha512, text, World, type Outcome } from './connection-kit.js';

/** A body that is read in pieces of so many bytes, as one in a file is. */
function fileOf(bytes: Uint8Array, size: number, read = bytes): Body {
  return {
    length: bytes.length,
    bytes: undefined,
    sha512: sha512(bytes),
    async *read() {
      for (let at = 0; at < read.length; at += size) {
        await settled();
        yield read.subarray(at, at + size);
      }
    },
    load: async () => {
      await settled();
      return bytes;
    },
    discard: () => undefined,
  };
}

function received(world: World): Buffer {
  const parts = world.server.got.flatMap((message) => (message.kind === 'notifyStream' ? [message.bytes] : []));
  return Buffer.concat(parts);
}

describe('lonelyps connection: notifications', () => {
  it('sends a message whole where it fits, empty ones too', async () => {
    const world = await World.open({ auth: hmacAuth });
    world.server.notified = 300;
    expect(await world.notify('t', 'hello')).to.deep.equal(['confirmed', 300]);
    world.server.notified = 0;
    expect(await world.notify('', '')).to.deep.equal(['confirmed', 0]);
    const [, first, second] = world.server.got;
    expect(first).to.deep.include({ kind: 'notify', bytes: text('hello') });
    expect(second).to.deep.include({ kind: 'notify', bytes: new Uint8Array() });
    expect((first as { identifier: Uint8Array }).identifier).not.to.deep.equal(
      (second as { identifier: Uint8Array }).identifier,
    );
    expect(world.server.refused).to.be.empty;
    await world.connection.close(1_000);
  });

  it('tells of one that cannot be signed, as of all that the connection takes with it', async () => {
    const broken = new Error('no randomness');
    for (const start of [
      (world: World) => world.notify('t', 'hello'),
      (world: World) => world.change(true, exact('t')).catch((error: unknown) => ['lost', error, false]),
    ]) {
      const world = await World.open();
      world.parts.auth.toBroadcaster.sign = () => {
        throw broken;
      };
      const [kind, error, written] = await within(start(world) as Promise<Outcome>, 1_000, 'the outcome');
      expect([kind, written]).to.deep.equal(['lost', false]);
      expect(error).to.equal(world.fault).and.to.have.property('cause', broken);
      expect(world.clock.size).to.equal(0);
    }
  });

  it('gives the identifier with the outcome', async () => {
    const world = await World.open();
    const id = await new Promise((resolve) => {
      world.connection.notify(text('t'), bodyOf(text('x')), {
        confirmed: resolve,
        refused: resolve,
        lost: resolve,
      });
    });
    const { identifier } = world.server.got[1] as { identifier: Uint8Array };
    expect(id).to.equal(Buffer.from(identifier).toString('hex'));
    await world.connection.close(1_000);
  });

  it('sends in parts what does not fit, from memory and from files, none larger than maxFrameBytes', async () => {
    const bytes = randomBytes(20_000);
    for (const body of [bodyOf(bytes), fileOf(bytes, 700), fileOf(bytes, 30_000)]) {
      let largest = 0;
      const world = new World({ auth: hmacAuth, maxFrameBytes: 2_000 });
      const { openSocket } = world.parts.platform;
      world.parts.platform.openSocket = (url, options, handlers) => {
        const socket = openSocket(url, options, handlers);
        return {
          ...socket,
          send: (message) => {
            largest = Math.max(largest, message.length);
            return socket.send(message);
          },
        };
      };
      const { openConnection } = await import('../../../lib/lonelyps/connection/open-connection.js');
      world.connection = await openConnection(world.parts);
      expect(await world.notify('t', body)).to.deep.equal(['confirmed', 1]);
      expect(received(world).equals(bytes)).to.equal(true);
      expect(largest).to.be.within(1_900, 2_000);
      expect(world.server.refused).to.be.empty;
      await world.connection.close(1_000);
    }
  });

  it('sends whole what is in a file and fits', async () => {
    const world = await World.open({ auth: hmacAuth });
    const [one, two] = [world.notify('t', fileOf(text('file'), 2)), world.notify('t', 'memory')];
    expect(world.connection.writable).to.equal(false);
    expect(await one).to.deep.equal(['confirmed', 1]);
    expect(await two).to.deep.equal(['confirmed', 1]);
    expect(world.server.kinds()).to.deep.equal(['configure', 'notify', 'notify']);
    expect(world.drains).to.equal(1);
    await world.connection.close(1_000);
  });

  it('has two parts on their way at most, and lets no other notification in between; a subscription may', async () => {
    const world = await World.open({ maxFrameBytes: 1_000 });
    world.server.answers = false;
    const all = [world.notify('t', randomBytes(2_500)), world.notify('t', 'x')];
    await settled();
    expect(world.server.kinds()).to.deep.equal(['configure', 'notifyStream', 'notifyStream']);
    const change = world.change(true, exact('a'));
    await settled();
    expect(world.server.kinds()).to.have.length(4);
    for (let i = 1; i < 7; i++) {
      world.server.answer(world.server.got[i]!);
      await settled();
    }
    expect(world.server.kinds()).to.deep.equal([
      'configure',
      'notifyStream',
      'notifyStream',
      'subscribeExact',
      'notifyStream',
      'notifyStream',
      'notify',
    ]);
    expect(await Promise.all(all)).to.deep.equal([
      ['confirmed', 1],
      ['confirmed', 1],
    ]);
    await change;
    await world.connection.close(1_000);
  });

  it('waits for room in the socket', async () => {
    const world = await World.open();
    world.server.roomy = false;
    const first = world.notify('t', 'one');
    expect(world.connection.writable).to.equal(false);
    const second = world.notify('t', 'two');
    expect(await first).to.deep.equal(['confirmed', 1]);
    expect(world.server.got).to.have.length(2);
    expect(world.drains).to.equal(0);
    world.server.drain();
    expect(await second).to.deep.equal(['confirmed', 1]);
    expect(world.drains).to.equal(1);
    await world.connection.close(1_000);
  });

  it('tells of each message whether it was written when the connection is lost', async () => {
    const world = await World.open({ maxFrameBytes: 1_000 });
    world.server.answers = false;
    const all = [world.notify('t', 'whole'), world.notify('t', randomBytes(2_500)), world.notify('t', 'waits')];
    await settled();
    world.server.hangUp(1006);
    const outcomes = await Promise.all(all);
    expect(outcomes.map(([kind, , written]) => [kind, written])).to.deep.equal([
      ['lost', true],
      ['lost', true],
      ['lost', false],
    ]);
    const late = world.notify('t', 'late');
    expect(await late).to.deep.equal(['lost', world.losses[0], false]);
  });

  it('drops a broadcaster that confirms another message, or in another order', async () => {
    for (const answer of [
      { kind: 'confirmNotify', identifier: Uint8Array.of(1), notified: 1 },
      { kind: 'continueNotify', identifier: Uint8Array.of(1), part: 0 },
    ] as const) {
      const world = await World.open();
      world.server.answers = false;
      const sent = world.notify('t', 'x');
      await settled();
      world.server.confirmedAs = { topic: text('t'), sha512: sha512(text('x')) };
      world.server.send(answer);
      expect(world.fault).to.be.instanceOf(ProtocolError);
      expect(await sent).to.deep.equal(['lost', world.fault, true]);
    }
  });

  it('drops a broadcaster that signs another count', async () => {
    const world = await World.open({ auth: hmacAuth });
    world.server.confirmedAs = { topic: text('t'), sha512: sha512(text('y')) };
    const sent = await world.notify('t', 'x');
    expect(sent).to.deep.equal(['lost', world.fault, true]);
  });

  it('refuses what cannot be read, and goes on where nothing of it had left', async () => {
    const world = await World.open({ maxFrameBytes: 1_000 });
    const broken: Body = { ...fileOf(text('x'), 1), load: () => Promise.reject(new Error('disk')) };
    const [kind, error] = await world.notify('t', broken);
    expect(kind).to.equal('refused');
    expect(error).to.be.instanceOf(PublishError);
    expect(await world.notify('t', 'next')).to.deep.equal(['confirmed', 1]);
    await world.connection.close(1_000);
  });

  it('refuses a body that is not as long as it was, and leaves the broadcaster that waits for the rest', async () => {
    const bytes = randomBytes(3_000);
    for (const read of [bytes.subarray(0, 2_999), randomBytes(3_001)]) {
      const world = await World.open({ maxFrameBytes: 1_000 });
      const [kind, error] = await world.notify('t', fileOf(bytes, 500, read));
      expect(kind).to.equal('refused');
      expect(error).to.be.instanceOf(PublishError);
      await until(() => world.losses.length === 1);
      expect(received(world).length).to.be.lessThan(3_000);
    }
  });

  it('refuses a topic that leaves no room for a message', async () => {
    const world = await World.open({ maxFrameBytes: 1_000 });
    const [kind, error] = await world.notify('t'.repeat(1_000), 'x');
    expect(kind).to.equal('refused');
    expect(error).to.be.instanceOf(FrameTooLargeError);
    expect(await world.notify('t', 'x')).to.deep.equal(['confirmed', 1]);
    await world.connection.close(1_000);
  });

  it('stops reading a body when the connection is lost', async () => {
    let ended = false;
    const world = await World.open({ maxFrameBytes: 1_000 });
    world.server.answers = false;
    const bytes = randomBytes(50_000);
    const body: Body = {
      ...fileOf(bytes, 100),
      async *read() {
        try {
          for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
        } finally {
          ended = true;
        }
      },
    };
    const sent = world.notify('t', body);
    await settled();
    world.connection.destroy(new ConnectionError('gone'));
    expect((await sent)[0]).to.equal('lost');
    await until(() => ended);
  });
});
