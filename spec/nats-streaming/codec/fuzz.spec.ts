import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { checkCrc } from '../../../lib/nats-streaming/codec/check-crc.js';
import { guidText } from '../../../lib/nats-streaming/codec/guid.js';
import {
  dataOf,
  emptyFields,
  replyOf,
  scanMessage,
  subjectOf,
  timestampMs,
} from '../../../lib/nats-streaming/codec/msg-proto.js';
import { encodePubAck, readAckCounter } from '../../../lib/nats-streaming/codec/pub-ack.js';
import { ascii } from './bytes.js';
import { rowOf, rows, type Row } from './messages.js';
import { fuzzRounds } from '../../support/fuzz-rounds.js';

const frames = fuzzRounds;
const seed = 20_240_601;

/** A small generator of numbers from 0 to before `below`, the same in each run. */
function numbers(from: number): (below: number) => number {
  let state = from;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Calls `decode` with random frames, and with good ones of which some bytes were changed, added or taken away. */
function fuzz(decode: (bytes: Uint8Array) => unknown, good: readonly Uint8Array[]): void {
  const next = numbers(seed);
  const work = new Uint8Array(256);
  const attempt = (length: number): void => {
    const bytes = work.subarray(3, 3 + length);
    try {
      decode(bytes);
    } catch (error) {
      if (error instanceof ProtocolError && error.broker === 'nats-streaming') return;
      throw new Error(`the frame ${bytes.toString()} gave another error`, { cause: error });
    }
  };
  for (let i = 0; i < frames; i++) {
    const length = next(40);
    let at = 3;
    // Bytes of chance alone end at the first field, so most of these have something like fields.
    while (at < 3 + length) {
      const kind = next(32);
      if (kind === 0) {
        work[at++] = next(256);
      } else if (kind < 10) {
        work[at++] = (1 + next(15)) << 3;
        for (let more = next(10); more > 0; more--) work[at++] = 0x80 | next(256);
        work[at++] = next(3);
      } else {
        work[at++] = ((1 + next(15)) << 3) | 2;
        let size = next(8);
        work[at++] = size;
        while (size-- > 0) work[at++] = next(128);
      }
    }
    attempt(next(8) === 0 ? length : at - 3);
  }
  for (let i = 0; i < frames; i++) {
    const frame = good[next(good.length)]!;
    let length = frame.length;
    work.set(frame.subarray(0, length), 3);
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

/** Not long, so that a change hits more often what the frame is made of than the text in it. */
function goodFrames({ encode, examples }: Row): readonly Uint8Array[] {
  const encoded = fc.sample(examples, { numRuns: 400, seed }).map(encode);
  return encoded.filter((frame) => frame.length < 200);
}

describe('nats-streaming codec: frames of chance give a value or a ProtocolError', () => {
  const { stackTraceLimit } = Error;
  // Most frames fail, and a stack for each takes longer than all else here.
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  // MsgProto has its own case below.
  for (const row of rows.filter(({ name }) => name !== 'MsgProto')) {
    it(row.name, () => {
      fuzz(row.decode, goodFrames(row));
    });
  }

  it('MsgProto, with its checksum', () => {
    const fields = emptyFields();
    const scan = (bytes: Uint8Array): void => {
      scanMessage(bytes, fields);
      for (const end of [fields.subjectEnd, fields.replyEnd, fields.dataEnd, fields.sequenceEnd]) {
        if (end > bytes.length) throw new Error('a part ends behind the frame');
      }
      if (!Number.isFinite(timestampMs(fields))) throw new Error('the time is no number');
      subjectOf(bytes, fields);
      replyOf(bytes, fields);
      dataOf(bytes, fields);
      checkCrc(bytes, fields);
    };
    fuzz(scan, goodFrames(rowOf('MsgProto')));
  });

  it('PubAck on the hot path: a counter, or -1', () => {
    const prefix = ascii('prefix.');
    const counters = [0, 1, 99_999_999, 100_000_000, Number.MAX_SAFE_INTEGER];
    fuzz(
      (bytes) => {
        const counter = readAckCounter(bytes, prefix);
        if (!Number.isSafeInteger(counter) || counter < -1) throw new Error(`the counter is ${String(counter)}`);
      },
      counters.map((counter) => encodePubAck({ guid: guidText('prefix.', counter) })),
    );
  });
});
