import { PublishError } from '../../core/errors.js';
import type { Body } from '../body.js';

/** @internal */
export interface BodyPart {
  /** Good until the next part is asked for. */
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/**
 * Cuts a body into parts of `size` bytes; a body without bytes has one part. The last part is given only when the body has
 * ended, so that one which turns out to be another than was announced is never sent to its end.
 * @throws PublishError where the body is longer or shorter than it says; what reading it throws
 * @internal
 */
export async function* inParts(body: Body, size: number): AsyncGenerator<BodyPart, void, undefined> {
  const { length } = body;
  const part = new Uint8Array(Math.min(size, length));
  let done = 0;
  let filled = 0;
  for await (const chunk of body.read()) {
    if (done + filled + chunk.length > length) throw otherLength(length, 'more');
    for (let at = 0; at < chunk.length;) {
      if (filled === part.length) {
        yield { bytes: part, last: false };
        done += filled;
        filled = 0;
      }
      const taken = chunk.subarray(at, at + part.length - filled);
      part.set(taken, filled);
      filled += taken.length;
      at += taken.length;
    }
  }
  if (done + filled !== length) throw otherLength(length, 'fewer');
  yield { bytes: part.subarray(0, filled), last: true };
}

function otherLength(length: number, which: string): PublishError {
  return new PublishError(`A message that has ${length} bytes gave ${which} when it was read to be sent.`, {
    broker: 'lonelyps',
  });
}
