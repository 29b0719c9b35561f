import { expect } from 'chai';
import { newOnly } from '../../../lib/core/starts.js';
import { acking, World } from './kit.js';

describe('memory: retention', () => {
  it('holds the bounds in number and bytes per channel', () => {
    const world = new World({ maxMessages: 5, maxBytes: 100 });
    world.put(20);
    world.put(3, 'other');
    expect(world.server.inspect('c')).to.eql({ messages: 5, bytes: 5, subscriptions: 0, unacked: 0 });
    expect(world.server.inspect('other')).to.include({ messages: 3 });
    world.server.publish('c', new Uint8Array(99));
    expect(world.server.inspect('c')).to.include({ messages: 2, bytes: 100 });
    expect(world.server.inspect('nowhere')).to.equal(undefined);
  });

  it('jumps over what was removed before it was sent', () => {
    const world = new World({ maxMessages: 3 });
    const tap = world.joined({ maxInFlight: 1 });
    for (let i = 0; i < 10; i++) {
      world.put(1);
      world.advance();
    }
    tap.ack(1);
    acking(tap);
    world.advance();
    expect(tap.take()).to.equal('1 8 9 10');
  });

  it('does not send again what is removed, which holds its place in the window until then', () => {
    const world = new World({ maxMessages: 2 });
    world.put(2);
    const tap = world.joined({ maxInFlight: 2 });
    world.put(1);
    world.advance(99);
    expect(tap.take()).to.equal('1 2');
    expect(tap.member.position).to.equal(2n);
    world.advance(1);
    expect(tap.take()).to.equal('2r1 3');
    expect(tap.member.unacked).to.equal(2);
  });

  it('does the same for a durable that is away', () => {
    const world = new World({ maxMessages: 2 });
    world.put(2);
    world.joined({ durable: 'd' }).member.close();
    world.put(1);
    expect(world.joined({ durable: 'd' }).take()).to.equal('2r1 3');
    world.server.wipe();
    world.put(2);
    world.joined({ durable: 'd' }).member.close();
    world.put(9);
    expect(world.joined({ durable: 'd' }).take()).to.equal('10 11');
  });

  it('gives a subscriber that has room what is published in one turn, whatever the bound', () => {
    const world = new World({ maxMessages: 1 });
    const quick = acking(world.join({ start: newOnly() }));
    const slow = world.join({ start: newOnly(), maxInFlight: 2 });
    world.put(50);
    world.advance();
    expect(quick.offsets).to.have.length(50);
    expect(slow.take()).to.equal('1 2');
    expect(world.server.inspect('c')).to.include({ messages: 1 });
    slow.ack(1, 2);
    world.advance();
    expect(slow.take()).to.equal('50');
  });

  it('does not let the bound go by more than a window', () => {
    const world = new World({ maxMessages: 1 });
    const tap = world.join({ start: newOnly(), maxInFlight: 10 });
    world.put(5000);
    expect(world.server.inspect('c')).to.include({ messages: 10 });
    tap.member.close();
    expect(world.server.inspect('c')).to.include({ messages: 1 });
  });

  it('removes by age when somebody looks, without a timer', () => {
    const world = new World({ maxAge: 100 });
    world.put(2);
    world.advance(60);
    world.put(1);
    expect(world.server.firstOffset('c')).to.equal(1n);
    world.advance(40);
    expect(world.timers).to.equal(0);
    expect(world.server.firstOffset('c')).to.equal(3n);
    expect(world.joined().take()).to.equal('3');
    world.advance(60);
    expect(world.server.lastOffset('c')).to.equal(undefined);
    world.put(1);
    expect(world.server.firstOffset('c')).to.equal(4n);
  });

  it('does not send again what is over its age', () => {
    const world = new World({ maxAge: 150 });
    world.put(1);
    const tap = world.joined({ maxInFlight: 1 });
    world.advance(100);
    world.put(1);
    world.advance(100);
    expect(tap.take()).to.equal('1 1r1 2');
    world.advance(200);
    expect(tap.take()).to.equal('');
    expect(world.timers).to.equal(0);
    expect(tap.member.unacked).to.equal(0);
  });
});
