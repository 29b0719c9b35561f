import { correlationText, writeCorrelation } from './correlation.js';
import { grpcHead, writeGrpcHead } from './grpc-frame.js';
import { encodeText } from '../../core/wire/text.js';
import { highOf, lowOf, varintSize, writeVarint } from '../../core/wire/varint.js';
import { delimitedSize, Writer } from '../../core/wire/writer.js';

/** Where the messages of a {@link PublishEncoder} go. */
export interface PublishEncoderOptions {
  readonly stream: string;
  readonly partition: number;
  /** One of `ackPolicies`. */
  readonly ackPolicy: number;
  /** What generated correlation ids begin with. Default: empty. */
  readonly correlationPrefix?: string | undefined;
}

const keyTag = 0x0a;
const valueTag = 0x12;
const correlationTag = 0x3a;
const expectedOffsetTag = 0x48;

/**
 * Writes the messages that are published to one partition, as PublishRequests with the head of a gRPC message, to where
 * the socket will read them. What they share is encoded once; nothing is made for a message.
 */
export class PublishEncoder {
  /** Stream, partition, correlation id with the digits of the last message, ack policy, an expected offset of -1. */
  private readonly template: Uint8Array;
  // where these end in the template
  private readonly partitionEnd: number;
  private readonly digitsEnd: number;
  private readonly policyEnd: number;
  /** The counter whose digits the template holds. */
  private counter = 0;

  /** Throws nothing: what stream and partition may be was checked before. */
  constructor(options: PublishEncoderOptions) {
    const { stream, partition, ackPolicy, correlationPrefix = '' } = options;
    const shared = new Writer().string(3, stream).int32(4, partition);
    this.partitionEnd = shared.length;
    this.digitsEnd = shared.string(7, correlationText(correlationPrefix, this.counter)).length;
    this.policyEnd = shared.int32(8, ackPolicy).length;
    this.template = shared.int64(9, -1).finish();
  }

  /**
   * How many bytes `write` will write for the same arguments.
   * @param correlationId - a counter (a safe integer, not negative) for a generated id, or an id as it is
   * @param headers - what `encodeHeaders(…, headerFields.publish)` gave
   * @param expectedOffset - the offset that the message has to get; -1 or undefined: any. A number must be a safe integer
   */
  sizeOf(
    value: Uint8Array,
    correlationId: number | string,
    key?: Uint8Array,
    headers?: Uint8Array,
    expectedOffset?: number | bigint,
  ): number {
    const { template, partitionEnd, digitsEnd, policyEnd } = this;
    let size = grpcHead + template.length + delimitedSize(value.length);
    if (key !== undefined) size += delimitedSize(key.length);
    if (headers !== undefined) size += headers.length;
    if (typeof correlationId === 'string') {
      size += delimitedSize(encodeText(correlationId).length) - (digitsEnd - partitionEnd);
    }
    if (expectedOffset !== undefined) size += expectedOffsetSize(expectedOffset) - (template.length - policyEnd);
    return size;
  }

  /**
   * Writes a message at a position of a buffer that has room for it, and says where it ends. See `sizeOf` for the
   * arguments, none of which is kept.
   */
  write(
    out: Uint8Array,
    at: number,
    value: Uint8Array,
    correlationId: number | string,
    key?: Uint8Array,
    headers?: Uint8Array,
    expectedOffset?: number | bigint,
  ): number {
    const { template } = this;
    let pos = at + grpcHead;
    if (key !== undefined && key.length > 0) pos = writeField(out, pos, keyTag, key);
    if (value.length > 0) pos = writeField(out, pos, valueTag, value);
    if (headers !== undefined) {
      out.set(headers, pos);
      pos += headers.length;
    }
    if (typeof correlationId === 'number' && expectedOffset === undefined) {
      this.count(correlationId);
      out.set(template, pos);
      pos += template.length;
    } else {
      pos = this.writeRest(out, pos, correlationId, expectedOffset);
    }
    writeGrpcHead(out, at, pos - at - grpcHead);
    return pos;
  }

  private writeRest(
    out: Uint8Array,
    at: number,
    correlationId: number | string,
    expectedOffset: number | bigint | undefined,
  ): number {
    const { template, partitionEnd, digitsEnd, policyEnd } = this;
    let pos = at;
    if (typeof correlationId === 'number') {
      this.count(correlationId);
      pos = copy(template, 0, digitsEnd, out, pos);
    } else {
      pos = copy(template, 0, partitionEnd, out, pos);
      if (correlationId !== '') pos = writeField(out, pos, correlationTag, encodeText(correlationId));
    }
    if (expectedOffset === undefined) return copy(template, digitsEnd, template.length, out, pos);
    pos = copy(template, digitsEnd, policyEnd, out, pos);
    const low = lowOf(expectedOffset);
    const high = highOf(expectedOffset);
    if (low === 0 && high === 0) return pos;
    out[pos] = expectedOffsetTag;
    return writeVarint(out, pos + 1, low, high);
  }

  private count(counter: number): void {
    writeCorrelation(this.template, this.digitsEnd, counter, this.counter);
    this.counter = counter;
  }
}

function expectedOffsetSize(expectedOffset: number | bigint): number {
  const low = lowOf(expectedOffset);
  const high = highOf(expectedOffset);
  return low === 0 && high === 0 ? 0 : 1 + varintSize(low, high);
}

function writeField(out: Uint8Array, pos: number, tag: number, content: Uint8Array): number {
  out[pos] = tag;
  const start = writeVarint(out, pos + 1, content.length, 0);
  out.set(content, start);
  return start + content.length;
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  to.set(from.subarray(start, end), at);
  return at + end - start;
}
