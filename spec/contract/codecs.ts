import { expect } from 'chai';
import { json } from '../../lib/codec/json.js';
import type { Broker, SourceOptions } from '../../lib/core/broker.js';
import type { Decoder } from '../../lib/core/codec.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { DecodeError } from '../../lib/core/errors.js';
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

  const { firstOffset } = world.can;
  const { start } = world;

  /** Listens to a channel with an order, something else, and another order. */
  const mixed = (
    broker: Broker,
    channel: string,
    options: SourceOptions = {},
    then?: (delivery: Delivery<Order>) => void,
  ): Promise<Tap<Delivery<Order>>> =>
    world.primed(
      broker,
      () => new Tap(broker.messages(channel, { start, ...options, codec }), then),
      async () => {
        await broker.publish(channel, { id: 1 }, { codec });
        await world.put(broker, channel, 'no order');
        await broker.publish(channel, { id: 2 }, { codec });
      },
    );
  const ack = (delivery: Delivery<Order>): void => {
    delivery.ack();
  };

  together({
    'without a codec, values are bytes, exactly those that were published': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const large = new Uint8Array(200_000).map((_, index) => index * 7);
      const tap = await world.primed(
        broker,
        () => new Tap(broker.messages(channel, { start })),
        async () => {
          for (const value of [all, new Uint8Array(0), large]) await broker.publish(channel, value);
        },
      );
      const deliveries = await tap.first(3);
      for (const [index, value] of [all, new Uint8Array(0), large].entries()) {
        const got = deliveries[index]!.value;
        expect(got).to.be.instanceOf(Uint8Array);
        expect(Buffer.compare(got, value)).to.equal(0);
      }
    },
    'a view into a larger buffer is published as what it shows': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () => new Tap(broker.messages(channel, { start })),
        () => broker.publish(channel, new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3)),
      );
      expect([...(await tap.at(0)).value]).to.deep.equal([2, 3]);
    },
    'what a codec cannot write or read is an error that names the channel and the broker': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const unwritten = await rejection(broker.publish(channel, 5n as never, { codec }));
      const unread = await (await mixed(broker, channel)).failed();
      for (const error of [unwritten, unread as DecodeError]) {
        expect(error).to.be.instanceOf(DecodeError);
        expect(error.message).to.include(`'${channel}'`);
        expect(error.broker).to.be.a('string').and.equal(unwritten.broker);
      }
    },
    'a codec is told the channel, and makes each value once': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const calls: string[] = [];
      const decoder: Decoder<{ readonly length: number }> = {
        decode: (bytes, info) => {
          calls.push(info.channel);
          return { length: bytes.length };
        },
      };
      const tap = await world.primed(
        broker,
        () => new Tap(broker.messages(channel, { start, codec: decoder })),
        () => world.put(broker, channel, 'one'),
      );
      const delivery = await tap.at(0);
      expect(delivery.value).to.deep.equal({ length: 3 });
      expect(delivery.value).to.equal(delivery.value);
      expect(calls).to.deep.equal([channel]);
    },
    "onDecodeError 'error', the default, ends the source with a DecodeError": async () => {
      const broker = world.broker();
      for (const onDecodeError of [undefined, 'error'] as const) {
        const channel = world.channel();
        const tap = await mixed(broker, channel, { onDecodeError });
        const error = (await tap.failed()) as DecodeError;
        expect(valuesOf(tap.all)).to.deep.equal([{ id: 1 }]);
        expect(error).to.be.instanceOf(DecodeError);
        expect(error.message).to.include(channel);
        if (firstOffset !== undefined) expect(error.message).to.include(String(firstOffset + 1n));
      }
    },
    "onDecodeError 'skip' acks what cannot be read, and goes on": async () => {
      const tap = await mixed(world.broker(), world.channel(), { onDecodeError: 'skip', maxInFlight: 1 }, ack);
      expect(valuesOf(await tap.first(2))).to.deep.equal([{ id: 1 }, { id: 2 }]);
    },
    'an onDecodeError function gets the raw delivery, which is acked when it is done': async () => {
      const broker = world.broker();
      const dead: Delivery[] = [];
      let settledBefore: boolean | undefined;
      const letters = world.channel();
      const read = await world.reader(broker, letters);
      const onDecodeError = async (delivery: Delivery): Promise<void> => {
        dead.push(delivery);
        await broker.publish(letters, delivery.value);
        settledBefore = delivery.settled;
      };
      const tap = await mixed(broker, world.channel(), { onDecodeError, maxInFlight: 1 }, ack);
      expect(valuesOf(await tap.first(2))).to.deep.equal([{ id: 1 }, { id: 2 }]);
      expect(dead.map(({ value, settled }) => [Buffer.from(value).toString(), settled])).to.deep.equal([
        ['no order', true],
      ]);
      expect(settledBefore).to.equal(false);
      expect((await read.at(0)).value).to.equal('no order');
    },
    'an onDecodeError function that fails ends the source': async () => {
      const broker = world.broker();
      const failures = [
        () => Promise.reject(new Error('no room for dead letters')),
        () => {
          throw new Error('no room for dead letters');
        },
      ];
      for (const onDecodeError of failures) {
        const tap = await mixed(broker, world.channel(), { onDecodeError, maxInFlight: 2 });
        const error = (await tap.failed()) as DecodeError;
        expect(error).to.be.instanceOf(DecodeError);
        expect(error.message).to.include('no room for dead letters');
      }
    },
  });
}
