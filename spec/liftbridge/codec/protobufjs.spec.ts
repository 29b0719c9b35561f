import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { ProtocolError } from '../../../lib/core/errors.js';
import { concat, oddView } from './bytes.js';
import { fieldsOf, theirDecode, theirEncode, unknownField, type Fields } from './oracle.js';
import { requests } from './requests-table.js';
import { responses } from './responses-table.js';

describe('liftbridge codec: requests, read by protobufjs', () => {
  for (const { name, encode, examples, toWire } of requests) {
    it(name, () => {
      fc.assert(
        fc.property(examples, (request) => {
          const expected = theirDecode(name, theirEncode(name, toWire(request)));
          same(theirDecode(name, encode(request)), expected);
        }),
      );
    });
  }

  it('a number is written as a bigint is', () => {
    const setCursor = requests.find(({ name }) => name === 'SetCursorRequest')!;
    fc.assert(
      fc.property(fc.maxSafeInteger(), (offset) => {
        const request = { stream: 's', partition: 0, cursorId: 'c' };
        expect(setCursor.encode({ ...request, offset })).to.deep.equal(
          setCursor.encode({ ...request, offset: BigInt(offset) }),
        );
      }),
    );
  });
});

describe('liftbridge codec: what is received, written by protobufjs', () => {
  const { stackTraceLimit } = Error;
  // most beginnings fail, and a stack for each takes longer than all else here
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  for (const { name, type, decode, examples, toWire } of responses) {
    describe(name, () => {
      it('is read as it was, at any offset of a buffer, and from a Buffer', () => {
        fc.assert(
          fc.property(examples, (fields) => {
            const bytes = theirEncode(type, toWire(fields));
            same(decode(bytes), fields);
            same(decode(oddView(bytes)), fields);
            same(plainBytes(decode(Buffer.from(bytes))), fields);
          }),
        );
      });

      it('whatever stands between its fields', () => {
        fc.assert(
          fc.property(examples, fc.array(unknownField, { maxLength: 4 }), fc.nat(), (fields, unknown, place) => {
            const known = fieldsOf(theirEncode(type, toWire(fields)));
            known.splice(place % (known.length + 1), 0, ...unknown);
            same(decode(concat(...known)), fields);
          }),
        );
      });

      it('each beginning of it is a message or a ProtocolError', () => {
        for (const fields of fc.sample(examples, { numRuns: 30, seed: 5 })) {
          const bytes = theirEncode(type, toWire(fields));
          for (let length = 0; length < bytes.length; length++) {
            expectSame(decode, oddView(bytes.subarray(0, length)), bytes.slice(0, length));
          }
        }
      });
    });
  }

  it('repeated numbers that are not packed, and both ways in one message', () => {
    const { decode } = responses.find(({ name }) => name === 'FetchConsumerGroupAssignmentsResponse')!;
    const assignment = protobuf.Writer.create();
    assignment
      .uint32(0x10)
      .int32(1)
      .uint32(0x12)
      .bytes(Uint8Array.of(2, 3))
      .uint32(0x10)
      .int32(-4)
      .uint32(0x12)
      .bytes(new Uint8Array(0));
    const bytes = protobuf.Writer.create().uint32(0x12).bytes(assignment.finish()).finish();
    expect(decode(Uint8Array.from(bytes))).to.deep.equal({
      epoch: 0n,
      assignments: [{ stream: '', partitions: [1, 2, 3, -4] }],
    });
  });

  it('text that is no UTF-8 is read with replacements', () => {
    const { decode } = responses.find(({ name }) => name === 'JoinConsumerGroupResponse')!;
    expect(decode(Uint8Array.of(0x0a, 3, 0x61, 0xff, 0x62))['coordinator']).to.equal('a\ufffdb');
  });
});

/** Nothing is read behind the end: what a view of a larger buffer gives is what a buffer of its own gives. */
function expectSame(decode: (bytes: Uint8Array) => Fields, view: Uint8Array, alone: Uint8Array): void {
  same(outcome(decode, view), outcome(decode, alone));
}

function outcome(decode: (bytes: Uint8Array) => Fields, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof ProtocolError && error.broker === 'liftbridge') return error.message;
    throw error;
  }
}

/** Views of a Buffer are Buffers, which chai tells from a Uint8Array. */
function plainBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, plainBytes(part)]));
  if (Array.isArray(value)) return value.map(plainBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainBytes(part)]));
}

/** Many times faster than chai, which then says what differs. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).to.deep.equal(expected);
}
