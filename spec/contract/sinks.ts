import { expect } from 'chai';
import { range, map, type Observable } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import type { Receipt } from '../../lib/core/broker.js';
import { OverflowError, PublishError } from '../../lib/core/errors.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** Sinks: Subjects that publish. */
export function describeSinks(world: World): void {
  const { can } = world;
  const told = <T>(receipts: Observable<Receipt<T>>): Tap<Receipt<T>> => new Tap(receipts);

  together({
    'publishes what it is given, emits it, and tells its receipts in order': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const sink = broker.sink(channel, { codec: text });
      const receipts = told(sink.receipts);
      const accepted = new Tap(sink);
      range(1, 100).pipe(map(String)).subscribe(sink);
      await receipts.complete();
      expect(receipts.all.map(({ value }) => value)).to.deep.equal(numbers(100));
      expect(receipts.all.every((receipt) => receipt.ok && receipt.channel === channel)).to.equal(true);
      expect(accepted.all).to.deep.equal(numbers(100));
      expect(accepted.completed).to.equal(true);
      expect(valuesOf(await read.first(100))).to.deep.equal(numbers(100));
    },
    'next queues beyond the window, and no more than the window is unconfirmed': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const sink = broker.sink(channel, { codec: text, maxInFlight: 3 });
      for (const value of numbers(50)) sink.next(value);
      await sink.flush();
      expect(world.inOrder(valuesOf(await read.first(50)))).to.deep.equal(numbers(50));
      sink.complete();
    },
    'pending begins and ends at 0, and never counts more than was given': async () => {
      const broker = world.broker();
      const sink = broker.sink(world.channel(), { codec: text });
      const pending = new Tap(sink.pending);
      expect(pending.all).to.deep.equal([0]);
      for (const value of numbers(20)) sink.next(value);
      sink.complete();
      await pending.complete();
      expect(Math.max(...pending.all)).to.be.at.most(20);
      expect(pending.all.at(-1)).to.equal(0);
    },
    'send resolves with the receipt, and waits while the window is full': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const sink = broker.sink(channel, { codec: text, maxInFlight: 2, buffer: 0 });
      const receipts = await Promise.all(numbers(40).map((value) => sink.send(value)));
      expect(receipts.map(({ ok, value }) => [ok, value])).to.deep.equal(numbers(40).map((value) => [true, value]));
      expect(world.inOrder(valuesOf(await read.first(40)))).to.deep.equal(numbers(40));
      sink.complete();
    },
    'ready resolves while the window has room': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const sink = broker.sink(channel, { codec: text, maxInFlight: 2, buffer: 0 });
      const receipts = told(sink.receipts);
      for (const value of numbers(30)) {
        await sink.ready();
        sink.next(value);
      }
      sink.complete();
      await receipts.complete();
      expect(receipts.all.every(({ ok }) => ok)).to.equal(true);
      expect(world.inOrder(valuesOf(await read.first(30)))).to.deep.equal(numbers(30));
    },
    'flush resolves when all that was accepted has its receipt': async () => {
      const broker = world.broker();
      const sink = broker.sink(world.channel(), { codec: text });
      await sink.flush();
      let confirmed = 0;
      sink.receipts.subscribe(() => confirmed++);
      for (const value of numbers(25)) sink.next(value);
      const flushed = sink.flush();
      sink.next('26');
      await flushed;
      expect(confirmed).to.be.at.least(25);
      sink.complete();
    },
    "a value too many gets an OverflowError receipt: the newest with 'error' and 'drop-newest', else the oldest":
      async () => {
        const lost = { error: ['4', '5'], 'drop-newest': ['4', '5'], 'drop-oldest': ['2', '3'] };
        for (const overflow of ['error', 'drop-newest', 'drop-oldest'] as const) {
          const channel = world.channel();
          const broker = world.broker();
          const read = await world.reader(broker, channel);
          const sink = broker.sink(channel, { codec: text, maxInFlight: 1, buffer: 2, overflow });
          const receipts = told(sink.receipts);
          // so that the way is there, and the next one goes out at once
          await sink.send('0');
          for (const value of numbers(5)) sink.next(value);
          sink.complete();
          await receipts.complete();
          const failed = receipts.all.filter(({ ok }) => !ok);
          expect(failed.map(({ value }) => value)).to.deep.equal(lost[overflow]);
          expect(failed.every(({ error }) => error instanceof OverflowError)).to.equal(true);
          const stored = numbers(6, 0).filter((value) => !lost[overflow].includes(value));
          expect(valuesOf(await read.first(4))).to.deep.equal(stored);
        }
      },
    'one bad value gets a failed receipt, and the sink goes on': async () => {
      const channel = world.channel();
      const broker = world.broker();
      const read = await world.reader(broker, channel);
      const sink = broker.sink(channel, { codec: text });
      const receipts = told(sink.receipts);
      for (const value of ['1', 2 as unknown as string, '3']) sink.next(value);
      const sent = await sink.send(4 as unknown as string);
      expect(sent.ok).to.equal(false);
      sink.complete();
      await receipts.complete();
      expect(receipts.all.filter(({ ok }) => !ok).map(({ value }) => value)).to.deep.equal([2, 4]);
      expect(valuesOf(await read.first(2))).to.deep.equal(['1', '3']);
    },
    'message maps a value to what is sent': async () => {
      const channel = world.channel();
      const broker = world.broker();
      const read = await world.reader(broker, channel);
      const id = can.ids === 'text' ? 'id-5' : 2n ** 40n;
      const sink = broker.sink(channel, {
        codec: text,
        message: (order: { readonly id: number }) => ({
          value: `order ${order.id}`,
          ...(can.ids !== false && { id }),
          ...(can.keys && { key: `key-${order.id}` }),
        }),
      });
      const order = { id: 5 };
      const receipt = await sink.send(order);
      expect(receipt.value).to.equal(order);
      if (can.ids !== false) expect(receipt.id).to.equal(id);
      const delivery = await read.at(0);
      expect(delivery.value).to.equal('order 5');
      if (can.keys) expect(Buffer.from(delivery.key!).toString()).to.equal('key-5');
      const failed = await broker
        .sink(channel, {
          message: () => {
            throw new Error('no message today');
          },
        })
        .send(order);
      expect(failed.error).to.be.instanceOf(PublishError);
      expect(failed.error!.message).to.include('no message today');
    },
    'error(e) publishes what was accepted, and then receipts errors with e': async () => {
      const channel = world.channel();
      const broker = world.broker();
      const read = await world.reader(broker, channel);
      const sink = broker.sink(channel, { codec: text });
      const receipts = told(sink.receipts);
      const problem = new Error('the source failed');
      sink.subscribe({ error: () => undefined });
      sink.next('1');
      sink.next('2');
      sink.error(problem);
      sink.next('3');
      expect(await receipts.failed()).to.equal(problem);
      expect(receipts.all.map(({ ok, value }) => [ok, value])).to.deep.equal([
        [true, '1'],
        [true, '2'],
      ]);
      expect(valuesOf(await read.first(2))).to.deep.equal(['1', '2']);
    },
  });
}
