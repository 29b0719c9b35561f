import { randomBytes } from 'node:crypto';
import { close, constants, openSync, read, unlink, unlinkSync, writev } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClosedError, OverflowError } from '../../core/errors.js';
import type { Body } from '../body.js';

const readAt = promisify(read);
const writeAllAt = promisify(writev);

/** How much is read at a time, in bytes. */
const readSize = 128 * 1024;

/** Parts that wait for the disk are written with one call, so many at most. */
const partsAtOnce = 64;

/**
 * A file without a name: it is unlinked as soon as it is open, so that nothing stays behind, also where the process is killed.
 * Bytes are appended, then read from anywhere. It is closed when it was discarded and nobody reads or writes any more: a
 * descriptor that is closed under a read may already be another file.
 * @internal
 */
export class SpoolFile {
  #waiting: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  #length = 0;
  #users = 0;
  #discarded = false;
  #failure: OverflowError | undefined;

  private constructor(
    private readonly fd: number,
    /** Where it lies, on a platform that does not unlink what is open. */
    private readonly left: string | undefined,
  ) {}

  /** @throws OverflowError where the disk refuses */
  static open(directory = tmpdir()): SpoolFile {
    const path = join(directory, `rx-weir-${randomBytes(12).toString('hex')}`);
    let fd;
    try {
      // a file of that name, or a link, would be somebody else's
      fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    } catch (error) {
      throw diskRefused('make a file for a large message', directory, error);
    }
    try {
      unlinkSync(path);
    } catch {
      return new SpoolFile(fd, path);
    }
    return new SpoolFile(fd, undefined);
  }

  /** The part is on the disk when the promise resolves. @throws OverflowError where the disk refuses */
  write(part: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#waiting.push(part);
    if (this.#writing === undefined) {
      this.#writing = this.#writeAll();
      // whoever discards the file does not wait; others see it here or in flushed()
      this.#writing.catch(() => undefined);
    }
    return this.#writing;
  }

  /** Resolves when all is written. @throws OverflowError where the disk refused any of it */
  async flushed(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Fills the buffer from a position on.
   * @throws ClosedError where it was discarded
   */
  async read(into: Uint8Array, position: number): Promise<void> {
    if (this.#discarded) throw discarded();
    this.#users++;
    try {
      for (let filled = 0; filled < into.length;) {
        const { bytesRead } = await readAt(this.fd, into, filled, into.length - filled, position + filled);
        if (bytesRead === 0) throw new Error('the file is shorter than what was written to it');
        filled += bytesRead;
      }
    } catch (error) {
      throw diskRefused('read a large message back', tmpdir(), error);
    } finally {
      this.#users--;
      this.#closeIfDone();
    }
    // what was read is as good as ever, but its owner has said that nobody needs it
    if (this.#discarded) throw discarded();
  }

  discard(): void {
    if (this.#discarded) return;
    this.#discarded = true;
    this.#waiting = [];
    this.#closeIfDone();
  }

  async #writeAll(): Promise<void> {
    this.#users++;
    try {
      while (this.#waiting.length > 0) {
        const parts = this.#waiting.splice(0, partsAtOnce);
        await this.#write(parts);
      }
    } catch (error) {
      this.#waiting = [];
      this.#failure = diskRefused('write a large message', tmpdir(), error);
      throw this.#failure;
    } finally {
      this.#users--;
      this.#writing = undefined;
      this.#closeIfDone();
    }
  }

  async #write(parts: Uint8Array[]): Promise<void> {
    while (parts.length > 0) {
      const { bytesWritten } = await writeAllAt(this.fd, parts, this.#length);
      this.#length += bytesWritten;
      dropBytes(parts, bytesWritten);
    }
  }

  #closeIfDone(): void {
    if (!this.#discarded || this.#users > 0) return;
    this.#users = Infinity;
    close(this.fd, () => {
      // the file has no name: there is nobody to tell
      if (this.left !== undefined) unlink(this.left, () => undefined);
    });
  }
}

/** A body that lies in such a file. @internal */
export class FileBody implements Body {
  readonly bytes = undefined;

  constructor(
    private readonly file: SpoolFile,
    readonly length: number,
    readonly sha512: Uint8Array,
  ) {}

  async *read(): AsyncIterable<Uint8Array> {
    for (let position = 0; position < this.length; position += readSize) {
      const part = Buffer.allocUnsafeSlow(Math.min(readSize, this.length - position));
      await this.file.read(part, position);
      yield part;
    }
  }

  async load(): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(this.length);
    await this.file.read(bytes, 0);
    return bytes;
  }

  discard(): void {
    this.file.discard();
  }
}

/** The disk takes a part of what it is given where it is nearly full. */
function dropBytes(parts: Uint8Array[], count: number): void {
  let left = count;
  while (parts.length > 0 && left >= parts[0]!.length) left -= parts.shift()!.length;
  if (left > 0) parts[0] = parts[0]!.subarray(left);
}

function diskRefused(what: string, directory: string, cause: unknown): OverflowError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new OverflowError(
    `cannot ${what} (${said}); make room in ${directory}, or raise spoolSize to keep it in memory`,
    { broker: 'lonelyps', cause },
  );
}

function discarded(): ClosedError {
  return new ClosedError('the bytes of this message are gone: it was settled, or its handle was closed', {
    broker: 'lonelyps',
  });
}
