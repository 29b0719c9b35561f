import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, take } from 'rxjs';
import { bytes, DecodeError, earliest, InvalidOptionError, json, text, untilNow } from '../../lib/index.js';
import { memory } from '../../lib/memory/index.js';
import { contextOf, instrument, traced } from '../../lib/opentelemetry/index.js';
import { amqp } from '../../lib/rabbitmq-stream/index.js';
import { TelemetryKit } from './telemetry-kit.js';

const info = { channel: 'orders', headers: new Map<string, unknown>() };
const span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};
const active = trace.setSpan(ROOT_CONTEXT, trace.wrapSpanContext(span));
const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const raw = (words: string): Uint8Array => new TextEncoder().encode(words);

describe('opentelemetry: traced()', () => {
  let kit: TelemetryKit;

  beforeEach(() => {
    kit = new TelemetryKit();
  });

  afterEach(() => kit.stop());

  it('puts one line with the active context before the bytes', () => {
    const message = context.with(active, () => traced(text).encode('hello'));
    expect(utf8(message)).to.equal(
      'trace/1 {"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}\nhello',
    );
    expect(utf8(traced(text).encode('hello'))).to.equal('trace/1 {}\nhello');
  });

  it('takes it off again, whatever the bytes are', () => {
    const body = Uint8Array.of(0x0a, 0, 255, 0x0a);
    const codec = traced(bytes);
    expect([...codec.decode(codec.encode(body), info)]).to.deep.equal([...body]);
    expect(traced(json<number>()).decode(raw('trace/1 {"a":"b"}\n7'), info)).to.equal(7);
  });

  it('shows the inner codec what was in the envelope as headers', () => {
    const seen: unknown[] = [];
    const codec = traced({ decode: (_: Uint8Array, { headers }: typeof info) => seen.push([...headers]) });
    codec.decode(raw('trace/1 {"a":"b"}\n'), { ...info, headers: new Map([['own', 1]]) });
    expect(seen).to.deep.equal([
      [
        ['own', 1],
        ['a', 'b'],
      ],
    ]);
  });

  it('refuses a message without an envelope, unless it is told to accept it', () => {
    const odd = [
      '',
      'hello',
      'trace/1 {}',
      'trace/1 {]\n',
      'trace/1 []\n',
      'trace/1 null\n',
      'trace/1 {"a":1}\n',
      '{"a":"b"}\n',
    ];
    for (const words of odd) {
      expect(() => traced(text).decode(raw(words), info), words).to.throw(DecodeError, 'bare: true');
      expect(traced(text, { bare: true }).decode(raw(words), info)).to.equal(words);
    }
    expect(() => traced(text).decode(raw(`trace/1 {"a":"${'b'.repeat(20_000)}"}\n`), info)).to.throw(DecodeError);
  });

  it('refuses what is no codec, and a codec whose messages have headers', () => {
    expect(() => traced(undefined as never)).to.throw(InvalidOptionError, 'codec');
    expect(() => traced(text, { bar: true } as never)).to.throw(InvalidOptionError, "'bare'");
    expect(() => traced(amqp())).to.throw(InvalidOptionError, 'headers');
  });

  it('carries the context of the span of an instrumented handle', async () => {
    const store = memory({ closeTimeout: 100 });
    const broker = instrument(store, { propagate: true });
    const codec = traced(text);
    await broker.publish('orders', 'a', { codec });
    const sink = broker.sink('orders', { codec, message: (value: number) => ({ value: String(value) }) });
    await sink.send(1);
    sink.complete();
    const published = (await kit.ended('publish orders', 2)).map((each) => each.spanContext().spanId);
    const seen: string[] = [];
    const all = { start: earliest(), until: untilNow(), codec };
    await lastValueFrom(broker.values('orders', all));
    for (const each of await kit.ended('process orders', 2)) seen.push(each.links[0]!.context.spanId);
    expect(seen).to.deep.equal(published);
    const plain = await firstValueFrom(store.messages('orders', all).pipe(take(1)));
    expect(trace.getSpanContext(contextOf(plain))?.spanId).to.equal(published[0]);
    const shy = instrument(store, { propagate: false });
    await shy.publish('shy', 'a', { codec });
    const message = await firstValueFrom(store.messages('shy', { start: earliest() }).pipe(take(1)));
    expect(utf8(message.value)).to.equal('trace/1 {}\na');
    await broker.close();
  });
});
