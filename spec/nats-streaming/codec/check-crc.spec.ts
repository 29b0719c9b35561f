import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import { crc32 } from '../../../lib/core/wire/crc32.js';
import { checkCrc } from '../../../lib/nats-streaming/codec/check-crc.js';
import { emptyFields, scanMessage } from '../../../lib/nats-streaming/codec/msg-proto.js';
import { encodeMessage } from '../../../lib/nats-streaming/codec/msg-proto-frame.js';
import { ascii } from './bytes.js';

function check(bytes: Uint8Array): void {
  const fields = emptyFields();
  scanMessage(bytes, fields);
  checkCrc(bytes, fields);
}

describe('nats-streaming codec: the checksum of a message', () => {
  it('a message with the checksum of its data is good, whatever its other fields are', () => {
    const data = ascii('hello');
    check(encodeMessage({ sequence: 1, subject: 'foo', data, crc32: crc32(data) }));
    check(
      encodeMessage({ sequence: 1, subject: 'foo', data, crc32: crc32(data), redelivered: true, redeliveryCount: 4 }),
    );
  });

  it('a message without one is not checked', () => {
    check(encodeMessage({ sequence: 1, data: ascii('hello') }));
    check(new Uint8Array(0));
  });

  it('a message whose data was changed is a ProtocolError that names it', () => {
    const bytes = encodeMessage({ sequence: 77, data: ascii('hellO'), crc32: crc32(ascii('hello')) });
    expect(() => {
      check(bytes);
    })
      .to.throw(ProtocolError, 'message 77 came with the CRC-32 3610a686')
      .with.property('broker', 'nats-streaming');
  });
});
