import { ProtocolError } from '../../core/errors.js';
import { crc32 } from '../../core/wire/crc32.js';
import type { MessageFields } from './msg-proto.js';

/**
 * Compares the checksum of a message, if it has one, with its data. Throws `ProtocolError` if they differ.
 *
 * The protocol's own description calls the field an optional IEEE CRC-32 and doesn't say of what. No published server sets
 * it: the checksums of its file store are another matter, they cover whole records and stay on the disk. The data is
 * all that it can cover, because the server changes the other fields when it sends a message again.
 */
export function checkCrc(bytes: Uint8Array, fields: MessageFields): void {
  if (fields.crc32 === 0) return;
  const actual = crc32(bytes, fields.dataStart, fields.dataEnd);
  if (actual === fields.crc32) return;
  throw new ProtocolError(
    `message ${String(fields.sequence)} came with the CRC-32 ${hex(fields.crc32)}, but its data has ${hex(actual)}: ` +
      'it was changed on its way and is not delivered. Without an ack the server sends it again',
    { broker: 'nats-streaming', detail: { sequence: fields.sequence, expected: fields.crc32, actual } },
  );
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
