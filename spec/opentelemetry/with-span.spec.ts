import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { concat, defer, firstValueFrom, lastValueFrom, NEVER, of, take, throwError, toArray } from 'rxjs';
import {
  ackConcatMap,
  ackMergeMap,
  earliest,
  InvalidOptionError,
  mapValue,
  text,
  untilNow,
  type Delivery,
} from '../../lib/index.js';
import { memory, type MemoryBroker, type MemoryDelivery } from '../../lib/memory/index.js';
import { contextOf, instrument, withSpan } from '../../lib/opentelemetry/index.js';
import { FakeDeliveries } from '../support/fake-delivery.js';
import { TelemetryKit } from './telemetry-kit.js';

const active = (): string | undefined => trace.getActiveSpan()?.spanContext().spanId;

describe('opentelemetry: withSpan() and contextOf()', () => {
  let kit: TelemetryKit;
  let broker: MemoryBroker;

  beforeEach(async () => {
    kit = new TelemetryKit();
    broker = instrument(memory({ closeTimeout: 100 }));
    for (const value of ['a', 'b', 'c']) await broker.publish('orders', value, { codec: text });
  });

  afterEach(async () => {
    await broker.close();
    await kit.stop();
  });

  const orders = () => broker.messages('orders', { start: earliest(), until: untilNow(), codec: text });

  it('runs queued work too in a child of the span of its own delivery', async () => {
    const seen: (string | undefined)[] = [];
    const work = withSpan('charge', async (order: MemoryDelivery<string>) => {
      seen.push(active());
      await Promise.resolve();
      seen.push(active());
      return order.value;
    });
    expect(await lastValueFrom(orders().pipe(ackConcatMap(work), toArray()))).to.deep.equal(['a', 'b', 'c']);
    const charged = await kit.ended('charge', 3);
    const processed = await kit.ended('process orders', 3);
    expect(seen).to.deep.equal(charged.flatMap((span) => [span.spanContext().spanId, span.spanContext().spanId]));
    expect(charged.map((span) => span.parentSpanContext?.spanId)).to.deep.equal(
      processed.map((span) => span.spanContext().spanId),
    );
    expect(processed.map(({ status }) => status.code)).to.deep.equal(Array(3).fill(SpanStatusCode.OK));
  });

  it('finds the types of the delivery and of what work gives', async () => {
    const work$ = orders().pipe(
      mapValue((value) => value.length),
      ackConcatMap(withSpan('count', (order) => of(order.value * 2))),
    );
    const doubled: number[] = await lastValueFrom(work$.pipe(toArray()));
    expect(doubled).to.deep.equal([2, 2, 2]);
  });

  it('takes Observables, from their subscription to their end, and what becomes one', async () => {
    const seen: (string | undefined)[] = [];
    const lazily = withSpan(
      (order: Delivery<string>) => `do ${order.value}`,
      ({ value }) => defer(() => (seen.push(active()), of(value, value))),
      { attributes: ({ value }) => ({ value }) },
    );
    expect(await lastValueFrom(orders().pipe(ackMergeMap(lazily), toArray()))).to.have.length(6);
    const span = await kit.one('do a');
    expect(seen[0]).to.equal(span.spanContext().spanId);
    expect(span.attributes).to.deep.equal({ value: 'a' });
    const array = withSpan('array', ({ value }: Delivery<string>) => [value, 1], { attributes: { fixed: true } });
    expect(await lastValueFrom(orders().pipe(ackConcatMap(array), toArray()))).to.have.length(6);
    expect((await kit.ended('array', 3))[0]!.attributes).to.deep.equal({ fixed: true });
  });

  it('marks work that failed, however it failed', async () => {
    const wrong = new RangeError('too much');
    const ways = {
      thrown: withSpan('thrown', (): Promise<never> => {
        throw wrong;
      }),
      rejected: withSpan('rejected', () => Promise.reject(wrong)),
      observed: withSpan('observed', () =>
        concat(
          of(1),
          throwError(() => wrong),
        ),
      ),
    };
    for (const [name, work] of Object.entries(ways)) {
      const failed = await lastValueFrom(orders().pipe(ackConcatMap(work as never))).catch((error: unknown) => error);
      expect(failed, name).to.equal(wrong);
      const span = (await kit.ended(name))[0]!;
      expect(span.status).to.deep.equal({ code: SpanStatusCode.ERROR, message: 'too much' });
      expect(span.attributes['error.type']).to.equal('RangeError');
      expect(span.events[0]!.name).to.equal('exception');
    }
  });

  it('ends the span of work that was cut off', async () => {
    const endless = withSpan('endless', () => concat(of(1), NEVER));
    expect(await firstValueFrom(orders().pipe(ackConcatMap(endless), take(1)))).to.equal(1);
    expect((await kit.one('endless')).attributes['rx_weir.outcome']).to.equal('cancelled');
  });

  it('works for deliveries that no instrumented handle has emitted', async () => {
    const delivery = new FakeDeliveries().make('a');
    expect(contextOf(delivery)).to.equal(context.active());
    const outer = kit.tracers.getTracer('spec').startSpan('outer');
    await context.with(trace.setSpan(context.active(), outer), () =>
      withSpan('inner', () => Promise.resolve())(delivery, 0),
    );
    expect((await kit.one('inner')).parentSpanContext?.spanId).to.equal(outer.spanContext().spanId);
    outer.end();
  });

  it('refuses what it cannot work with', () => {
    expect(() => withSpan('' as never, () => of(1))).to.throw(InvalidOptionError, 'name');
    expect(() => withSpan('a', undefined as never)).to.throw(InvalidOptionError, 'work');
    expect(() => withSpan('a', () => of(1), { attribute: {} } as never)).to.throw(InvalidOptionError, "'attributes'");
  });
});
