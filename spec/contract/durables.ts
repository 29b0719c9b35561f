import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { InUseError, InvalidOptionError } from '../../lib/core/errors.js';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { fromOffset } from '../../lib/core/starts.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** Stored positions. */
export function describeDurables(world: World): void {
  const { can } = world;
  if (can.durable === false) {
    it('refuses durable, which it does not have, at the call', () => {
      expect(() => world.broker().messages(world.channel(), { durable: 'd' })).to.throw(InvalidOptionError, /durable/);
    });
    return;
  }
  const durable = 'position';

  const specs: Record<string, () => Promise<void>> = {
    'goes on after what was settled, whatever start says': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(5));
      const first = world.tap(broker, channel, { durable }, (delivery, tap) => {
        delivery.ack();
        if (tap.all.length === 3) tap.unsubscribe();
      });
      await first.first(3);
      await world.put(broker, channel, '6');
      for (const start of [null, fromOffset(can.firstOffset!)]) {
        const tap = world.tap(broker, channel, { durable, start });
        expect(valuesOf(await tap.first(3))).to.deep.equal(['4', '5', '6']);
        tap.unsubscribe();
      }
    },
    'what was not settled comes again at once, when it is taken up': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(4));
      const options = { durable, ackWait: 30_000 };
      const first = world.tap(broker, channel, options);
      const deliveries = await first.first(4);
      deliveries[0]!.ack();
      deliveries[2]!.ack();
      first.unsubscribe();
      const again = await world.tap(broker, channel, options).first(2);
      expect(valuesOf(again)).to.deep.equal(['2', '4']);
      expect(again.every(({ redelivered }) => redelivered)).to.equal(true);
    },
    'take(n) with autoAck() again and again walks through the channel': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(6));
      for (const expected of [
        ['1', '2'],
        ['3', '4'],
        ['5', '6'],
      ]) {
        const values = await lastValueFrom(
          world.texts(broker, channel, { durable }).pipe(autoAck(), take(2), toArray()),
        );
        expect(values).to.deep.equal(expected);
      }
    },
    'firstValueFrom and an ack walk through the channel': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(3));
      for (const value of numbers(3)) {
        const delivery = await firstValueFrom(world.texts(broker, channel, { durable, maxInFlight: 1 }));
        expect(delivery.value).to.equal(value);
        delivery.ack();
      }
    },
    'a second subscription in the same handle is refused, and the first goes on': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1');
      const first = world.ackingTap(broker, channel, { durable });
      await first.first(1);
      const error = await world.tap(broker, channel, { durable }).failed();
      expect(error).to.be.instanceOf(InUseError);
      expect((error as Error).message)
        .to.include(durable)
        .and.include(channel);
      await world.put(broker, channel, '2');
      expect(valuesOf(await first.first(2))).to.deep.equal(['1', '2']);
      first.unsubscribe();
      const third = world.tap(broker, channel, { durable });
      await world.put(broker, channel, '3');
      expect((await third.at(0)).value).to.equal('3');
    },
    'two durables of a channel, and one name on two channels, are apart': async () => {
      const broker = world.broker();
      const [a, b] = [world.channel(), world.channel()];
      await world.put(broker, a, 'a1', 'a2');
      await world.put(broker, b, 'b1', 'b2');
      const taps = [
        world.ackingTap(broker, a, { durable: 'one' }),
        world.ackingTap(broker, a, { durable: 'two' }),
        world.ackingTap(broker, b, { durable: 'one' }),
      ];
      const all = await Promise.all(taps.map((tap) => tap.first(2)));
      expect(all.map(valuesOf)).to.deep.equal([
        ['a1', 'a2'],
        ['a1', 'a2'],
        ['b1', 'b2'],
      ]);
    },
    'a position outlives its handle': async () => {
      const client = unique('client');
      const channel = world.channel();
      const before = world.broker({ client });
      await world.put(before, channel, ...numbers(5));
      const first = world.tap(before, channel, { durable });
      const deliveries = await first.first(5);
      for (const at of [0, 1, 3]) deliveries[at]!.ack();
      await before.close();
      const after = world.broker({ client });
      const left = can.durable === 'position' ? ['3', '4', '5'] : ['3', '5'];
      expect(valuesOf(await world.tap(after, channel, { durable }).first(left.length))).to.deep.equal(left);
    },
    'forget drops the position, unsubscribing does not': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, ...numbers(3));
      const first = world.ackingTap(broker, channel, { durable });
      await first.first(3);
      first.unsubscribe();
      await broker.forget(channel, { durable });
      const again = world.ackingTap(broker, channel, { durable });
      expect(valuesOf(await again.first(3))).to.deep.equal(numbers(3));
    },
    'forget is refused while the durable is in use, and does nothing where there is none': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const tap = world.ackingTap(broker, channel, { durable });
      await tap.first(2);
      const refusal = await broker.forget(channel, { durable }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refusal).to.be.instanceOf(InUseError);
      await world.put(broker, channel, '3');
      await tap.first(3);
      await broker.forget(channel, { durable: 'unknown' });
      await broker.forget(world.channel(), { durable });
    },
    'an ack that comes when the next subscription has begun means nothing any more': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1');
      const first = world.tap(broker, channel, { durable });
      const old = await first.at(0);
      first.unsubscribe();
      const second = world.tap(broker, channel, { durable });
      const fresh = await second.at(0);
      old.ack();
      second.unsubscribe();
      const third = world.tap(broker, channel, { durable });
      expect((await third.at(0)).value).to.equal('1');
      expect(fresh.settled).to.equal(false);
    },
    'unsubscribing one that waits for its turn leaves the durable free': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const first = world.tap(broker, channel, { durable });
      await first.first(2);
      first.unsubscribe();
      world.tap(broker, channel, { durable }).unsubscribe();
      world.tap(broker, channel, { durable }).unsubscribe();
      const last = world.tap(broker, channel, { durable });
      expect(valuesOf(await last.first(2))).to.deep.equal(['1', '2']);
    },
  };
  if (can.durable === 'client') {
    specs["another client's durable of that name is another one"] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      await world.ackingTap(broker, channel, { durable }).first(2);
      const other = world.ackingTap(world.broker(), channel, { durable });
      expect(valuesOf(await other.first(2))).to.deep.equal(['1', '2']);
    };
  } else if (can.durable === 'position') {
    specs['a durable belongs to all handles'] = async () => {
      const [one, other] = [world.broker(), world.broker()];
      const channel = world.channel();
      await world.put(other, channel, '1', '2');
      const delivery = await firstValueFrom(world.texts(one, channel, { durable }));
      delivery.ack();
      await one.close();
      const second = world.ackingTap(other, channel, { durable });
      expect((await second.at(0)).value).to.equal('2');
      second.unsubscribe();
      await world.broker().forget(channel, { durable });
      expect(valuesOf(await world.ackingTap(other, channel, { durable }).first(2))).to.deep.equal(['1', '2']);
    };
  } else {
    specs['a durable belongs to all handles'] = async () => {
      const [one, other] = [world.broker(), world.broker()];
      const channel = world.channel();
      await world.put(one, channel, '1', '2');
      const first = world.tap(one, channel, { durable }, (delivery, tap) => {
        delivery.ack();
        tap.unsubscribe();
      });
      await first.first(1);
      const second = world.ackingTap(other, channel, { durable });
      expect((await second.at(0)).value).to.equal('2');
      expect(await world.tap(one, channel, { durable }).failed()).to.be.instanceOf(InUseError);
      second.unsubscribe();
      await one.forget(channel, { durable });
      expect(valuesOf(await world.ackingTap(other, channel, { durable }).first(2))).to.deep.equal(['1', '2']);
    };
  }
  if (can.redelivery !== false) {
    const { ackWait } = can.redelivery;
    specs['acks after the subscription was over for ackWait are remembered'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.put(broker, channel, '1', '2');
      const first = world.tap(broker, channel, { durable, ackWait });
      const [one] = await first.first(2);
      first.unsubscribe();
      // nothing tells that the time is over: another subscription without a durable sees its copies meanwhile
      const clock = world.tap(broker, channel, { ackWait });
      await clock.first(6);
      one!.ack();
      const second = world.tap(broker, channel, { durable, ackWait: 30_000 });
      expect((await second.at(0)).value).to.equal('2');
      await world.put(broker, channel, '3');
      expect(valuesOf(await second.first(2))).to.deep.equal(['2', '3']);
      clock.unsubscribe();
      await until(() => one!.settled);
    };
  }
  together(specs);
}
