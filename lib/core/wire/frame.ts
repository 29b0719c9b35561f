import type { ProtocolError } from '../errors.js';

/**
 * Makes the error of bytes that are not what the protocol says, in the words of its broker.
 * @param name - what was read, such as `Message`
 * @param at - where, counted from the first byte of `bytes`
 * @param problem - what is wrong there; "it" is what was read
 * @internal
 */
export type Malformed = (name: string, at: number, problem: string, bytes: Uint8Array) => ProtocolError;

/** A kind of message that is read: its name, and the error where one of it is malformed. @internal */
export interface Frame {
  readonly name: string;
  readonly malformed: Malformed;
}

/** The error of a frame that is not what the protocol says at a byte of `bytes`. @internal */
export function malformed(frame: Frame, bytes: Uint8Array, at: number, problem: string): ProtocolError {
  return frame.malformed(frame.name, at, problem, bytes);
}
