import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import type { Compressor } from '../../../lib/rabbitmq-stream/compression/compressor.js';
import { everyCompressor, lines, noise, numbers } from './kit.js';
import { fuzzRounds } from '../../support/fuzz-rounds.js';

const inputs = fuzzRounds;
const headers = ['1f8b0800000000000003', 'ff060000734e61507059', '04224d18604082', '28b52ffd', ''].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** Something that starts well, more often than not. */
function random(next: (below: number) => number): Buffer {
  const length = next(48);
  return Buffer.concat([headers[next(headers.length)]!, Buffer.from(Uint8Array.from({ length }, () => next(256)))]);
}

/** A good one in which some bytes were changed, added or taken away. */
function mutated(good: Buffer, next: (below: number) => number): Buffer {
  let bytes = Buffer.from(good);
  for (let changes = 1 + next(3); changes > 0 && bytes.length > 0; changes--) {
    const at = next(bytes.length);
    const kind = next(6);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + next(4))]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([next(256)]), bytes.subarray(at)]);
    else if (kind === 2) bytes[at]! ^= 1 << next(8);
    else bytes[at] = kind === 3 ? 0xff : next(256);
  }
  return bytes;
}

describe('rabbitmq-stream/compression, given anything', () => {
  it('refuses it with a ProtocolError, or makes as many bytes of it as were stated', async function () {
    this.timeout(300_000);
    const contents = [lines(0), lines(1), lines(40), lines(400), noise(60), Buffer.alloc(500)];
    for (const [name, compressor] of await everyCompressor()) {
      const next = numbers(20_240_601);
      const good = contents.map((content) => Buffer.from(compressor.compress(content)));
      for (let i = 0; i < inputs; i++) {
        const which = next(good.length);
        const bytes = i % 4 === 0 ? random(next) : mutated(good[which]!, next);
        const size = next(8) === 0 ? next(100_000) : contents[which]!.length;
        attempt(name, compressor, bytes, size);
      }
      for (const [which, content] of contents.entries()) {
        expect(Buffer.compare(compressor.decompress(good[which]!, content.length), content), name).to.equal(0);
      }
    }
  });
});

function attempt(name: string, compressor: Compressor, bytes: Uint8Array, size: number): void {
  let problem: unknown;
  try {
    if (compressor.decompress(bytes, size).length === size) return;
  } catch (error) {
    // a TypeError would be a mistake of ours that was taken for one of the bytes
    if (error instanceof ProtocolError && !(error.cause instanceof TypeError)) return;
    problem = error;
  }
  throw new Error(`${name} gave something else for ${Buffer.from(bytes).toString('hex')}, ${String(size)} bytes`, {
    cause: problem,
  });
}
