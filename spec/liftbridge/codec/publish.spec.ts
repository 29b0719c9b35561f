import { expect } from 'chai';
import fc from 'fast-check';
import { correlationCounter, correlationText } from '../../../lib/liftbridge/codec/correlation.js';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import { encodeHeaders, headerFields } from '../../../lib/liftbridge/codec/headers.js';
import { PublishResponseScan, readPublishResponse } from '../../../lib/liftbridge/codec/publish-response.js';
import { PublishEncoder } from '../../../lib/liftbridge/codec/publish.js';
import { encodePublishRequest } from '../../../lib/liftbridge/codec/requests.js';
import { bytes, headers, int32, int64, maybe, record, text } from './arbitraries.js';
import { toHex, utf8 } from './bytes.js';
import { theirDecode, theirEncode } from './oracle.js';

const counter = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 9, 10, 31, 32, 2 ** 30 - 1, 2 ** 30, Number.MAX_SAFE_INTEGER),
);

describe('liftbridge codec: the encoder of a partition', () => {
  const place = record({ stream: text, partition: int32, ackPolicy: fc.nat(2), correlationPrefix: text });
  const message = record({
    value: bytes,
    id: fc.oneof(counter, text),
    key: maybe(bytes),
    headers: maybe(headers),
    expectedOffset: maybe(fc.oneof(int64, fc.constantFrom(-1, 0, 5))),
  });

  it('writes what a request alone has, with the head of a gRPC message, in as many bytes as it says', () => {
    fc.assert(
      fc.property(place, fc.array(message, { minLength: 1, maxLength: 4 }), (options, messages) => {
        const encoder = new PublishEncoder(options);
        for (const { value, id, key, headers: given, expectedOffset } of messages) {
          const fields = given && encodeHeaders(given, headerFields.publish);
          const size = encoder.sizeOf(value, id, key, fields, expectedOffset);
          const out = new Uint8Array(size + 7).fill(0xee);
          expect(encoder.write(out, 3, value, id, key, fields, expectedOffset)).to.equal(3 + size);
          expect(toHex(out.subarray(0, 3)) + toHex(out.subarray(3 + size))).to.equal('ee'.repeat(7));
          const correlationId = typeof id === 'string' ? id : correlationText(options.correlationPrefix, id);
          const alone = encodePublishRequest({ ...options, value, correlationId, key, headers: given, expectedOffset });
          const written = out.slice(3, 3 + size);
          expect(written.slice(0, 5)).to.deep.equal(grpcFrame(alone).slice(0, 5));
          expect(theirDecode('PublishRequest', written.subarray(5))).to.deep.equal(
            theirDecode('PublishRequest', alone),
          );
        }
      }),
    );
  });

  it('counts up from any counter, and goes to any other', () => {
    fc.assert(
      fc.property(fc.array(counter, { maxLength: 5 }), (starts) => {
        const encoder = new PublishEncoder({ stream: 's', partition: 0, ackPolicy: 0, correlationPrefix: 'p' });
        const out = new Uint8Array(100);
        for (const start of starts) {
          for (let id = start; id < Math.min(start + 40, Number.MAX_SAFE_INTEGER); id++) {
            const end = encoder.write(out, 0, new Uint8Array(0), id);
            const read = theirDecode('PublishRequest', out.subarray(5, end));
            expect(read['correlationId']).to.equal(correlationText('p', id));
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('liftbridge codec: correlation ids', () => {
  it('a counter is known again in a response, and no other id is taken for one', () => {
    const into = new PublishResponseScan('~a.');
    fc.assert(
      fc.property(
        fc.oneof(
          counter,
          text,
          text.map((end) => `~a.${end}`),
        ),
        (id) => {
          const correlationId = typeof id === 'number' ? correlationText('~a.', id) : id;
          const response = theirEncode('PublishResponse', { correlationId });
          readPublishResponse(response, 0, response.length, into);
          expect(into.correlationId).to.equal(id);
        },
      ),
    );
  });

  const notOurs = ['', '~a.', '~a.0000000000', '~a.000000000000', '~b.00000000000', '~a.0000000000w', '~a.0000000000A'];
  for (const id of [...notOurs, '~a.7vvvvvvvvv!', '~a.80000000000', '~a.vvvvvvvvvvv']) {
    it(`'${id}' is none of ours`, () => expect(correlationCounter('~a.', id)).to.equal(-1));
  }

  it('the last that there is', () => {
    expect(correlationText('', Number.MAX_SAFE_INTEGER)).to.equal('7vvvvvvvvvv');
    expect(correlationCounter('', '7vvvvvvvvvv')).to.equal(Number.MAX_SAFE_INTEGER);
  });
});

describe('liftbridge codec: responses to a publish, scanned', () => {
  it('nothing is left of the response before', () => {
    const into = new PublishResponseScan();
    const full = theirEncode('PublishResponse', {
      ack: { offset: 2n ** 60n, receptionTimestamp: 5n, commitTimestamp: 6n, ackError: 2 },
      asyncError: { code: 5, message: 'incorrect expected offset' },
      correlationId: correlationText('', 7),
    });
    readPublishResponse(full, 0, full.length, into);
    expect({ ...into }).to.include({ correlationId: 7, offset: 2n ** 60n, hasAck: true, ackError: 2 });
    expect({ ...into }).to.include({ hasError: true, errorCode: 5, errorMessage: 'incorrect expected offset' });
    readPublishResponse(full, 0, 0, into);
    expect(into).to.deep.equal(new PublishResponseScan());
  });

  it('a refusal comes with an ack that is empty', () => {
    const into = new PublishResponseScan();
    const refusal = theirEncode('PublishResponse', { ack: {}, asyncError: {}, correlationId: 'mine' });
    readPublishResponse(refusal, 0, refusal.length, into);
    expect({ ...into }).to.include({ hasAck: true, hasError: true, errorCode: 0, correlationId: 'mine', offset: 0 });
  });

  it('an offset is a number where that is exact', () => {
    const into = new PublishResponseScan();
    for (const [offset, key] of [
      [2n ** 53n - 1n, Number.MAX_SAFE_INTEGER],
      [2n ** 53n, 2n ** 53n],
      [-1n, -1],
      [-(2n ** 53n) + 1n, Number.MIN_SAFE_INTEGER],
      [-(2n ** 53n), -(2n ** 53n)],
    ] as const) {
      const response = theirEncode('PublishResponse', { ack: { offset } });
      readPublishResponse(response, 0, response.length, into);
      expect(into.offset).to.equal(key);
    }
  });

  it('the value is copied', () => {
    const value = utf8('hello');
    const out = new Uint8Array(64);
    const end = new PublishEncoder({ stream: 's', partition: 0, ackPolicy: 0 }).write(out, 0, value, 1);
    value.fill(0);
    expect(theirDecode('PublishRequest', out.subarray(5, end))['value']).to.deep.equal([...utf8('hello')]);
  });
});
