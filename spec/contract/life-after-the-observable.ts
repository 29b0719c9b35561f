import { expect } from 'chai';
import { firstValueFrom, take, tap as peek } from 'rxjs';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** What holds after a subscription is over. */
export function describeAfterwards(world: World): void {
  const { can } = world;
  const specs: Record<string, () => Promise<void>> = {
    'unsubscribing stops emission at once': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = await world.primed(
        broker,
        () =>
          world.tap(broker, channel, {}, (delivery, own) => {
            delivery.ack();
            if (own.all.length === 3) own.unsubscribe();
          }),
        () => world.fill(broker, channel, world.many(100)),
      );
      await tap.first(3);
      await world.fence(channel, world.many(100));
      expect(valuesOf(tap.all)).to.deep.equal(numbers(3));
    },
    'unsubscribing before the subscription is there leaves nothing behind': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const tap = world.tap(broker, channel);
      tap.unsubscribe();
      await world.fill(broker, channel, 3);
      await world.fence(channel, 3);
      expect(tap.all).to.deep.equal([]);
    },
    'each subscriber has its own subscription': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const texts = world.texts(broker, channel);
      const [a, b] = await world.primed(
        broker,
        () => [new Tap(texts), new Tap(texts)] as const,
        () => world.fill(broker, channel, 3),
      );
      const [one] = await a.first(3);
      await b.first(3);
      one!.ack();
      expect(b.all[0]!.settled).to.equal(false);
      a.unsubscribe();
      await world.put(broker, channel, '4');
      expect((await b.at(3)).value).to.equal('4');
      expect(a.all).to.have.length(3);
    },
    'what was emitted can be acked after firstValueFrom': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const delivery = await world.primed(
        broker,
        () => firstValueFrom(world.texts(broker, channel)),
        () => world.put(broker, channel, '1', '2'),
      );
      expect([delivery.value, delivery.settled]).to.deep.equal(['1', false]);
      delivery.ack();
      expect(delivery.settled).to.equal(true);
    },
    'ending a source within next, and acking after that in the same turn, is fine': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const values: string[] = [];
      const first = world.texts(broker, channel).pipe(
        peek(({ value }) => values.push(value)),
        autoAck(),
        take(1),
      );
      const tap = await world.primed(
        broker,
        () => new Tap(first),
        () => world.put(broker, channel, '1', '2'),
      );
      await tap.complete();
      expect(values).to.deep.equal(['1']);
    },
  };
  if (can.replay) {
    specs['a subscription without a durable leaves no position'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 3);
      for (let round = 0; round < 3; round++) {
        const tap = world.ackingTap(broker, channel);
        expect(valuesOf(await tap.first(3))).to.deep.equal(numbers(3));
        tap.unsubscribe();
      }
    };
  } else {
    specs['one after the other, each gets what comes in its time'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      for (let round = 0; round < 3; round++) {
        const tap = world.ackingTap(broker, channel);
        await world.subscribed(broker);
        await world.put(broker, channel, `within ${round}`);
        expect(valuesOf(await tap.first(1))).to.deep.equal([`within ${round}`]);
        tap.unsubscribe();
        await world.subscribed(broker);
        await world.put(broker, channel, `after ${round}`);
      }
    };
  }
  if (can.durable !== false) {
    specs['acks of the same turn leave before the end of the subscription'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 10);
      const options = { durable: 'd', ackWait: 30_000 };
      const tap = world.tap(broker, channel, options, (_, own) => {
        if (own.all.length < 8) return;
        own.unsubscribe();
        for (const delivery of own.all) delivery.ack();
      });
      await tap.first(8);
      const rest = await world.tap(broker, channel, options).first(2);
      expect(valuesOf(rest)).to.deep.equal(['9', '10']);
    };
    specs['acks long after the end of the subscription still count'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 3);
      const options = { durable: 'd', ackWait: 30_000 };
      const first = world.tap(broker, channel, options);
      const deliveries = await first.first(3);
      first.unsubscribe();
      await world.fence(channel, 3);
      deliveries[0]!.ack();
      deliveries[1]!.ack();
      await world.fence(channel, 3);
      expect((await world.tap(broker, channel, options).at(0)).value).to.equal('3');
    };
  }
  together(specs);
}
