import { open, stat, type FileHandle } from 'node:fs/promises';
import { InvalidOptionError, PublishError } from '../../core/errors.js';
import { messageOf } from '../../core/socket-failures.js';
import { codeOf } from '../../core/tls.js';
import type { Body } from '../body.js';
import { givenUp, spooled, type BodyMeans } from '../to-body.js';
import { nodeHashing } from './hashing.js';

/** How much is read at a time, in bytes. */
const readSize = 128 * 1024;

/**
 * A file of the user's as the body of a message: a small one in memory, a large one where it is.
 * @throws InvalidOptionError where it cannot be read
 * @internal
 */
export async function bodyOfFile(path: string, means: BodyMeans): Promise<Body> {
  const file = await openFile(path, means.where);
  try {
    // one that grows meanwhile is taken as far as it was read
    if (file.size <= means.spoolSize) return await spooled(partsOf(file.handle), means);
    const hash = nodeHashing.startSha512();
    let length = 0;
    for await (const part of partsOf(file.handle)) {
      if (means.signal?.aborted === true) throw givenUp(means.signal);
      length += part.length;
      hash.update(part);
    }
    return new UserFile(path, length, hash.digest());
  } finally {
    await file.handle.close();
  }
}

async function openFile(path: string, where: string): Promise<{ handle: FileHandle; size: number }> {
  try {
    // asked first: to open a pipe would wait for somebody who writes to it
    const { size, isRegular } = await stat(path).then((found) => ({ size: found.size, isRegular: found.isFile() }));
    if (!isRegular) throw new Error('it is not a file');
    return { handle: await open(path, 'r'), size };
  } catch (error) {
    throw new InvalidOptionError(`${where}: file must be one that can be read, got '${path}': ${messageOf(error)}`, {
      broker: 'lonelyps',
      cause: error,
      detail: { file: path, code: codeOf(error) },
    });
  }
}

async function* partsOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(readSize), 0, readSize, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Reads the file anew for each attempt and compares on the way. Its last part is held back until the hash is right, so that
 * a file that has changed is never sent whole.
 */
class UserFile implements Body {
  readonly bytes = undefined;

  constructor(
    private readonly path: string,
    readonly length: number,
    readonly sha512: Uint8Array,
  ) {}

  async *read(): AsyncIterable<Uint8Array> {
    const handle = await this.open();
    try {
      const hash = nodeHashing.startSha512();
      let length = 0;
      let held: Uint8Array | undefined;
      for await (const part of partsOf(handle)) {
        if (held !== undefined) yield held;
        held = part;
        hash.update(part);
        length += part.length;
        if (length > this.length) break;
      }
      if (length !== this.length || Buffer.compare(hash.digest(), this.sha512) !== 0) throw this.changed();
      if (held !== undefined) yield held;
    } finally {
      await handle.close();
    }
  }

  async load(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of this.read()) parts.push(part);
    return Buffer.concat(parts, this.length);
  }

  discard(): void {
    // the file is the user's
  }

  private async open(): Promise<FileHandle> {
    try {
      return await open(this.path, 'r');
    } catch (error) {
      throw this.changed(error);
    }
  }

  private changed(cause?: unknown): PublishError {
    const said = cause === undefined ? 'has changed since it was hashed' : `cannot be read again: ${messageOf(cause)}`;
    return new PublishError(`the file '${this.path}' ${said}; it was not sent: publish it again when it is complete`, {
      broker: 'lonelyps',
      cause,
      detail: { file: this.path },
    });
  }
}
