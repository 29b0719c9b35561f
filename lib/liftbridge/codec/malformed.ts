import { ProtocolError } from '../../core/errors.js';
import type { Frame } from '../../core/wire/frame.js';

/**
 * The error of bytes that are not what the protocol says.
 * @param frame - what was read, such as `Message`
 * @param at - where, counted from the first byte of the buffer that was given
 * @param problem - what is wrong there
 * @internal
 */
export function malformed(frame: string, at: number, problem: string): ProtocolError {
  return new ProtocolError(
    `cannot read a Liftbridge ${frame}: ${problem}, at byte ${String(at)} of what was received. ` +
      'Check that the other side is a Liftbridge server, and that nothing between changes its bytes',
    { broker: 'liftbridge', detail: { frame, at } },
  );
}

/** A message of this protocol by its name, to be read. @internal */
export function frameOf(name: string): Frame {
  return { name, malformed };
}
