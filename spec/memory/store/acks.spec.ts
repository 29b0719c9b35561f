import { expect } from 'chai';
import { acking, World } from './kit.js';

describe('memory: windows, acks and redelivery', () => {
  it('stops at the window and goes on one for one', () => {
    const world = new World();
    world.put(10);
    const tap = world.joined({ maxInFlight: 3 });
    expect(tap.take()).to.equal('1 2 3');
    tap.ack(2);
    world.advance();
    expect(tap.take()).to.equal('4');
    tap.ack(1, 3, 4);
    world.advance();
    expect(tap.take()).to.equal('5 6 7');
    expect(tap.member.unacked).to.equal(3);
  });

  it('delivers nothing from within subscribe, publish or ack', () => {
    const world = new World();
    world.put(3);
    const tap = world.join({ maxInFlight: 1 });
    expect(tap.take()).to.equal('');
    world.advance();
    expect(tap.take()).to.equal('1');
    tap.ack(1);
    world.put(1);
    expect(tap.take()).to.equal('');
  });

  it('sends again what is unacked after ackWait, in order, and counts', () => {
    const world = new World();
    world.put(5);
    const tap = world.joined({ ackWait: 100 });
    tap.ack(2, 4);
    tap.take();
    world.advance(99);
    expect(tap.take()).to.equal('');
    world.advance(1);
    expect(tap.take()).to.equal('1r1 3r1 5r1');
    tap.ack(3);
    world.advance(100);
    expect(tap.take()).to.equal('1r2 5r2');
    tap.ack(1, 5);
    world.advance(1000);
    expect(tap.take()).to.equal('');
  });

  it('lets each message have its own ackWait', () => {
    const world = new World();
    const tap = world.joined();
    world.put(1);
    world.advance(60);
    world.put(1);
    world.advance(40);
    expect(tap.take()).to.equal('1 2 1r1');
    world.advance(60);
    expect(tap.take()).to.equal('2r1');
    world.advance(40);
    expect(tap.take()).to.equal('1r2');
  });

  it('sends again in the order of offsets, whatever the order of sending was', () => {
    const world = new World();
    world.put(4);
    const tap = world.joined({ maxInFlight: 4 });
    world.advance(50);
    tap.member.redeliverUnacked();
    world.advance();
    tap.ack(1);
    world.put(1);
    world.advance();
    expect(tap.take()).to.equal('1 2 3 4 1r1 2r1 3r1 4r1 5');
    world.advance(100);
    expect(tap.take()).to.equal('2r2 3r2 4r2 5r1');
  });

  it('sends new ones while others wait for their ack', () => {
    const world = new World();
    world.put(2);
    const tap = world.joined({ maxInFlight: 3 });
    tap.ack(2);
    world.put(5);
    world.advance(99);
    expect(tap.take()).to.equal('1 2 3 4');
    world.advance(1);
    expect(tap.take()).to.equal('1r1 3r1 4r1');
  });

  it('ignores acks of what is unknown, acked or yet to come', () => {
    const world = new World();
    world.put(3);
    const tap = world.joined({ maxInFlight: 2 });
    tap.member.ack(1n);
    tap.ack(1, 99, 3, 0, -1);
    world.advance();
    expect(tap.take()).to.equal('1 2 3');
    expect(tap.member.unacked).to.equal(2);
  });

  it('has no timer while nothing is unacked, and one while something is', () => {
    const world = new World();
    const tap = world.joined();
    expect(world.timers).to.equal(0);
    world.put(50);
    world.advance();
    expect(world.timers).to.equal(1);
    tap.ack(...tap.offsets);
    world.advance();
    expect(world.timers).to.equal(0);
    acking(tap);
    world.put(50);
    world.advance();
    expect(world.timers).to.equal(0);
    world.put(1);
    tap.then = () => undefined;
    world.advance();
    tap.member.close();
    expect(world.timers).to.equal(0);
    expect(world.server.subscriptions).to.equal(0);
  });

  it('lets virtual time end by itself', () => {
    const world = new World();
    world.put(1000);
    const tap = acking(world.join({ maxInFlight: 7 }));
    world.scheduler.maxFrames = Infinity;
    world.scheduler.flush();
    expect(tap.offsets).to.have.length(1000);
    expect(world.scheduler.frame).to.equal(0);
  });

  it('delivers in the frame of the publish', () => {
    const world = new World();
    const frames: number[] = [];
    acking(world.join()).then = () => frames.push(world.scheduler.frame);
    world.scheduler.schedule(() => {
      world.put(1);
    }, 7);
    world.advance(50);
    expect(frames).to.eql([7]);
  });

  it('brings everything again when asked to', () => {
    const world = new World();
    world.put(4);
    const tap = world.joined({ maxInFlight: 2 });
    tap.member.redeliverUnacked();
    world.advance();
    expect(tap.take()).to.equal('1 2 1r1 2r1');
    tap.ack(1, 2);
    tap.member.redeliverUnacked();
    world.advance();
    expect(tap.take()).to.equal('3 4');
  });

  it('drops a redelivery that is acked before it was made', () => {
    const world = new World();
    world.put(3);
    const tap = world.joined();
    tap.take();
    tap.member.redeliverUnacked();
    tap.ack(2);
    world.advance();
    expect(tap.take()).to.equal('1r1 3r1');
  });

  it('sends nothing after close, and ignores acks then', () => {
    const world = new World();
    world.put(5);
    const tap = world.join({}, () => {
      tap.member.close();
    });
    world.advance(1000);
    expect(tap.take()).to.equal('1');
    expect(tap.member.active).to.equal(false);
    tap.ack(1);
    tap.member.close();
    tap.member.resume();
    tap.member.redeliverUnacked();
    world.advance(1000);
    expect(tap.take()).to.equal('');
  });

  describe('a link that is down', () => {
    it('holds new ones and what falls due, and brings the rest at its time', () => {
      const world = new World();
      world.put(1);
      const tap = world.joined();
      world.advance(50);
      world.put(1);
      world.advance();
      expect(tap.take()).to.equal('1 2');
      tap.member.pause();
      world.put(1);
      world.advance(60);
      expect(tap.take()).to.equal('');
      tap.member.resume();
      world.advance();
      expect(tap.take()).to.equal('1r1 3');
      world.advance(40);
      expect(tap.take()).to.equal('2r1');
    });

    it('takes acks that come late', () => {
      const world = new World();
      world.put(2);
      const tap = world.joined();
      tap.member.pause();
      world.advance(500);
      tap.ack(1);
      tap.member.resume();
      world.advance();
      expect(tap.take()).to.equal('1 2 2r1');
    });

    it('leaves no timer once all is due', () => {
      const world = new World();
      world.put(2);
      const tap = world.joined();
      tap.member.pause();
      world.advance(500);
      expect(world.timers).to.equal(0);
    });

    it('loses on the wire what is ignored: it comes after newer ones', () => {
      const world = new World();
      const tap = world.joined();
      const seen: string[] = [];
      let up = false;
      tap.then = (message, redeliveries) => {
        if (!up) return;
        seen.push(`${message.offset}r${redeliveries}`);
        tap.ack(message.offset);
      };
      world.put(2);
      world.advance(50);
      up = true;
      world.put(1);
      world.advance(50);
      expect(seen).to.eql(['3r0', '1r1', '2r1']);
    });
  });
});
