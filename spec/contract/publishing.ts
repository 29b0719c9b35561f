import { expect } from 'chai';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import type { ConfirmedReceipt } from '../../lib/core/broker.js';
import { FrameTooLargeError, InvalidOptionError, PublishError, type WeirError } from '../../lib/core/errors.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** What a call rejects with. */
export async function rejection(call: Promise<unknown>): Promise<WeirError> {
  try {
    await call;
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it resolved, where a rejection was expected');
}

/** `publish` and its receipts. */
export function describePublishing(world: World): void {
  const { can } = world;
  const specs: Record<string, () => Promise<void>> = {
    'resolves with a receipt that tells the value, the channel and an id': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const value = { id: 7 };
      const receipts: ConfirmedReceipt<unknown>[] = [];
      for (let n = 0; n < 3; n++)
        receipts.push(await broker.publish(channel, value, { codec: json<{ id: number }>() }));
      for (const receipt of receipts) {
        expect(receipt).to.include({ ok: true, confirmed: can.confirms, channel });
        expect(receipt.value).to.equal(value);
        expect(receipt.error).to.equal(undefined);
        expect(typeof receipt.id).to.be.oneOf(['string', 'bigint']);
      }
      expect(new Set(receipts.map(({ id }) => id)).size).to.equal(3);
      const offsets = receipts.map(({ offset }) => offset);
      const first = can.firstOffset!;
      expect(offsets).to.deep.equal(
        can.receiptOffsets ? [first, first + 1n, first + 2n] : [undefined, undefined, undefined],
      );
      const told = can.notified === true ? 0 : undefined;
      expect(receipts.map(({ notified }) => notified)).to.deep.equal([told, told, told]);
    },
    'what was confirmed can be read': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      await world.put(broker, channel, 'ä', '', '☂');
      expect(valuesOf(await read.first(3))).to.deep.equal(['ä', '', '☂']);
    },
    'a value that is no bytes is refused without a codec, and the handle still works': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const error = await rejection(broker.publish(channel, 'text' as unknown as Uint8Array));
      expect(error).to.be.instanceOf(PublishError);
      expect(error.message).to.include('codec');
      await world.put(broker, channel, '1');
      expect((await read.at(0)).value).to.equal('1');
    },
    'a value that the codec cannot encode is refused before anything is sent': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const failing = {
        encode(): Uint8Array {
          throw new RangeError('too far');
        },
      };
      const error = await rejection(broker.publish(channel, 1, { codec: failing }));
      expect(error).to.be.instanceOf(PublishError);
      expect(error.message).to.include('too far').and.include(channel);
      expect(error.cause).to.be.instanceOf(RangeError);
      await world.put(broker, channel, '1');
      expect((await read.at(0)).value).to.equal('1');
    },
    'a signal that was aborted before sends nothing': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      const signal = AbortSignal.abort(new Error('enough'));
      expect((await rejection(broker.publish(channel, 'no', { codec: text, signal }))).message).to.equal('enough');
      await world.put(broker, channel, '1');
      expect((await read.at(0)).value).to.equal('1');
    },
    'a signal that is aborted in time takes the message back, and later changes nothing': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(world.broker(), channel);
      const controller = new AbortController();
      const { signal } = controller;
      // the first publish of a handle connects, so that this one waits
      const call = broker.publish(channel, 'no', { codec: text, signal });
      controller.abort(new Error('enough'));
      expect((await rejection(call)).message).to.equal('enough');
      const late = new AbortController();
      await broker.publish(channel, '1', { codec: text, signal: late.signal });
      late.abort();
      await world.put(broker, channel, '2');
      const values = valuesOf(await read.first(2));
      expect(values.filter((value) => value !== 'no')).to.deep.equal(values[0] === 'no' ? ['1'] : ['1', '2']);
    },
  };
  if (can.orderedPublishing !== false) {
    specs['keeps the order of the calls'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      // without replay, each of them goes all the way
      const count = can.replay ? 3_000 : 200;
      const tap = await world.primed(
        broker,
        () => world.ackingTap(broker, channel),
        () => world.fill(broker, channel, count),
      );
      expect(valuesOf(await tap.first(count))).to.deep.equal(numbers(count));
    };
  }
  if (can.notified === true) {
    specs['the receipt tells how many handles the message went to'] = async () => {
      const channel = world.channel();
      const [publisher, ...readers] = [world.broker(), world.broker(), world.broker()];
      // two subscriptions of one handle are one to the broker
      const taps = [...readers, readers[0]!].map((reader) => world.ackingTap(reader, channel));
      await Promise.all(readers.map((reader) => world.subscribed(reader)));
      expect((await publisher!.publish(channel, 'x', { codec: text })).notified).to.equal(2);
      for (const tap of taps) expect((await tap.at(0)).value).to.equal('x');
    };
  }
  if (can.ids !== false) {
    const id = can.ids === 'text' ? 'mine' : 2n ** 40n;
    specs['id is the id in the receipt'] = async () => {
      const broker = world.broker();
      const receipt = await broker.publish(world.channel(), 'x', { codec: text, id });
      expect(receipt.id).to.equal(id);
    };
  }
  specs[can.keys ? 'carries a key, text or bytes' : 'refuses a key, which it does not carry, before anything is sent'] =
    async () => {
      const broker = world.broker();
      const channel = world.channel();
      if (!can.keys) {
        const error = await rejection(broker.publish(channel, 'x', { codec: text, key: 'k' }));
        expect(error).to.be.instanceOf(InvalidOptionError);
        expect(error.message).to.include('key');
        return;
      }
      const read = await world.reader(broker, channel);
      await broker.publish(channel, 'x', { codec: text, key: 'ä' });
      await broker.publish(channel, 'y', { codec: text, key: new Uint8Array([0, 255]) });
      await broker.publish(channel, 'z', { codec: text });
      const keys = (await read.first(3)).map(({ key }) => key && [...key]);
      expect(keys).to.deep.equal([[0xc3, 0xa4], [0, 255], undefined]);
    };
  specs[can.headers ? 'carries headers' : 'refuses headers, which it does not carry, before anything is sent'] =
    async () => {
      const broker = world.broker();
      const channel = world.channel();
      if (!can.headers) {
        const error = await rejection(broker.publish(channel, 'x', { codec: text, headers: { a: 1 } }));
        expect(error).to.be.instanceOf(InvalidOptionError);
        expect(error.message).to.include('headers');
        return;
      }
      const read = await world.reader(broker, channel);
      await broker.publish(channel, 'x', { codec: text, headers: { a: 'b' } });
      await broker.publish(channel, 'y', { codec: text, headers: new Map([['c', 'd']]) });
      const headers = (await read.first(2)).map((delivery) => world.headersOf(delivery));
      expect(headers).to.deep.equal([[['a', 'b']], [['c', 'd']]]);
    };
  if (can.maxPayload !== undefined) {
    const { maxPayload } = can;
    specs['a message over the limit is refused with its size, and the handle still works'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      const read = await world.reader(broker, channel);
      await broker.publish(channel, new Uint8Array(1));
      const error = await rejection(broker.publish(channel, new Uint8Array(maxPayload + 1)));
      expect(error).to.be.instanceOf(FrameTooLargeError);
      expect(error.message).to.include(String(maxPayload));
      await broker.publish(channel, new Uint8Array(2));
      expect((await read.first(2)).map(({ value }) => value.length)).to.deep.equal([1, 2]);
    };
  }
  together(specs);
}
