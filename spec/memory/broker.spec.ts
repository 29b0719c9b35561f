import { expect } from 'chai';
import { inspect } from 'node:util';
import { count, firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { ClosedError, InUseError, InvalidOptionError } from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { memory, type MemoryOptions } from '../../lib/memory/index.js';
import { rejection } from '../contract/publishing.js';
import { Notes, VirtualBroker } from './virtual-time.js';

const texts = { codec: text, start: earliest() };

describe('memory: the handle', () => {
  describe('options', () => {
    const refused: [string, unknown, string][] = [
      ['an unknown one', { maxbytes: 5 }, "'maxBytes'"],
      ['maxMessages: 0', { maxMessages: 0 }, 'maxMessages'],
      ['maxAge: -1', { maxAge: -1 }, 'maxAge'],
      ['a scheduler that is none', { scheduler: {} }, 'scheduler'],
      ['a logger without error', { logger: { debug: () => 0, info: () => 0, warn: () => 0 } }, 'logger'],
      ['reconnect: true', { reconnect: true }, 'reconnect'],
      ['reconnect.jitter: 2', { reconnect: { jitter: 2 } }, 'reconnect.jitter'],
      ['connectTimeout: 0', { connectTimeout: 0 }, 'connectTimeout'],
    ];
    for (const [what, options, word] of refused) {
      it(`refuses ${what}`, () => {
        expect(() => memory(options as MemoryOptions)).to.throw(InvalidOptionError, word);
      });
    }

    it('handle() takes those of a handle alone', () => {
      const broker = memory();
      broker.handle({ closeTimeout: 5 });
      expect(() => broker.handle({ maxBytes: 5 } as never)).to.throw(InvalidOptionError, 'maxBytes');
    });

    it('refuses a durable with a colon in a queue group, as NATS Streaming must', () => {
      const broker = memory();
      expect(() => broker.messages('c', { durable: 'a:b', queue: 'q' })).to.throw(InvalidOptionError, "'a:b'");
      broker.messages('c', { durable: 'a:b' });
    });
  });

  describe('several handles on one store', () => {
    it('share its messages and are apart in everything else', async () => {
      const one = memory();
      const two = one.handle();
      await one.publish('c', 'a', { codec: text });
      expect(await firstValueFrom(two.values('c', texts))).to.equal('a');
      await one.close();
      await two.publish('c', 'b', { codec: text });
      const three = two.handle();
      const all = three.values('c', { ...texts, until: untilNow() }).pipe(toArray());
      expect(await lastValueFrom(all)).to.deep.equal(['a', 'b']);
      await Promise.all([two.close(), three.close()]);
    });

    it('share durables: one takes up where the other was, and two at once are refused', () => {
      const world = new VirtualBroker();
      const other = world.broker.handle();
      const options = { ...texts, durable: 'd' };
      const [first, second, third] = [new Notes(true), new Notes(true), new Notes(true)];
      const subscription = world.broker.messages('c', options).subscribe(first);
      world.put('c', 'a', 'b');
      other.messages('c', options).subscribe(second);
      world.advance();
      expect(second.take()).to.equal('error IN_USE');
      subscription.unsubscribe();
      other.messages('c', options).subscribe(third);
      world.put('c', 'c');
      expect([first.take(), third.take()]).to.deep.equal(['a b', 'c']);
    });

    it('forget by one handle is felt by another that had settled messages of that durable', async () => {
      const one = memory();
      const two = one.handle();
      const options = { ...texts, durable: 'd', until: untilNow() };
      for (const value of ['a', 'b']) await one.publish('c', value, { codec: text });
      const all = () => lastValueFrom(two.values('c', options).pipe(toArray()));
      expect(await all()).to.deep.equal(['a', 'b']);
      expect(await all()).to.deep.equal([]);
      await one.forget('c', { durable: 'd' });
      expect(await all()).to.deep.equal(['a', 'b']);
      await Promise.all([one.close(), two.close()]);
    });

    it('forget is refused while another handle has the durable', async () => {
      const one = memory();
      const two = one.handle();
      two.messages('c', { durable: 'd' }).subscribe();
      expect(await rejection(one.forget('c', { durable: 'd' }))).to.be.instanceOf(InUseError);
      await Promise.all([one.close(), two.close()]);
    });

    it('queue groups go across handles, and what a closed one had goes to the rest at once', async () => {
      const world = new VirtualBroker({ closeTimeout: 0 });
      const other = world.broker.handle({ closeTimeout: 0 });
      const options = { ...texts, queue: 'q' };
      const [mine, others] = [new Notes(true), new Notes()];
      world.broker.messages('c', options).subscribe(mine);
      other.messages('c', options).subscribe(others);
      world.put('c', 'a', 'b', 'c', 'd');
      const [left, right] = [mine.take().split(' '), others.take().split(' ')];
      expect([...left, ...right].sort()).to.deep.equal(['a', 'b', 'c', 'd']);
      const closing = other.close();
      world.advance();
      await closing;
      world.advance();
      expect(mine.take()).to.equal(right.map((value) => `${value}+1`).join(' '));
    });

    it('time is that of the store', () => {
      const world = new VirtualBroker();
      const other = world.broker.handle();
      const notes = new Notes();
      other.messages('c', { ...texts, ackWait: 100 }).subscribe(notes);
      world.put('c', 'a');
      world.advance(100);
      expect(notes.take()).to.equal('a a+1');
    });
  });

  describe('retention', () => {
    it('maxMessages and maxBytes bound each channel, and the newest stays', async () => {
      const all = async (options: MemoryOptions): Promise<string[]> => {
        const broker = memory(options);
        for (const value of ['aaaa', 'bbbb', 'cccc']) await broker.publish('c', value, { codec: text });
        const values = await lastValueFrom(broker.values('c', { ...texts, until: untilNow() }).pipe(toArray()));
        await broker.close();
        return values;
      };
      expect(await all({ maxMessages: 2 })).to.deep.equal(['bbbb', 'cccc']);
      expect(await all({ maxBytes: 9 })).to.deep.equal(['bbbb', 'cccc']);
      expect(await all({ maxBytes: 1 })).to.deep.equal(['cccc']);
    });

    it('one who reads along gets all, and one who comes late gets what is left, from its offset', () => {
      const world = new VirtualBroker({ maxMessages: 3 });
      const along = new Notes(true);
      world.broker.messages('c', texts).subscribe(along);
      world.put('c', ...'abcdefgh');
      const late = new Notes(true);
      world.broker.messages('c', texts).subscribe(late);
      world.advance();
      expect([along.take(), late.take()]).to.deep.equal(['a b c d e f g h', 'f g h']);
      expect(late.deliveries[0]!.offset).to.equal(6n);
    });

    it('a durable goes on behind what was removed', () => {
      const world = new VirtualBroker({ maxMessages: 2 });
      const options = { ...texts, durable: 'd' };
      const first = new Notes(true);
      const subscription = world.broker.messages('c', options).subscribe(first);
      world.put('c', 'a', 'b');
      subscription.unsubscribe();
      world.put('c', ...'cdefg');
      const second = new Notes(true);
      world.broker.messages('c', options).subscribe(second);
      world.advance();
      expect([first.take(), second.take()]).to.deep.equal(['a b', 'f g']);
    });

    it('what was removed while it was in hands can be settled, and frees its place', () => {
      const world = new VirtualBroker({ maxMessages: 2 });
      const notes = new Notes();
      world.broker.messages('c', { ...texts, maxInFlight: 2 }).subscribe(notes);
      world.put('c', 'a', 'b');
      world.put('c', ...'cdef');
      expect(notes.take()).to.equal('a b');
      for (const delivery of notes.deliveries) delivery.ack();
      world.advance();
      expect(notes.take()).to.equal('e f');
    });

    it('what is published is a copy, and keys and headers too', async () => {
      const broker = memory();
      const [value, key] = [new Uint8Array([1]), new Uint8Array([2])];
      const headers = new Map([['a', 'b']]);
      await broker.publish('c', value, { key, headers, id: 'mine' });
      value[0] = 9;
      key[0] = 9;
      headers.set('a', 'changed');
      const delivery = await firstValueFrom(broker.messages('c', { start: earliest() }));
      expect([[...delivery.value], [...delivery.key!], [...delivery.headers], delivery.id]).to.deep.equal([
        [1],
        [2],
        [['a', 'b']],
        'mine',
      ]);
      delivery.ack();
      await broker.close();
    });
  });

  it('logs what happens, and a logger that throws harms nobody', async () => {
    const lines: string[] = [];
    const log = (level: string) => (line: unknown) => {
      lines.push(`${level} ${String(line)}`);
      throw new Error('a bad logger');
    };
    const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    const broker = memory({ logger });
    await broker.publish('c', 'a', { codec: text });
    broker.faults.drop();
    await broker.close();
    expect(lines).to.include('info idle -> connecting').and.include('warn disconnected');
    expect(lines.at(-1)).to.include('-> closed');
  });

  it('shows its state to inspect', async () => {
    const broker = memory();
    expect(inspect(broker)).to.equal("{ broker: 'memory', state: 'idle' }");
    await broker.close();
    expect(inspect(broker)).to.equal("{ broker: 'memory', state: 'closed' }");
  });

  it('can be used with await using', async () => {
    const broker = memory();
    await broker.connect();
    await broker[Symbol.asyncDispose]();
    expect(await rejection(broker.connect())).to.be.instanceOf(ClosedError);
  });

  it('closing while the connection is down fails what waits', async () => {
    const world = new VirtualBroker({ closeTimeout: 50 });
    await world.broker.connect();
    world.broker.faults.drop({ for: Infinity });
    const published = rejection(world.broker.publish('c', 'a', { codec: text }));
    const closing = world.broker.close();
    world.advance(50);
    await closing;
    expect(await published).to.be.instanceOf(ClosedError);
    expect(world.timers).to.equal(0);
  });

  it('a hundred thousand messages are published, read and acked in one run', async () => {
    const broker = memory();
    const length = 100_000;
    const values = Array.from({ length }, () => new Uint8Array([1]));
    const confirmed = await lastValueFrom(broker.publishFrom('c', values).pipe(count(({ ok }) => ok)));
    const options = { start: earliest(), until: untilNow(), maxInFlight: 100 };
    const read = await lastValueFrom(broker.values('c', options).pipe(count()));
    expect([confirmed, read]).to.deep.equal([length, length]);
    await broker.close();
  });
});
