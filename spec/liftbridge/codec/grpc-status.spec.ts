import { expect } from 'chai';
import { asyncErrorCodes, wireName } from '../../../lib/liftbridge/codec/enums.js';
import { decodeGrpcMessage, grpcStatus, grpcStatusName } from '../../../lib/liftbridge/codec/grpc-status.js';

describe('liftbridge codec: gRPC status', () => {
  it('codes have the names that gRPC gives them', () => {
    expect(grpcStatusName(grpcStatus.ok)).to.equal('OK');
    expect(grpcStatusName(grpcStatus.failedPrecondition)).to.equal('FAILED_PRECONDITION');
    expect(grpcStatusName(16)).to.equal('UNAUTHENTICATED');
    expect(grpcStatusName(99)).to.equal('99');
    expect(wireName(asyncErrorCodes, 5)).to.equal('INCORRECT_OFFSET');
  });

  const messages = [
    ['no such stream: S', 'no such stream: S'],
    ['100%25 sure', '100% sure'],
    ['%E2%82%AC and %c3%bc', '€ and ü'],
    ['%F0%9F%98%80', '😀'],
    ['', ''],
    // not what gRPC writes: read as far as it goes
    ['50% off, %zz, %4', '50% off, %zz, %4'],
    ['%ff', '\ufffd'],
    ['é%20', 'é '],
  ] as const;
  for (const [encoded, text] of messages) {
    it(`the message '${encoded}'`, () => expect(decodeGrpcMessage(encoded)).to.equal(text));
  }
});
