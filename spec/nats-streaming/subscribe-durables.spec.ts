import { expect } from 'chai';
import { InUseError } from '../../lib/core/errors.js';
import { earliest, fromOffset } from '../../lib/core/starts.js';
import type { NatsStreamingDelivery } from '../../lib/nats-streaming/index.js';
import { Tap } from '../contract/tap.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { clientName, unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { failureOf, listen, put, range, subscriptionsOf, textsOf, work } from './acceptance-kit.js';
import { Handles } from './support.js';

const byNumber = (values: readonly string[]): string[] => [...values].sort((a, b) => Number(a) - Number(b));

describe('NATS Streaming: durables and queue groups', () => {
  const handles = new Handles();
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming({ limits: { channels: 0 } });
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  const quick = { closeTimeout: 50 };

  describe('a durable', () => {
    const durable = 'position';

    it('resumed with a smaller window never has more than that unsettled, though the server sends all at once', async () => {
      const channel = unique('smaller');
      const clientId = clientName();
      const before = handles.make(server, { clientId, ...quick });
      await put(before, channel, ...range(1, 20));
      const first = listen(before, channel, { durable, start: earliest(), maxInFlight: 10 });
      const deliveries = await first.first(10);
      for (const at of [0, 2]) deliveries[at]!.ack();
      await first.first(12);
      await before.close();

      const after = handles.make(server, { clientId });
      const open: NatsStreamingDelivery[] = [];
      let most = 0;
      const again = new Tap(after.messages(channel, { durable, maxInFlight: 2 }), (delivery) => {
        open.push(delivery);
        most = Math.max(most, open.filter(({ settled }) => !settled).length);
      });
      await again.first(2);
      const [subscription] = await subscriptionsOf(server, channel);
      expect(subscription).to.include({ max_inflight: 2, pending_count: 10 });
      for (let at = 0; at < 18; at++) {
        const delivery = await again.at(at);
        expect(again.all.length).to.be.at.most(at + 2);
        delivery.ack();
      }
      expect(most).to.equal(2);
      expect(textsOf(again.all)).to.deep.equal(['2', ...range(4, 20)]);
      expect(again.all.map(({ redelivered }) => redelivered)).to.deep.equal(again.all.map((_, at) => at < 10));
    });

    it('belongs to its client id: another client with that name has a position of its own', async () => {
      const channel = unique('own');
      const [one, other] = [handles.make(server), handles.make(server)];
      await put(one, channel, '1', '2');
      await work(one, channel, { durable, start: earliest() }).first(2);
      expect(textsOf(await work(other, channel, { durable, start: fromOffset(2) }).first(1))).to.deep.equal(['2']);
    });

    it('is refused while another subscription of the handle has it, and each turn ends before the next begins', async () => {
      const channel = unique('turns');
      const broker = handles.make(server);
      await put(broker, channel, ...range(1, 3));
      const first = listen(broker, channel, { durable, start: earliest() });
      await first.first(3);
      expect(await failureOf(() => broker.messages(channel, { durable }))).to.be.instanceOf(InUseError);
      expect(await failureOf(() => broker.forget(channel, { durable }))).to.be.instanceOf(InUseError);
      for (let turn = 0; turn < 20; turn++) {
        const tap = listen(broker, channel, { durable });
        tap.unsubscribe();
        first.unsubscribe();
      }
      const last = work(broker, channel, { durable });
      expect(textsOf(await last.first(3))).to.deep.equal(range(1, 3));
      expect(last.error).to.equal(undefined);
      expect(await subscriptionsOf(server, channel)).to.have.lengthOf(1);
    });

    it('of a process that died is had at once by the next with that client id', async () => {
      const channel = unique('died');
      const clientId = clientName();
      const proxy = await startProxy(server);
      const dead = handles.make(server, { clientId, servers: proxy.url, ...quick });
      await put(dead, channel, ...range(1, 4));
      const first = listen(dead, channel, { durable, start: earliest() });
      for (const delivery of (await first.first(4)).slice(0, 2)) delivery.ack();
      await until(async () => (await subscriptionsOf(server, channel))[0]?.pending_count === 2);
      // the server is not told anything, as when a process is killed
      await proxy.refuse(true);
      proxy.cut();
      const next = handles.make(server, { clientId });
      expect(textsOf(await work(next, channel, { durable }).first(2))).to.deep.equal(['3', '4']);
      await dead.close();
      await put(next, channel, '5');
      await proxy.stop();
    });

    it('is gone after forget, at the server too, and begins where start says', async () => {
      const channel = unique('forgotten');
      const broker = handles.make(server);
      await put(broker, channel, ...range(1, 5));
      const first = work(broker, channel, { durable, start: earliest() });
      await first.first(5);
      first.unsubscribe();
      await until(async () => (await subscriptionsOf(server, channel))[0]?.is_offline);
      await broker.forget(channel, { durable });
      expect(await subscriptionsOf(server, channel)).to.deep.equal([]);
      expect(textsOf(await work(broker, channel, { durable, start: fromOffset(4) }).first(2))).to.deep.equal([
        '4',
        '5',
      ]);
    });

    it('is forgotten while its last subscription still waits for acks, and those mean nothing any more', async () => {
      const channel = unique('lingering');
      const broker = handles.make(server);
      await put(broker, channel, ...range(1, 3));
      const first = listen(broker, channel, { durable, start: earliest() });
      const deliveries = await first.first(3);
      first.unsubscribe();
      await broker.forget(channel, { durable });
      for (const delivery of deliveries) delivery.ack();
      const again = work(broker, channel, { durable, start: earliest() });
      const got = await again.first(3);
      expect(textsOf(got)).to.deep.equal(range(1, 3));
      expect(got.some(({ redelivered }) => redelivered)).to.equal(false);
    });
  });

  describe('a queue group', () => {
    const queue = 'workers';

    it('spreads over clients, and hands over what a member leaves, without waiting for ackWait', async () => {
      const channel = unique('spread');
      const brokers = [handles.make(server, quick), handles.make(server, quick), handles.make(server, quick)];
      const members = brokers.map((broker) => listen(broker, channel, { queue, maxInFlight: 10, ackWait: 60_000 }));
      await until(async () => (await subscriptionsOf(server, channel)).length === 3);
      await put(brokers[0]!, channel, ...range(1, 30));
      await Promise.all(members.map((member) => member.first(10)));
      const all = members.flatMap(({ all: each }) => textsOf(each));
      expect(byNumber(all)).to.deep.equal(range(1, 30));
      // two go, one of them with its handle; what they had comes to the third as its window allows
      const left = [...members[1]!.all, ...members[2]!.all];
      await brokers[1]!.close();
      members[2]!.unsubscribe();
      for (const delivery of members[2]!.all) delivery.release();
      const third = members[0]!;
      for (const delivery of third.all.slice(0, 10)) delivery.ack();
      for (let at = 10; at < 30; at++) (await third.at(at)).ack();
      expect(byNumber(textsOf(third.all.slice(10)))).to.deep.equal(byNumber(textsOf(left)));
      expect(third.all.slice(10).every(({ redelivered }) => redelivered)).to.equal(true);
    });

    it('with a durable goes on with any client, also when all members had left', async () => {
      const channel = unique('durable-group');
      const durable = 'position';
      const one = handles.make(server, quick);
      await put(one, channel, ...range(1, 6));
      const first = listen(one, channel, { queue, durable, start: earliest(), ackWait: 60_000 });
      for (const delivery of (await first.first(6)).slice(0, 4)) delivery.ack();
      await one.close();
      const [subscription] = await subscriptionsOf(server, channel);
      expect(subscription).to.include({ queue_name: `${durable}:${queue}`, is_offline: true });
      const other = handles.make(server);
      await put(other, channel, '7');
      const members = [
        work(other, channel, { queue, durable }),
        work(handles.make(server), channel, { queue, durable }),
      ];
      const got = (): string[] => members.flatMap(({ all }) => textsOf(all));
      await until(() => new Set(got()).size === 3, { message: () => `5, 6 and 7; there is ${got().join()}` });
      expect(byNumber([...new Set(got())])).to.deep.equal(['5', '6', '7']);
    });

    it('with a durable and one without are apart, though their names are the same', async () => {
      const channel = unique('apart');
      const broker = handles.make(server);
      await put(broker, channel, ...range(1, 5));
      const taps = [
        work(broker, channel, { queue, start: earliest() }),
        work(broker, channel, { queue, durable: 'd', start: earliest() }),
        work(broker, channel, { durable: 'd', start: earliest() }),
        work(broker, channel, { start: earliest() }),
      ];
      for (const tap of taps) expect(textsOf(await tap.first(5))).to.deep.equal(range(1, 5));
      expect(taps.map(({ all }) => all.length)).to.deep.equal([5, 5, 5, 5]);
    });

    it('with a durable is forgotten by its last member, and kept while there are others', async () => {
      const channel = unique('forgotten-group');
      const durable = 'position';
      const [broker, other] = [handles.make(server), handles.make(server)];
      await put(broker, channel, ...range(1, 3));
      const member = work(other, channel, { queue, durable, start: earliest() });
      await member.first(3);
      await broker.forget(channel, { queue, durable });
      await put(broker, channel, '4');
      expect(textsOf(await member.first(4))).to.deep.equal(range(1, 4));
      member.unsubscribe();
      await until(async () => (await subscriptionsOf(server, channel))[0]?.is_offline);
      await broker.forget(channel, { queue, durable });
      expect(await subscriptionsOf(server, channel)).to.deep.equal([]);
      expect(textsOf(await work(other, channel, { queue, durable, start: earliest() }).first(4))).to.deep.equal(
        range(1, 4),
      );
    });
  });
});
