import { expect } from 'chai';
import type { ErrorCode } from '../../../lib/core/errors.js';
import { responseCodes } from '../../../lib/rabbitmq-stream/codec/response-codes.js';
import { closeFailure, failure, publishFailure } from '../../../lib/rabbitmq-stream/connection/failures.js';
import { socketFailure, type SocketPhase } from '../../../lib/rabbitmq-stream/connection/socket-failures.js';

describe('rabbitmq-stream connection: failures', () => {
  const expected: Record<Exclude<keyof typeof responseCodes, 'OK'>, readonly [ErrorCode, retriable: boolean]> = {
    STREAM_DOES_NOT_EXIST: ['STREAM_NOT_FOUND', false],
    SUBSCRIPTION_ID_ALREADY_EXISTS: ['IN_USE', false],
    SUBSCRIPTION_ID_DOES_NOT_EXIST: ['STREAM_UNAVAILABLE', true],
    STREAM_ALREADY_EXISTS: ['STREAM_EXISTS', false],
    STREAM_NOT_AVAILABLE: ['STREAM_UNAVAILABLE', true],
    SASL_MECHANISM_NOT_SUPPORTED: ['AUTHENTICATION', false],
    AUTHENTICATION_FAILURE: ['AUTHENTICATION', false],
    SASL_ERROR: ['AUTHENTICATION', false],
    SASL_CHALLENGE: ['AUTHENTICATION', false],
    AUTHENTICATION_FAILURE_LOOPBACK: ['AUTHORIZATION', false],
    VIRTUAL_HOST_ACCESS_FAILURE: ['AUTHORIZATION', false],
    UNKNOWN_FRAME: ['PROTOCOL', false],
    FRAME_TOO_LARGE: ['FRAME_TOO_LARGE', false],
    INTERNAL_ERROR: ['STREAM_UNAVAILABLE', true],
    ACCESS_REFUSED: ['AUTHORIZATION', false],
    PRECONDITION_FAILED: ['INVALID_OPTION', false],
    PUBLISHER_DOES_NOT_EXIST: ['STREAM_UNAVAILABLE', true],
    NO_OFFSET: ['OFFSET_NOT_FOUND', false],
    SASL_CANNOT_CHANGE_MECHANISM: ['AUTHENTICATION', false],
    SASL_CANNOT_CHANGE_USERNAME: ['AUTHENTICATION', false],
  };
  for (const [name, [type, retriable]] of Object.entries(expected)) {
    it(`${name} is a ${type} error`, () => {
      const code = responseCodes[name as keyof typeof responseCodes];
      const error = failure(code, { action: "do something with 'orders'", stream: 'orders', reference: 'app' });
      expect(error).to.include({ code: type, retriable, broker: 'rabbitmq-stream' });
      expect(
        error.message.startsWith(`cannot do something with 'orders': RabbitMQ answered ${name} (${code})`),
      ).to.equal(true);
      expect(error.detail).to.deep.equal({ code, name, stream: 'orders', reference: 'app' });
    });
  }

  it('PRECONDITION_FAILED is what the request says that it is', () => {
    const typeOf = (precondition: 'exists' | 'in-use' | 'invalid'): string =>
      failure(responseCodes.PRECONDITION_FAILED, { action: 'x', precondition }).code;
    expect(['exists', 'in-use', 'invalid'].map((each) => typeOf(each as 'exists'))).to.deep.equal([
      'STREAM_EXISTS',
      'IN_USE',
      'INVALID_OPTION',
    ]);
  });

  it('a code that is not known is an UnsupportedError with the number', () => {
    expect(failure(99, { action: 'x' })).to.include({
      code: 'UNSUPPORTED',
      message: 'cannot x: RabbitMQ answered CODE_99 (99), a code that this client does not know',
    });
  });

  it('a refused message is a PublishError, which passes when the stream comes back', () => {
    expect(publishFailure(responseCodes.PUBLISHER_DOES_NOT_EXIST, 'orders')).to.include({
      code: 'PUBLISH',
      retriable: true,
      message: "cannot publish to 'orders': RabbitMQ refused the message with PUBLISHER_DOES_NOT_EXIST (18)",
    });
    expect(publishFailure(responseCodes.ACCESS_REFUSED, 'orders').retriable).to.equal(false);
  });

  it('a Close without a reason says so', () => {
    expect(closeFailure(1, '', 'a:1').message).to.equal(
      'RabbitMQ at a:1 closed the connection with OK (1): it gave no reason',
    );
  });

  describe('of sockets', () => {
    const told = (error: unknown, phase: SocketPhase, step?: string): ReturnType<typeof socketFailure> =>
      socketFailure(error, { host: '::1', port: 5551, tls: true, phase, step });
    const coded = (code: string, message = ''): Error => Object.assign(new Error(message), { code });

    it('write an address of IPv6 in brackets', () => {
      expect(told(coded('ECONNREFUSED'), 'connecting').message).to.match(
        /^cannot connect to RabbitMQ at \[::1\]:5551: /,
      );
    });

    it('that are not known say what Node says', () => {
      expect(told(coded('EMFILE', 'too many open files'), 'connecting').message).to.match(
        /: too many open files \(EMFILE\)$/,
      );
      expect(told(new Error('odd'), 'connecting').message).to.match(/: odd$/);
      expect(told('odd', 'connecting').message).to.match(/: no reason was given$/);
    });

    for (const code of [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    ]) {
      it(`with ${code} are a refusal of the client, whenever they come`, () => {
        for (const error of [
          told(coded(code), 'securing'),
          told(coded(code), 'ready', 'PeerProperties'),
          told(coded(code), 'ready'),
        ]) {
          expect(error).to.include({ code: 'AUTHENTICATION', retriable: false });
          expect(error.detail).to.deep.equal({ code });
        }
      });
    }

    it('at the first step advise the certificate that a broker may want', () => {
      expect(told(coded('ECONNRESET'), 'ready', 'PeerProperties').message).to.match(
        /the connection was lost instead of answering PeerProperties \(ECONNRESET\); if it requires a client certificate/,
      );
    });
  });
});
