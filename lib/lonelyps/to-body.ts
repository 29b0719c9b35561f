import { checkValue, text } from '../core/check.js';
import { ClosedError, InvalidOptionError, PublishError, WeirError } from '../core/errors.js';
import type { Body, BodyWriter } from './body.js';

/** How a body is made. @internal */
export interface BodyMeans {
  /** The call, for errors. */
  readonly where: string;
  /** Bytes that may stay in memory. */
  readonly spoolSize: number;
  startBody(spoolSize: number): BodyWriter;
  /** Where there are files. */
  readonly fileBody?: ((path: string, means: BodyMeans) => Promise<Body>) | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

const path = text({ words: "that is a path (fileURLToPath, of 'node:url', makes one of a URL)" });

/** The part of the web's `ReadableStream` that is used. */
interface WebStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: unknown }>;
    cancel(reason?: unknown): Promise<unknown>;
  };
}

/**
 * Reads what `publish` was given, if it is no bytes: a stream (of Node or of the web, or any async iterable), a `Blob`, or the path
 * of a file. The length and the hash go before the body, so a stream is read to its end first.
 * @throws PublishError for what is no stream of bytes, and where the stream fails
 * @throws InvalidOptionError for a file that cannot be read
 * @throws ClosedError where the signal aborts, or the error of this package that it was aborted with
 * @internal
 */
export async function toBody(value: unknown, means: BodyMeans): Promise<Body> {
  const { where, fileBody } = means;
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    const { file } = value as { file?: unknown };
    const parts = typeof file === 'string' ? undefined : partsOf(value);
    if (parts !== undefined) return spooled(parts, means);
    if ('file' in value) {
      if (fileBody === undefined) {
        throw invalid(where, 'a page reads no files by their path; give the File itself, which is a Blob');
      }
      checkValue(where, 'file', file, path);
      return fileBody(file as string, means);
    }
  }
  throw unsendable(
    where,
    `the value must be bytes, a stream of bytes, a Blob or { file }, got ${kindOf(value)}; give a codec that makes bytes of it`,
  );
}

/** All parts, spooled. They are copied: who made one may fill it anew for the next. @internal */
export async function spooled(parts: AsyncIterator<unknown, unknown>, means: BodyMeans): Promise<Body> {
  const writer = means.startBody(means.spoolSize);
  const unlessAborted = abortable(means.signal);
  let drained = false;
  try {
    for (;;) {
      const next = nextOf(parts).catch((error: unknown) => {
        drained = true;
        throw failed(means.where, error, writer.length);
      });
      const { done, value } = await unlessAborted.wait(next);
      drained = done === true;
      if (drained) return await writer.end();
      if (!(value instanceof Uint8Array))
        throw unsendable(means.where, `the stream gave ${kindOf(value)} instead of bytes`);
      await writer.write(new Uint8Array(value));
    }
  } catch (error) {
    writer.discard();
    throw error;
  } finally {
    unlessAborted.end();
    // the source is told that nobody reads on; what it says to that is nobody's concern
    if (!drained) void endOf(parts);
  }
}

/** What a call ends with whose signal aborts. @internal */
export function givenUp(signal: AbortSignal): WeirError {
  const reason: unknown = signal.reason;
  if (reason instanceof WeirError) return reason;
  const said = 'the message was given up before it was read to its end';
  return new ClosedError(said, { broker: 'lonelyps', cause: reason });
}

async function endOf(parts: AsyncIterator<unknown, unknown>): Promise<void> {
  try {
    await parts.return?.();
  } catch {
    // it was given up
  }
}

/** What a hand-made iterator throws is a rejection here. */
async function nextOf(parts: AsyncIterator<unknown, unknown>): Promise<IteratorResult<unknown, unknown>> {
  return parts.next();
}

interface Abortable {
  /** What the promise comes to, or a rejection where the signal aborts before. One at a time. */
  wait<T>(promise: Promise<T>): Promise<T>;
  end(): void;
}

/** A race with one promise for the abort would keep all that ever ran against it: the whole stream. */
function abortable(signal: AbortSignal | undefined): Abortable {
  let reject: (error: WeirError) => void = () => undefined;
  const abort = (): void => reject(givenUp(signal!));
  signal?.addEventListener('abort', abort);
  return {
    wait: (promise) =>
      new Promise((resolve, fail) => {
        reject = fail;
        promise.then(resolve, fail);
        if (signal?.aborted === true) abort();
      }),
    end: () => signal?.removeEventListener('abort', abort),
  };
}

/** Undefined where it is nothing that gives parts. */
function partsOf(value: object): AsyncIterator<unknown, unknown> | undefined {
  const { stream, size, getReader } = value as { stream?: unknown; size?: unknown; getReader?: unknown };
  if (typeof stream === 'function' && typeof size === 'number') return partsOf((value as Blob).stream());
  // not all browsers can iterate their ReadableStream
  if (typeof getReader === 'function') return readerParts(value as WebStream);
  return Symbol.asyncIterator in value ? (value as AsyncIterable<unknown>)[Symbol.asyncIterator]() : undefined;
}

function readerParts(stream: WebStream): AsyncIterator<unknown, unknown> {
  let reader: ReturnType<WebStream['getReader']> | undefined;
  return {
    async next() {
      reader ??= stream.getReader();
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done: false, value };
    },
    async return() {
      reader ??= stream.getReader();
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

function failed(where: string, error: unknown, after: number): PublishError {
  const said = error instanceof Error ? error.message : String(error);
  return new PublishError(
    `${where}: the stream failed after ${String(after)} bytes, so that nothing was sent: ${said}`,
    {
      broker: 'lonelyps',
      cause: error,
    },
  );
}

function unsendable(where: string, problem: string): PublishError {
  return new PublishError(`${where}: ${problem}`, { broker: 'lonelyps' });
}

function invalid(where: string, problem: string): InvalidOptionError {
  return new InvalidOptionError(`${where}: ${problem}`, { broker: 'lonelyps' });
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? `an ${value.constructor?.name ?? 'object'}` : `a ${typeof value}`;
}
