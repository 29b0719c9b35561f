import { ProtocolError } from '../../core/errors.js';
import type { Frame } from '../../core/wire/frame.js';

/**
 * The error of bytes that are not what the protocol says.
 * @param frame - what was read, such as `RECEIVE`
 * @param at - where, counted from the first byte of what was given
 * @param problem - what is wrong there; "it" is what was read
 * @internal
 */
export function malformed(frame: string, at: number, problem: string): ProtocolError {
  return new ProtocolError(
    `cannot read a lonelyps ${frame}: ${problem}, at byte ${String(at)} of what was received. ` +
      'Check that the other side is a lonelyps broadcaster, and that nothing between changes its bytes',
    { broker: 'lonelyps', detail: { frame, at } },
  );
}

/** A message of this protocol by its name, to be read. @internal */
export function frameOf(name: string): Frame {
  return { name, malformed };
}
