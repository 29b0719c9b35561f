import { expect } from 'chai';
import { BrokerTimeoutError } from '../../../lib/core/errors.js';
import { exact, World } from './connection-kit.js';

describe('lonelyps connection: signs of life', () => {
  it('asks for one after silence, and goes on where it comes', async () => {
    const world = await World.open({ pingInterval: 10_000, pingTimeout: 5_000 });
    await world.clock.pass(9_999);
    expect(world.server.pings).to.equal(0);
    await world.clock.pass(1);
    expect(world.server.pings).to.equal(1);
    await world.clock.pass(60_000);
    expect(world.server.pings).to.be.within(4, 7);
    expect(world.losses).to.be.empty;
    await world.connection.close(1_000);
    expect(world.clock.size).to.equal(0);
  });

  it('does not ask while messages come', async () => {
    const world = await World.open();
    for (let i = 0; i < 10; i++) {
      await world.clock.pass(6_000);
      await world.notify('t', 'x');
    }
    expect(world.server.pings).to.equal(0);
    await world.connection.close(1_000);
  });

  it('gives a half-open connection up', async () => {
    const world = await World.open({ pingInterval: 1_000, pingTimeout: 500 });
    world.server.pongs = false;
    await world.clock.pass(1_499);
    expect(world.losses).to.be.empty;
    await world.clock.pass(1);
    expect(world.losses[0]).to.be.instanceOf(BrokerTimeoutError).with.property('message').that.includes('1500 ms');
    expect(world.server.terminated).to.equal(true);
    expect(world.clock.size).to.equal(0);
  });

  it('never asks with an interval of 0', async () => {
    const world = await World.open({ pingInterval: 0 });
    world.server.pongs = false;
    await world.clock.pass(1_000_000);
    expect([world.server.pings, world.losses.length]).to.deep.equal([0, 0]);
    await world.connection.close(1_000);
  });

  it('in a page, which cannot ask, minds silence only while an answer is due', async () => {
    const world = await World.open({ page: true, pingInterval: 1_000, pingTimeout: 500 });
    await world.clock.pass(100_000);
    expect(world.losses).to.be.empty;
    await world.change(true, exact('a'));
    world.server.answers = false;
    const change = world.change(true, exact('b')).catch((error: unknown) => error);
    await world.clock.pass(1_400);
    expect(world.losses).to.be.empty;
    await world.clock.pass(1_100);
    expect(world.losses[0]).to.be.instanceOf(BrokerTimeoutError);
    expect(await change).to.equal(world.losses[0]);
  });

  it('in a page, waits longer for what the broadcaster answers only when all subscribers have', async () => {
    const world = await World.open({ page: true, pingInterval: 1_000, pingTimeout: 500 });
    world.server.answers = false;
    const sent = world.notify('t', 'x');
    await world.clock.pass(30_000);
    expect(world.losses).to.be.empty;
    world.server.send({ kind: 'missed', topic: new Uint8Array() });
    await world.clock.pass(30_000);
    expect(world.losses).to.be.empty;
    await world.clock.pass(3_000);
    expect(await sent).to.deep.equal(['lost', world.losses[0], true]);
  });
});
