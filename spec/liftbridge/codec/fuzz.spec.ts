import fc from 'fast-check';
import { FrameTooLargeError, ProtocolError } from '../../../lib/core/errors.js';
import { encodeEnvelope, openEnvelope } from '../../../lib/liftbridge/codec/envelope.js';
import { FrameReader } from '../../../lib/liftbridge/codec/frame-reader.js';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import { decodeGrpcMessage } from '../../../lib/liftbridge/codec/grpc-status.js';
import { allHeaders, messageHeaders } from '../../../lib/liftbridge/codec/message.js';
import { concat, numbers, utf8 } from './bytes.js';
import { theirEncode } from './oracle.js';
import { responses } from './responses-table.js';
import { fuzzRounds } from '../../support/fuzz-rounds.js';

const rounds = fuzzRounds;
const seed = 20_240_601;
const longest = 200;

/** Calls `decode` with bytes of chance, and with good ones of which some were changed, added or taken away. */
function fuzz(decode: (bytes: Uint8Array) => unknown, good: readonly Uint8Array[]): void {
  const next = numbers(seed);
  const work = new Uint8Array(longest + 56);
  const attempt = (length: number): void => {
    const bytes = work.subarray(3, 3 + length);
    try {
      decode(bytes);
    } catch (error) {
      const known = error instanceof ProtocolError || error instanceof FrameTooLargeError;
      if (known && error.broker === 'liftbridge') return;
      throw new Error(`the bytes ${bytes.toString()} gave another error`, { cause: error });
    }
  };
  for (let i = 0; i < rounds; i++) attempt(next(8) === 0 ? chance(work, next) : fields(work, next));
  for (let i = 0; i < rounds; i++) {
    const bytes = good[next(good.length)]!;
    let { length } = bytes;
    work.set(bytes, 3);
    for (let changes = next(8) === 0 ? 3 : 1; changes > 0; changes--) {
      const at = 3 + next(length + 1);
      const kind = next(8);
      if (kind === 0) length = at - 3;
      else if (kind < 4) work[at] = next(256);
      else if (kind < 7) work[at] = work[at]! ^ (1 << next(8));
      else {
        work.copyWithin(at + 1, at, 3 + length);
        work[at] = next(256);
        length++;
      }
    }
    attempt(length);
  }
}

function chance(out: Uint8Array, next: (below: number) => number): number {
  const length = next(40);
  for (let at = 3; at < 3 + length; at++) out[at] = next(256);
  return length;
}

/** Bytes of chance alone end at the first field, so most have something like fields. */
function fields(out: Uint8Array, next: (below: number) => number): number {
  const length = next(60);
  let at = 3;
  while (at < 3 + length) {
    const kind = next(32);
    if (kind === 0) {
      out[at++] = next(256);
    } else if (kind < 10) {
      out[at++] = (1 + next(13)) << 3;
      for (let more = next(10); more > 0; more--) out[at++] = 0x80 | next(256);
      out[at++] = next(3);
    } else {
      out[at++] = ((1 + next(13)) << 3) | 2;
      let size = next(12);
      out[at++] = size;
      // what is in it can be fields again
      while (size-- > 0) out[at++] = next(3) === 0 ? ((1 + next(4)) << 3) | 2 : next(16);
    }
  }
  return at - 3;
}

describe('liftbridge codec: bytes of chance give a value or a typed error', () => {
  const { stackTraceLimit } = Error;
  // most fail, and a stack for each takes longer than all else here
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  const empty = /^(Delete|Pause|Set|Leave|Report)/;
  for (const { name, type, decode, examples, toWire } of responses.filter((row) => !empty.test(row.type))) {
    it(name, () => {
      const encoded = fc.sample(examples, { numRuns: 400, seed }).map((example) => theirEncode(type, toWire(example)));
      fuzz(decode, [new Uint8Array(0), ...encoded.filter(({ length }) => length < longest)]);
    });
  }

  it('headers that no scan has passed', () => {
    const good = [theirEncode('Message', { headers: new Map([['name', utf8('value')]]), stream: 's' })];
    fuzz((bytes) => allHeaders(bytes, 0, bytes.length), good);
    fuzz((bytes) => messageHeaders(bytes, 0, bytes.length), good);
  });

  it('envelopes, which do not even throw', () => {
    const message = { key: utf8('key'), value: utf8('hello'), headers: new Map([['h', utf8('v')]]), ackInbox: 'acks' };
    const ack = theirEncode('Ack', { stream: 's', offset: 7n, correlationId: 'cid', ackError: 1 });
    const good = [
      encodeEnvelope(message),
      encodeEnvelope(message, { crc: true }),
      concat(Uint8Array.of(0xb9, 0x0e, 0x43, 0xb4, 0, 8, 0, 1), ack),
    ];
    const open = (bytes: Uint8Array): void => {
      const opened = openEnvelope(bytes);
      if (opened.kind === 'malformed' && !(opened.error instanceof ProtocolError)) throw opened.error;
    };
    let failed: unknown;
    fuzz((bytes) => {
      try {
        open(bytes);
      } catch (error) {
        failed ??= error;
      }
    }, good);
    if (failed !== undefined) throw new Error('an envelope was not opened', { cause: failed });
  });

  it('gRPC messages, cut anywhere', () => {
    const next = numbers(seed);
    const good = [0, 1, 3, 20, 100].map((length) => grpcFrame(new Uint8Array(length)));
    fuzz(
      (bytes) => {
        let held = false;
        const reader = new FrameReader({ maxMessage: 1000 }, (buffer, start, end) => {
          if (start > end || end > buffer.length) throw new Error('a message is outside of its buffer');
          held = next(4) === 0;
          return !held;
        });
        for (let at = 0; at < bytes.length;) {
          const length = 1 + next(40);
          let ready = reader.push(bytes.slice(at, at + length));
          while (!ready) ready = reader.resume();
          at += length;
        }
      },
      [concat(...good), ...good],
    );
  });

  it('status messages, which never fail', () => {
    const next = numbers(seed);
    for (let i = 0; i < rounds; i++) {
      let encoded = '';
      for (let length = next(20); length > 0; length--) encoded += '%%%0aFg9é'.charAt(next(9));
      decodeGrpcMessage(encoded);
    }
  });
});
