import { ProtocolError } from '../../core/errors.js';

/** The error of a frame that is not what the protocol says. @internal */
export function malformed(frame: string, bytes: Uint8Array, at: number, problem: string): ProtocolError {
  return new ProtocolError(
    `cannot read a ${frame} of ${String(bytes.length)} bytes: ${problem}, at byte ${String(at)}; ` +
      'it is dropped. Check that only the NATS Streaming server publishes on the inboxes of its clients',
    { broker: 'nats-streaming', detail: { frame, at, bytes: bytes.length } },
  );
}
