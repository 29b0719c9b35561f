import { expect } from 'chai';
import { ClosedError, ConnectionError, ProtocolError, type ErrorCode } from '../../../lib/core/errors.js';
import { grpcStatus, grpcStatusName } from '../../../lib/liftbridge/codec/grpc-status.js';
import { statusError } from '../../../lib/liftbridge/connection/failures.js';

const address = { host: '::1', port: 9292 };

describe('liftbridge connection: failures', () => {
  const cases: [keyof typeof grpcStatus, string, ErrorCode, boolean][] = [
    ['ok', '', 'STREAM_UNAVAILABLE', true],
    ['cancelled', 'gone', 'CONNECTION', true],
    ['unknown', 'The client is not authorized to call Subscribe on resource orders', 'AUTHORIZATION', false],
    ['unknown', 'EOF', 'STREAM_UNAVAILABLE', false],
    ['invalidArgument', 'Name cannot be empty', 'INVALID_OPTION', false],
    ['deadlineExceeded', 'context deadline exceeded', 'TIMEOUT', true],
    ['notFound', 'No such partition', 'STREAM_NOT_FOUND', false],
    ['alreadyExists', 'stream already exists', 'STREAM_EXISTS', false],
    ['permissionDenied', 'no', 'AUTHORIZATION', false],
    ['resourceExhausted', 'grpc: received message larger than max (5 vs. 4)', 'FRAME_TOO_LARGE', false],
    ['resourceExhausted', 'Bandwidth exhausted or memory limit exceeded', 'CONNECTION', true],
    ['resourceExhausted', 'too_many_pings', 'CONNECTION', true],
    ['resourceExhausted', 'quota', 'OVERFLOW', true],
    ['failedPrecondition', 'Server not partition leader', 'STREAM_UNAVAILABLE', true],
    ['aborted', 'conflict', 'STREAM_UNAVAILABLE', true],
    ['outOfRange', 'no', 'STREAM_UNAVAILABLE', false],
    ['unimplemented', 'unknown method', 'UNSUPPORTED', false],
    ['internal', 'no known metadata leader', 'STREAM_UNAVAILABLE', true],
    ['internal', 'Failed to replicate partition: leadership lost while committing log', 'STREAM_UNAVAILABLE', true],
    ['internal', 'Failed to resume stream: node is not the leader', 'STREAM_UNAVAILABLE', true],
    ['internal', 'Cursors stream does not exist', 'UNSUPPORTED', false],
    ['internal', 'segment has been closed', 'STREAM_UNAVAILABLE', false],
    ['unavailable', 'shutting down', 'CONNECTION', true],
    ['dataLoss', 'no', 'STREAM_UNAVAILABLE', false],
    ['unauthenticated', 'who are you', 'AUTHENTICATION', false],
  ];
  for (const [status, message, errorCode, retriable] of cases) {
    it(`${status}${message && `, "${message}",`} is ${errorCode}`, () => {
      const code = grpcStatus[status];
      const name = grpcStatusName(code);
      const error = statusError({ code, name, message }, "read 'orders'", address);
      expect(error.code).to.equal(errorCode);
      expect(error.retriable).to.equal(retriable);
      expect(error.broker).to.equal('liftbridge');
      expect(error.message).to.include(
        `cannot read 'orders' at [::1]:9292: ${message || 'the broker gave no reason'} (${name})`,
      );
      expect(error.detail).to.deep.equal({ code, name, message, address: '[::1]:9292' });
    });
  }

  it('a code that nobody has heard of is no reason to try again', () => {
    const error = statusError({ code: 99, name: '99', message: 'odd' }, 'ask', address);
    expect([error.code, error.retriable]).to.deep.equal(['STREAM_UNAVAILABLE', false]);
  });

  it('what ended a call on this side gives the class, and says whether to try again', () => {
    const causes = [
      new ConnectionError('lost'),
      new ProtocolError('garbage', { retriable: true }),
      new ClosedError('closed'),
    ];
    for (const cause of causes) {
      const error = statusError({ code: 14, name: 'UNAVAILABLE', message: 'x' }, 'ask', address, cause);
      expect(error.message).to.equal(`cannot ask at [::1]:9292: ${cause.message}`);
      expect([error.code, error.retriable, error.cause]).to.deep.equal([cause.code, cause.retriable, cause]);
    }
  });
});
