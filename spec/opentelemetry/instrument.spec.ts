import { inspect } from 'node:util';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, of, Subject, take, toArray } from 'rxjs';
import {
  ackConcatMap,
  autoAck,
  bridgeTo,
  earliest,
  InvalidOptionError,
  json,
  mapValue,
  PublishError,
  text,
  untilNow,
  type Delivery,
} from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { contextOf, instrument } from '../../lib/opentelemetry/index.js';
import { until } from '../support/wait.js';
import { TelemetryKit } from './telemetry-kit.js';

const from = { start: earliest(), codec: text } as const;
const all = { ...from, until: untilNow() } as const;

describe('opentelemetry: instrument()', () => {
  let kit: TelemetryKit;
  let raw: MemoryBroker;
  let broker: MemoryBroker;

  beforeEach(() => {
    kit = new TelemetryKit();
    raw = memory({ closeTimeout: 100 });
    broker = instrument(raw);
  });

  afterEach(async () => {
    await broker.close();
    await kit.stop();
  });

  const linked = (span: ReadableSpan): string[] => span.links.map((link) => link.context.spanId);

  describe('a handle', () => {
    it('is what the given one is', async () => {
      expect(inspect(broker)).to.equal(inspect(raw));
      expect(JSON.stringify(broker)).to.equal(JSON.stringify(raw));
      expect(broker).to.be.instanceOf(Object.getPrototypeOf(raw).constructor as never);
      expect(broker.faults).to.equal(raw.faults);
      expect(broker.status).to.equal(raw.status);
      await broker.connect();
      expect(await firstValueFrom(raw.status)).to.deep.equal({ state: 'connected' });
      await broker.handle().close();
    });

    it('runs what only its broker has on the given handle, private members and later fields included', () => {
      class Odd {
        #secret = 1;
        note = 'a';
        get secret(): number {
          return this.#secret;
        }
        raise(): number {
          return ++this.#secret;
        }
        messages = (): void => undefined;
        values = (): void => undefined;
        hot = (): void => undefined;
        publish = (): void => undefined;
        sink = (): void => undefined;
        publishTo = (): void => undefined;
        publishFrom = (): void => undefined;
        close = (): Promise<void> => Promise.resolve();
      }
      const odd = new Odd();
      const same = instrument(odd);
      const { raise } = same;
      expect(raise()).to.equal(2);
      odd.note = 'b';
      expect([same.note, same.secret]).to.deep.equal(['b', 2]);
      same.note = 'c';
      expect(odd.note).to.equal('c');
    });

    it('refuses options that it does not know, and what is no handle', () => {
      expect(() => instrument(raw, { parents: 'link' } as never)).to.throw(InvalidOptionError, "'parent'");
      expect(() => instrument(raw, { parent: 'child' as never })).to.throw(InvalidOptionError, "'link', 'parent'");
      expect(() => instrument({} as never)).to.throw(InvalidOptionError, "broker's handle");
      expect(() => broker.messages('a', { what: 1 } as never)).to.throw(InvalidOptionError, "messages('a')");
      expect(() => broker.values('a', { what: 1 } as never)).to.throw(InvalidOptionError, "values('a')");
      expect(() => broker.publishTo('a', { what: 1 } as never)).to.throw(InvalidOptionError, "publishTo('a')");
      expect(() => broker.publishFrom('a', 7 as never)).to.throw(InvalidOptionError, "publishFrom('a')");
      expect(() => broker.sink('a', { what: 1 } as never)).to.throw(InvalidOptionError, "sink('a')");
    });
  });

  describe('publish()', () => {
    it('has a span from the acceptance to the receipt, as a child of the active one', async () => {
      const outer = kit.tracers.getTracer('spec').startSpan('outer');
      await context.with(trace.setSpan(context.active(), outer), () => broker.publish('orders', 'a', { codec: text }));
      outer.end();
      const span = await kit.one('publish orders');
      expect(span.kind).to.equal(SpanKind.PRODUCER);
      expect(span.parentSpanContext?.spanId).to.equal(outer.spanContext().spanId);
      expect(span.status.code).to.equal(SpanStatusCode.UNSET);
      expect(span.attributes).to.include({
        'messaging.system': 'memory',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'orders',
        'rx_weir.message.offset': '1',
      });
      expect(span.attributes['messaging.message.id']).to.be.a('string');
    });

    it('sends the context in the headers, beside those that were given', async () => {
      await broker.publish('orders', 'a', { codec: text, headers: { tenant: 'x', traceparent: 'old' } });
      await broker.publish('orders', 'b', { codec: text, headers: new Map([['tenant', 'y']]) });
      const [first, second] = await lastValueFrom(raw.messages('orders', all).pipe(take(2), toArray()));
      const [one, two] = await kit.ended('publish orders', 2);
      expect(first!.headers.get('traceparent')).to.include(one!.spanContext().spanId);
      expect(first!.headers.get('tenant')).to.equal('x');
      expect(second!.headers.get('traceparent')).to.include(two!.spanContext().spanId);
      expect(second!.headers.get('tenant')).to.equal('y');
    });

    it('marks a refused one with the code of its error', async () => {
      raw.faults.refuse();
      const error = await broker.publish('orders', 'a', { codec: text }).catch((failed: unknown) => failed);
      expect(error).to.be.instanceOf(PublishError);
      const span = await kit.one('publish orders');
      expect(span.status).to.deep.equal({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      expect(span.attributes['error.type']).to.equal('PUBLISH');
    });

    it('ends the span of a call that was wrong', async () => {
      const wrong: unknown[] = [{ what: 1 }, { codec: text, headers: 7 }];
      for (const options of wrong) {
        const error = await broker.publish('orders', 'a' as never, options as never).catch((failed: unknown) => failed);
        expect(error).to.be.instanceOf(InvalidOptionError);
      }
      for (const span of await kit.ended('publish orders', wrong.length)) {
        expect(span.attributes['error.type']).to.equal('INVALID_OPTION');
      }
      const error = await broker.publish('orders', 'a' as never, 'no' as never).catch((failed: unknown) => failed);
      expect(error).to.be.instanceOf(InvalidOptionError);
    });
  });

  describe('sink(), publishTo() and publishFrom()', () => {
    it('have a span for each value, of which each has the context of its own message', async () => {
      const sink = broker.sink('orders', { codec: text });
      for (const value of ['a', 'b', 'a']) sink.next(value);
      expect((await sink.send('c')).ok).to.equal(true);
      sink.complete();
      await lastValueFrom(of('d', 'e').pipe(broker.publishTo('orders', { codec: text })));
      await lastValueFrom(broker.publishFrom('orders', ['f', 'g'], { codec: text }));
      const spans = await kit.ended('publish orders', 8);
      const messages = await lastValueFrom(raw.messages('orders', all).pipe(take(8), toArray()));
      expect(messages.map(({ value }) => value).join('')).to.equal('abacdefg');
      for (const { offset, headers } of messages) {
        const span = spans.find(({ attributes }) => attributes['rx_weir.message.offset'] === String(offset));
        expect(headers.get('traceparent')).to.include(span!.spanContext().spanId);
      }
    });

    it("respect the user's message function", async () => {
      const sink = broker.sink('orders', {
        codec: json<number>(),
        message: (order: { total: number }) => ({ value: order.total, key: 'k', headers: { tenant: 'x' } }),
      });
      const order = { total: 7 };
      const receipt = await sink.send(order);
      expect(receipt.value).to.equal(order);
      sink.complete();
      const message = await firstValueFrom(raw.messages('orders', { ...from, codec: json<number>() }).pipe(take(1)));
      expect(message.value).to.equal(7);
      expect(message.key).to.deep.equal(new TextEncoder().encode('k'));
      expect([...message.headers.keys()]).to.deep.equal(['tenant', 'traceparent']);
    });

    it('mark a value that failed, and end those of which nobody will hear', async () => {
      const sink = broker.sink('orders', { codec: text, message: (value: string) => ({ value: check(value) }) });
      const receipts: boolean[] = [];
      sink.receipts.subscribe(({ ok }) => receipts.push(ok));
      sink.next('bad');
      sink.next('good');
      await sink.flush();
      expect(receipts).to.deep.equal([false, true]);
      const [bad, good] = await kit.ended('publish orders', 2);
      expect(bad!.attributes['error.type']).to.equal('PUBLISH');
      expect(good!.status.code).to.equal(SpanStatusCode.UNSET);
      raw.faults.drop();
      const values = new Subject<string>();
      const subscription = values.pipe(broker.publishTo('later', { codec: text })).subscribe();
      values.next('a');
      subscription.unsubscribe();
      expect((await kit.one('publish later')).attributes['rx_weir.outcome']).to.equal('abandoned');
      raw.faults.restore();
    });

    it('end with an error where they are asked to, and mark the span', async () => {
      raw.faults.refuse();
      const published = of('a').pipe(broker.publishTo('orders', { codec: text, onError: 'throw' }));
      expect(await lastValueFrom(published).catch((error: unknown) => error)).to.be.instanceOf(PublishError);
      expect((await kit.one('publish orders')).attributes['error.type']).to.equal('PUBLISH');
    });

    it('report a failure that nobody observes as the sink itself would, and none that send() has told', async () => {
      raw.faults.refuse();
      const sink = broker.sink('orders', { codec: text });
      const told: unknown[] = [];
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => told.push(error));
      try {
        expect((await sink.send('a')).ok).to.equal(false);
        sink.next('b');
        await until(() => told.length > 0, { message: 'the error to be reported' });
      } finally {
        process.removeAllListeners('uncaughtException');
        for (const listener of listeners) process.on('uncaughtException', listener);
      }
      expect(told).to.have.length(1);
      expect(told[0]).to.be.instanceOf(PublishError);
      expect(inspect(sink)).to.include('orders');
      sink.complete();
    });
  });

  describe('messages(), values() and hot()', () => {
    it('have a span for each delivery, linked to its publisher, that ends when it is settled', async () => {
      await broker.publish('orders', 'a', { codec: text });
      await broker.publish('orders', 'b', { codec: text });
      const [one, two] = await lastValueFrom(
        broker.messages('orders', { ...all, durable: 'd' }).pipe(take(2), toArray()),
      );
      expect(kit.spans('process orders')).to.have.length(0);
      one!.ack();
      one!.release();
      two!.release();
      const published = kit.spans('publish orders');
      const [first, second] = await kit.ended('process orders', 2);
      expect(first!.kind).to.equal(SpanKind.CONSUMER);
      expect(first!.status.code).to.equal(SpanStatusCode.OK);
      expect(first!.attributes).to.include({
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'orders',
        'messaging.destination.subscription.name': 'd',
        'rx_weir.message.offset': '1',
        'rx_weir.outcome': 'ack',
      });
      expect(second!.status.code).to.equal(SpanStatusCode.UNSET);
      expect(second!.attributes['rx_weir.outcome']).to.equal('release');
      expect(linked(first!)).to.deep.equal([published[0]!.spanContext().spanId]);
      expect(linked(second!)).to.deep.equal([published[1]!.spanContext().spanId]);
      expect(first!.parentSpanContext).to.equal(undefined);
      expect(first!.spanContext().traceId).not.to.equal(published[0]!.spanContext().traceId);
    });

    it('are children of their publishers where that is asked for', async () => {
      const family = instrument(raw, { parent: 'parent' });
      await family.publish('orders', 'a', { codec: text });
      await lastValueFrom(family.values('orders', all));
      const published = await kit.one('publish orders');
      const processed = await kit.one('process orders');
      expect(processed.parentSpanContext?.spanId).to.equal(published.spanContext().spanId);
      expect(processed.spanContext().traceId).to.equal(published.spanContext().traceId);
      expect(processed.links).to.deep.equal([]);
    });

    it('run next in the context of the delivery, with the baggage of the publisher', async () => {
      const baggage = propagation.createBaggage({ tenant: { value: 'x' } });
      await context.with(propagation.setBaggage(context.active(), baggage), () =>
        broker.publish('orders', 'a', { codec: text }),
      );
      const seen: (string | undefined)[] = [];
      const take1 = broker.messages('orders', from).pipe(
        take(1),
        mapValue((value) => `${value}!`),
      );
      const delivery = await new Promise<Delivery<string>>((resolve) => {
        take1.subscribe((mapped) => {
          seen.push(trace.getActiveSpan()?.spanContext().spanId);
          seen.push(propagation.getActiveBaggage()?.getEntry('tenant')?.value);
          seen.push(trace.getSpan(contextOf(mapped))?.spanContext().spanId);
          resolve(mapped);
        });
      });
      delivery.ack();
      const { spanId } = (await kit.one('process orders')).spanContext();
      expect(seen).to.deep.equal([spanId, 'x', spanId]);
    });

    it('give a copy the span of its first', async () => {
      await broker.publish('orders', 'a', { codec: text });
      const two = broker.messages('orders', { ...from, ackWait: 20 }).pipe(take(2), toArray());
      const [first, copy] = await lastValueFrom(two);
      expect(copy!.redelivered).to.equal(true);
      expect(contextOf(copy!)).to.equal(contextOf(first!));
      copy!.ack();
      expect(first!.settled).to.equal(true);
      const span = await kit.one('process orders');
      expect(span.events.map(({ name }) => name)).to.deep.equal(['redelivered']);
    });

    it('give each listener of a hot one its own span', async () => {
      await broker.publish('orders', 'a', { codec: text });
      const hot = broker.hot('orders', { ...from, linger: 1_000 });
      const left: Delivery<string>[] = [];
      const both = [hot.subscribe((each) => left.push(each)), hot.subscribe((each) => left.push(each))];
      await broker.publish('orders', 'b', { codec: text });
      await until(() => left.some(({ value }, index) => value === 'b' && left[index + 1]?.value === 'b'));
      const pair = left.filter(({ value }) => value === 'b');
      pair[0]!.ack();
      expect(kit.spans('process orders')).to.have.length(1);
      expect(pair[0]!.settled).to.equal(true);
      pair[1]!.release();
      expect(
        (await kit.ended('process orders', 2)).map(({ attributes }) => attributes['rx_weir.outcome']),
      ).to.deep.equal(['ack', 'release']);
      for (const each of both) each.unsubscribe();
    });

    it('end the span of a delivery that nobody settles: after a time, and with the handle', async () => {
      await broker.publish('orders', 'a', { codec: text });
      const quick = instrument(raw, { spanTimeout: 20 });
      await firstValueFrom(quick.messages('orders', from).pipe(take(1)));
      expect((await kit.one('process orders')).attributes['rx_weir.outcome']).to.equal('abandoned');
      await firstValueFrom(broker.messages('orders', from).pipe(take(1)));
      await broker.close();
      expect(await kit.ended('process orders', 2)).to.have.length(2);
    });

    it('have all that the deliveries of the broker have', async () => {
      await broker.publish('orders', 'a', { codec: text, id: 'mine', key: 'k' });
      const delivery = await firstValueFrom(broker.messages('orders', from).pipe(take(1)));
      expect([delivery.id, delivery.offset, delivery.redeliveries]).to.deep.equal(['mine', 1n, 0]);
      expect(delivery.toJSON()).to.include({ channel: 'orders', offset: '1', value: 'a' });
      expect(inspect(delivery)).to.include("value: 'a'");
      delivery.ack();
      expect((await kit.one('process orders')).attributes['messaging.message.id']).to.equal('mine');
    });
  });

  it('goes on with the trace where bridgeTo publishes elsewhere', async () => {
    const other = memory({ closeTimeout: 100 });
    const target = instrument(other);
    for (const value of ['a', 'b', 'c']) await broker.publish('orders', value, { codec: text });
    const bridge = broker.messages('orders', { start: earliest(), until: untilNow() });
    const receipts = await lastValueFrom(bridge.pipe(bridgeTo(target, 'archive', { maxInFlight: 1 }), toArray()));
    expect(receipts).to.have.length(3);
    const processed = await kit.ended('process orders', 3);
    const published = await kit.ended('publish archive', 3);
    expect(published.map((span) => span.parentSpanContext?.spanId)).to.deep.equal(
      processed.map((span) => span.spanContext().spanId),
    );
    const stored = await lastValueFrom(other.messages('archive', all).pipe(take(3), toArray()));
    expect(stored.map(({ headers }) => String(headers.get('traceparent')).split('-')[2])).to.deep.equal(
      published.map((span) => span.spanContext().spanId),
    );
    await target.close();
  });

  it('sends and reads no context with propagate: false', async () => {
    const shy = instrument(raw, { propagate: false });
    await shy.publish('orders', 'a', { codec: text });
    expect((await firstValueFrom(raw.messages('orders', from).pipe(take(1)))).headers.size).to.equal(0);
    await broker.publish('orders', 'b', { codec: text });
    await lastValueFrom(shy.values('orders', all));
    for (const span of await kit.ended('process orders', 2)) expect(span.links).to.deep.equal([]);
  });

  it('keeps the metrics of the conventions', async () => {
    await lastValueFrom(broker.publishFrom('orders', ['a', 'b', 'c'], { codec: text }));
    raw.faults.refuse();
    await broker.publish('orders', 'd', { codec: text }).catch(() => undefined);
    await lastValueFrom(broker.messages('orders', all).pipe(autoAck()));
    const own = { 'messaging.system': 'memory', 'messaging.destination.name': 'orders' };
    const sent = await kit.points('messaging.client.sent.messages');
    expect(sent.map(({ value, attributes }) => [value, attributes['error.type']])).to.deep.equal([
      [3, undefined],
      [1, 'PUBLISH'],
    ]);
    expect(sent[0]!.attributes).to.include({ ...own, 'messaging.operation.name': 'publish' });
    const [consumed] = await kit.points('messaging.client.consumed.messages');
    expect(consumed!.value).to.equal(3);
    expect(consumed!.attributes).to.include({ ...own, 'messaging.operation.name': 'process' });
    const [duration] = await kit.points('messaging.client.operation.duration');
    expect(duration!.value).to.deep.include({ count: 3 });
    expect((duration!.value as { buckets: { boundaries: number[] } }).buckets.boundaries).to.deep.equal([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]);
    const [processed] = await kit.points('messaging.process.duration');
    expect(processed!.value).to.deep.include({ count: 3 });
    expect(processed!.attributes).to.include({ ...own, 'rx_weir.outcome': 'ack' });
  });

  describe('sampling off', () => {
    it('hands the context on, exports nothing, and leaves the deliveries as they are', async () => {
      await kit.stop();
      kit = new TelemetryKit({ sampler: new AlwaysOffSampler() });
      const dry = instrument(raw, { meter: kit.meters.getMeter('m') });
      await dry.publish('orders', 'a', { codec: text });
      const message = await firstValueFrom(dry.messages('orders', from).pipe(take(1)));
      expect(message.headers.get('traceparent')).to.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
      message.ack();
      expect(kit.spans()).to.deep.equal([]);
      expect((await kit.points('messaging.client.consumed.messages'))[0]!.value).to.equal(1);
    });
  });

  describe('without an SDK', () => {
    beforeEach(() => kit.stop());

    it('takes the direct way', async () => {
      await broker.publish('orders', 'a', { codec: text });
      const sink = broker.sink('orders', { codec: text });
      expect(Object.getPrototypeOf(sink)).to.equal(Object.getPrototypeOf(raw.sink('orders', { codec: text })));
      expect((await sink.send('b')).ok).to.equal(true);
      await lastValueFrom(broker.publishFrom('orders', ['c'], { codec: text }));
      await lastValueFrom(of('d').pipe(broker.publishTo('orders', { codec: text })));
      const own: Delivery<string>[] = await lastValueFrom(raw.messages('orders', all).pipe(take(4), toArray()));
      const through: Delivery<string>[] = await lastValueFrom(broker.messages('orders', all).pipe(take(4), toArray()));
      expect(through.map(({ value }) => value).join('')).to.equal('abcd');
      expect(Object.getPrototypeOf(through[0])).to.equal(Object.getPrototypeOf(own[0]));
      expect(through[0]!.headers.size).to.equal(0);
      expect(await lastValueFrom(broker.values('orders', all).pipe(toArray()))).to.have.length(4);
      expect(contextOf(through[0]!)).to.equal(context.active());
    });

    it('sees one that is registered later', async () => {
      await broker.publish('orders', 'a', { codec: text });
      kit = new TelemetryKit();
      await broker.publish('orders', 'b', { codec: text });
      await lastValueFrom(broker.values('orders', all));
      expect(await kit.ended('publish orders')).to.have.length(1);
      expect(await kit.ended('process orders', 2)).to.have.length(2);
    });
  });

  it('works with what acks and with what fails', async () => {
    for (const value of ['a', 'b']) await broker.publish('orders', value, { codec: text });
    const work = ackConcatMap((delivery: Delivery<string>) => Promise.resolve(check(delivery.value)), {
      onError: 'release',
    });
    expect(await lastValueFrom(broker.messages('orders', all).pipe(work, toArray()))).to.deep.equal(['a', 'b']);
    expect(await kit.ended('process orders', 2)).to.have.length(2);
  });
});

function check(value: string): string {
  if (value === 'bad') throw new Error('it is bad');
  return value;
}
