import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { PublishUncertainError, StreamNotFoundError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import type { RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import { Tap } from '../contract/tap.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Flow, readBack, untilRecovered, valuesOf } from './faults-kit.js';
import { Handles, newStream, Told, valuesUpTo } from './support.js';

describe('rabbitmq-stream: streams that are deleted', () => {
  let server: RabbitMqServer;
  const handles = new Handles();
  let broker: RabbitMqStreamBroker;
  /** Does what the world does to the streams. */
  let other: RabbitMqStreamBroker;
  let stream: string;

  before(async () => {
    server = await startRabbitMq();
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server);
    other = handles.make(server);
    stream = await newStream(other);
  });
  afterEach(() => handles.close());

  const named = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`);
  const fill = async (into: string, values: readonly string[]): Promise<void> => {
    await Promise.all(values.map((value) => other.publish(into, value, { codec: text })));
  };
  const failureOf = async (tap: Tap<unknown>): Promise<unknown> => {
    try {
      return await tap.failed();
    } catch (error) {
      return error;
    }
  };

  for (const durable of [undefined, 'durable']) {
    it(`while it is consumed${durable ? ' by a durable' : ''}: the source errors, and the handle goes on with others`, async () => {
      const stays = await newStream(other);
      await fill(stream, named('old', 50));
      const told = new Told(broker);
      const options = { start: earliest(), codec: text, durable };
      const tap = new Tap(broker.messages(stream, options), (delivery) => {
        delivery.ack();
      });
      const second = new Tap(broker.messages(stays, { start: earliest(), codec: text }));
      await tap.first(50);
      await other.deleteStream(stream);
      const error = await failureOf(tap);
      expect(error).to.be.instanceOf(StreamNotFoundError);
      expect((error as Error).message).to.include(stream);
      expect(tap.all).to.have.length(50);
      await untilRecovered(told);
      await fill(stays, ['there']);
      expect((await second.at(0)).value).to.equal('there');
      expect(second.ended).to.equal(false);
      expect(told.states.at(-1)).to.equal('connected');
    });
  }

  it('a super stream while it is consumed: the source errors once', async () => {
    const channel = unique('super');
    await other.createSuperStream(channel, { partitions: 3 });
    const told = new Told(broker);
    const tap = new Tap(broker.messages(channel, { superStream: true, start: earliest(), codec: text }));
    for (const partition of [0, 1, 2]) await fill(`${channel}-${partition}`, ['a']);
    await tap.first(3);
    await other.deleteSuperStream(channel);
    expect(await failureOf(tap)).to.be.instanceOf(StreamNotFoundError);
    await untilRecovered(told);
  });

  for (const producer of [undefined, 'p']) {
    it(`while it is published to ${producer ? 'with' : 'without'} a name: all get their receipt, and others go on`, async () => {
      const stays = await newStream(other);
      const gone = new Flow(broker, stream, producer === undefined ? {} : { producer });
      const goes = new Flow(broker, stays, producer === undefined ? {} : { producer });
      await until(() => gone.confirmed.size > 1_000 && goes.confirmed.size > 1_000);
      await other.deleteStream(stream);
      await until(() => gone.failed.some(({ error }) => error instanceof StreamNotFoundError));
      const { offered } = goes;
      await until(() => goes.confirmed.has(`value ${offered}`));
      await Promise.all([gone.stop(), goes.stop()]);
      expect(gone.confirmed.size + gone.failed.length).to.equal(gone.offered);
      for (const { error } of gone.failed) {
        expect(error instanceof StreamNotFoundError || error instanceof PublishUncertainError, error.code).to.equal(
          true,
        );
      }
      expect(goes.failed).to.deep.equal([]);
      expect(valuesOf(await readBack(other, stays))).to.deep.equal(valuesUpTo(goes.offered));
    });
  }

  for (const durable of [undefined, 'durable']) {
    for (const [what, count] of [
      ['shorter', 40],
      ['longer', 300],
      ['of the same length', 100],
      ['empty at first', 0],
    ] as const) {
      it(`and made again at once, ${what}${durable ? ', with a durable' : ''}: it is read from its first message`, async () => {
        await fill(stream, named('old', 100));
        const told = new Told(broker);
        const open: { ack(): void }[] = [];
        const options = { start: earliest(), codec: text, durable, storeEvery: durable ? { ms: 20 } : undefined };
        const tap = new Tap(broker.messages(stream, options), (delivery) => {
          // some stay in hand
          if (delivery.value.startsWith('old') && delivery.offset >= 90n) open.push(delivery);
          else delivery.ack();
        });
        await tap.first(100);
        if (durable) await until(async () => (await other.queryOffset(durable, stream)) === 89n);
        await other.deleteStream(stream);
        await other.createStream(stream);
        await fill(stream, named('new', count));
        await until(() => told.has('reset'));
        // what was in hand is nobody's any more
        for (const delivery of open.splice(0)) delivery.ack();
        await fill(stream, ['and more']);
        const expected = [...named('new', count), 'and more'];
        await until(() => tap.all.length >= 100 + expected.length, {
          message: () => `${100 + expected.length} messages; ${tap.all.length} came (ended: ${String(tap.error)})`,
        });
        const came = tap.all.slice(100);
        expect(came.map(({ value }) => value)).to.deep.equal(expected);
        expect(came[0]!.offset).to.equal(0n);
        expect(told.of('reset')).to.deep.equal([{ type: 'reset', channel: stream, last: 99n }]);
        expect(told.has('gap')).to.equal(false);
        await untilRecovered(told);
        expect(told.of('reconnected')).to.have.length(1);
        const last = came.at(-1)!.offset;
        if (durable) await until(async () => (await other.queryOffset(durable, stream)) === last);
      });
    }
  }

  for (const producer of [undefined, 'p']) {
    const what = producer === undefined ? 'what is not uncertain' : 'what was not confirmed';
    it(`and made again at once while it is published to ${producer ? 'with' : 'without'} a name: ${what} goes into the new one`, async () => {
      const flow = new Flow(broker, stream, producer === undefined ? {} : { producer });
      await until(() => flow.confirmed.size > 1_000);
      const told = new Told(broker);
      await other.deleteStream(stream);
      await other.createStream(stream);
      await untilRecovered(told);
      const { offered } = flow;
      await until(() => flow.confirmed.has(`value ${offered}`));
      await flow.stop();
      for (const { error } of flow.failed) expect(error).to.be.instanceOf(PublishUncertainError);
      expect(flow.failed.length).to.be.below(producer === undefined ? 101 : 1);
      const stored = valuesOf(await readBack(other, stream));
      expect(new Set(stored).size).to.equal(stored.length);
      expect(stored.at(-1)).to.equal(`value ${flow.offered - 1}`);
    });
  }
});
