import { expect } from 'chai';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  ProtocolError,
  UnsupportedError,
} from '../../../lib/core/errors.js';
import { openConnection } from '../../../lib/lonelyps/connection/open-connection.js';
import { settled } from '../../support/manual-clock.js';
import { defaults, exact, hmacAuth, noAuth, tokenAuth, World, zstdOn } from './connection-kit.js';

async function failure(world: World): Promise<unknown> {
  const error: unknown = await openConnection(world.parts).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(world.server.terminated, 'the socket is dropped').to.equal(true);
  expect(world.losses, 'nobody is told of a loss').to.be.empty;
  expect(world.clock.size, 'no timer is left').to.equal(0);
  return error;
}

describe('lonelyps connection: opening', () => {
  for (const [name, auth] of Object.entries({ none: noAuth, token: tokenAuth, HMAC: hmacAuth })) {
    it(`greets with ${name}, and has its confirmation checked`, async () => {
      const world = await World.open({ auth });
      expect(world.server.kinds()).to.deep.equal(['configure']);
      expect(world.server.refused).to.be.empty;
      expect(world.connection.writable).to.equal(true);
      await world.connection.close(1_000);
      expect(world.clock.size).to.equal(0);
    });
  }

  it('reads headers with names too', async () => {
    const world = await World.open({ auth: hmacAuth, prepare: (server) => (server.expanded = true) });
    await world.change(true, exact('a'));
    expect(world.faults).to.be.empty;
    world.connection.destroy(new ConnectionError('over'));
  });

  it('offers no compression unless it is wanted and there', async () => {
    const off = await World.open();
    expect(off.server.got[0]).to.include({ zstd: false, training: false, initialDictionary: 0 });
    const on = await World.open({
      compression: { ...zstdOn, dictionaries: new Map([[7, new Uint8Array(9)]]), initial: 7 },
    });
    expect(on.server.got[0]).to.include({ zstd: true, training: true, initialDictionary: 7 });
    const compression = { ...zstdOn, required: false };
    const without = await World.open({ compression, platform: { loadZstd: () => Promise.resolve(undefined) } });
    expect(without.server.got[0]).to.include({ zstd: false, training: false });
    for (const { connection } of [off, on, without]) await connection.close(1_000);
  });

  it('fails where compression is demanded and there is no zstd', async () => {
    const world = new World({ compression: zstdOn, platform: { loadZstd: () => Promise.resolve(undefined) } });
    const error: unknown = await openConnection(world.parts).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(UnsupportedError).with.property('message').that.includes('@bokuweb/zstd-wasm');
  });

  it('takes a close without a reason for a refused authorization', async () => {
    const world = new World({ auth: tokenAuth, prepare: (server) => (server.answers = false) });
    const failed = failure(world);
    await settled();
    world.server.hangUp(1000);
    const error = await failed;
    expect(error).to.be.instanceOf(AuthenticationError).with.property('message').that.includes('auth.toBroadcaster');
    expect(String(error)).not.to.include('tb-token');
  });

  it('tells of other closes what is known of them', async () => {
    const world = new World({ prepare: (server) => (server.answers = false) });
    const failed = failure(world);
    await settled();
    world.server.hangUp(1012, 'restart');
    expect(await failed)
      .to.be.instanceOf(ConnectionError)
      .with.property('message')
      .that.includes('restarted');
  });

  it('does not trust a broadcaster with another secret', async () => {
    for (const [auth, serverAuth] of [
      [tokenAuth, { ...tokenAuth, toSubscriber: { type: 'token', token: 'other' } }],
      [hmacAuth, { ...hmacAuth, toSubscriber: { type: 'hmac', secret: new Uint8Array(64) } }],
      [hmacAuth, { toBroadcaster: hmacAuth.toBroadcaster }],
    ] as const) {
      const error = await failure(new World({ auth, serverAuth }));
      expect(error).to.be.instanceOf(AuthenticationError).with.property('message').that.includes('auth.toSubscriber');
    }
  });

  it('gives up on a broadcaster that says nothing', async () => {
    const world = new World({ connectTimeout: 700, prepare: (server) => (server.answers = false) });
    const failed = failure(world);
    await world.clock.pass(700);
    expect(await failed)
      .to.be.instanceOf(BrokerTimeoutError)
      .with.property('message')
      .that.includes('did not confirm');
  });

  it('gives up where no socket opens', async () => {
    const world = new World({ connectTimeout: 700 });
    world.server.terminated = true;
    const failed = failure(world);
    await world.clock.pass(700);
    expect(await failed)
      .to.be.instanceOf(BrokerTimeoutError)
      .with.property('message')
      .that.includes('no websocket');
  });

  it('wants nothing but the confirmation', async () => {
    for (const say of [
      (world: World) => world.server.text(),
      (world: World) => world.server.raw(Uint8Array.of(0, 1, 0, 99)),
      (world: World) => world.server.raw(Uint8Array.of(0, 1, 0)),
      (world: World) => world.server.raw(Uint8Array.of(0, 1, 0, 1, 0, 31)),
      (world: World) => world.server.send({ kind: 'missed', topic: new Uint8Array() }),
    ]) {
      const world = new World({ prepare: (server) => (server.answers = false) });
      const failed = failure(world);
      await settled();
      say(world);
      expect(await failed).to.be.instanceOf(ProtocolError);
    }
  });

  it('rejects where the connection ends in the turn in which it is confirmed', async () => {
    const world = new World();
    const failed = failure(world);
    world.server.answers = false;
    await settled();
    world.server.answer(world.server.got[0]!);
    world.server.hangUp(1000);
    expect(await failed).to.be.instanceOf(ConnectionError);
  });

  it('can be given up', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const world = new World({ signal: stop.signal, prepare: (server) => (server.answers = false) });
    const failed = failure(world);
    await settled();
    stop.abort(reason);
    expect(await failed).to.equal(reason);
    const late: unknown = await openConnection(world.parts).catch((error: unknown) => error);
    expect(late).to.equal(reason);
  });

  it('asks for messages as large as broadcasters send, whatever is kept of them', async () => {
    let limit = 0;
    const world = new World({ maxMessageBytes: 10 });
    const { openSocket } = world.parts.platform;
    world.parts.platform.openSocket = (url, options, handlers) => {
      limit = options.maxMessageBytes;
      return openSocket(url, options, handlers);
    };
    const connection = await openConnection(world.parts);
    expect(limit).to.be.greaterThan(defaults.maxFrameBytes);
    await connection.close(1_000);
  });
});
