import { crc32 as zlibCrc32 } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { checkCrc, crc32 } from '../../../lib/nats-streaming/codec/crc32.js';
import { emptyFields, scanMessage } from '../../../lib/nats-streaming/codec/msg-proto.js';
import { encodeMessage } from '../../../lib/nats-streaming/codec/msg-proto-frame.js';
import { ascii } from './bytes.js';

function check(bytes: Uint8Array): void {
  const fields = emptyFields();
  scanMessage(bytes, fields);
  checkCrc(bytes, fields);
}

describe('nats-streaming codec: crc32', () => {
  it('of the usual example', () => {
    expect(crc32(ascii('123456789'))).to.equal(0xcbf43926);
  });

  it('is the one of zlib, also of a part', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat(), (bytes, a, b) => {
        const start = a % (bytes.length + 1);
        const end = start + (b % (bytes.length - start + 1));
        expect(crc32(bytes)).to.equal(zlibCrc32(bytes));
        expect(crc32(bytes, start, end)).to.equal(zlibCrc32(bytes.subarray(start, end)));
      }),
    );
  });

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
