import { expect } from 'chai';
import { InUseError } from '../../../lib/core/errors.js';
import { fromOffset, newOnly } from '../../../lib/core/starts.js';
import { acking, World } from './kit.js';

describe('memory: queue groups', () => {
  it('share the messages out in turn among equals', () => {
    const world = new World();
    const [a, b, c] = [world.join({ queue: 'q' }), world.join({ queue: 'q' }), world.join({ queue: 'q' })];
    world.put(7);
    world.advance();
    expect([a.take(), b.take(), c.take()]).to.eql(['1 4 7', '2 5', '3 6']);
  });

  it('go on in turn from one message to the next when all are idle', () => {
    const world = new World();
    const [a, b] = [acking(world.join({ queue: 'q' })), acking(world.join({ queue: 'q' }))];
    for (let i = 0; i < 4; i++) {
      world.put(1);
      world.advance();
    }
    expect([a.take(), b.take()]).to.eql(['1 3', '2 4']);
  });

  it('prefer who has the least at hand', () => {
    const world = new World();
    const [slow, quick] = [world.join({ queue: 'q' }), acking(world.join({ queue: 'q' }))];
    world.put(10);
    world.advance();
    expect(slow.take()).to.equal('1');
    expect(quick.offsets).to.have.length(9);
  });

  it('keep a window for each', () => {
    const world = new World();
    world.put(10);
    const [a, b] = [world.join({ queue: 'q', maxInFlight: 1 }), world.join({ queue: 'q', maxInFlight: 3 })];
    world.advance();
    expect([a.take(), b.take()]).to.eql(['1', '2 3 4']);
    a.ack(1);
    world.advance();
    expect([a.take(), b.take()]).to.eql(['5', '']);
  });

  it('begin where the first member says', () => {
    const world = new World();
    world.put(5);
    const a = world.join({ queue: 'q', start: fromOffset(4) });
    const b = world.join({ queue: 'q' });
    world.advance();
    expect([a.take(), b.take()]).to.eql(['4', '5']);
  });

  it('are apart from each other and from plain subscriptions', () => {
    const world = new World();
    const taps = [
      world.join({ queue: 'q' }),
      world.join({ queue: 'r' }),
      world.join({ queue: 'q', durable: 'd' }),
      world.join(),
    ];
    world.put(2);
    world.advance();
    expect(taps.map((tap) => tap.take())).to.eql(['1 2', '1 2', '1 2', '1 2']);
  });

  it('span clients', () => {
    const world = new World();
    const [a, b] = [world.join({ queue: 'q' }), world.join({ queue: 'q', client: {} })];
    world.put(2);
    world.advance();
    expect([a.take(), b.take()]).to.eql(['1', '2']);
  });

  it('take over at once what a leaving member has not acked', () => {
    const world = new World();
    const [a, b] = [world.join({ queue: 'q' }), world.join({ queue: 'q', maxInFlight: 2 })];
    world.put(4);
    world.advance();
    a.take();
    b.take();
    a.member.close();
    world.advance();
    expect(b.take()).to.equal('1r1 3r1');
    expect(b.member.unacked).to.equal(4);
  });

  it('give what is unacked for ackWait to whoever has the least, and count for the group', () => {
    const world = new World();
    const a = world.join({ queue: 'q', ackWait: 50 });
    const b = world.join({ queue: 'q', ackWait: 80 });
    world.put(1);
    world.advance(20);
    expect([a.take(), b.take()]).to.eql(['1', '']);
    world.advance(30);
    expect([a.take(), b.take()]).to.eql(['', '1r1']);
    world.advance(80);
    expect([a.take(), b.take()]).to.eql(['1r2', '']);
  });

  it('honour the ack of another member', () => {
    const world = new World();
    const [a, b] = [world.join({ queue: 'q' }), world.join({ queue: 'q' })];
    world.put(1);
    world.advance();
    b.ack(1);
    world.advance(1000);
    expect([a.take(), b.take()]).to.eql(['1', '']);
    expect(a.member.unacked).to.equal(0);
  });

  it('pass over a member whose link is down, and take its unacked after ackWait', () => {
    const world = new World();
    const [a, b] = [world.join({ queue: 'q' }), world.join({ queue: 'q' })];
    world.put(1);
    world.advance();
    a.member.pause();
    world.put(2);
    world.advance(50);
    expect([a.take(), b.take()]).to.eql(['1', '2 3']);
    b.ack(2, 3);
    world.advance(50);
    expect(b.take()).to.equal('1r1');
    b.member.pause();
    world.put(1);
    world.advance(500);
    a.member.resume();
    world.advance();
    expect([a.take(), b.take()]).to.eql(['1r2 4', '']);
  });

  it('disappear with the last member', () => {
    const world = new World();
    world.put(3);
    const tap = world.joined({ queue: 'q' });
    tap.ack(1);
    tap.member.close();
    world.put(1);
    expect(world.joined({ queue: 'q', start: newOnly() }).take()).to.equal('');
    expect(world.server.subscriptions).to.equal(1);
  });

  it('keep their position when durable, for any client', () => {
    const world = new World();
    world.put(4);
    const [a, b] = [world.join({ queue: 'q', durable: 'd' }), world.join({ queue: 'q', durable: 'd' })];
    world.advance();
    a.ack(1);
    b.member.close();
    a.member.close();
    world.put(1);
    const back = world.joined({ queue: 'q', durable: 'd', client: {}, start: newOnly() });
    expect(back.take()).to.equal('2r1 3r1 4r1 5');
  });

  it('are forgotten by name, but not while in use', () => {
    const world = new World();
    world.put(1);
    const name = { queue: 'q', durable: 'd' };
    const tap = world.joined(name);
    expect(() => world.server.forget({}, 'c', name)).to.throw(InUseError, "durable 'd' with queue 'q' of 'c'");
    tap.member.close();
    expect(world.server.forget(world.client, 'c', { durable: 'd' })).to.equal(false);
    expect(world.server.forget({}, 'c', name)).to.equal(true);
    expect(world.joined(name).take()).to.equal('1');
  });

  it('let members join and leave from within a delivery', () => {
    const world = new World();
    const a = world.join({ queue: 'q' });
    let b = a;
    a.then = () => {
      b = acking(world.join({ queue: 'q' }));
      a.member.close();
    };
    world.put(3);
    world.advance();
    expect(a.take()).to.equal('1');
    expect(b.take()).to.equal('1r1 2 3');
  });
});
