import { expect } from 'chai';
import { earliest, fromAgo, fromOffset, fromTime, latest, newOnly, type Start } from '../../../lib/core/starts.js';
import { World } from './kit.js';

/** 1 to 10 were published at 0, 10, … 90; it is 100. */
function ten(bounds = {}): World {
  const world = new World(bounds);
  for (let i = 0; i < 10; i++) {
    world.put(1);
    world.advance(10);
  }
  return world;
}

function come(start: Start, world = ten()): string {
  const tap = world.joined({ start });
  world.put(1);
  world.advance();
  return tap.take();
}

describe('memory: where a subscription begins', () => {
  const cases: [string, Start, string][] = [
    ['newOnly', newOnly(), '11'],
    ['latest', latest(), '10 11'],
    ['earliest', earliest(), '1 2 3 4 5 6 7 8 9 10 11'],
    ['fromOffset in the middle', fromOffset(8), '8 9 10 11'],
    ['fromOffset 0', fromOffset(0), '1 2 3 4 5 6 7 8 9 10 11'],
    ['fromOffset of the next', fromOffset(11), '11'],
    ['fromTime, at or after', fromTime(70), '8 9 10 11'],
    ['fromTime between two', fromTime(71), '9 10 11'],
    ['fromTime before all', fromTime(-5), '1 2 3 4 5 6 7 8 9 10 11'],
    ['fromAgo', fromAgo(20), '9 10 11'],
    ['fromAgo, longer than there is', fromAgo(1e9), '1 2 3 4 5 6 7 8 9 10 11'],
    ['fromAgo 0', fromAgo(0), '11'],
  ];
  for (const [name, start, expected] of cases) {
    it(name, () => {
      expect(come(start)).to.equal(expected);
    });
  }

  it('fromOffset beyond the last waits for that offset', () => {
    const world = ten();
    const tap = world.joined({ start: fromOffset(13n) });
    world.put(2);
    world.advance();
    expect(tap.take()).to.equal('');
    world.put(3);
    world.advance();
    expect(tap.take()).to.equal('13 14 15');
  });

  it('fromOffset of the largest 64-bit offset waits and harms nobody', () => {
    expect(come(fromOffset(2n ** 64n - 1n))).to.equal('');
  });

  it('fromTime to come waits for that time', () => {
    const world = ten();
    const tap = world.joined({ start: fromTime(150) });
    world.put(2);
    world.advance(49);
    world.put(1);
    world.advance(1);
    world.put(2);
    world.advance();
    expect(tap.take()).to.equal('14 15');
  });

  it('below retention begins with what is left', () => {
    for (const start of [earliest(), fromOffset(2), fromTime(0), fromAgo(95)]) {
      expect(come(start, ten({ maxMessages: 3 }))).to.equal('8 9 10 11');
    }
  });

  it('newOnly misses nothing that is published in the same turn after it', () => {
    const world = ten();
    const tap = world.join({ start: newOnly() });
    world.put(1);
    world.advance();
    expect(tap.take()).to.equal('11');
  });

  it('begins with the first message of an empty or emptied channel', () => {
    for (const start of [newOnly(), latest(), earliest(), fromOffset(1), fromTime(0), fromAgo(10)]) {
      expect(come(start, new World())).to.equal('1');
      expect(come(start, ten({ maxAge: 5 }))).to.equal('11');
    }
  });

  it('tells the oldest, the newest and the position', () => {
    const world = ten({ maxMessages: 3 });
    expect([world.server.firstOffset('c'), world.server.lastOffset('c')]).to.eql([8n, 10n]);
    expect([world.server.firstOffset('x'), world.server.lastOffset('x')]).to.eql([undefined, undefined]);
    expect(world.server.channels).to.eql(['c']);
    const tap = world.join();
    expect(tap.member.position).to.equal(8n);
    world.advance();
    expect(tap.member.position).to.equal(8n);
    tap.ack(9);
    expect(tap.member.position).to.equal(8n);
    tap.ack(8);
    expect(tap.member.position).to.equal(10n);
    tap.ack(10);
    expect(tap.member.position).to.equal(11n);
  });

  it('gives each its own copy of a channel', () => {
    const world = ten();
    const [a, b] = [world.join(), world.join({ start: fromOffset(9) })];
    const other = world.join({ channel: 'other' });
    world.advance();
    expect(a.take()).to.equal('1 2 3 4 5 6 7 8 9 10');
    expect(b.take()).to.equal('9 10');
    expect(other.take()).to.equal('');
    expect(world.server.subscriptions).to.equal(3);
  });
});
