import fc from 'fast-check';
import { ProtocolError } from '../../../../lib/core/errors.js';
import { bodyOf } from '../../../../lib/rabbitmq-stream/codec/amqp/body.js';
import { bodyStart } from '../../../../lib/rabbitmq-stream/codec/amqp/data-section.js';
import {
  decodeAnnotations,
  decodeApplicationProperties,
  decodeBytesMessage,
  decodeMessage,
  decodeProperties,
} from '../../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { encodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { messages, toHex } from './kit.js';
import { fuzzRounds } from '../../../support/fuzz-rounds.js';

const records = fuzzRounds;
const seed = 20_240_601;
/** Where the record lies in what the decoders get. */
const start = 3;

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

const codes = [
  0x00, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60, 0x61, 0x70, 0x71, 0x72,
  0x73, 0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98, 0xa0, 0xa1, 0xa3, 0xb0, 0xb1, 0xb3, 0xc0, 0xc1, 0xd0, 0xd1,
  0xe0, 0xf0,
];

/** Those that the value of a section can have. */
function typeOf(section: number, next: Next): number {
  if (section === 0x75) return someOf([0xa0, 0xb0], next);
  if (section > 0x76 && section !== 0x78) return someOf(codes, next);
  return someOf(section === 0x70 || section === 0x73 || section === 0x76 ? [0x45, 0xc0, 0xd0] : [0xc1, 0xd1], next);
}

function someOf(list: readonly number[], next: Next): number {
  return list[next(list.length)]!;
}

type Next = (below: number) => number;
type Decode = (bytes: Uint8Array, start: number, end: number) => unknown;

/** Writes something like a value, whose lengths are mostly right; gives its end. */
function likeValue(work: Uint8Array, at: number, next: Next, depth: number, code = someOf(codes, next)): number {
  let pos = at;
  work[pos++] = code;
  if (code === 0x00) {
    return depth > 2 ? pos : likeValue(work, likeValue(work, pos, next, depth + 1), next, depth + 1);
  }
  const category = code >>> 4;
  if (category < 0xa) {
    const width = [0, 1, 2, 4, 8, 16][category - 4]!;
    for (let i = 0; i < width; i++) work[pos++] = next(256);
    return pos;
  }
  const long = category === 0xb || category === 0xd || category === 0xf;
  if (long) {
    for (let i = 0; i < 3; i++) work[pos++] = 0;
  }
  const sizeAt = pos++;
  if (category < 0xc) {
    for (let length = next(6); length > 0; length--) work[pos++] = next(128);
  } else {
    if (long) {
      for (let i = 0; i < 3; i++) work[pos++] = 0;
    }
    const isMap = code === 0xc1 || code === 0xd1;
    const count = depth > 2 ? 0 : isMap ? 2 * next(3) : next(5);
    work[pos++] = count;
    if (category >= 0xe) {
      // an array: one type, and bytes that are items of it by chance
      work[pos++] = someOf(codes, next);
      for (let length = count * next(4); length > 0; length--) work[pos++] = next(256);
    } else {
      for (let i = 0; i < count; i++) {
        const name = isMap && i % 2 === 0 && next(16) > 0;
        pos = likeValue(work, pos, next, depth + 1, name ? 0xa1 : someOf(codes, next));
      }
    }
  }
  work[sizeAt] = next(64) === 0 ? next(256) : pos - sizeAt - 1;
  return pos;
}

/** Bytes of chance alone end at the first one, so these are sections of something like values. */
function likeMessage(work: Uint8Array, next: Next): number {
  let pos = start;
  for (let sections = 1 + next(4); sections > 0; sections--) {
    work[pos++] = 0x00;
    work[pos++] = 0x53;
    const section = 0x70 + next(10);
    work[pos++] = section;
    pos = likeValue(work, pos, next, 0, next(16) === 0 ? someOf(codes, next) : typeOf(section, next));
  }
  return next(16) === 0 ? pos - next(3) : pos;
}

/** Calls `decode` with records of chance, and with good ones of which some bytes were changed, added or taken away. */
function fuzz(decode: Decode, good: readonly Uint8Array[]): void {
  const next = numbers(seed);
  const work = new Uint8Array(8192);
  let decoded = 0;
  const attempt = (end: number): void => {
    try {
      decode(work, start, end);
      decoded++;
    } catch (error) {
      if (error instanceof ProtocolError && error.broker === 'rabbitmq-stream') return;
      throw new Error(`the record ${toHex(work.subarray(start, end))} gave another error`, { cause: error });
    }
  };
  for (let i = 0; i < records; i++) attempt(likeMessage(work, next));
  // otherwise they are of so much chance that nothing but the first bytes is tried
  if (decoded < records / 20) throw new Error(`only ${String(decoded)} records of chance were good`);
  for (let i = 0; i < records; i++) {
    const record = good[next(good.length)]!;
    let length = record.length;
    work.set(record, start);
    for (let changes = next(8) === 0 ? 3 : 1; changes > 0; changes--) {
      const at = start + next(length + 1);
      const kind = next(8);
      if (kind === 0) length = at - start;
      else if (kind < 4) work[at] = next(256);
      else if (kind < 7) work[at] = work[at]! ^ (1 << next(8));
      else {
        work.copyWithin(at + 1, at, start + length);
        work[at] = next(256);
        length++;
      }
    }
    attempt(start + length);
  }
}

describe('rabbitmq-stream codec, AMQP: records of chance give a message or a ProtocolError', () => {
  // Not long, so that a change hits more often what the message is made of than the text in it.
  const good = fc
    .sample(messages, { numRuns: 600, seed })
    .map((message) => encodeMessage(message))
    .filter((record) => record.length < 400);

  const { stackTraceLimit } = Error;
  // Most records fail, and a stack for each takes longer than all else here.
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  it('whole messages', () => {
    fuzz((bytes, from, end) => {
      const message = decodeMessage(bytes, from, end);
      const { body } = message;
      if (body.kind !== 'data') return;
      const same = toHex(bodyOf(bytes, from, end)) === toHex(body.data);
      if (!same) throw new Error('bodyOf gives another body');
    }, good);
  });

  it('messages with their body as bytes', () => {
    fuzz((bytes, from, end) => {
      const { body } = decodeBytesMessage(bytes.subarray(from, end));
      if (body !== undefined && toHex(bodyOf(bytes, from, end)) !== toHex(body)) {
        throw new Error('bodyOf gives another body');
      }
    }, good);
  });

  it('properties', () => {
    fuzz(decodeProperties, good);
  });

  it('application properties', () => {
    fuzz(decodeApplicationProperties, good);
  });

  it('annotations', () => {
    fuzz(decodeAnnotations, good);
  });

  it('bodies, which never fail', () => {
    fuzz((bytes, from, end) => {
      try {
        const body = bodyOf(bytes, from, end);
        const found = bodyStart(bytes, from, end);
        if (body.length > end - from) throw new Error('the body is longer than the record');
        if (found >= 0 && body.length !== end - found) throw new Error('the body ends elsewhere');
      } catch (cause) {
        throw new Error('there was an error', { cause });
      }
    }, good);
  });
});
