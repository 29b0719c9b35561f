import { expect } from 'chai';
import { connect } from 'nats';
import { firstValueFrom } from 'rxjs';
import { InUseError, PublishError, PublishUncertainError } from '../../lib/core/errors.js';
import { earliest, newOnly } from '../../lib/core/starts.js';
import type { NatsStreamingBroker, NatsStreamingDelivery } from '../../lib/nats-streaming/index.js';
import { startNatsServer, startNatsStreaming } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { Handles, Told } from './support.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const read = ({ value }: NatsStreamingDelivery): string => new TextDecoder().decode(value);

/** Everything that a source emits, each acked unless told otherwise. */
class Log {
  readonly values: string[] = [];
  readonly deliveries: NatsStreamingDelivery[] = [];
  error: unknown;

  constructor(broker: NatsStreamingBroker, channel: string, options: object, acks = true) {
    broker.messages(channel, options).subscribe({
      next: (delivery) => {
        this.values.push(read(delivery));
        this.deliveries.push(delivery);
        if (acks) delivery.ack();
      },
      error: (error: unknown) => {
        this.error = error;
      },
    });
  }

  async has(...values: string[]): Promise<void> {
    await until(() => values.every((value) => this.values.includes(value)), {
      timeout: 20_000,
      message: () => `${values.join(', ')}; there is ${this.values.join(', ')}`,
    });
  }
}

describe('NATS Streaming: recovery', function () {
  this.timeout(90_000);
  const handles = new Handles();
  const liveness = { pingInterval: 1_000, pingMaxOut: 1 };

  afterEach(() => handles.close());

  for (const [words, fresh] of [
    ['fewer', 3],
    ['more', 40],
  ] as const) {
    it(`sees that a server lost everything, and reads the new channel from its first message (${words} than before)`, async () => {
      const server = await startNatsStreaming({ needs: 'control' });
      const proxy = await startProxy(server);
      try {
        const channel = unique('wiped');
        const broker = handles.make(server, { ...liveness, servers: `nats://${proxy.host}:${proxy.port}` });
        const told = new Told(broker);
        const logs = [
          new Log(broker, channel, { start: earliest() }),
          new Log(broker, channel, { start: newOnly() }),
          new Log(broker, channel, { start: newOnly(), durable: 'd' }),
          new Log(broker, channel, { start: newOnly(), queue: 'q' }),
        ];
        await until(async () => {
          const state = (await server.monitor(`/streaming/channelsz?channel=${channel}`)) as { subs_count?: number };
          return state.subs_count === logs.length;
        });
        for (let i = 1; i <= 10; i++) await broker.publish(channel, text(`old ${i}`));
        for (const log of logs) await log.has('old 1', 'old 10');
        // the handle is kept away until the new server holds messages that it has not seen
        await proxy.refuse(true);
        proxy.cut();
        await server.kill();
        await server.restart();
        const other = handles.make(server);
        for (let i = 1; i <= fresh; i++) await other.publish(channel, text(`new ${i}`));
        await proxy.refuse(false);
        await until(() => told.of('reconnected').some(({ session }) => session === 'renewed'), { timeout: 20_000 });
        // all of them are subscribed again: one that resumes beyond the end of a shorter channel sees what comes next
        await until(async () => {
          const state = (await server.monitor(`/streaming/channelsz?channel=${channel}`)) as { subs_count?: number };
          return state.subs_count === logs.length;
        });
        await other.publish(channel, text('last'));
        for (const log of logs) await log.has('last');
        for (const log of logs) {
          const news = Array.from({ length: fresh }, (_, i) => `new ${i + 1}`);
          await log.has(...news);
          expect(log.values.filter((value) => value.startsWith('old')).length).to.equal(10);
          expect(new Set(log.values).size, 'nothing twice').to.equal(log.values.length);
          expect(log.error).to.equal(undefined);
        }
        expect(told.of('reset').length).to.be.at.least(1);
        expect(told.of('reset').every((event) => event.channel === channel)).to.equal(true);
      } finally {
        await handles.close();
        await proxy.stop();
        await server.stop();
      }
    });
  }

  it('loses nothing when the server gave the client up: durable, and resumed from the lowest unsettled', async () => {
    const server = await startNatsStreaming({ hb: { interval: 500, timeout: 500, failCount: 1 }, needs: 'control' });
    const proxy = await startProxy(server);
    try {
      const channel = unique('given-up');
      const broker = handles.make(server, { ...liveness, servers: `nats://${proxy.host}:${proxy.port}` });
      const told = new Told(broker);
      const durable = new Log(broker, channel, { start: earliest(), durable: 'd', ackWait: 1_000 });
      const plain = new Log(broker, channel, { start: earliest(), ackWait: 1_000 });
      const unacked = new Log(broker, channel, { start: earliest(), ackWait: 1_000 }, false);
      for (let i = 1; i <= 5; i++) await broker.publish(channel, text(`before ${i}`));
      await durable.has('before 5');
      await plain.has('before 5');
      await unacked.has('before 5');
      proxy.stall(true);
      const other = handles.make(server);
      for (let i = 1; i <= 5; i++) await other.publish(channel, text(`meanwhile ${i}`));
      await until(
        async () => {
          const clients = (await server.monitor(`/streaming/clientsz`)) as { clients: { id: string }[] };
          return clients.clients.every(({ id }) => id !== broker.clientId);
        },
        { timeout: 30_000, message: 'the server to give the client up' },
      );
      proxy.stall(false);
      await until(() => told.of('reconnected').some(({ session }) => session === 'renewed'), { timeout: 20_000 });
      await other.publish(channel, text('after'));
      const all = ['before 1', 'before 5', 'meanwhile 1', 'meanwhile 5', 'after'];
      await durable.has(...all);
      await plain.has(...all);
      await unacked.has(...all);
      for (const log of [durable, plain]) expect(new Set(log.values).size).to.equal(log.values.length);
      // what was emitted and not acked is still to be acked by its first handle, and settles its copies
      for (const delivery of unacked.deliveries) delivery.ack();
      expect(unacked.deliveries.every(({ settled }) => settled)).to.equal(true);
      expect(told.has('reset')).to.equal(false);
    } finally {
      await handles.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('ends with a typed error when another process takes the client id, and leaves the winner alone', async () => {
    const server = await startNatsStreaming({ hb: { interval: 500, timeout: 500, failCount: 1 } });
    const proxy = await startProxy(server);
    try {
      const channel = unique('stolen');
      const loser = handles.make(server, { ...liveness, servers: `nats://${proxy.host}:${proxy.port}` });
      const told = new Told(loser);
      const log = new Log(loser, channel, { start: earliest() });
      await loser.publish(channel, text('one'));
      await log.has('one');
      proxy.stall(true);
      const winner = handles.make(server, { clientId: loser.clientId });
      await winner.connect();
      const kept = new Log(winner, channel, { start: earliest() });
      proxy.stall(false);
      await until(() => log.error !== undefined, { timeout: 30_000 });
      expect(log.error).to.be.instanceOf(InUseError);
      expect(told.has('replaced')).to.equal(true);
      await loser.close();
      await winner.publish(channel, text('two'));
      await kept.has('one', 'two');
    } finally {
      await handles.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('waits for a streaming server that is away behind its own NATS server, and publishes what waited', async () => {
    const nats = await startNatsServer();
    const server = await startNatsStreaming({ store: 'file', externalNats: nats, needs: 'control' });
    try {
      const channel = unique('away');
      const broker = handles.make(server, liveness);
      const told = new Told(broker);
      const log = new Log(broker, channel, { start: earliest(), ackWait: 1_000 });
      await broker.publish(channel, text('before'));
      await log.has('before');
      await server.kill();
      await until(() => told.states.at(-1) === 'reconnecting', { timeout: 20_000 });
      const waiting = broker.publish(channel, text('waited'));
      await server.restart();
      const receipt = await waiting;
      expect(receipt.confirmed).to.equal(true);
      await log.has('before', 'waited');
      expect(log.values.filter((value) => value === 'waited').length).to.equal(1);
      expect(log.error).to.equal(undefined);
    } finally {
      await handles.close();
      await server.stop();
      await nats.stop();
    }
  });

  it('says again the acks that were made while the connection was down', async () => {
    const server = await startNatsStreaming();
    const proxy = await startProxy(server);
    try {
      const channel = unique('late-acks');
      const broker = handles.make(server, { servers: `nats://${proxy.host}:${proxy.port}` });
      const told = new Told(broker);
      const log = new Log(broker, channel, { start: earliest(), ackWait: 60_000 }, false);
      for (let i = 1; i <= 20; i++) await broker.publish(channel, text(`value ${i}`));
      await log.has('value 20');
      await proxy.refuse(true);
      proxy.cut();
      await until(() => told.states.at(-1) === 'reconnecting');
      for (const delivery of log.deliveries) delivery.ack();
      await proxy.refuse(false);
      await until(async () => {
        const { subscriptions } = (await server.monitor(`/streaming/channelsz?channel=${channel}&subs=1`)) as {
          subscriptions: { pending_count: number }[];
        };
        return subscriptions[0]?.pending_count === 0;
      });
      expect(log.values.length).to.equal(20);
    } finally {
      await handles.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('tells of a malformed message and goes on', async () => {
    const server = await startNatsStreaming();
    const nats = await connect({ servers: server.url });
    try {
      const channel = unique('malformed');
      const broker = handles.make(server);
      const told = new Told(broker);
      const log = new Log(broker, channel, { start: earliest() });
      await broker.publish(channel, text('one'));
      await log.has('one');
      const { subscriptions } = (await server.monitor(`/streaming/channelsz?channel=${channel}&subs=1`)) as {
        subscriptions: { inbox: string }[];
      };
      const [{ inbox } = { inbox: '' }] = subscriptions;
      for (const garbage of [[0xff], [0x08], [0x22, 0x7f, 0x01], [0x00]]) nats.publish(inbox, new Uint8Array(garbage));
      await nats.flush();
      await until(() => told.of('protocol').length === 4);
      await broker.publish(channel, text('two'));
      await log.has('two');
    } finally {
      await nats.close();
      await handles.close();
      await server.stop();
    }
  });

  it('tells the outcome of publishes that a dropped connection left open, or sends them again where asked to', async () => {
    const server = await startNatsStreaming();
    const proxy = await startProxy(server);
    try {
      const channel = unique('outcome');
      const broker = handles.make(server, { servers: `nats://${proxy.host}:${proxy.port}` });
      const told = new Told(broker);
      await broker.connect();
      const log = new Log(handles.make(server), channel, { start: earliest() });
      const careful = broker.sink(channel);
      const again = broker.sink(channel, { resend: true });
      // the server gets them and stores them; its confirmations do not come through
      proxy.stallToClient(true);
      const uncertain = careful.send(text('careful'));
      const resent = again.send(text('again'));
      await log.has('careful', 'again');
      await proxy.refuse(true);
      proxy.cut();
      const receipt = await uncertain;
      expect(receipt.ok).to.equal(false);
      expect(receipt.error).to.be.instanceOf(PublishUncertainError);
      await until(() => told.states.at(-1) === 'reconnecting');
      // written never: it is sent when the connection is back, once
      const waiting = careful.send(text('waited'));
      proxy.stallToClient(false);
      await proxy.refuse(false);
      expect((await resent).ok).to.equal(true);
      expect((await waiting).ok).to.equal(true);
      await log.has('waited');
      await until(() => log.values.filter((value) => value === 'again').length === 2);
      expect(log.values.filter((value) => value === 'careful').length).to.equal(1);
      expect(log.values.filter((value) => value === 'waited').length).to.equal(1);
    } finally {
      await handles.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('tells the outcome too when the connection drops only after a silence', async () => {
    const server = await startNatsStreaming();
    const proxy = await startProxy(server);
    try {
      const channel = unique('silence');
      const options = { ...liveness, servers: `nats://${proxy.host}:${proxy.port}`, ackTimeout: 600_000 };
      const broker = handles.make(server, options);
      const told = new Told(broker);
      await broker.connect();
      proxy.stallToClient(true);
      const publishing = broker.publish(channel, text('one')).catch((reason: unknown) => reason);
      await until(() => told.states.at(-1) === 'reconnecting', { timeout: 20_000 });
      proxy.cut();
      proxy.stallToClient(false);
      expect(await publishing).to.be.instanceOf(PublishUncertainError);
      await until(() => told.states.at(-1) === 'connected');
    } finally {
      await handles.close();
      await proxy.stop();
      await server.stop();
    }
  });

  it('says what the server refused, and that it is certainly not stored', async () => {
    const server = await startNatsStreaming({ limits: { channels: 2 } });
    try {
      const broker = handles.make(server);
      const names = [unique('first'), unique('second'), unique('third')] as const;
      await broker.publish(names[0], text('one'));
      await broker.publish(names[1], text('one'));
      const error: unknown = await broker.publish(names[2], text('one')).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(PublishError);
      expect((error as PublishError).detail).to.deep.equal({ error: 'too many channels' });
      const delivery = await firstValueFrom(broker.messages(names[0], { start: earliest() }));
      delivery.ack();
    } finally {
      await handles.close();
      await server.stop();
    }
  });

  it('closes while the server is down, and twice', async () => {
    const server = await startNatsStreaming({ needs: 'control' });
    try {
      const broker = handles.make(server, { closeTimeout: 500 });
      const told = new Told(broker);
      const log = new Log(broker, unique('down'), { start: earliest() });
      await broker.connect();
      await server.kill();
      await until(() => told.states.at(-1) === 'reconnecting');
      await Promise.all([broker.close(), broker.close()]);
      await broker.close();
      expect(told.states.at(-1)).to.equal('closed');
      expect(log.error).to.equal(undefined);
    } finally {
      await server.stop();
    }
  });
});
