import { encodeFrame, fixedUint, nonEmptyUint, shortUint, textHeader } from './frame.js';
import type { StreamHead } from './from-broadcaster.js';

const types = {
  configure: 1,
  subscribeExact: 2,
  subscribeGlob: 3,
  unsubscribeExact: 4,
  unsubscribeGlob: 5,
  notify: 6,
  notifyStream: 7,
  continueReceive: 8,
  confirmReceive: 9,
} as const;

// Tracing is always empty: nobody reads it, and it would have to be signed.
const tracing = new Uint8Array(0);

/** What a connection begins with. @internal */
export interface Configure {
  /** Our half of the connection's nonce, 32 bytes. */
  readonly nonce: Uint8Array;
  /** Whether the broadcaster may compress. */
  readonly zstd: boolean;
  /** Whether it may make dictionaries for us. */
  readonly training: boolean;
  /** The preset dictionary to begin with; 0 for no wish. */
  readonly initialDictionary: number;
}

/** @internal */
export function configureMessage(authorization: string, configure: Configure): Uint8Array {
  const { nonce, zstd, training, initialDictionary } = configure;
  const flags = [Uint8Array.of(Number(zstd)), Uint8Array.of(Number(training)), fixedUint(initialDictionary, 2)];
  return encodeFrame(types.configure, [nonce, ...flags, textHeader(authorization), tracing]);
}

/** @internal */
export function subscribeExactMessage(authorization: string, topic: Uint8Array): Uint8Array {
  return encodeFrame(types.subscribeExact, [textHeader(authorization), tracing, topic]);
}

/** @internal */
export function subscribeGlobMessage(authorization: string, glob: string): Uint8Array {
  return encodeFrame(types.subscribeGlob, [textHeader(authorization), tracing, textHeader(glob)]);
}

/** @internal */
export function unsubscribeExactMessage(authorization: string, topic: Uint8Array): Uint8Array {
  return encodeFrame(types.unsubscribeExact, [textHeader(authorization), tracing, topic]);
}

/** @internal */
export function unsubscribeGlobMessage(authorization: string, glob: string): Uint8Array {
  return encodeFrame(types.unsubscribeGlob, [textHeader(authorization), tracing, textHeader(glob)]);
}

/**
 * A message as a whole.
 * @param identifier - up to 64 bytes, fresh for each attempt
 * @param bytes - as they are sent: compressed, where `head` says so
 * @internal
 */
export function notifyMessage(
  authorization: string,
  identifier: Uint8Array,
  head: StreamHead,
  bytes: Uint8Array,
): Uint8Array {
  return encodeFrame(types.notify, [textHeader(authorization), tracing, identifier, ...headHeaders(head)], bytes);
}

/**
 * A part of a message.
 * @param part - from 0 on
 * @param head - with part 0 only
 * @internal
 */
export function notifyPartMessage(
  authorization: string,
  identifier: Uint8Array,
  part: number,
  head: StreamHead | undefined,
  bytes: Uint8Array,
): Uint8Array {
  const headers = [textHeader(authorization), tracing, identifier, nonEmptyUint(part)];
  if (head !== undefined) headers.push(...headHeaders(head));
  return encodeFrame(types.notifyStream, headers, bytes);
}

/**
 * How many bytes of a message of ours are not its body, at most.
 * @param authorization - bytes of it
 * @param topic - bytes of it
 * @internal
 */
export function notifyOverhead(authorization: number, topic: number): number {
  const [flagsAndType, lengths, identifier, numbers, sha512] = [4, 9 * 2, 64, 4 * 8, 64];
  return flagsAndType + lengths + identifier + numbers + sha512 + authorization + topic;
}

/** Acknowledges a part that is not the last. @internal */
export function continueReceiveMessage(authorization: string, identifier: Uint8Array, part: number): Uint8Array {
  return encodeFrame(types.continueReceive, [identifier, shortUint(part), textHeader(authorization), tracing]);
}

/** Acknowledges the last part, and that so many subscribers here have the message. @internal */
export function confirmReceiveMessage(authorization: string, identifier: Uint8Array, subscribers: number): Uint8Array {
  const count = fixedUint(subscribers, 4);
  return encodeFrame(types.confirmReceive, [identifier, textHeader(authorization), tracing, count]);
}

function headHeaders(head: StreamHead): Uint8Array[] {
  const { topic, compressor, compressedLength, length, sha512 } = head;
  return [topic, nonEmptyUint(compressor), shortUint(compressedLength), shortUint(length), sha512];
}
