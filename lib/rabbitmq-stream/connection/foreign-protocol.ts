/**
 * What a peer speaks that is no broker's stream port, told by the first bytes it sent; undefined where they can be a frame.
 * As the size of a frame any of these would be hundreds of megabytes.
 * @internal
 */
export function foreignProtocol(bytes: Uint8Array, length: number): string | undefined {
  const begins = (text: string): boolean =>
    length >= text.length && text === String.fromCharCode(...bytes.subarray(0, text.length));
  // records of TLS: alert and handshake, of whatever version 3.x
  if (length >= 3 && (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3 && bytes[2]! <= 4) {
    return 'it speaks TLS on this port; set tls, or use the plain port (5552 by default)';
  }
  if (begins('AMQP')) return 'it speaks AMQP on this port; use the port of the stream plugin (5552 by default)';
  if (begins('HTTP')) return 'it speaks HTTP on this port; use the port of the stream plugin (5552 by default)';
  return undefined;
}
