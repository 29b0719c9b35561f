import { propagation } from '@opentelemetry/api';
import { expect } from 'chai';
import { lastValueFrom, of, take } from 'rxjs';
import { ackConcatMap, bridgeTo, earliest, text, type Delivery } from '../../lib/index.js';
import { liftbridge } from '../../lib/liftbridge/index.js';
import { natsStreaming } from '../../lib/nats-streaming/index.js';
import { contextOf, instrument, traced, withSpan } from '../../lib/opentelemetry/index.js';
import { amqp, rabbitmqStream } from '../../lib/rabbitmq-stream/index.js';
import {
  startLiftbridge,
  startNatsStreaming,
  startRabbitMq,
  type LiftbridgeServer,
  type NatsStreamingServer,
  type RabbitMqServer,
} from '../support/brokers/index.js';
import { channelName, clientName } from '../support/names.js';
import { TelemetryKit } from './telemetry-kit.js';

describe('opentelemetry: traces across brokers', () => {
  let rabbit: RabbitMqServer;
  let lift: LiftbridgeServer;
  let stan: NatsStreamingServer;
  let kit: TelemetryKit;

  before(async () => {
    [rabbit, lift, stan] = await Promise.all([startRabbitMq(), startLiftbridge(), startNatsStreaming()]);
  });

  after(() => Promise.all([rabbit, lift, stan].map((server) => server.stop())));

  beforeEach(() => {
    kit = new TelemetryKit();
  });

  afterEach(() => kit.stop());

  /** What the publisher's span and the consumer's have to do with each other. */
  const expectTrace = async (channel: string, count: number, mode: 'link' | 'parent'): Promise<void> => {
    const published = await kit.ended(`publish ${channel}`, count);
    const processed = await kit.ended(`process ${channel}`, count);
    const worked = await kit.ended('work', count);
    for (const [index, span] of processed.entries()) {
      const { spanId, traceId } = published[index]!.spanContext();
      if (mode === 'link') expect(span.links.map((link) => link.context.spanId)).to.deep.equal([spanId]);
      else expect([span.parentSpanContext?.spanId, span.spanContext().traceId]).to.deep.equal([spanId, traceId]);
      expect(span.attributes['rx_weir.outcome']).to.equal('ack');
      expect(worked[index]!.parentSpanContext?.spanId).to.equal(span.spanContext().spanId);
    }
  };

  const work = withSpan('work', (delivery: Delivery<unknown>) =>
    Promise.resolve(propagation.getBaggage(contextOf(delivery))?.getEntry('tenant')?.value),
  );

  it('RabbitMQ: in the application properties', async () => {
    const broker = instrument(rabbitmqStream({ url: rabbit.url }), { parent: 'parent' });
    const stream = channelName();
    await broker.createStream(stream);
    await broker.publish(stream, 'a', { codec: text, headers: { attempt: 1 } });
    await lastValueFrom(of('b').pipe(broker.publishTo(stream, { codec: text })));
    const sink = broker.sink(stream, {
      codec: amqp(text),
      message: (body: string) => ({ value: { body, applicationProperties: { attempt: 2 } } }),
    });
    expect((await sink.send('c')).value).to.equal('c');
    sink.complete();
    await broker.publish(stream, { body: 'd' }, { codec: amqp(text) });
    const messages = broker.messages(stream, { start: earliest(), codec: text });
    const seen: unknown[] = [];
    const looked = ackConcatMap((delivery: Delivery<string>) => {
      seen.push([delivery.value, delivery.headers.get('attempt'), typeof delivery.headers.get('traceparent')]);
      return work(delivery, 0);
    });
    await lastValueFrom(messages.pipe(looked, take(4)));
    expect(seen).to.deep.equal([
      ['a', 1, 'string'],
      ['b', undefined, 'string'],
      ['c', 2, 'string'],
      ['d', undefined, 'string'],
    ]);
    await expectTrace(stream, 4, 'parent');
    expect(kit.spans(`publish ${stream}`)[0]!.attributes['messaging.system']).to.equal('rabbitmq');
    await broker.deleteStream(stream);
    await broker.close();
  });

  it('Liftbridge: in the headers, which are bytes', async () => {
    const broker = instrument(liftbridge({ brokers: lift.url }));
    const stream = channelName();
    await broker.createStream({ name: stream, subject: stream });
    await broker.publish(stream, 'a', { codec: text, headers: { tenant: 'x' } });
    await lastValueFrom(broker.publishFrom(stream, ['b', 'c'], { codec: text }));
    const messages = broker.messages(stream, { start: earliest(), codec: text });
    await lastValueFrom(messages.pipe(ackConcatMap(work), take(3)));
    await expectTrace(stream, 3, 'link');
    expect(kit.spans(`process ${stream}`)[0]!.attributes).to.include({
      'messaging.system': 'liftbridge',
      'messaging.destination.partition.id': '0',
    });
    await broker.deleteStream(stream);
    await broker.close();
  });

  it('NATS Streaming: in an envelope, and from there over a bridge to RabbitMQ', async () => {
    const broker = instrument(natsStreaming({ servers: stan.url, clusterId: stan.cluster, clientId: clientName() }));
    const target = instrument(rabbitmqStream({ url: rabbit.url }), { parent: 'parent' });
    const channel = channelName();
    await target.createStream(channel);
    const codec = traced(text);
    for (const value of ['a', 'b']) await broker.publish(channel, value, { codec });
    const bridge = broker
      .messages(channel, { start: earliest(), codec })
      .pipe(bridgeTo(target, channel, { codec: text }), take(2));
    await lastValueFrom(bridge);
    const processed = await kit.ended(`process ${channel}`, 2);
    // both brokers have a channel of that name
    const published = await kit.ended(`publish ${channel}`, 4);
    expect(processed.map((span) => span.links[0]!.context.spanId)).to.deep.equal(
      published.slice(0, 2).map((span) => span.spanContext().spanId),
    );
    expect(published.slice(2).map((span) => span.parentSpanContext?.spanId)).to.deep.equal(
      processed.map((span) => span.spanContext().spanId),
    );
    await target.deleteStream(channel);
    await target.close();
    await broker.close();
  });
});
