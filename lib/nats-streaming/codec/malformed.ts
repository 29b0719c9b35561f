import { ProtocolError } from '../../core/errors.js';
import type { Frame } from '../../core/wire/frame.js';

/** A message of this protocol by its name, to be read. @internal */
export function frameOf(name: string): Frame {
  return { name, malformed };
}

function malformed(name: string, at: number, problem: string, bytes: Uint8Array): ProtocolError {
  return new ProtocolError(
    `cannot read a ${name} of ${String(bytes.length)} bytes: ${problem}, at byte ${String(at)}; ` +
      'it is dropped. Check that only the NATS Streaming server publishes on the inboxes of its clients',
    { broker: 'nats-streaming', detail: { frame: name, at, bytes: bytes.length } },
  );
}
