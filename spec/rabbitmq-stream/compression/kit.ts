import { expect } from 'chai';
import * as zlib from 'node:zlib';
import { ProtocolError } from '../../../lib/core/errors.js';
import type { Compressor } from '../../../lib/rabbitmq-stream/compression/compressor.js';
import { compressionPackages } from '../../../lib/rabbitmq-stream/compression/packages.js';
import { makeCompressors } from '../../../lib/rabbitmq-stream/compression/registry.js';

/** Every compressor there can be in this Node, each with a name of its own; zstd both ways where Node has it. */
export async function everyCompressor(): Promise<ReadonlyMap<string, Compressor>> {
  const ofPackages = makeCompressors(compressionPackages, {});
  const all = new Map<string, Compressor>();
  for (const name of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) all.set(name, await ofPackages.load(name));
  const ofNode = makeCompressors(compressionPackages, zlib).ready(4);
  if (ofNode) all.set('zstd of Node', ofNode);
  return all;
}

/** Bytes of a hexadecimal text, in which spaces don't count and `ff*20` stands for twenty times `ff`. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(
    hex
      .replace(/([0-9a-f]{2})\*(\d+)/g, (_all, byte: string, times: string) => byte.repeat(Number(times)))
      .replace(/\s/g, ''),
    'hex',
  );
}

/** What `decompress` throws, which must be a `ProtocolError` of this broker. */
export function refusal(compressor: Compressor, bytes: Uint8Array, size: number): ProtocolError {
  try {
    compressor.decompress(bytes, size);
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    const refused = error as ProtocolError;
    expect(refused.broker).to.equal('rabbitmq-stream');
    expect(refused.message).to.not.include('\n');
    return refused;
  }
  throw new Error(`${compressor.name} took ${Buffer.from(bytes).toString('hex')} for ${String(size)} bytes`);
}

/** A generator of numbers from 0 to before `below`, the same in each run. */
export function numbers(from: number): (below: number) => number {
  let state = from | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Lines as a log has them: words that return and numbers that don't. */
export function lines(length: number): Buffer {
  const next = numbers(7);
  const words = ['order', 'paid', 'shipped', 'customer', 'warehouse', 'eu-central', '"amount":', 'null', '\n'];
  let text = '';
  while (text.length < length) text += `${words[next(words.length)]!} ${String(next(1_000_000))} `;
  return Buffer.from(text.slice(0, length));
}

/** Bytes that no compression makes smaller. */
export function noise(length: number): Buffer {
  const next = numbers(11);
  return Buffer.from(Uint8Array.from({ length }, () => next(256)));
}
