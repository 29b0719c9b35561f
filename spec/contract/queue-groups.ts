import { expect } from 'chai';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { until } from '../support/wait.js';
import type { Tap } from './tap.js';
import { together } from './together.js';
import { numbers, valuesOf, type World } from './world.js';

/** Subscriptions that share the work. */
export function describeQueueGroups(world: World): void {
  const { can } = world;
  if (can.queue === false) {
    it('refuses queue, which it does not have, at the call', () => {
      expect(() => world.broker().messages(world.channel(), { queue: 'q' })).to.throw(InvalidOptionError, /queue/);
    });
    return;
  }
  const queue = 'workers';
  const all = (...taps: { readonly all: readonly { readonly value: string }[] }[]): string[] =>
    taps.flatMap((tap) => tap.all.map(({ value }) => value));
  /** Without the probes, by number. */
  const inOrder = (values: readonly string[]): string[] =>
    values.filter((value) => !value.startsWith('probe')).sort((a, b) => Number(a) - Number(b));

  const specs: Record<string, () => Promise<void>> = {
    'each message goes to one member': async () => {
      const channel = world.channel();
      const brokers = [world.broker(), world.broker()];
      const outsider = world.ackingTap(world.broker(), channel);
      const members = brokers.map((broker) => world.ackingTap(broker, channel, { queue, start: null, maxInFlight: 5 }));
      // a member that stands by gets nothing
      if (can.queue === 'single')
        await world.untilLive(brokers[0]!, channel, {
          get all() {
            return all(...members);
          },
        });
      else for (const [index, broker] of brokers.entries()) await untilMember(broker, channel, members[index]!);
      const before = all(...members).length;
      await world.fill(brokers[0]!, channel, 200);
      await until(() => all(...members).length >= before + 200);
      await until(() => outsider.all.length >= before + 200);
      expect(inOrder(all(...members))).to.deep.equal(numbers(200));
      if (can.queue === 'shared') {
        expect(members.map((tap) => tap.all.length > 20)).to.deep.equal([true, true]);
      }
    },
    'what a member leaves unsettled goes to another': async () => {
      const channel = world.channel();
      const [one, other] = [world.broker(), world.broker()];
      await world.fill(one, channel, 4);
      const first = world.tap(one, channel, { queue, ackWait: 30_000 });
      await first.first(4);
      const second = world.ackingTap(other, channel, { queue, ackWait: 30_000 });
      if (can.queue === 'shared') await untilMember(other, channel, second);
      await one.close();
      await until(() => numbers(4).every((value) => valuesOf(second.all).includes(value)));
    },
    'two groups are apart': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 10);
      const taps = ['a', 'b'].map((name) => world.ackingTap(broker, channel, { queue: name }));
      const both = await Promise.all(taps.map((tap) => tap.first(10)));
      expect(both.map(valuesOf)).to.deep.equal([numbers(10), numbers(10)]);
    },
    'two members in one handle share too': async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 20);
      const members = [0, 1].map(() => world.ackingTap(broker, channel, { queue, maxInFlight: 1 }));
      await until(() => all(...members).length >= 20);
      expect(inOrder(all(...members))).to.deep.equal(numbers(20));
    },
    'members in one handle come and go, and nothing that was acked comes again': async () => {
      const broker = world.broker();
      const channel = world.channel();
      const members = [world.ackingTap(broker, channel, { queue, maxInFlight: 1 })];
      // two of them, so that one is there whoever leaves
      for (let next = 1; next <= 60; next++) {
        if (next % 20 === 1) members.push(world.ackingTap(broker, channel, { queue, maxInFlight: 1 }));
        if (next % 20 === 11) members[members.length - 2]!.unsubscribe();
        await world.put(broker, channel, String(next));
      }
      await until(() => all(...members).length >= 60);
      expect(inOrder(all(...members))).to.deep.equal(numbers(60));
    },
  };
  if (!can.durableQueue) {
    it('refuses queue with durable, which it does not have, at the call', () => {
      expect(() => world.broker().messages(world.channel(), { queue, durable: 'd' })).to.throw(InvalidOptionError);
    });
  } else {
    specs['a durable group goes on after what was settled when all its members had left'] = async () => {
      const channel = world.channel();
      const [one, other] = [world.broker(), world.broker()];
      await world.fill(one, channel, 6);
      const options = { queue, durable: 'd', ackWait: 30_000 };
      const first = world.tap(one, channel, options);
      const deliveries = await first.first(6);
      for (const at of [0, 1, 2, 4]) deliveries[at]!.ack();
      await one.close();
      await world.put(other, channel, '7');
      const second = world.tap(other, channel, options);
      expect(inOrder(all({ all: await second.first(3) }))).to.deep.equal(['4', '6', '7']);
    };
    specs['forget drops the position of a durable group'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 3);
      const options = { queue, durable: 'd' };
      const first = world.ackingTap(broker, channel, options);
      await first.first(3);
      first.unsubscribe();
      await broker.forget(channel, options);
      expect(valuesOf(await world.ackingTap(broker, channel, options).first(3))).to.deep.equal(numbers(3));
    };
    specs['a group without a durable begins anew when its last member has left'] = async () => {
      const broker = world.broker();
      const channel = world.channel();
      await world.fill(broker, channel, 3);
      const first = world.ackingTap(broker, channel, { queue });
      await first.first(3);
      await broker.close();
      const other = world.broker();
      expect(valuesOf(await world.ackingTap(other, channel, { queue }).first(3))).to.deep.equal(numbers(3));
    };
  }
  together(specs);

  /** Publishes until that member has got something; the others of the group may get it before. */
  async function untilMember(
    broker: ReturnType<World['broker']>,
    channel: string,
    member: Tap<{ readonly value: string }>,
  ): Promise<void> {
    let probes = 0;
    await until(
      async () => {
        await world.put(broker, channel, `probe ${++probes}`);
        return member.all.length > 0;
      },
      { every: 5 },
    );
  }
}
