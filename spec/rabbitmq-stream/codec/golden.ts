import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeCredit } from '../../../lib/rabbitmq-stream/codec/credit.js';
import * as requests from '../../../lib/rabbitmq-stream/codec/requests.js';
import * as responses from '../../../lib/rabbitmq-stream/codec/responses.js';
import type { Reader } from '../../../lib/rabbitmq-stream/codec/reader.js';
import * as frames from '../../support/rabbitmq-frames.js';

// Frames that passed between a client and RabbitMQ 4.0.5.

/** A frame that a client sends: what our encoder has to make of the fields. */
export interface ClientRow {
  readonly name: string;
  readonly hex: string;
  readonly correlationId?: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

/** A frame that a broker sends: what our decoder has to make of the bytes. */
export interface BrokerRow {
  readonly name: string;
  readonly hex: string;
  readonly key: number;
  readonly correlationId?: number;
  readonly code?: number;
  readonly read: (reader: Reader) => unknown;
  readonly fields: unknown;
  /** What the fake broker makes of the same fields. */
  readonly bytes: Uint8Array;
}

const stream = 'proto-g';
const versions = [1, 2, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 22, 23, 24, 25, 28, 29, 30];
const commands = versions.map((key) => ({ key, min: 1, max: key === 2 ? 2 : 1 }));
const createArguments = {
  'max-length-bytes': '2000000',
  'max-age': '1h',
  'queue-leader-locator': 'least-leaders',
  'stream-max-segment-size-bytes': '500000',
  'initial-cluster-size': '1',
};
const peer = { product: 'probe', connection_name: 'proto-probe' };
const filters = { name: 'app-1', 'filter.0': 'eu', 'match-unfiltered': 'true' };
const single = { 'single-active-consumer': 'true', name: 'g1' };
const tune = { frameMax: 1_048_576, heartbeat: 60 };
const guest = requests.saslPlainData('guest', 'guest');
const advertised = new Map([
  ['advertised_port', '5552'],
  ['advertised_host', 'localhost'],
]);
const stats = new Map([
  ['committed_chunk_id', 7n],
  ['first_chunk_id', 0n],
  ['last_chunk_id', 7n],
]);
const metadata = [
  { stream: 'proto-nope', code: 2, leader: undefined, replicas: [] },
  { stream, code: 1, leader: { host: 'localhost', port: 5552 }, replicas: [] },
];
const publishError = { publisherId: 9, errors: [{ id: 77, code: 18 }] };
const partitions = ['proto-ss-0', 'proto-ss-1', 'proto-ss-2'];
const mechanisms = ['PLAIN', 'AMQPLAIN', 'ANONYMOUS'];

function row<F extends Readonly<Record<string, unknown>>>(
  name: string,
  hex: string,
  encode: (correlationId: number, fields: F) => Uint8Array,
  correlationId: number,
  fields: F,
): ClientRow {
  return { name, hex, correlationId, fields, bytes: encode(correlationId, fields) };
}

export const clientRows: readonly ClientRow[] = [
  row(
    'PeerProperties',
    '0000003a001100010000000100000002000770726f64756374000570726f6265000f636f6e6e656374696f6e5f6e616d65000b70726f746f2d70726f6265',
    requests.encodePeerProperties,
    1,
    { properties: peer },
  ),
  row('SaslHandshake', '000000080012000100000002', requests.encodeSaslHandshake, 2, {}),
  row(
    'SaslAuthenticate',
    '0000001f00130001000000030005504c41494e0000000c006775657374006775657374',
    requests.encodeSaslAuthenticate,
    3,
    { mechanism: 'PLAIN', data: guest },
  ),
  { name: 'Tune', hex: '0000000c00140001001000000000003c', fields: tune, bytes: requests.encodeTune(tune) },
  row('Open', '0000000b001500010000000400012f', requests.encodeOpen, 4, { vhost: '/' }),
  row(
    'Create',
    '000000a2000d000100000007000770726f746f2d670000000500106d61782d6c656e6774682d6279746573000732303030303030' +
      '00076d61782d61676500023168001471756575652d6c65616465722d6c6f6361746f72000d6c656173742d6c656164657273' +
      '001d73747265616d2d6d61782d7365676d656e742d73697a652d62797465730006353030303030' +
      '0014696e697469616c2d636c75737465722d73697a65000131',
    requests.encodeCreate,
    7,
    { stream, arguments: createArguments },
  ),
  row(
    'Metadata',
    '00000021000f00010000000a00000002000770726f746f2d67000a70726f746f2d6e6f7065',
    requests.encodeMetadata,
    10,
    { streams: [stream, 'proto-nope'] },
  ),
  row('StreamStats', '00000011001c000100000012000770726f746f2d67', requests.encodeStreamStats, 18, { stream }),
  row('Delete', '00000011000e00010000001e000770726f746f2d67', requests.encodeDelete, 30, { stream }),
  row('Close', '0000000e001600010000001f000100024f4b', requests.encodeClose, 31, { code: 1, reason: 'OK' }),
  { name: 'Heartbeat', hex: '0000000400170001', fields: {}, bytes: requests.encodeHeartbeat() },
  row(
    'DeclarePublisher',
    '00000019000100010000000b0000057265662d61000770726f746f2d67',
    requests.encodeDeclarePublisher,
    11,
    { publisherId: 0, reference: 'ref-a', stream },
  ),
  row(
    'QueryPublisherSequence',
    '00000018000500010000001000057265662d61000770726f746f2d67',
    requests.encodeQueryPublisherSequence,
    16,
    { reference: 'ref-a', stream },
  ),
  row('Subscribe', '00000016000700010000001701000770726f746f2d670001000a', requests.encodeSubscribe, 23, {
    subscriptionId: 1,
    stream,
    offset: { type: 'first' },
    credit: 10,
    properties: undefined,
  }),
  row(
    'Subscribe with an offset and properties',
    '00000055000700010000001b02000770726f746f2d6700040000000000000003000a0000000300046e616d6500056170702d31' +
      '000866696c7465722e300002657500106d617463682d756e66696c7465726564000474727565',
    requests.encodeSubscribe,
    27,
    { subscriptionId: 2, stream, offset: { type: 'offset', offset: 3n }, credit: 10, properties: filters },
  ),
  row(
    'Subscribe of a single active consumer',
    '00000044000700010000000601000970726f746f2d7361630001000a00000002001673696e676c652d6163746976652d636f6e73756d6572' +
      '00047472756500046e616d6500026731',
    requests.encodeSubscribe,
    6,
    { subscriptionId: 1, stream: 'proto-sac', offset: { type: 'first' }, credit: 10, properties: single },
  ),
  {
    name: 'Credit',
    hex: '0000000700090001010005',
    fields: { subscriptionId: 1, credit: 5 },
    bytes: encodeCredit(1, 5),
  },
  {
    name: 'StoreOffset',
    hex: '0000001c000a000100056170702d31000770726f746f2d670000000000000003',
    fields: { reference: 'app-1', stream, offset: 3n },
    bytes: requests.encodeStoreOffset({ reference: 'app-1', stream, offset: 3 }),
  },
  row('QueryOffset', '00000018000b00010000001500056170702d31000770726f746f2d67', requests.encodeQueryOffset, 21, {
    reference: 'app-1',
    stream,
  }),
  row(
    'ConsumerUpdate response with an offset',
    '00000014801a000100000000000100040000000000000001',
    requests.encodeConsumerUpdateResponse,
    0,
    { code: 1, offset: { type: 'offset', offset: 1n } },
  ),
  row('ConsumerUpdate response without', '0000000c801a00010000000000010000', requests.encodeConsumerUpdateResponse, 0, {
    code: 1,
    offset: { type: 'none' },
  }),
];

const nothing = (): undefined => undefined;

export const brokerRows: readonly BrokerRow[] = [
  {
    name: 'SaslHandshake response',
    hex: '0000002a80120001000000020001000000030005504c41494e0008414d51504c41494e0009414e4f4e594d4f5553',
    key: keys.saslHandshake,
    correlationId: 2,
    code: 1,
    read: responses.readSaslHandshake,
    fields: mechanisms,
    bytes: frames.encodeSaslHandshakeResponse(2, mechanisms),
  },
  ...[
    { code: 1, hex: '0000000a80130001000000030001' },
    { code: 8, hex: '0000000a80130001000000030008' },
    { code: 7, hex: '0000000a80130001000000030007' },
  ].map(({ code, hex }) => ({
    name: `SaslAuthenticate response, code ${String(code)}`,
    hex,
    key: keys.saslAuthenticate,
    correlationId: 3,
    code,
    read: responses.readSaslAuthenticate,
    fields: undefined,
    bytes: frames.encodeSaslAuthenticateResponse(3, code),
  })),
  {
    name: 'Tune',
    hex: '0000000c00140001001000000000003c',
    key: keys.tune,
    read: responses.readTune,
    fields: tune,
    bytes: requests.encodeTune(tune),
  },
  {
    name: 'Open response',
    hex:
      '000000418015000100000004000100000002000f616476657274697365645f706f7274000435353532' +
      '000f616476657274697365645f686f737400096c6f63616c686f7374',
    key: keys.open,
    correlationId: 4,
    code: 1,
    read: responses.readOpen,
    fields: advertised,
    bytes: frames.encodeOpenResponse(4, advertised),
  },
  {
    name: 'ExchangeCommandVersions response',
    hex:
      '00000080801b000100000005000100000013000100010001000200010002000500010001000600010001000700010001000900010001' +
      '000a00010001000b00010001000c00010001000d00010001000e00010001000f0001000100160001000100170001000100180001000' +
      '1001900010001001c00010001001d00010001001e00010001',
    key: keys.exchangeCommandVersions,
    correlationId: 5,
    code: 1,
    read: responses.readExchangeCommandVersions,
    fields: commands,
    bytes: frames.encodeExchangeCommandVersionsResponse(5, commands),
  },
  ...[
    { correlationId: 7, code: 1, hex: '0000000a800d0001000000070001' },
    { correlationId: 8, code: 17, hex: '0000000a800d0001000000080011' },
    { correlationId: 9, code: 5, hex: '0000000a800d0001000000090005' },
  ].map(({ correlationId, code, hex }) => ({
    name: `Create response, code ${String(code)}`,
    hex,
    key: keys.create,
    correlationId,
    code,
    read: nothing,
    fields: undefined,
    bytes: frames.encodeResponse(keys.create, correlationId, code),
  })),
  {
    name: 'Metadata response',
    hex:
      '00000046800f00010000000a00000001000000096c6f63616c686f7374000015b000000002000a70726f746f2d6e6f70650002ffff00000000' +
      '000770726f746f2d670001000000000000',
    key: keys.metadata,
    correlationId: 10,
    read: responses.readMetadata,
    fields: metadata,
    bytes: frames.encodeMetadataResponse(10, metadata),
  },
  {
    name: 'StreamStats response',
    hex:
      '00000059801c0001000000120001000000030012636f6d6d69747465645f6368756e6b5f69640000000000000007' +
      '000e66697273745f6368756e6b5f69640000000000000000000d6c6173745f6368756e6b5f69640000000000000007',
    key: keys.streamStats,
    correlationId: 18,
    code: 1,
    read: responses.readStreamStats,
    fields: stats,
    bytes: frames.encodeStreamStatsResponse(18, stats),
  },
  {
    name: 'MetadataUpdate',
    hex: '0000000f001000010006000770726f746f2d67',
    key: keys.metadataUpdate,
    read: responses.readMetadataUpdate,
    fields: { code: 6, stream },
    bytes: frames.encodeMetadataUpdate(stream),
  },
  {
    name: 'Close response',
    hex: '0000000a801600010000001f0001',
    key: keys.close,
    correlationId: 31,
    code: 1,
    read: nothing,
    fields: undefined,
    bytes: requests.encodeCloseResponse(31),
  },
  {
    name: 'Close',
    hex: '000000190016000100000001000d000d756e6b6e6f776e206672616d65',
    key: keys.close,
    correlationId: 1,
    read: responses.readClose,
    fields: { code: 13, reason: 'unknown frame' },
    bytes: requests.encodeClose(1, { code: 13, reason: 'unknown frame' }),
  },
  {
    name: 'Heartbeat',
    hex: '0000000400170001',
    key: keys.heartbeat,
    read: nothing,
    fields: undefined,
    bytes: requests.encodeHeartbeat(),
  },
  {
    name: 'PublishError',
    hex: '00000013000400010900000001000000000000004d0012',
    key: keys.publishError,
    read: responses.readPublishError,
    fields: publishError,
    bytes: frames.encodePublishError(publishError),
  },
  {
    name: 'QueryPublisherSequence response',
    hex: '00000012800500010000001000010000000000000006',
    key: keys.queryPublisherSequence,
    correlationId: 16,
    code: 1,
    read: responses.readQueryPublisherSequence,
    fields: 6,
    bytes: frames.encodeQueryPublisherSequenceResponse(16, 6),
  },
  {
    name: 'Credit response, code 4',
    hex: '000000078009000100042a',
    key: keys.credit,
    read: responses.readCreditError,
    fields: { subscriptionId: 42, code: 4 },
    bytes: frames.encodeCreditError(42, 4),
  },
  {
    name: 'Credit response, code 17',
    hex: '0000000780090001001101',
    key: keys.credit,
    read: responses.readCreditError,
    fields: { subscriptionId: 1, code: 17 },
    bytes: frames.encodeCreditError(1, 17),
  },
  {
    name: 'QueryOffset response',
    hex: '00000012800b00010000001500010000000000000003',
    key: keys.queryOffset,
    correlationId: 21,
    code: 1,
    read: responses.readQueryOffset,
    fields: 3,
    bytes: frames.encodeQueryOffsetResponse(21, 3),
  },
  {
    name: 'QueryOffset response, code 19',
    hex: '00000012800b00010000001400130000000000000000',
    key: keys.queryOffset,
    correlationId: 20,
    code: 19,
    read: responses.readQueryOffset,
    fields: 0,
    bytes: frames.encodeQueryOffsetResponse(20, 0, 19),
  },
  {
    name: 'ConsumerUpdate, active',
    hex: '0000000a001a0001000000000101',
    key: keys.consumerUpdate,
    correlationId: 0,
    read: responses.readConsumerUpdate,
    fields: { subscriptionId: 1, active: true },
    bytes: frames.encodeConsumerUpdate(0, 1, true),
  },
  {
    name: 'ConsumerUpdate, inactive',
    hex: '0000000a001a0001000000030100',
    key: keys.consumerUpdate,
    correlationId: 3,
    read: responses.readConsumerUpdate,
    fields: { subscriptionId: 1, active: false },
    bytes: frames.encodeConsumerUpdate(3, 1, false),
  },
  {
    name: 'Partitions response',
    hex:
      '000000328019000100000008000100000003000a70726f746f2d73732d30' +
      '000a70726f746f2d73732d31000a70726f746f2d73732d32',
    key: keys.partitions,
    correlationId: 8,
    code: 1,
    read: responses.readPartitions,
    fields: partitions,
    bytes: frames.encodeStreamsResponse(keys.partitions, 8, partitions),
  },
  {
    name: 'Route response',
    hex: '0000001a801800010000000a000100000001000a70726f746f2d73732d31',
    key: keys.route,
    correlationId: 10,
    code: 1,
    read: responses.readRoute,
    fields: ['proto-ss-1'],
    bytes: frames.encodeStreamsResponse(keys.route, 10, ['proto-ss-1']),
  },
  {
    name: 'Route response without a stream',
    hex: '0000000e801800010000000b000100000000',
    key: keys.route,
    correlationId: 11,
    code: 1,
    read: responses.readRoute,
    fields: [],
    bytes: frames.encodeStreamsResponse(keys.route, 11, []),
  },
];
