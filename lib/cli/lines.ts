import type { Readable } from 'node:stream';
import { UsageError } from './exit.js';

const mostBytes = 256 * 1024 * 1024;

/**
 * What stands between the delimiters, as views of what was read: all that each read brought, together. A last piece without a
 * delimiter counts; nothing behind a last delimiter does not. When the signal says so, it ends without the piece that is not
 * whole.
 * @param delimiter - one byte
 * @throws UsageError for a line that is longer than 256 MiB
 */
export async function* linesOf(input: Readable, delimiter: number, signal: AbortSignal): AsyncGenerator<Uint8Array[]> {
  let rest: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunksOf(input, signal)) {
    const lines: Uint8Array[] = [];
    let from = 0;
    for (let at = chunk.indexOf(delimiter); at >= 0; at = chunk.indexOf(delimiter, from)) {
      const piece = chunk.subarray(from, at);
      from = at + 1;
      lines.push(rest.length === 0 ? piece : Buffer.concat([...rest, piece]));
      rest = [];
      held = 0;
    }
    if (from < chunk.length) {
      rest.push(chunk.subarray(from));
      held += chunk.length - from;
      if (held > mostBytes)
        throw new UsageError(`a line is longer than ${mostBytes} bytes; publish such input with --raw`);
    }
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0 && !signal.aborted) yield [Buffer.concat(rest)];
}

/** All of it. */
export async function wholeOf(input: Readable, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(input, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* chunksOf(input: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = (): void => void input.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input as AsyncIterable<Uint8Array | string>) {
      if (signal.aborted) return;
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    }
  } catch (error) {
    // it was destroyed above, in the middle of what it had
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
