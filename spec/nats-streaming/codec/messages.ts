import fc from 'fast-check';
import { AckEncoder, decodeAck } from '../../../lib/nats-streaming/codec/ack.js';
import {
  decodeCloseRequest,
  decodeCloseResponse,
  encodeCloseRequest,
  encodeCloseResponse,
} from '../../../lib/nats-streaming/codec/close.js';
import {
  decodeConnectRequest,
  decodeConnectResponse,
  encodeConnectRequest,
  encodeConnectResponse,
} from '../../../lib/nats-streaming/codec/connect.js';
import { decodeMessage, encodeMessage } from '../../../lib/nats-streaming/codec/msg-proto-frame.js';
import {
  decodePing,
  decodePingResponse,
  encodePing,
  encodePingResponse,
} from '../../../lib/nats-streaming/codec/ping.js';
import { decodePubAck, encodePubAck } from '../../../lib/nats-streaming/codec/pub-ack.js';
import { decodePubMsg, encodePubMsg } from '../../../lib/nats-streaming/codec/pub-msg.js';
import {
  decodeSubscriptionRequest,
  decodeSubscriptionResponse,
  encodeSubscriptionRequest,
  encodeSubscriptionResponse,
} from '../../../lib/nats-streaming/codec/subscription.js';
import { decodeUnsubscribeRequest, encodeUnsubscribeRequest } from '../../../lib/nats-streaming/codec/unsubscribe.js';

/** A message as any object with its fields. */
export type Fields = Record<string, unknown>;

/** One message of the protocol: our two directions of it, and examples. */
export interface Row {
  readonly name: string;
  readonly encode: (message: Fields) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Fields;
  readonly examples: fc.Arbitrary<Fields>;
}

// Any characters, some of them outside of ASCII and of the first plane, and lengths that need two bytes.
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ minLength: 120, maxLength: 140 }),
  fc.string({ unit: 'binary', minLength: 60, maxLength: 70 }),
);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 300 }));
const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)));
const uint32 = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1));
const edges = [
  0n,
  1n,
  127n,
  128n,
  2n ** 28n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 35n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
];
const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(...edges, 2n ** 63n, 2n ** 64n - 1n),
);
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(...edges, ...edges.map((edge) => -edge), 2n ** 63n - 1n, -(2n ** 63n)),
);

function row<T extends object>(
  name: string,
  encode: (message: T) => Uint8Array,
  decode: (bytes: Uint8Array) => object,
  examples: { [K in keyof T]: fc.Arbitrary<T[K]> },
): Row {
  return {
    name,
    encode: encode as unknown as Row['encode'],
    decode: decode as Row['decode'],
    examples: fc.record(examples) as unknown as fc.Arbitrary<Fields>,
  };
}

/** All messages of proto/nats-streaming.proto. */
export const rows: readonly Row[] = [
  row('PubMsg', encodePubMsg, decodePubMsg, {
    clientId: text,
    guid: text,
    subject: text,
    reply: text,
    data: bytes,
    connId: bytes,
    sha256: bytes,
  }),
  row('PubAck', encodePubAck, decodePubAck, { guid: text, error: text }),
  row('MsgProto', encodeMessage, decodeMessage, {
    sequence: uint64,
    subject: text,
    reply: text,
    data: bytes,
    timestamp: int64,
    redelivered: fc.boolean(),
    redeliveryCount: uint32,
    crc32: uint32,
  }),
  row(
    'Ack',
    ({ subject, sequence }: { subject: string; sequence: bigint }) => new AckEncoder(subject).encode(sequence),
    (frame) => {
      const ack = decodeAck(frame);
      return { ...ack, sequence: BigInt(ack.sequence) };
    },
    { subject: text, sequence: uint64 },
  ),
  row('ConnectRequest', encodeConnectRequest, decodeConnectRequest, {
    clientId: text,
    heartbeatInbox: text,
    protocol: int32,
    connId: bytes,
    pingInterval: int32,
    pingMaxOut: int32,
  }),
  row('ConnectResponse', encodeConnectResponse, decodeConnectResponse, {
    pubPrefix: text,
    subRequests: text,
    unsubRequests: text,
    closeRequests: text,
    error: text,
    subCloseRequests: text,
    pingRequests: text,
    pingInterval: int32,
    pingMaxOut: int32,
    protocol: int32,
    publicKey: text,
  }),
  row('Ping', encodePing, decodePing, { connId: bytes }),
  row('PingResponse', encodePingResponse, decodePingResponse, { error: text }),
  row('SubscriptionRequest', encodeSubscriptionRequest, decodeSubscriptionRequest, {
    clientId: text,
    subject: text,
    qGroup: text,
    inbox: text,
    maxInFlight: int32,
    ackWaitInSecs: int32,
    durableName: text,
    startPosition: fc.integer({ min: 0, max: 4 }),
    startSequence: uint64,
    startTimeDelta: int64,
  }),
  row('SubscriptionResponse', encodeSubscriptionResponse, decodeSubscriptionResponse, { ackInbox: text, error: text }),
  row('UnsubscribeRequest', encodeUnsubscribeRequest, decodeUnsubscribeRequest, {
    clientId: text,
    subject: text,
    inbox: text,
    durableName: text,
  }),
  row('CloseRequest', encodeCloseRequest, decodeCloseRequest, { clientId: text }),
  row('CloseResponse', encodeCloseResponse, decodeCloseResponse, { error: text }),
];

export function rowOf(name: string): Row {
  const found = rows.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no message is called ${name}`);
  return found;
}
