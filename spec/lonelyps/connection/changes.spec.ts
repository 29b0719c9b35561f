import { expect } from 'chai';
import { ClosedError, ConnectionError, ProtocolError } from '../../../lib/core/errors.js';
import { settled } from '../../support/manual-clock.js';
import { exact, glob, hmacAuth, text, World } from './connection-kit.js';

describe('lonelyps connection: subscriptions', () => {
  it('subscribes and unsubscribes, topics and globs, in order', async () => {
    const world = await World.open({ auth: hmacAuth });
    await Promise.all([
      world.change(true, exact('a')),
      world.change(true, glob('b/*')),
      world.change(false, exact('a')),
      world.change(false, glob('b/*')),
    ]);
    expect(world.server.kinds().slice(1)).to.deep.equal([
      'subscribeExact',
      'subscribeGlob',
      'unsubscribeExact',
      'unsubscribeGlob',
    ]);
    expect(world.server.refused).to.be.empty;
    await world.connection.close(1_000);
  });

  it('signs with counters that go -1, …, -a, …, -10, …, -ff', async () => {
    const world = await World.open({ auth: hmacAuth });
    for (let i = 0; i < 300; i++) await world.change(i % 2 === 0, exact('a'));
    expect(world.server.refused).to.be.empty;
    await world.connection.close(1_000);
  });

  it('keeps order and counters under everything at once', async () => {
    const world = await World.open({ auth: hmacAuth });
    const all = Array.from({ length: 200 }, (_, i) => {
      world.server.deliver('t', text(`m${i}`));
      return [world.change(true, exact(`t${i}`)), world.notify('n', `v${i}`)];
    });
    await Promise.all(all.flat());
    expect(world.server.refused).to.be.empty;
    expect(world.faults).to.be.empty;
    expect(world.arrivals).to.have.length(200);
    expect(world.server.acks).to.have.length(200);
    await world.connection.close(1_000);
  });

  it('has no more than 64 unanswered, and goes on as answers come', async () => {
    const world = await World.open();
    world.server.answers = false;
    const done: number[] = [];
    for (let i = 0; i < 100; i++) world.connection.change(true, exact(String(i)), () => done.push(i));
    await settled();
    expect(world.server.got).to.have.length(65);
    expect(world.connection.writable).to.equal(false);
    for (let i = 1; i <= 100; i++) {
      world.server.answer(world.server.got[i]!);
      await settled();
    }
    expect(done).to.deep.equal(Array.from({ length: 100 }, (_, i) => i));
    expect(world.connection.writable).to.equal(true);
    expect(world.drains).to.equal(1);
    await world.connection.close(1_000);
  });

  it('drops a broadcaster that confirms something else', async () => {
    const wrongs: ((world: World) => void)[] = [
      ({ server }) => server.send({ kind: 'confirmSubscribeExact', topic: text('b') }),
      ({ server }) => server.send({ kind: 'confirmUnsubscribeExact', topic: text('a') }),
      ({ server }) => server.send({ kind: 'confirmSubscribeGlob', glob: 'a' }),
      ({ server }) => server.send({ kind: 'continueNotify', identifier: new Uint8Array(8), part: 0 }),
      ({ server }) => server.send({ kind: 'confirmConfigure', nonce: new Uint8Array(32) }),
      ({ server }) => server.text(),
      ({ server }) => server.raw(Uint8Array.of(0, 1, 0, 99)),
      ({ server }) => server.raw(Uint8Array.of(0, 1, 0, 2, 0, 9, 97)),
      ({ server }) => server.raw(Uint8Array.of(0, 0, 0, 2, 0, 3, 0, 0, 0, 0)),
    ];
    for (const wrong of wrongs) {
      const world = await World.open();
      world.server.answers = false;
      let told: unknown;
      world.connection.change(true, exact('a'), (error) => (told = error));
      await settled();
      wrong(world);
      expect(world.fault).to.be.instanceOf(ProtocolError);
      expect(told).to.equal(world.fault);
      expect(world.server.terminated).to.equal(true);
      expect(world.clock.size).to.equal(0);
    }
  });

  it('drops a broadcaster that confirms what was not asked', async () => {
    const world = await World.open();
    world.server.send({ kind: 'confirmSubscribeExact', topic: text('a') });
    expect(world.fault).to.be.instanceOf(ProtocolError).with.property('message').that.includes('nothing was asked');
  });

  it('drops a broadcaster that signs for another request', async () => {
    const world = await World.open({ auth: hmacAuth });
    world.server.answers = false;
    const done: unknown[] = [];
    for (const topic of ['a', 'b']) world.connection.change(true, exact(topic), (error) => done.push(error));
    await settled();
    // the counter of the second request stands in the confirmation of the first
    world.server.answer(world.server.got[1]!);
    expect(world.fault).to.be.instanceOf(ProtocolError).with.property('message').that.includes('auth.toSubscriber');
    expect(done).to.deep.equal([world.fault, world.fault]);
  });

  it('tells all that waits when the connection is lost, after the loss itself', async () => {
    const world = await World.open();
    world.server.answers = false;
    const order: string[] = [];
    for (let i = 0; i < 70; i++) {
      world.connection.change(true, exact(String(i)), (error) => {
        expect(error).to.equal(world.losses[0]);
        order.push(String(i));
      });
    }
    await settled();
    world.server.hangUp(1006);
    expect(world.losses).to.have.length(1);
    expect(world.losses[0]).to.be.instanceOf(ConnectionError);
    expect(world.faults).to.be.empty;
    expect(order).to.deep.equal(Array.from({ length: 70 }, (_, i) => String(i)));
    expect(world.connection.error).to.equal(world.losses[0]);
    const late: unknown = await world.change(true, exact('late')).catch((error: unknown) => error);
    expect(late).to.equal(world.losses[0]);
  });

  it('waits at close for what is unanswered, and takes nothing more', async () => {
    const world = await World.open();
    world.server.answers = false;
    const change = world.change(true, exact('a'));
    const closing = world.connection.close(1_000);
    expect(world.connection.close(1)).to.equal(closing);
    const late: unknown = await world.change(true, exact('b')).catch((error: unknown) => error);
    expect(late).to.be.instanceOf(ClosedError);
    expect(world.server.closed).to.equal(false);
    world.server.answer(world.server.got[1]!);
    await Promise.all([change, closing]);
    expect(world.server.closed).to.equal(true);
    expect(world.losses).to.be.empty;
    expect(world.clock.size).to.equal(0);
  });

  it('drops at the end of the time for closing', async () => {
    const world = await World.open();
    world.server.answers = false;
    const change = world.change(true, exact('a')).catch((error: unknown) => error);
    const closing = world.connection.close(1_000);
    await world.clock.pass(1_000);
    await closing;
    expect(await change).to.be.instanceOf(ClosedError);
    expect(world.server).to.include({ terminated: true, closed: false });
    expect(world.losses).to.be.empty;
  });

  it('is lost by what it is destroyed with', async () => {
    const world = await World.open();
    const error = new ConnectionError('enough');
    world.connection.destroy(error);
    world.connection.destroy(new ConnectionError('again'));
    expect(world.losses).to.deep.equal([error]);
    await world.connection.close(1_000);
  });
});
