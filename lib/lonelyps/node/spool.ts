import { ClosedError, type WeirError } from '../../core/errors.js';
import { MemoryBody, type Body, type BodyWriter } from '../body.js';
import { nodeHashing } from './hashing.js';
import { Parts } from './parts.js';
import { FileBody, SpoolFile } from './spool-file.js';

/**
 * Takes a body into memory, and from the byte on that is one more than `spoolSize` into a file.
 * @param directory - where the file is made
 * @internal
 */
export function startSpool(spoolSize: number, directory?: string): BodyWriter {
  return new Spool(spoolSize, directory);
}

class Spool implements BodyWriter {
  readonly #spoolSize: number;
  readonly #directory: string | undefined;
  readonly #parts = new Parts();
  /** From the second part on; one part is hashed at once, which is faster. */
  #hash: { update(part: Uint8Array): void; digest(): Uint8Array } | undefined;
  #only: Uint8Array | undefined;
  #length = 0;
  #file: SpoolFile | undefined;
  #failure: WeirError | undefined;
  #over = false;

  constructor(spoolSize: number, directory: string | undefined) {
    this.#spoolSize = spoolSize;
    this.#directory = directory;
  }

  get length(): number {
    return this.#length;
  }

  write(part: Uint8Array): Promise<void> | undefined {
    if (this.#over) return Promise.reject(finished());
    if (part.length === 0) return undefined;
    this.#digest(part);
    this.#length += part.length;
    if (this.#file === undefined) {
      this.#parts.add(part);
      if (this.#length <= this.#spoolSize) return undefined;
      return this.#toFile();
    }
    return this.#file.write(part);
  }

  async end(): Promise<Body> {
    if (this.#over) throw finished();
    this.#over = true;
    if (this.#failure !== undefined) throw this.#failure;
    const file = this.#file;
    if (file === undefined) {
      const bytes = this.#only ?? joined(this.#parts.take(), this.#length);
      return new MemoryBody(bytes, this.#hash?.digest() ?? nodeHashing.sha512(bytes));
    }
    const sha512 = this.#hash?.digest() ?? nodeHashing.sha512(this.#only!);
    this.#only = undefined;
    await file.flushed();
    return new FileBody(file, this.#length, sha512);
  }

  discard(): void {
    if (this.#over) return;
    this.#over = true;
    this.#only = undefined;
    this.#parts.take();
    this.#file?.discard();
  }

  #digest(part: Uint8Array): void {
    if (this.#length === 0) {
      this.#only = part;
      return;
    }
    if (this.#hash === undefined) {
      this.#hash = nodeHashing.startSha512();
      this.#hash.update(this.#only!);
      this.#only = undefined;
    }
    this.#hash.update(part);
  }

  #toFile(): Promise<void> | undefined {
    const parts = this.#parts.take();
    try {
      this.#file = SpoolFile.open(this.#directory);
    } catch (error) {
      this.#failure = error as WeirError;
      return Promise.reject(this.#failure);
    }
    let written: Promise<void> | undefined;
    for (const part of parts) written = this.#file.write(part);
    return written;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
}

function finished(): ClosedError {
  return new ClosedError('this body takes no more bytes: it was ended or discarded', { broker: 'lonelyps' });
}
