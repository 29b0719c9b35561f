import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { readDelimiter } from '../../lib/cli/delimiter.js';
import { compileFormat } from '../../lib/cli/format.js';
import { linesOf } from '../../lib/cli/lines.js';
import { decodeLine, encodeLine } from '../../lib/cli/ndjson.js';
import { Durations } from '../../lib/cli/percentiles.js';
import { tagged, untagged } from '../../lib/cli/tagged.js';
import { amqpType } from '../../lib/rabbitmq-stream/index.js';
import { cli } from './cli-kit.js';
import { memoryHandle } from '../../lib/cli/memory-store.js';
import { firstValueFrom, type Observable } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import { earliest } from '../../lib/core/starts.js';
import { unique } from '../support/names.js';

const never = new AbortController().signal;

async function linesIn(chunks: readonly Uint8Array[], delimiter = 10): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for await (const batch of linesOf(Readable.from(chunks), delimiter, never))
    lines.push(...batch.map((each) => Buffer.from(each)));
  return lines;
}

describe('rx-weir pub: lines', () => {
  it('are the same however the input is cut', async () => {
    const line = fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.filter((byte) => byte !== 10));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.array(fc.nat({ max: 12 })), async (lines, cuts) => {
        const whole = Buffer.concat(lines.flatMap((each) => [each, Buffer.of(10)]));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(whole.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(whole.subarray(at));
        const read = await linesIn(chunks.filter((each) => each.length > 0));
        expect(read.map((each) => each.toString('hex'))).to.deep.equal(
          lines.map((each) => Buffer.from(each).toString('hex')),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('count the last one without a delimiter, keep carriage returns and take other delimiters', async () => {
    expect((await linesIn([Buffer.from('a\r\nb')])).map(String)).to.deep.equal(['a\r', 'b']);
    expect((await linesIn([Buffer.from('a\0b\0')], readDelimiter('\\0'))).map(String)).to.deep.equal(['a', 'b']);
    expect([',', '\\n', '\\x1e', '\\t'].map(readDelimiter)).to.deep.equal([44, 10, 30, 9]);
    expect(() => readDelimiter('ab')).to.throw(/one byte/);
  });
});

/** A delivery as a broker gives it. */
async function deliveryOf(value: Uint8Array, fields: object = {}): Promise<Delivery> {
  const broker = memoryHandle(unique('delivery'), {});
  await broker.publish('ch', value, fields);
  const delivery = await firstValueFrom(broker.messages('ch', { start: earliest() }) as Observable<Delivery>);
  delivery.ack();
  await broker.close();
  return delivery;
}

describe('rx-weir NDJSON', () => {
  it('gives back the bytes, the key and the headers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
        ),
        fc.option(fc.uint8Array({ minLength: 1 }), { nil: undefined }),
        async (value, key) => {
          const line = encodeLine(await deliveryOf(value, key === undefined ? {} : { key }), 'memory');
          expect(line.indexOf('\n')).to.equal(line.length - 1);
          const item = decodeLine(Buffer.from(line.slice(0, -1)), 1);
          expect(Buffer.from(item.value).equals(value)).to.equal(true);
          expect(item.key && Buffer.from(item.key).toString('hex')).to.equal(key && Buffer.from(key).toString('hex'));
        },
      ),
      { numRuns: 100 },
    );
    const headers = { a: 'text', n: -1.5, big: 2n ** 63n, yes: true, raw: new Uint8Array([0xff]) };
    const line = encodeLine(await deliveryOf(Buffer.from('v'), { headers }), 'memory');
    expect(JSON.parse(line)).to.deep.include({
      offset: '1',
      headers: { a: 'text', n: -1.5, big: { bigint: String(2n ** 63n) }, yes: true, raw: { base64: '/w==' } },
      value: 'v',
    });
    expect(decodeLine(Buffer.from(line), 1).headers).to.deep.equal(headers);
  });

  it('has a word for each value of a header', () => {
    const values = [
      NaN,
      -Infinity,
      new Date(5),
      null,
      [1, 'a', 2n],
      new Map<unknown, unknown>([['k', new Uint8Array([1])]]),
    ];
    for (const value of values) {
      expect(untagged(JSON.parse(JSON.stringify(tagged(value))))).to.deep.equal(value);
    }
    const typed = untagged(JSON.parse(JSON.stringify(tagged(amqpType('ubyte', 3))))) as { type: string; value: number };
    expect([typed.type, typed.value]).to.deep.equal(['ubyte', 3]);
    expect(Object.is(untagged(tagged(-0)), -0)).to.equal(true);
    expect(() => untagged({ what: 1 })).to.throw(/a value of a header/);
  });

  it('says which line is wrong, and publishes those before it', async () => {
    const url = `memory:${unique('lines')}`;
    const bad: readonly (readonly [string, RegExp])[] = [
      ['{"value":', /line 2: it is no JSON/],
      ['[]', /line 2: it is no JSON object/],
      ['{"value":"a","base64":"YQ=="}', /line 2: it must have either/],
      ['{"value":"a","headers":{"x":{"y":1}}}', /line 2: a value of a header/],
    ];
    for (const [line, words] of bad) {
      const ran = await cli(['pub', url, 'c', '--ndjson'], { stdin: `{"value":"good"}\n${line}\n{"value":"late"}\n` });
      expect(ran.code).to.equal(2);
      expect(ran.stderr).to.match(words);
    }
    expect((await cli(['sub', url, 'c', '-e'])).stdout).to.equal('good\n'.repeat(bad.length));
  });
});

describe('rx-weir sub: --format', () => {
  it("writes kcat's tokens", async () => {
    const delivery = await deliveryOf(Buffer.from('héllo'), { key: 'k1', headers: { a: 'x', b: 2 } });
    const write = (format: string): string => Buffer.from(compileFormat(format)(delivery)).toString('latin1');
    expect(write('%t [%p] %o: %k=%K %S %h %%\\n')).to.equal('ch [0] 1: k1=2 6 a=x,b=2 %\n');
    expect(write('%s')).to.equal(Buffer.from('héllo').toString('latin1'));
    expect(write('%R\\x00\\t')).to.equal('\0\0\0\u0006\0\t');
    expect(Number(write('%T'))).to.equal(delivery.time?.getTime());
    expect(() => compileFormat('%q')).to.throw(/there is no '%q'/);
    expect(() => compileFormat('\\q')).to.throw(/there is no '\\q'/);
  });
});

describe('rx-weir bench: percentiles', () => {
  it('are the nearest rank', () => {
    const durations = new Durations(100);
    for (let n = 100; n >= 1; n--) durations.add(n);
    expect(durations.summary()).to.deep.equal({ p50: 50, p95: 95, p99: 99, max: 100 });
    expect(new Durations(3).summary()).to.equal(undefined);
    const one = new Durations(1);
    one.add(7);
    expect(one.summary()).to.deep.equal({ p50: 7, p95: 7, p99: 7, max: 7 });
  });
});
