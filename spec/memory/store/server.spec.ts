import { expect } from 'chai';
import { systemClock } from '../../../lib/core/clock.js';
import { earliest, fromOffset, newOnly } from '../../../lib/core/starts.js';
import { MemoryServer } from '../../../lib/memory/store/server.js';
import { acking, World } from './kit.js';

describe('memory: MemoryServer', () => {
  it('stores what it was given and gives it to all', () => {
    const world = new World();
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      world.join({}, ({ offset, time, data, key, headers, id }) => seen.push({ offset, time, data, key, headers, id }));
    }
    world.advance(5);
    const data = new Uint8Array([1, 2]);
    const offset = world.server.publish('c', data, {
      key: new Uint8Array([3]),
      headers: new Map([['h', 'v']]),
      id: 'i',
    });
    data.fill(0);
    world.advance();
    expect(offset).to.equal(1n);
    const expected = {
      offset: 1,
      time: 5,
      data: new Uint8Array([1, 2]),
      key: new Uint8Array([3]),
      headers: new Map([['h', 'v']]),
      id: 'i',
    };
    expect(seen).to.eql([expected, expected]);
  });

  it('does not grow the stack when messages are acked in the delivery', () => {
    const world = new World();
    world.put(100_000);
    for (const maxInFlight of [1, 1024]) {
      const tap = acking(world.join({ maxInFlight }));
      world.advance();
      expect(tap.offsets).to.have.length(100_000);
      tap.member.close();
    }
    expect(world.timers).to.equal(0);
  });

  it('does not grow the stack when a delivery publishes the next message', () => {
    const world = new World();
    const tap = world.join({}, ({ offset }) => {
      tap.ack(offset);
      if (offset < 50_000) world.put(1);
    });
    world.put(1);
    world.advance();
    expect(tap.offsets).to.have.length(50_000);
  });

  it('schedules one call for a turn, however much is published', () => {
    const world = new World();
    const taps = [world.join(), world.join(), world.join({ channel: 'other' })];
    world.put(100);
    world.put(100, 'other');
    expect(world.timers).to.equal(1);
    world.advance();
    expect(taps.map((tap) => tap.offsets.length)).to.eql([100, 100, 100]);
  });

  it('serves the others and goes on when a subscriber throws', () => {
    const calls: (() => void)[] = [];
    const later = (call: () => void): (() => void) => {
      calls.push(call);
      return () => undefined;
    };
    const after = (ms: number, call: () => void): (() => void) => (ms === 0 ? later(call) : () => undefined);
    const server = new MemoryServer({ clock: { now: () => 0, soon: later, after } });
    const request = { client: {}, channel: 'c', start: earliest(), maxInFlight: 10, ackWait: 1000 };
    const [bad, good]: number[][] = [[], []];
    server.subscribe(request, ({ offset }) => {
      bad!.push(offset);
      if (offset === 1) throw new Error('mine');
    });
    server.subscribe(request, ({ offset }) => good!.push(offset));
    for (let i = 0; i < 3; i++) server.publish('c', new Uint8Array(1));
    expect(calls.shift()).to.throw('mine');
    while (calls.length > 0) calls.shift()!();
    expect([bad, good]).to.eql([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('lets nobody wait behind a long backlog', () => {
    const world = new World();
    world.put(100_000, 'long');
    const order: string[] = [];
    const long = world.join({ channel: 'long' }, ({ offset }) => {
      long.ack(offset);
      if (offset === 100_000) order.push('long');
    });
    const short = world.join({ start: newOnly() }, () => order.push('short'));
    world.put(1);
    world.advance();
    expect(order).to.eql(['short', 'long']);
    short.member.close();
  });

  describe('wipe', () => {
    it('loses messages, positions and subscriptions, and counts from 1 again', () => {
      const world = new World();
      world.put(5);
      world.put(2, 'other');
      world.joined({ durable: 'away' }).member.close();
      const taps = [world.joined(), world.joined({ durable: 'd' }), world.joined({ queue: 'q' })];
      for (const tap of taps) tap.take();
      world.server.wipe('c');
      expect(world.timers).to.equal(0);
      expect(world.server.channels).to.eql(['other']);
      expect(world.server.subscriptions).to.equal(0);
      expect(world.server.publish('c', new Uint8Array(1))).to.equal(1n);
      world.advance(1000);
      for (const tap of taps) {
        expect(tap.take()).to.equal('');
        expect(tap.member.active).to.equal(false);
        tap.ack(1);
        tap.member.close();
      }
      for (const durable of ['away', 'd']) expect(world.joined({ durable, start: fromOffset(1) }).take()).to.equal('1');
      world.server.wipe();
      expect(world.server.channels).to.eql([]);
    });

    it('can come in the middle of a delivery', () => {
      const world = new World();
      world.put(5);
      const tap = world.join({}, () => {
        world.server.wipe();
        world.put(1);
      });
      world.advance(1000);
      expect(tap.take()).to.equal('1');
      expect(world.timers).to.equal(0);
      expect(world.server.lastOffset('c')).to.equal(1n);
    });
  });

  describe('in real time', () => {
    const request = { client: {}, channel: 'c', start: earliest(), maxInFlight: 10, ackWait: 20 };

    it('delivers at the end of the turn, and again after ackWait', async () => {
      const server = new MemoryServer({ clock: systemClock });
      const seen: string[] = [];
      await new Promise<void>((resolve) => {
        const member = server.subscribe(request, (message, redeliveries) => {
          seen.push(`${message.offset}r${redeliveries}`);
          if (redeliveries < 2) return;
          member.close();
          resolve();
        });
        server.publish('c', new Uint8Array(1));
        expect(seen).to.eql([]);
        queueMicrotask(() => {
          expect(seen).to.eql(['1r0']);
        });
      });
      expect(seen).to.eql(['1r0', '1r1', '1r2']);
    });

    it('lets timers through while a consumer feeds itself', async () => {
      const server = new MemoryServer({ clock: systemClock });
      const one = new Uint8Array(1);
      const member = server.subscribe(request, ({ offset }) => {
        member.ack(offset);
        server.publish('c', one);
      });
      server.publish('c', one);
      await new Promise((resolve) => setTimeout(resolve, 1));
      member.close();
      expect(server.lastOffset('c')! > 100n).to.equal(true);
    });

    it('delivers to a program that lives on microtasks alone', async () => {
      const server = new MemoryServer({ clock: systemClock, maxMessages: 1000 });
      let got = 0;
      const member = server.subscribe({ ...request, maxInFlight: 1000 }, ({ offset }) => {
        // one slow delivery ends the turn, so that the rest is postponed
        if (got++ === 0) for (const end = Date.now() + 15; Date.now() < end;);
        member.ack(offset);
      });
      for (let i = 0; i < 10_000; i++) {
        server.publish('c', new Uint8Array(1));
        await Promise.resolve();
      }
      await Promise.resolve();
      expect(got).to.equal(10_000);
      member.close();
    });
  });
});
