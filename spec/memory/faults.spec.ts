import { expect } from 'chai';
import type { BrokerEvent, Status } from '../../lib/core/broker.js';
import { text } from '../../lib/codec/text.js';
import {
  ConnectionError,
  InvalidOptionError,
  OverflowError,
  PublishError,
  PublishUncertainError,
} from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import type { MemoryOptions } from '../../lib/memory/index.js';
import { rejection } from '../contract/publishing.js';
import { turn } from '../core/publisher-kit.js';
import { Notes, VirtualBroker } from './virtual-time.js';

const texts = { codec: text, start: earliest() };
const prompt: MemoryOptions = { reconnect: { initialDelay: 10, factor: 1, jitter: 0 } };

describe('memory: faults', () => {
  describe('drop', () => {
    it('is told by status and events, and the connection is made again', () => {
      const world = new VirtualBroker(prompt);
      const states: Status['state'][] = [];
      const events: BrokerEvent['type'][] = [];
      world.broker.status.subscribe(({ state }) => states.push(state));
      world.broker.events.subscribe(({ type }) => events.push(type));
      world.put('c', 'a');
      world.broker.faults.drop();
      world.advance(9);
      expect(states).to.deep.equal(['idle', 'connecting', 'connected', 'reconnecting']);
      world.advance(1);
      expect(states.at(-1)).to.equal('connected');
      expect(events).to.deep.equal(['disconnected', 'reconnected']);
    });

    it('for: not before that time is over', () => {
      const world = new VirtualBroker(prompt);
      const states: Status['state'][] = [];
      world.put('c', 'a');
      world.broker.status.subscribe(({ state }) => states.push(state));
      world.broker.faults.drop({ for: 95 });
      world.advance(99);
      expect(states.at(-1)).to.equal('reconnecting');
      world.advance(1);
      expect(states.at(-1)).to.equal('connected');
      world.broker.faults.drop({ for: Infinity });
      world.advance(10_000);
      expect(states.at(-1)).to.equal('reconnecting');
      world.broker.faults.restore();
      world.advance(10);
      expect(states.at(-1)).to.equal('connected');
    });

    it('sources go on after it without a gap, and acks made meanwhile count', () => {
      const world = new VirtualBroker(prompt);
      const notes = new Notes();
      const options = { ...texts, durable: 'd', ackWait: 1_000 };
      const subscription = world.broker.messages('c', options).subscribe(notes);
      world.put('c', 'a', 'b');
      world.broker.faults.drop({ for: 50 });
      notes.deliveries[0]!.ack();
      world.advance(5);
      expect(notes.take()).to.equal('a b');
      const other = world.broker.handle();
      other.publishFrom('c', ['c'], { codec: text }).subscribe();
      world.advance(5);
      expect(notes.take()).to.equal('');
      world.advance(100);
      expect(notes.take()).to.equal('c');
      for (const delivery of notes.deliveries.slice(1)) delivery.ack();
      subscription.unsubscribe();
      world.put('c', 'd');
      const next = new Notes();
      world.broker.messages('c', options).subscribe(next);
      world.advance();
      expect(next.take()).to.equal('d');
    });

    it('an ack whose link was down, and whose subscription ended then, settles the copy unseen', () => {
      const world = new VirtualBroker(prompt);
      const options = { ...texts, durable: 'd', ackWait: 1_000 };
      const notes = new Notes();
      const subscription = world.broker.messages('c', options).subscribe(notes);
      world.put('c', 'a', 'b');
      world.broker.faults.drop({ for: 50 });
      for (const delivery of notes.deliveries) delivery.ack();
      subscription.unsubscribe();
      const next = new Notes(true);
      world.broker.messages('c', { ...options, until: untilNow() }).subscribe(next);
      world.advance(100);
      expect(next.take()).to.equal('complete');
      const last = new Notes(true);
      world.broker.messages('c', { ...options, until: untilNow() }).subscribe(last);
      world.advance();
      expect(last.take()).to.equal('complete');
    });

    it('what is published meanwhile waits, and is stored once', () => {
      const world = new VirtualBroker(prompt);
      const notes = new Notes(true);
      world.broker.messages('c', texts).subscribe(notes);
      world.put('c', 'a');
      world.broker.faults.drop({ for: 50 });
      const receipts = world.put('c', 'b', 'c');
      expect(receipts).to.deep.equal([]);
      world.advance(60);
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, true]);
      expect(notes.take()).to.equal('a b c');
    });

    it('what was stored and not confirmed is uncertain', async () => {
      const world = new VirtualBroker(prompt);
      await world.broker.connect();
      const notes = new Notes(true);
      world.broker.messages('c', texts).subscribe(notes);
      const published = rejection(world.broker.publish('c', 'a', { codec: text }));
      await turn();
      world.broker.faults.drop();
      const error = await published;
      expect(error).to.be.instanceOf(PublishUncertainError);
      expect(error.cause).to.be.instanceOf(ConnectionError);
      world.advance(10);
      expect(notes.take()).to.equal('a');
    });

    it('with resend it is sent again, and may be there twice', async () => {
      const world = new VirtualBroker(prompt);
      await world.broker.connect();
      const notes = new Notes(true);
      world.broker.messages('c', texts).subscribe(notes);
      const sink = world.broker.sink('c', { codec: text, resend: true });
      const sent = sink.send('a');
      world.broker.faults.drop();
      world.advance(10);
      expect(await sent).to.include({ ok: true, value: 'a', id: 2n });
      expect(notes.take()).to.equal('a a');
    });

    it('stays reconnecting for who uses the handle meanwhile', () => {
      const world = new VirtualBroker(prompt);
      world.broker.messages('c', texts).subscribe();
      const states: Status['state'][] = [];
      world.broker.status.subscribe(({ state }) => states.push(state));
      world.broker.faults.drop();
      world.broker.messages('d', texts).subscribe();
      world.advance(10);
      expect(states).to.deep.equal(['connected', 'reconnecting', 'connected']);
    });

    it('with reconnect: false, sources error and what waits fails; the next use connects anew', async () => {
      const world = new VirtualBroker({ reconnect: false });
      const notes = new Notes();
      world.broker.messages('c', texts).subscribe(notes);
      world.put('c', 'a');
      world.broker.faults.drop();
      world.advance(0);
      expect(notes.take()).to.equal('a error CONNECTION');
      const states: Status[] = [];
      world.broker.status.subscribe((status) => states.push(status));
      expect(states[0]!.state).to.equal('idle');
      expect(states[0]!.cause).to.be.instanceOf(ConnectionError);
      const [receipt] = world.put('c', 'b');
      expect(receipt!.ok).to.equal(true);
      await world.broker.connect();
    });

    it('with maxAttempts, gives up after as many', () => {
      const world = new VirtualBroker({ reconnect: { initialDelay: 10, factor: 1, jitter: 0, maxAttempts: 3 } });
      const notes = new Notes();
      world.broker.messages('c', texts).subscribe(notes);
      world.advance();
      world.broker.faults.drop({ for: Infinity });
      world.advance(29);
      expect(notes.take()).to.equal('');
      world.advance(1);
      expect(notes.take()).to.equal('error CONNECTION');
      expect(world.timers).to.equal(0);
    });

    it('before the first use, connect fails after connectTimeout', async () => {
      const world = new VirtualBroker({ ...prompt, connectTimeout: 200 });
      world.broker.faults.drop({ for: 500 });
      const connected = rejection(world.broker.connect());
      const notes = new Notes();
      world.broker.messages('c', texts).subscribe(notes);
      world.advance(199);
      expect(notes.take()).to.equal('');
      world.advance(1);
      const error = await connected;
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('200 ms');
      expect(notes.take()).to.equal('error CONNECTION');
      expect(world.timers).to.equal(0);
      world.advance(300);
      await world.broker.connect();
    });

    it('with reconnect.initial, the first connect waits as long as it takes', () => {
      const world = new VirtualBroker({ reconnect: { initial: true, initialDelay: 100, maxDelay: 100, jitter: 0 } });
      world.broker.faults.drop({ for: 60_000 });
      const receipts = world.put('c', 'a');
      world.advance(59_999);
      expect(receipts).to.deep.equal([]);
      world.advance(101);
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true]);
    });

    it('connect can be given up with a signal, and is by close()', async () => {
      const world = new VirtualBroker({ ...prompt, closeTimeout: 0 });
      world.broker.faults.drop({ for: Infinity });
      const controller = new AbortController();
      const aborted = rejection(world.broker.connect({ signal: controller.signal }));
      const closed = rejection(world.broker.connect());
      controller.abort(new Error('enough'));
      expect((await aborted).message).to.equal('enough');
      const closing = world.broker.close();
      world.advance();
      expect((await closed).code).to.equal('CLOSED');
      await closing;
      expect(world.timers).to.equal(0);
    });
  });

  describe('delay', () => {
    it('keeps the order when it gets shorter, so that nothing is lost', () => {
      const world = new VirtualBroker();
      const notes = new Notes(true);
      world.broker.messages('c', texts).subscribe(notes);
      world.broker.faults.delay(100);
      world.put('c', 'a', 'b');
      world.advance(50);
      world.broker.faults.delay(0);
      world.put('c', 'c');
      expect(notes.take()).to.equal('');
      world.advance(50);
      expect(notes.take()).to.equal('a b c');
      world.put('c', 'd');
      expect(notes.take()).to.equal('d');
      expect(world.timers).to.equal(0);
    });

    it('what is on its way when the subscription ends never comes', () => {
      const world = new VirtualBroker();
      const notes = new Notes();
      world.broker.faults.delay(100);
      const subscription = world.broker.messages('c', texts).subscribe(notes);
      world.put('c', 'a');
      subscription.unsubscribe();
      world.advance(200);
      expect([notes.take(), world.timers]).to.deep.equal(['', 0]);
    });

    it('longer than ackWait, messages come as copies', () => {
      const world = new VirtualBroker();
      const notes = new Notes();
      world.broker.messages('c', { ...texts, ackWait: 60 }).subscribe(notes);
      world.broker.faults.delay(100);
      world.put('c', 'a');
      world.advance(160);
      expect(notes.take()).to.equal('a a+1');
      notes.deliveries[1]!.ack();
      expect(notes.deliveries[0]!.settled).to.equal(true);
    });
  });

  describe('duplicate', () => {
    it('delivers the next so many twice, and settling one settles both', () => {
      const world = new VirtualBroker();
      const notes = new Notes();
      world.broker.messages('c', { ...texts, maxInFlight: 2 }).subscribe(notes);
      world.broker.faults.duplicate(1);
      world.put('c', 'a', 'b', 'c');
      expect(notes.take()).to.equal('a a+1 b');
      notes.deliveries[1]!.ack();
      expect(notes.deliveries[0]!.settled).to.equal(true);
      world.advance();
      expect(notes.take()).to.equal('c');
    });

    it('all of them, until 0', () => {
      const world = new VirtualBroker();
      const notes = new Notes();
      world.broker.messages('c', texts).subscribe(notes);
      world.broker.faults.duplicate();
      world.put('c', 'a', 'b');
      world.broker.faults.duplicate(0);
      world.put('c', 'c');
      expect(notes.take()).to.equal('a a+1 b b+1 c');
    });

    it('a message that was acked within next does not come again', () => {
      const world = new VirtualBroker();
      const notes = new Notes(true);
      world.broker.messages('c', texts).subscribe(notes);
      world.broker.faults.duplicate();
      world.put('c', 'a', 'b');
      expect(notes.take()).to.equal('a b');
    });
  });

  describe('refuse', () => {
    it('refuses the next so many publishes, of which nothing is stored', () => {
      const world = new VirtualBroker();
      world.broker.faults.refuse(2);
      const receipts = world.put('c', 'a', 'b', 'c');
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([false, false, true]);
      expect(receipts[0]!.error).to.be.instanceOf(PublishError);
      expect(receipts[0]!.error!.message).to.include("publish('c')").and.include('faults.refuse()');
      expect(receipts[0]).not.to.have.property('id');
      expect(receipts[2]!.id).to.equal(1n);
    });

    it('with an error of your own, until 0', () => {
      const world = new VirtualBroker();
      const error = new OverflowError('full');
      world.broker.faults.refuse(Infinity, error);
      expect(world.put('c', 'a', 'b').map((receipt) => receipt.error)).to.deep.equal([error, error]);
      world.broker.faults.refuse(0);
      expect(world.put('c', 'c')[0]!.ok).to.equal(true);
    });
  });

  describe('wipe', () => {
    it('loses a channel: readers are told, and read what comes from its first message', () => {
      const world = new VirtualBroker();
      const [here, there] = [new Notes(true), new Notes(true)];
      const events: BrokerEvent[] = [];
      world.broker.events.subscribe((event) => events.push(event));
      world.broker.messages('c', texts).subscribe(here);
      world.broker.messages('other', texts).subscribe(there);
      world.put('c', 'a', 'b');
      world.put('other', 'x');
      world.broker.faults.wipe('c');
      expect(events).to.deep.equal([{ type: 'reset', channel: 'c', last: 2n }]);
      world.put('c', 'c');
      world.put('other', 'y');
      expect([here.take(), there.take()]).to.deep.equal(['a b c', 'x y']);
      expect(here.deliveries.at(-1)!.offset).to.equal(1n);
    });

    it('acks of what was lost mean nothing', () => {
      const world = new VirtualBroker();
      const notes = new Notes();
      world.broker.messages('c', { ...texts, ackWait: 50 }).subscribe(notes);
      world.put('c', 'a');
      world.broker.faults.wipe();
      world.put('c', 'b');
      notes.deliveries[0]!.ack();
      world.advance(50);
      expect(notes.take()).to.equal('a b b+1');
    });

    it('of a durable that nobody holds: nothing of the new log is taken for settled', () => {
      const world = new VirtualBroker();
      const options = { ...texts, durable: 'd' };
      const before = new Notes(true);
      world.broker.messages('c', options).subscribe(before).unsubscribe();
      const first = world.broker.messages('c', options).subscribe(before);
      world.put('c', 'a', 'b');
      first.unsubscribe();
      world.broker.faults.wipe('c');
      world.put('c', 'c', 'd', 'e');
      const after = new Notes(true);
      world.broker.messages('c', options).subscribe(after);
      world.advance();
      expect([before.take(), after.take()]).to.deep.equal(['a b', 'c d e']);
    });

    it('ends a subscription that only waited for acks', () => {
      const world = new VirtualBroker();
      const options = { ...texts, durable: 'd', ackWait: 1_000 };
      const notes = new Notes();
      const subscription = world.broker.messages('c', options).subscribe(notes);
      world.put('c', 'a');
      subscription.unsubscribe();
      world.broker.faults.wipe();
      notes.deliveries[0]!.ack();
      const next = new Notes(true);
      world.broker.messages('c', options).subscribe(next);
      world.put('c', 'b');
      expect(next.take()).to.equal('b');
    });

    it('is felt by every handle of the store, also one whose connection is down', () => {
      const world = new VirtualBroker(prompt);
      const other = world.broker.handle(prompt);
      const events: BrokerEvent['type'][] = [];
      other.events.subscribe(({ type }) => events.push(type));
      const notes = new Notes(true);
      other.messages('c', texts).subscribe(notes);
      world.put('c', 'a', 'b');
      other.faults.drop({ for: 50 });
      world.broker.faults.wipe();
      world.put('c', 'c');
      expect(notes.take()).to.equal('a b');
      world.advance(60);
      expect(notes.take()).to.equal('c');
      expect(events).to.deep.equal(['disconnected', 'reset', 'reconnected']);
    });
  });

  it('restore ends all of it', () => {
    const world = new VirtualBroker();
    const notes = new Notes();
    const { faults } = world.broker;
    world.broker.messages('c', texts).subscribe(notes);
    faults.delay(100);
    faults.duplicate();
    faults.refuse();
    faults.restore();
    expect(world.put('c', 'a')[0]!.ok).to.equal(true);
    expect(notes.take()).to.equal('a');
  });

  it('are of one handle', () => {
    const world = new VirtualBroker();
    const other = world.broker.handle();
    other.faults.refuse();
    expect(world.put('c', 'a')[0]!.ok).to.equal(true);
  });

  it('refuse what they do not accept', () => {
    const { faults } = new VirtualBroker().broker;
    const loose = faults as unknown as Record<string, (...given: unknown[]) => void>;
    const calls: [string, ...unknown[]][] = [
      ['drop', { for: -1 }],
      ['drop', { until: 5 }],
      ['delay', '5'],
      ['delay', Infinity],
      ['duplicate', -1],
      ['refuse', 1.5],
      ['wipe', 5],
      ['refuse', 1, new Error('not one of ours')],
    ];
    for (const [name, ...given] of calls) {
      expect(() => {
        loose[name]!(...given);
      }, name).to.throw(InvalidOptionError, `faults.${name}()`);
    }
  });
});
