import { expect } from 'chai';
import { InUseError } from '../../../lib/core/errors.js';
import { earliest, latest, newOnly } from '../../../lib/core/starts.js';
import { World } from './kit.js';

describe('memory: durables', () => {
  it('resume with what is unacked first, then the new, whatever the start', () => {
    const world = new World();
    world.put(10);
    const tap = world.joined({ durable: 'd' });
    tap.ack(1, 3);
    tap.member.close();
    world.put(2);
    const back = world.joined({ durable: 'd', start: newOnly() });
    expect(back.take()).to.equal('2r1 4r1 5r1 6r1 7r1 8r1 9r1 10r1 11 12');
  });

  it('redeliver beyond a smaller window, and hold the new until there is room', () => {
    const world = new World();
    world.put(6);
    world.joined({ durable: 'd', maxInFlight: 4 }).member.close();
    const back = world.joined({ durable: 'd', maxInFlight: 2 });
    expect(back.take()).to.equal('1r1 2r1 3r1 4r1');
    back.ack(1, 2);
    world.advance();
    expect(back.take()).to.equal('');
    back.ack(3);
    world.advance();
    expect(back.take()).to.equal('5');
  });

  it('take window and ackWait of the one who resumes', () => {
    const world = new World();
    world.put(3);
    world.joined({ durable: 'd', maxInFlight: 1 }).member.close();
    const back = world.joined({ durable: 'd', maxInFlight: 3, ackWait: 500 });
    expect(back.take()).to.equal('1r1 2 3');
    world.advance(499);
    expect(back.take()).to.equal('');
    world.advance(1);
    expect(back.take()).to.equal('1r2 2r1 3r1');
  });

  it('keep what came while nobody listened, and need no timer for it', () => {
    const world = new World();
    const tap = world.joined({ durable: 'd', start: newOnly() });
    tap.member.close();
    world.put(3);
    world.advance(10_000);
    expect(world.timers).to.equal(0);
    expect(world.joined({ durable: 'd', start: latest() }).take()).to.equal('1 2 3');
  });

  it('ignore acks by a subscription that has ended', () => {
    const world = new World();
    world.put(2);
    const old = world.joined({ durable: 'd' });
    old.member.close();
    old.ack(1);
    const back = world.joined({ durable: 'd' });
    expect(back.take()).to.equal('1r1 2r1');
    old.ack(2);
    world.advance(100);
    expect(back.take()).to.equal('1r2 2r2');
  });

  it('belong to their client and channel', () => {
    const world = new World();
    world.put(1);
    world.put(1, 'other');
    const [a, b, c] = [
      world.join({ durable: 'd' }),
      world.join({ durable: 'd', client: {} }),
      world.join({ durable: 'd', channel: 'other' }),
    ];
    world.advance();
    expect([a.take(), b.take(), c.take()]).to.eql(['1', '1', '1']);
  });

  it('serve one at a time', () => {
    const world = new World();
    const tap = world.joined({ durable: 'd' });
    let error: unknown;
    try {
      world.join({ durable: 'd' });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).to.be.instanceOf(InUseError);
    expect((error as Error).message).to.include("durable 'd' of 'c'");
    world.put(1);
    world.advance();
    expect(tap.take()).to.equal('1');
    tap.member.close();
    expect(world.joined({ durable: 'd' }).take()).to.equal('1r1');
  });

  it('are forgotten when asked to, but not while in use', () => {
    const world = new World();
    world.put(2);
    const { server, client } = world;
    const tap = world.joined({ durable: 'd' });
    tap.ack(1, 2);
    expect(() => server.forget(client, 'c', { durable: 'd' })).to.throw(InUseError, "durable 'd' of 'c'");
    tap.member.close();
    expect(server.forget({}, 'c', { durable: 'd' })).to.equal(false);
    expect(server.forget(client, 'x', { durable: 'd' })).to.equal(false);
    expect(server.forget(client, 'c', { durable: 'd' })).to.equal(true);
    expect(server.forget(client, 'c', { durable: 'd' })).to.equal(false);
    expect(world.joined({ durable: 'd', start: earliest() }).take()).to.equal('1 2');
  });

  it('leave nothing behind of a channel that had no message', () => {
    const world = new World();
    world.joined({ channel: 'plain' }).member.close();
    world.joined({ channel: 'queue', queue: 'q' }).member.close();
    world.joined({ channel: 'durable', durable: 'd' }).member.close();
    expect(world.server.channels).to.eql(['durable']);
    world.server.forget(world.client, 'durable', { durable: 'd' });
    expect(world.server.channels).to.eql([]);
  });
});
