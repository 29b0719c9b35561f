import { expect } from 'chai';
import { json } from '../../lib/codec/json.js';
import type { Decoder } from '../../lib/core/codec.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { DecodeError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import { rejection } from './publishing.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { valuesOf, type World } from './world.js';

interface Order {
  readonly id: number;
}

/** What codecs make of the bytes, and what becomes of messages that they cannot read. */
export function describeCodecs(world: World): void {
  const codec = json<Order>();

  /** A channel with an order, something else, and another order. */
  const mixed = async (): Promise<{ broker: ReturnType<World['broker']>; channel: string }> => {
    const broker = world.broker();
    const channel = world.channel();
    await broker.publish(channel, { id: 1 }, { codec });
    await world.put(broker, channel, 'no order');
    await broker.publish(channel, { id: 2 }, { codec });
    return { broker, channel };
  };

  together({
    'without a codec, values are bytes, exactly those that were published': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const large = new Uint8Array(200_000).map((_, index) => index * 7);
      for (const value of [all, new Uint8Array(0), large]) await broker.publish(channel, value);
      const deliveries = await new Tap(broker.messages(channel, { start: earliest() })).first(3);
      for (const [index, value] of [all, new Uint8Array(0), large].entries()) {
        const got = deliveries[index]!.value;
        expect(got).to.be.instanceOf(Uint8Array);
        expect(Buffer.compare(got, value)).to.equal(0);
      }
    },
    'a view into a larger buffer is published as what it shows': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await broker.publish(channel, new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3));
      const delivery = await new Tap(broker.messages(channel, { start: earliest() })).at(0);
      expect([...delivery.value]).to.deep.equal([2, 3]);
    },
    'what a codec cannot write or read is an error that names the channel and the broker': async () => {
      const { broker, channel } = await mixed();
      const unwritten = await rejection(broker.publish(channel, 5n as never, { codec }));
      const unread = await new Tap(broker.messages(channel, { start: earliest(), codec })).failed();
      for (const error of [unwritten, unread as DecodeError]) {
        expect(error).to.be.instanceOf(DecodeError);
        expect(error.message).to.include(`'${channel}'`);
        expect(error.broker).to.be.a('string').and.equal(unwritten.broker);
      }
    },
    'a codec is told the channel, and makes each value once': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, 'one');
      const calls: string[] = [];
      const decoder: Decoder<{ readonly length: number }> = {
        decode: (bytes, info) => {
          calls.push(info.channel);
          return { length: bytes.length };
        },
      };
      const delivery = await new Tap(broker.messages(channel, { start: earliest(), codec: decoder })).at(0);
      expect(delivery.value).to.deep.equal({ length: 3 });
      expect(delivery.value).to.equal(delivery.value);
      expect(calls).to.deep.equal([channel]);
    },
    "onDecodeError 'error', the default, ends the source with a DecodeError": async () => {
      const { broker, channel } = await mixed();
      for (const onDecodeError of [undefined, 'error'] as const) {
        const tap = new Tap(broker.messages(channel, { start: earliest(), codec, onDecodeError }));
        const error = (await tap.failed()) as DecodeError;
        expect(valuesOf(tap.all)).to.deep.equal([{ id: 1 }]);
        expect(error).to.be.instanceOf(DecodeError);
        expect(error.message)
          .to.include(channel)
          .and.include(String(world.can.firstOffset + 1n));
      }
    },
    "onDecodeError 'skip' acks what cannot be read, and goes on": async () => {
      const { broker, channel } = await mixed();
      const tap = new Tap(
        broker.messages(channel, { start: earliest(), codec, onDecodeError: 'skip', maxInFlight: 1 }),
        (delivery) => {
          delivery.ack();
        },
      );
      expect(valuesOf(await tap.first(2))).to.deep.equal([{ id: 1 }, { id: 2 }]);
    },
    'an onDecodeError function gets the raw delivery, which is acked when it is done': async () => {
      const { broker, channel } = await mixed();
      const dead: Delivery[] = [];
      let settledBefore: boolean | undefined;
      const letters = world.channel();
      const onDecodeError = async (delivery: Delivery): Promise<void> => {
        dead.push(delivery);
        await broker.publish(letters, delivery.value);
        settledBefore = delivery.settled;
      };
      const tap = new Tap(
        broker.messages(channel, { start: earliest(), codec, onDecodeError, maxInFlight: 1 }),
        (delivery) => {
          delivery.ack();
        },
      );
      expect(valuesOf(await tap.first(2))).to.deep.equal([{ id: 1 }, { id: 2 }]);
      expect(dead.map(({ value, settled }) => [Buffer.from(value).toString(), settled])).to.deep.equal([
        ['no order', true],
      ]);
      expect(settledBefore).to.equal(false);
      expect((await world.ackingTap(broker, letters).at(0)).value).to.equal('no order');
    },
    'an onDecodeError function that fails ends the source': async () => {
      const { broker, channel } = await mixed();
      const failures = [
        () => Promise.reject(new Error('no room for dead letters')),
        () => {
          throw new Error('no room for dead letters');
        },
      ];
      for (const onDecodeError of failures) {
        const tap = new Tap(broker.messages(channel, { start: earliest(), codec, onDecodeError, maxInFlight: 2 }));
        const error = (await tap.failed()) as DecodeError;
        expect(error).to.be.instanceOf(DecodeError);
        expect(error.message).to.include('no room for dead letters');
      }
    },
  });
}
