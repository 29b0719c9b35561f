import { ClosedError } from '../../core/errors.js';
import { MemoryBody, type Body, type BodyWriter } from '../body.js';
import type { Hashing } from '../platform.js';

/** Takes a body into memory, which is all that a page has. @internal */
export class MemoryWriter implements BodyWriter {
  private parts: Uint8Array[] = [];
  private size = 0;
  private over = false;

  constructor(private readonly hashing: Hashing) {}

  get length(): number {
    return this.size;
  }

  write(part: Uint8Array): Promise<void> | undefined {
    if (this.over) return Promise.reject(finished());
    this.parts.push(part);
    this.size += part.length;
    return undefined;
  }

  end(): Promise<Body> {
    if (this.over) return Promise.reject(finished());
    const bytes = this.parts.length === 1 ? this.parts[0]! : this.joined();
    this.discard();
    return Promise.resolve(new MemoryBody(bytes, this.hashing.sha512(bytes)));
  }

  discard(): void {
    this.over = true;
    this.parts = [];
  }

  private joined(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

function finished(): ClosedError {
  return new ClosedError('this body takes no more bytes: it was ended or discarded', { broker: 'lonelyps' });
}
