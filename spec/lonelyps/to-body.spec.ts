import { Readable } from 'node:stream';
import { expect } from 'chai';
import { ClosedError, PublishError } from '../../lib/core/errors.js';
import { startSpool } from '../../lib/lonelyps/node/spool.js';
import { toBody, type BodyMeans } from '../../lib/lonelyps/to-body.js';
import { refusal } from '../support/refusal.js';

const means: BodyMeans = { where: "publish('a')", spoolSize: 100, startBody: (size) => startSpool(size) };

describe('lonelyps: what is sent beside bytes', () => {
  const text = 'x'.repeat(60);

  const sources: Readonly<Record<string, () => unknown>> = {
    'a Readable': () => Readable.from([Buffer.from(text), Buffer.from(text)]),
    'an async generator that fills one array anew each time': async function* () {
      const part = new Uint8Array(60);
      for (let at = 0; at < 2; at++) {
        part.fill(0x78);
        yield part;
        part.fill(0);
      }
    }.bind(undefined),
    'a ReadableStream': () => new Blob([text, text]).stream(),
    'a stream that can only be read': () => {
      const reader = new Blob([text, text]).stream().getReader();
      return { getReader: () => reader };
    },
    'a Blob': () => new Blob([text, text]),
  };
  for (const [title, make] of Object.entries(sources)) {
    it(`reads ${title}`, async () => {
      const body = await toBody(make(), means);
      expect(Buffer.from(await body.load()).toString()).to.equal(text + text);
      expect(body.bytes).to.equal(undefined);
      body.discard();
    });
  }

  for (const [words, value] of [
    ['got undefined', undefined],
    ['got a string', 'text'],
    ['got an Object', { path: 'x' }],
    ['got an Array', [Uint8Array.of(1)]],
  ] as const) {
    it(`refuses what is none of these: ${words}`, async () => {
      const error = await refusal(toBody(value, means));
      expect(error).to.be.instanceOf(PublishError);
      expect(error.message).to.include("publish('a')").and.to.include(words);
    });
  }

  it('keeps no part of a long stream that is on the disk', async () => {
    const parts: WeakRef<Uint8Array>[] = [];
    let kept = 0;
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 40; at++) {
        const part = new Uint8Array(1_000);
        parts.push(new WeakRef(part));
        yield part;
      }
      // what a WeakRef has given stays until the turn ends
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc!();
      kept = parts.filter((part) => part.deref() !== undefined).length;
    }
    const { signal } = new AbortController();
    (await toBody(stream(), { ...means, signal })).discard();
    expect(kept).to.be.lessThan(5);
  });

  it('refuses a stream of something else than bytes, and ends it', async () => {
    const stream = Readable.from(['text', 'more']);
    const error = await refusal(toBody(stream, means));
    expect(error).to.be.instanceOf(PublishError);
    expect(error.message).to.include('a string instead of bytes');
    expect(stream.destroyed).to.be.true;
  });

  it('says that a page has no files', async () => {
    expect((await refusal(toBody({ file: 'a.txt' }, means))).message).to.include('a Blob');
  });

  it('says that the stream failed, and of what', async () => {
    const cause = new Error('the cable broke');
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(150);
      throw cause;
    };
    const error = await refusal(toBody(broken(), means));
    expect(error).to.be.instanceOf(PublishError);
    expect(error.message).to.include('150 bytes').and.to.include('the cable broke');
    expect(error.cause).to.equal(cause);
  });

  it('takes what an iterator throws for a failure', async () => {
    const broken = {
      [Symbol.asyncIterator]: () => ({
        next(): never {
          throw new Error('at once');
        },
      }),
    };
    expect(await refusal(toBody(broken, means))).to.be.instanceOf(PublishError);
  });

  it('gives up when its signal aborts, also while nothing comes', async () => {
    const stop = new AbortController();
    const stream = new Readable({ read() {} });
    const failed = refusal(toBody(stream, { ...means, signal: stop.signal }));
    stop.abort();
    expect(await failed).to.be.instanceOf(ClosedError);
    const reason = new PublishError('for a reason');
    expect(await refusal(toBody(Readable.from([]), { ...means, signal: AbortSignal.abort(reason) }))).to.equal(reason);
    stream.destroy();
  });
});
