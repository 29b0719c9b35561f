import fc from 'fast-check';
import { expect } from 'chai';
import { acking, World, type Tap } from './kit.js';

/** What a group must have done, written down the simplest way. */
class Model {
  /** By offset: how often it was sent, and whether it is acked. */
  readonly sent = new Map<number, number>();
  readonly acked = new Set<number>();
  highest = 0;
}

interface Seat {
  readonly tap: Tap;
  readonly model: Model;
  readonly window: number;
  /** What this member was sent and the group has not acked, as far as it can know. */
  readonly mine: Set<number>;
  paused: boolean;
}

const names = ['plain', 'durable', 'queue', 'both'] as const;
type Name = (typeof names)[number];
const requests = { plain: {}, durable: { durable: 'd' }, queue: { queue: 'q' }, both: { queue: 'q', durable: 'd' } };

const step = fc.oneof(
  fc.record({ op: fc.constant('put' as const), n: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ op: fc.constant('wait' as const), n: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ op: fc.constant('ack' as const), n: fc.nat(1000) }),
  fc.record({ op: fc.constant('ack' as const), n: fc.nat(1000) }),
  fc.record({ op: fc.constant('ackAll' as const), n: fc.nat(20) }),
  fc.record({ op: fc.constant('join' as const), name: fc.constantFrom(...names), n: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ op: fc.constant('leave' as const), n: fc.nat(20) }),
  fc.record({ op: fc.constant('pause' as const), n: fc.nat(20) }),
  fc.record({ op: fc.constant('resume' as const), n: fc.nat(20) }),
  fc.record({ op: fc.constant('again' as const), n: fc.nat(20) }),
);

class Run {
  readonly world = new World();
  seats: Seat[] = [];
  /** The models of positions that outlive their members, or are shared. */
  readonly shared = new Map<Name, Model>();
  published = 0;

  join(name: Name, window: number): void {
    const alone = name === 'durable' && this.seats.some(({ model }) => model === this.shared.get('durable'));
    if (alone) return;
    let model = name === 'plain' ? undefined : this.shared.get(name);
    if (model === undefined) {
      model = new Model();
      if (name !== 'plain') this.shared.set(name, model);
    }
    const tap = this.world.join({ ...requests[name], maxInFlight: window, ackWait: 40 });
    const seat: Seat = { tap, model, window, mine: new Set(), paused: false };
    tap.then = ({ offset }, redeliveries) => {
      this.arrived(seat, offset, redeliveries);
    };
    this.seats.push(seat);
  }

  arrived(seat: Seat, offset: number, redeliveries: number): void {
    const { model, mine, window } = seat;
    const before = model.sent.get(offset);
    if (seat.paused) expect.fail(`${offset} came while the link was down`);
    if (model.acked.has(offset)) expect.fail(`${offset} came after its ack`);
    if (redeliveries !== (before ?? 0)) expect.fail(`${offset} came for the ${before ?? 0}. time as r${redeliveries}`);
    model.sent.set(offset, (before ?? 0) + 1);
    for (const other of this.seats) if (other.model === model) other.mine.delete(offset);
    if (before === undefined) {
      if (offset !== model.highest + 1) expect.fail(`${offset} came after ${model.highest}`);
      model.highest = offset;
      if (mine.size >= window) expect.fail(`${offset} came beyond the window of ${window}`);
    }
    mine.add(offset);
  }

  ack(seat: Seat, offset: number): void {
    seat.tap.ack(offset);
    if (!seat.model.sent.has(offset)) return;
    seat.model.acked.add(offset);
    for (const other of this.seats) if (other.model === seat.model) other.mine.delete(offset);
  }

  leave(seat: Seat): void {
    seat.tap.member.close();
    this.seats = this.seats.filter((other) => other !== seat);
    const last = !this.seats.some(({ model }) => model === seat.model);
    if (last && this.shared.get('queue') === seat.model) this.shared.delete('queue');
  }

  link(seat: Seat, up: boolean): void {
    seat.paused = !up;
    if (up) seat.tap.member.resume();
    else seat.tap.member.pause();
  }

  /** Everybody acks all from now on, links are up, away positions are resumed: nothing may be missing after that. */
  finish(): void {
    for (const name of ['durable', 'both'] as const) {
      if (this.shared.has(name) && !this.seats.some(({ model }) => model === this.shared.get(name))) this.join(name, 3);
    }
    for (const seat of this.seats) {
      const check = seat.tap.then;
      seat.tap.then = (message, redeliveries) => {
        check(message, redeliveries);
        this.ack(seat, message.offset);
      };
      this.link(seat, true);
    }
    this.world.advance(40);
    for (const { model, tap } of this.seats) {
      expect([model.highest, model.acked.size]).to.eql([this.published, this.published]);
      expect(tap.member.unacked).to.equal(0);
      expect(tap.member.position).to.equal(BigInt(this.published + 1));
    }
    for (const seat of [...this.seats]) this.leave(seat);
    this.world.advance();
    expect(this.world.timers).to.equal(0);
    expect(this.world.server.subscriptions).to.equal(0);
  }
}

describe('memory: any course of events', () => {
  it('delivers all at least once, in order at first, within the window, and never after the ack', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const run = new Run();
        for (const todo of steps) {
          const seat = run.seats.length === 0 || todo.op === 'join' ? undefined : run.seats[todo.n % run.seats.length];
          if (todo.op === 'put') {
            run.world.put(todo.n);
            run.published += todo.n;
          } else if (todo.op === 'wait') run.world.advance(todo.n);
          else if (todo.op === 'join') run.join(todo.name, todo.n);
          else if (seat === undefined) continue;
          else if (todo.op === 'ack') run.ack(seat, todo.n % (run.published + 1));
          else if (todo.op === 'ackAll') for (const offset of [...seat.mine]) run.ack(seat, offset);
          else if (todo.op === 'leave') run.leave(seat);
          else if (todo.op === 'pause' || todo.op === 'resume') run.link(seat, todo.op === 'resume');
          else seat.tap.member.redeliverUnacked();
        }
        run.finish();
      }),
      { numRuns: 500 },
    );
  });

  it('keeps a steady stream within bounds of time and place', () => {
    const world = new World({ maxMessages: 1000 });
    const tap = acking(world.join({ maxInFlight: 16 }));
    for (let i = 0; i < 2000; i++) {
      world.put(16);
      world.advance(1);
    }
    expect(tap.offsets).to.have.length(32_000);
    expect(world.server.inspect('c')).to.eql({ messages: 1000, bytes: 1000, subscriptions: 1, unacked: 0 });
  });
});
