import { expect } from 'chai';
import type { Observable } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import type { SourceOptions } from '../../lib/core/broker.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** `hot`: one subscription shared by all who listen. */
export function describeHot(world: World): void {
  const { can } = world;
  const hot = (
    broker: ReturnType<World['broker']>,
    channel: string,
    options: SourceOptions & { readonly linger?: number } = {},
  ): Observable<Delivery<string>> => broker.hot(channel, { start: world.start, ...options, codec: text });

  const specs: Record<string, () => Promise<void>> = {
    'all listeners get each message, each with a handle of its own; the slowest sets the pace': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const hot$ = hot(broker, channel, { maxInFlight: 2 });
      const [a, b] = [new Tap(hot$), new Tap(hot$)];
      await world.subscribed(broker);
      await world.flood(world.fill(broker, channel, 10));
      const [a1] = await a.first(2);
      const [b1] = await b.first(2);
      expect([a1!.offset, a1!.value, a1!.channel]).to.deep.equal([b1!.offset, '1', channel]);
      a1!.ack();
      expect([a1!.settled, b1!.settled]).to.deep.equal([true, false]);
      await world.fence(channel, 10);
      expect([a.all.length, b.all.length]).to.deep.equal([2, 2]);
      b1!.ack();
      await a.first(3);
      expect(valuesOf(await b.first(3))).to.deep.equal(['1', '2', '3']);
    },
    'a listener that leaves does not hold the others up': async () => {
      const broker = world.broker();
      const channel = world.channel();
      // the broker gives the place of what was released back after ackWait
      const ackWait = can.redelivery === false ? undefined : can.redelivery.ackWait;
      const hot$ = hot(broker, channel, { maxInFlight: 2, ackWait });
      const stays = new Tap(hot$, (delivery) => {
        delivery.ack();
      });
      const leaves = new Tap(hot$);
      await world.subscribed(broker);
      await world.flood(world.fill(broker, channel, 10));
      await leaves.first(2);
      leaves.unsubscribe();
      await stays.first(10);
    },
    'one who comes late gets what comes from then on': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const hot$ = hot(broker, channel);
      const acking = (delivery: Delivery<string>): void => {
        delivery.ack();
      };
      const early = new Tap(hot$, acking);
      await world.subscribed(broker);
      await world.fill(broker, channel, 3);
      await early.first(3);
      const late = new Tap(hot$, acking);
      await world.fill(broker, channel, 3);
      await early.first(6);
      expect(valuesOf(await late.first(3))).to.deep.equal(numbers(3));
      expect(late.all).to.have.length(3);
    },
    'two Observables made by two calls are apart': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const [a, b] = await world.primed(
        broker,
        () => [new Tap(hot(broker, channel)), new Tap(hot(broker, channel))] as const,
        () => world.fill(broker, channel, 3),
      );
      const [one] = await a.first(3);
      expect((await b.first(3))[0]!.settled).to.equal(false);
      one!.ack();
      expect(b.all[0]!.settled).to.equal(false);
    },
    'works with ackConcatMap in each listener': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const hot$ = hot(broker, channel, { maxInFlight: 3 });
      const taps = [1, 2].map(() => new Tap(hot$.pipe(ackConcatMap(({ value }) => Promise.resolve(value)))));
      await world.subscribed(broker);
      await world.fill(broker, channel, 20);
      for (const tap of taps) expect(await tap.first(20)).to.deep.equal(numbers(20));
    },
    'completes for all with signal, and begins anew for the next listener': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const primed = <T>(subscribe: () => T): Promise<T> =>
        world.primed(broker, subscribe, () => world.fill(broker, channel, 2));
      const hot$ = hot(broker, channel);
      const first = await primed(
        () =>
          new Tap(hot$, (delivery) => {
            delivery.ack();
          }),
      );
      await first.first(2);
      first.unsubscribe();
      const second = await primed(() => new Tap(hot$));
      expect(valuesOf(await second.first(2))).to.deep.equal(['1', '2']);
      const controller = new AbortController();
      const ending$ = hot(broker, channel, { signal: controller.signal });
      const taps = await primed(() => [new Tap(ending$), new Tap(ending$)]);
      await Promise.all(taps.map((tap) => tap.first(2)));
      controller.abort();
      for (const tap of taps) await tap.complete();
    },
    'linger keeps the subscription for the next listener, who gets what came meanwhile': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const hot$ = hot(broker, channel, { linger: 30_000 });
      const first = new Tap(hot$, (delivery) => {
        delivery.ack();
      });
      await world.subscribed(broker);
      await world.fill(broker, channel, 2);
      await first.first(2);
      first.unsubscribe();
      await world.put(broker, channel, '3');
      await world.fence(channel, 3);
      const second = new Tap(hot$);
      await world.put(broker, channel, '4');
      expect(valuesOf(await second.first(2))).to.deep.equal(['3', '4']);
    },
  };
  if (can.redelivery !== false) {
    const { ackWait } = can.redelivery;
    specs['what a leaving listener had not settled comes again to those who stay'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      const hot$ = hot(broker, channel, { ackWait });
      const stays = new Tap(hot$, (delivery) => {
        delivery.ack();
      });
      const leaves = new Tap(hot$);
      await world.put(broker, channel, '1');
      await leaves.first(1);
      await stays.first(1);
      leaves.unsubscribe();
      const again = await stays.at(1);
      expect([again.value, again.redelivered, again.settled]).to.deep.equal(['1', true, true]);
    };
    specs['a copy goes to those who have not settled it'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      const hot$ = hot(broker, channel, { ackWait });
      const quick = new Tap(hot$, (delivery) => {
        delivery.ack();
      });
      const slow = new Tap(hot$);
      await world.put(broker, channel, '1');
      const copy = await slow.at(1);
      expect([copy.value, copy.redelivered]).to.deep.equal(['1', true]);
      copy.ack();
      expect(slow.all[0]!.settled).to.equal(true);
      await world.put(broker, channel, '2');
      await quick.first(2);
      expect(valuesOf(quick.all)).to.deep.equal(['1', '2']);
    };
  }
  if (can.durable !== false) {
    specs['is settled at the broker when all listeners have'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      const options = { durable: 'd', ackWait: 30_000 };
      const hot$ = hot(broker, channel, options);
      const [a, b] = [new Tap(hot$), new Tap(hot$)];
      await world.fill(broker, channel, 3);
      await a.first(3);
      await b.first(3);
      for (const { all } of [a, b]) all[0]!.ack();
      a.all[1]!.ack();
      a.unsubscribe();
      b.unsubscribe();
      const rest = await world.tap(broker, channel, options).first(2);
      expect(valuesOf(rest)).to.deep.equal(['2', '3']);
    };
  }
  together(specs);
}
