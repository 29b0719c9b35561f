import { field, number } from './protobuf.js';

// The few messages of Liftbridge's API that are sent and read here, by hand, so that no codec is measured.

/** The names of the calls. */
export const calls = {
  createStream: '/proto.API/CreateStream',
  deleteStream: '/proto.API/DeleteStream',
  publishAsync: '/proto.API/PublishAsync',
  subscribe: '/proto.API/Subscribe',
};

/** A request to make a stream of one partition, whose subject is its name. */
export function createStreamRequest(name: string): Buffer {
  return Buffer.concat([field(1, name), field(2, name)]);
}

export function deleteStreamRequest(name: string): Buffer {
  return field(1, name);
}

/** A request for all messages of a stream. */
export function subscribeRequest(stream: string): Buffer {
  const earliest = 2;
  return Buffer.concat([field(1, stream), number(3, earliest)]);
}

/** What all messages to a stream have in common: everything but the digits of the correlation id. */
export interface MessageTemplate {
  readonly bytes: Buffer;
  /** Where the last of the digits is. */
  readonly lastDigit: number;
}

/** A message of `size` bytes to be acked by the leader, as a publisher that takes any offset has to send it. */
export function messageTemplate(stream: string, size: number): MessageTemplate {
  const before = Buffer.concat([field(2, Buffer.alloc(size, 97)), field(3, stream), field(7, '0'.repeat(idDigits))]);
  const anyOffset = Buffer.of((9 << 3) | 0, ...minusOne);
  return { bytes: Buffer.concat([before, anyOffset]), lastDigit: before.length - 1 };
}

const idDigits = 9;
const minusOne = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];

/** Writes a message with its correlation id at `at`. */
export function writeMessage({ bytes, lastDigit }: MessageTemplate, id: number, target: Buffer, at: number): void {
  target.set(bytes, at);
  for (let rest = id, digit = at + lastDigit; rest > 0; rest = Math.floor(rest / 10))
    target[digit--] = 48 + (rest % 10);
}

/** Whether an answer of PublishAsync is an ack. One that tells an error begins with an ack too, but with an empty one. */
export function isAck(answer: Uint8Array, start: number): boolean {
  return answer[start] === 0x0a && answer[start + 1] !== 0;
}

/** The length of the value in a message without a key, as Subscribe gives it. */
export function valueLength(message: Uint8Array, start: number): number {
  let at = start;
  // what has the offset 0 comes without it
  if (message[at] === 0x08) {
    at++;
    while (message[at++]! >= 0x80);
  }
  if (message[at++] !== 0x1a) throw new Error('a message without a value came');
  let length = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = message[at++]!;
    length |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return length;
}
