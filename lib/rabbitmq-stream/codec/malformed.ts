import { ProtocolError } from '../../core/errors.js';

/**
 * The error of bytes that are not what the protocol says.
 * @param frame - what was read, such as `Metadata response`
 * @param problem - what is wrong with it
 * @param at - where, counted from the first byte of what was read
 * @param length - how many bytes it has
 * @internal
 */
export function malformed(frame: string, problem: string, at: number, length: number): ProtocolError {
  return new ProtocolError(
    `cannot read a ${frame} of ${String(length)} bytes: ${problem}, at byte ${String(at)}. ` +
      'Check that the port is the stream port of a RabbitMQ broker, and that nothing between changes its bytes',
    { broker: 'rabbitmq-stream', detail: { frame, at, bytes: length } },
  );
}
