import { expect } from 'chai';
import fc from 'fast-check';
import { z } from 'zod';

import { json } from '../../lib/codec/json.js';
import type { StandardSchema } from '../../lib/codec/standard-schema.js';
import type { Codec } from '../../lib/core/codec.js';
import { DecodeError, InvalidOptionError } from '../../lib/core/errors.js';

const info = { channel: 'orders', headers: new Map() };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('json()', () => {
  it('gives back what it took', () => {
    const codec = json<unknown>();
    expect(codec.contentType).to.equal('application/json');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(codec.decode(codec.encode(value), info)).to.deep.equal(plain);
      }),
    );
  });

  it('refuses what JSON has no word for', () => {
    const codec = json<unknown>();
    const circle: unknown[] = [];
    circle.push(circle);
    const refused: [unknown, string][] = [
      [undefined, 'JSON has no word for undefined'],
      [() => 1, 'JSON has no word for a function'],
      [Symbol('x'), 'JSON has no word for a symbol'],
      [{ id: 5n }, 'it has a bigint, which JSON does not; make it a string first'],
      [circle, 'the value cannot be written as JSON: '],
      [{ toJSON: () => undefined }, 'JSON has no word for'],
    ];
    for (const [value, words] of refused) expect(() => codec.encode(value)).to.throw(DecodeError, words);
  });

  it('refuses bytes that are no JSON', () => {
    const codec = json<unknown>();
    for (const bad of ['', '{', 'hello', '{"a":1}x']) {
      expect(() => codec.decode(bytesOf(bad), info))
        .to.throw(DecodeError, 'the bytes are not JSON: ')
        .with.property('cause')
        .instanceOf(SyntaxError);
    }
    expect(() => codec.decode(Uint8Array.of(0x22, 0xff, 0x22), info)).to.throw(DecodeError, 'not UTF-8');
  });

  it('reads past a byte order mark, and from the middle of a buffer', () => {
    expect(json<unknown>().decode(bytesOf('\u{feff}{"a":1}'), info)).to.deep.equal({ a: 1 });
    expect(json<unknown>().decode(bytesOf('xx[1]xx').subarray(2, 5), info)).to.deep.equal([1]);
  });
});

describe('json(schema)', () => {
  const order = z.object({
    id: z.coerce.bigint(),
    count: z.number().int().default(1),
    lines: z.array(z.object({ price: z.number() })).default([]),
  });

  it('gives what the schema makes of the message', () => {
    expect(json(order).decode(bytesOf('{"id":"12"}'), info)).to.deep.equal({ id: 12n, count: 1, lines: [] });
  });

  it('sends the input as it is, once the schema accepts it', () => {
    const codec = json(order);
    expect(new TextDecoder().decode(codec.encode({ id: '12' }))).to.equal('{"id":"12"}');
  });

  it('infers what goes in and what comes out', () => {
    const codec: Codec<{ count?: number }, { count: number }> = json(z.object({ count: z.number().default(1) }));
    const out: number = codec.decode(bytesOf('{}'), info).count;
    expect(out).to.equal(1);
    // @ts-expect-error - count is a number
    expect(() => json(z.object({ count: z.number() })).encode({ count: 'x' })).to.throw(DecodeError);
    const plain: Codec<{ id: number }> = json<{ id: number }>();
    expect(plain.decode(bytesOf('{"id":1}'), info).id).to.equal(1);
  });

  it('names each thing that does not fit, with its path', () => {
    const codec = json(order);
    const bad = '{"id":"1","count":1.5,"lines":[{"price":1},{"price":"x"}]}';
    expect(() => codec.decode(bytesOf(bad), info))
      .to.throw(DecodeError, /^the value in the message does not fit the schema: /)
      .with.property('message')
      .match(/count: .*; lines\[1\]\.price: /);
    expect(() => codec.encode({ id: '1', count: 'x' as unknown as number })).to.throw(
      DecodeError,
      /^the value to send does not fit the schema: count: /,
    );
  });

  it('takes any schema of the standard, its path segments too', () => {
    const callable = Object.assign(() => undefined, {
      '~standard': {
        version: 1,
        vendor: 'spec',
        validate: () => ({
          issues: [{ message: 'no good' }, { message: 'wrong', path: [{ key: 'a' }, 0, Symbol('s')] }],
        }),
      },
    } as StandardSchema<number>);
    expect(() => json(callable).decode(bytesOf('1'), info)).to.throw(
      DecodeError,
      'does not fit the schema: no good; a[0].Symbol(s): wrong',
    );
  });

  it('refuses a schema that answers with a Promise, and leaves no rejection behind', async () => {
    const codec = json({
      '~standard': { version: 1, vendor: 'spec', validate: () => Promise.reject(new Error('late')) },
    } as StandardSchema<string>);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      expect(() => codec.decode(bytesOf('"x"'), info)).to.throw(
        InvalidOptionError,
        'json(schema) takes a synchronous schema; this one (spec)',
      );
      expect(() => codec.encode('x')).to.throw(InvalidOptionError, 'answered with a Promise');
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).to.deep.equal([]);
    const slow = json(z.string().refine(() => Promise.resolve(true)));
    expect(() => slow.encode('x')).to.throw(InvalidOptionError, 'this one (zod) answered with a Promise');
  });

  it('refuses what is no Standard Schema', () => {
    const refused = [
      null,
      5,
      'x',
      {},
      () => true,
      { '~standard': null },
      { '~standard': { version: 2, validate: () => 1 } },
    ];
    for (const bad of refused) {
      expect(() => json(bad as unknown as StandardSchema)).to.throw(InvalidOptionError, 'takes a Standard Schema');
    }
  });
});
