import { expect } from 'chai';
import fc from 'fast-check';
import { frameReader, readResponseHead } from '../../../lib/rabbitmq-stream/codec/head.js';
import { keys, responseBit } from '../../../lib/rabbitmq-stream/codec/keys.js';
import type { OffsetSpec } from '../../../lib/rabbitmq-stream/codec/offset-spec.js';
import type { Reader } from '../../../lib/rabbitmq-stream/codec/reader.js';
import { encodeCredit } from '../../../lib/rabbitmq-stream/codec/credit.js';
import * as requests from '../../../lib/rabbitmq-stream/codec/requests.js';
import * as responses from '../../../lib/rabbitmq-stream/codec/responses.js';
import * as frames from '../../support/rabbitmq-frames.js';
import { decodeClientFrame } from '../../support/rabbitmq-requests.js';
import { oddView, utf8 } from './bytes.js';

// Any characters, some of them outside of the first plane: what counts on the wire is bytes, not characters.
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'binary', minLength: 60, maxLength: 300 }),
  fc.constantFrom('', 'é', '日本', '\ufeffname', 'x'.repeat(32_767), '😀'.repeat(8191)),
);
const texts = fc.array(text, { maxLength: 6 });
const map = fc
  .uniqueArray(fc.tuple(text, text), { maxLength: 6, selector: ([name]) => name })
  .map((all) => new Map(all));
const u8 = fc.nat({ max: 255 });
const u16 = fc.nat({ max: 0xffff });
const u32 = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
const edges = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const u64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...edges));
/** As decoders give it: a number where that is exact. */
const id = u64.map((value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value));
const i64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(-1n, -(2n ** 63n)));
const data = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 200, maxLength: 400 }));
const offset: fc.Arbitrary<OffsetSpec> = fc.oneof(
  fc.constantFrom('none', 'first', 'last', 'next').map((type) => ({ type })),
  u64.map((value) => ({ type: 'offset' as const, offset: value })),
  i64.map((value) => ({ type: 'timestamp' as const, timestamp: value })),
);
const commands = fc.array(fc.record({ key: u16, min: u16, max: u16 }), { maxLength: 40 });
const node = fc.record({ host: text, port: u32 });
const metadata = fc.uniqueArray(
  fc.record({
    stream: text,
    code: u16,
    leader: fc.option(node, { nil: undefined }),
    replicas: fc.array(node, { maxLength: 3 }),
  }),
  { maxLength: 5, selector: ({ stream }) => stream },
);

/** A client's frame: what its encoder takes is what a broker reads. */
function client<F extends Readonly<Record<string, unknown>>>(
  name: string,
  key: number,
  fields: fc.Arbitrary<F>,
  encode: (correlationId: number, fields: F) => Uint8Array,
  hasCorrelationId = true,
): void {
  it(name, () => {
    fc.assert(
      fc.property(u32, fields, (correlationId, value) => {
        const frame = oddView(encode(correlationId, value));
        expect(frame.length).to.equal(4 + frameSize(frame));
        const read = decodeClientFrame(frame, 4, frame.length);
        expect(read.key).to.equal(key);
        expect(read.correlationId).to.equal(hasCorrelationId ? correlationId : undefined);
        expect(read.fields).to.deep.equal(value);
      }),
      { numRuns: 60 },
    );
  });
}

function frameSize(frame: Uint8Array): number {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.length).readUInt32BE(0);
}

/** What a broker sends: what the fake one writes is what our decoder reads. */
function broker<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  read: (r: Reader) => T,
): void {
  it(name, () => {
    fc.assert(
      fc.property(values, (value) => {
        const frame = oddView(encode(value));
        const reader = frameReader(frame, 4, frame.length);
        expect(read(reader)).to.deep.equal(value);
        expect(reader.remaining).to.equal(0);
      }),
      { numRuns: 60 },
    );
  });
}

function response<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  read: (r: Reader) => T,
): void {
  broker(name, values, encode, (reader) => {
    expect(readResponseHead(reader)).to.deep.equal({ correlationId: 7, code: 1 });
    return read(reader);
  });
}

describe('rabbitmq-stream codec: frames of any fields', () => {
  describe('that a client sends', () => {
    const reference = fc.record({ reference: text, stream: text });
    const declared = fc.record({ publisherId: u8, reference: text, stream: text });
    const subscription = fc.record({
      subscriptionId: u8,
      stream: text,
      offset,
      credit: u16,
      properties: fc.option(map, { nil: undefined }),
    });
    client('DeclarePublisher', keys.declarePublisher, declared, requests.encodeDeclarePublisher);
    client('QueryPublisherSequence', 5, reference, requests.encodeQueryPublisherSequence);
    client('DeletePublisher', keys.deletePublisher, fc.record({ publisherId: u8 }), requests.encodeDeletePublisher);
    client('Subscribe', keys.subscribe, subscription, requests.encodeSubscribe);
    const credit = fc.record({ subscriptionId: u8, credit: fc.integer({ min: 1, max: 0x7fff }) });
    client('Credit', keys.credit, credit, (_, to) => encodeCredit(to.subscriptionId, to.credit), false);
    const stored = fc.record({ reference: text, stream: text, offset: u64 });
    client('StoreOffset', keys.storeOffset, stored, (_, fields) => requests.encodeStoreOffset(fields), false);
    client('QueryOffset', keys.queryOffset, reference, requests.encodeQueryOffset);
    client('Unsubscribe', keys.unsubscribe, fc.record({ subscriptionId: u8 }), requests.encodeUnsubscribe);
    client('Create', keys.create, fc.record({ stream: text, arguments: map }), requests.encodeCreate);
    client('Delete', keys.delete, fc.record({ stream: text }), requests.encodeDelete);
    client('Metadata', keys.metadata, fc.record({ streams: texts }), requests.encodeMetadata);
    client('PeerProperties', keys.peerProperties, fc.record({ properties: map }), requests.encodePeerProperties);
    client('SaslHandshake', keys.saslHandshake, fc.constant({}), requests.encodeSaslHandshake);
    const sasl = fc.record({ mechanism: text, data: fc.option(data) });
    client('SaslAuthenticate', keys.saslAuthenticate, sasl, requests.encodeSaslAuthenticate);
    const tune = fc.record({ frameMax: u32, heartbeat: u32 });
    client('Tune', keys.tune, tune, (_, fields) => requests.encodeTune(fields), false);
    client('Open', keys.open, fc.record({ vhost: text }), requests.encodeOpen);
    client('Close', keys.close, fc.record({ code: u16, reason: text }), requests.encodeClose);
    client('Close response', keys.close | responseBit, fc.record({ code: u16 }), (correlationId, { code }) =>
      requests.encodeCloseResponse(correlationId, code),
    );
    client('Heartbeat', keys.heartbeat, fc.constant({}), () => requests.encodeHeartbeat(), false);
    client('Route', keys.route, fc.record({ routingKey: text, superStream: text }), requests.encodeRoute);
    client('Partitions', keys.partitions, fc.record({ superStream: text }), requests.encodePartitions);
    const update = fc.record({ code: u16, offset });
    client('ConsumerUpdate response', 0x801a, update, requests.encodeConsumerUpdateResponse);
    client('ExchangeCommandVersions', 0x1b, fc.record({ commands }), requests.encodeExchangeCommandVersions);
    client('StreamStats', keys.streamStats, fc.record({ stream: text }), requests.encodeStreamStats);
    const superStream = fc.record({ name: text, partitions: texts, bindingKeys: texts, arguments: map });
    client('CreateSuperStream', keys.createSuperStream, superStream, requests.encodeCreateSuperStream);
    client('DeleteSuperStream', keys.deleteSuperStream, fc.record({ name: text }), requests.encodeDeleteSuperStream);
    const resolved = fc.record({ stream: text, offset, properties: map });
    client('ResolveOffsetSpec', keys.resolveOffsetSpec, resolved, requests.encodeResolveOffsetSpec);

    it('properties and arguments can be objects too', () => {
      const asMap = requests.encodeCreate(1, { stream: 's', arguments: new Map([['max-age', '1h']]) });
      expect(requests.encodeCreate(1, { stream: 's', arguments: { 'max-age': '1h' } })).to.deep.equal(asMap);
    });
  });

  describe('that a broker sends', () => {
    const streamsOf = (key: number) => (streams: string[]) => frames.encodeStreamsResponse(key, 7, streams);
    response(
      'PeerProperties',
      map,
      (value) => frames.encodePeerPropertiesResponse(7, value),
      responses.readPeerProperties,
    );
    response('SaslHandshake', texts, (all) => frames.encodeSaslHandshakeResponse(7, all), responses.readSaslHandshake);
    const challenge = fc
      .oneof(data, fc.uint8Array({ minLength: 65_530, maxLength: 65_540 }))
      .filter((d) => d.length > 0);
    const short = challenge.filter(({ length }) => length < 0x7fff);
    response<Uint8Array | undefined>(
      'SaslAuthenticate with a challenge, as RabbitMQ writes it',
      fc.option(short, { nil: undefined }),
      (value) => frames.encodeSaslAuthenticateResponse(7, 1, value),
      responses.readSaslAuthenticate,
    );
    response<Uint8Array | undefined>(
      'SaslAuthenticate with a challenge, as the protocol has it',
      fc.option(challenge, { nil: undefined }),
      (value) => frames.encodeSaslAuthenticateResponse(7, 1, value, true),
      responses.readSaslAuthenticate,
    );
    response('Open', map, (value) => frames.encodeOpenResponse(7, value), responses.readOpen);
    response(
      'ExchangeCommandVersions',
      commands,
      (value) => frames.encodeExchangeCommandVersionsResponse(7, value),
      responses.readExchangeCommandVersions,
    );
    broker(
      'Metadata',
      metadata,
      (value) => frames.encodeMetadataResponse(7, value),
      (reader) => {
        expect(reader.u32()).to.equal(7);
        return responses.readMetadata(reader) as never;
      },
    );
    const stats = fc.array(fc.tuple(text, i64), { maxLength: 5 }).map((all) => new Map(all));
    response('StreamStats', stats, (value) => frames.encodeStreamStatsResponse(7, value), responses.readStreamStats);
    response(
      'QueryPublisherSequence',
      id,
      (value) => frames.encodeQueryPublisherSequenceResponse(7, value),
      responses.readQueryPublisherSequence,
    );
    response('QueryOffset', id, (value) => frames.encodeQueryOffsetResponse(7, value), responses.readQueryOffset);
    response('Route', texts, streamsOf(keys.route), responses.readRoute);
    response('Partitions', texts, streamsOf(keys.partitions), responses.readPartitions);
    response(
      'ResolveOffsetSpec',
      offset,
      (value) => frames.encodeResolveOffsetSpecResponse(7, value),
      responses.readResolveOffsetSpec,
    );
    const errors = fc.record({
      publisherId: u8,
      errors: fc.array(fc.record({ id, code: u16 }), { maxLength: 30 }),
    });
    broker<responses.PublishErrors>('PublishError', errors, frames.encodePublishError, responses.readPublishError);
    const creditError = fc.record({ subscriptionId: u8, code: u16 });
    broker<{ readonly subscriptionId: number; readonly code: number }>(
      'Credit response',
      creditError,
      ({ subscriptionId, code }) => frames.encodeCreditError(subscriptionId, code),
      responses.readCreditError,
    );
    broker<{ readonly code: number; readonly stream: string }>(
      'MetadataUpdate',
      fc.record({ code: u16, stream: text }),
      ({ code, stream }) => frames.encodeMetadataUpdate(stream, code),
      responses.readMetadataUpdate,
    );
    broker<{ readonly subscriptionId: number; readonly active: boolean }>(
      'ConsumerUpdate',
      fc.record({ subscriptionId: u8, active: fc.boolean() }),
      ({ subscriptionId, active }) => frames.encodeConsumerUpdate(7, subscriptionId, active),
      (reader) => {
        reader.u32();
        return responses.readConsumerUpdate(reader);
      },
    );
    broker<{ readonly code: number; readonly reason: string }>(
      'Close',
      fc.record({ code: u16, reason: text }),
      (value) => requests.encodeClose(7, value),
      (reader) => {
        reader.u32();
        return responses.readClose(reader);
      },
    );

    it('a challenge of one character in either form', () => {
      const read = (asBytes: boolean): Uint8Array | undefined => {
        const frame = frames.encodeSaslAuthenticateResponse(7, 10, utf8('c'), asBytes);
        const reader = frameReader(frame, 4, frame.length);
        readResponseHead(reader);
        return responses.readSaslAuthenticate(reader);
      };
      expect(read(false)).to.deep.equal(utf8('c'));
      expect(read(true)).to.deep.equal(utf8('c'));
    });
  });
});
