import fc from 'fast-check';
import type { FromBroadcaster } from '../../../lib/lonelyps/codec/from-broadcaster.js';

const some = fc.uint8Array({ maxLength: 30 });
const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const text = fc.string({ maxLength: 20 });
const signed = { authorization: text, tracing: some };
const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const none = fc.constant(new Uint8Array(0) as Uint8Array);

const head = fc.record({
  topic: some,
  compressor: number,
  compressedLength: number,
  length: number,
  sha512: exactly(64),
});

const limits = {
  id: number,
  level: fc.integer({ min: -32_768, max: 32_767 }),
  minSize: fc.oneof(fc.nat(300), fc.nat({ max: 2 ** 31 - 1 })),
  maxSize: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

/** Any message of a broadcaster. */
export const fromBroadcaster: fc.Arbitrary<FromBroadcaster> = fc.oneof(
  fc.record({ kind: fc.constant('confirmConfigure' as const), nonce: exactly(32), ...signed }),
  fc.record({
    kind: fc.constantFrom('confirmSubscribeExact' as const, 'confirmUnsubscribeExact' as const),
    topic: some,
    ...signed,
  }),
  fc.record({
    kind: fc.constantFrom('confirmSubscribeGlob' as const, 'confirmUnsubscribeGlob' as const),
    glob: text,
    ...signed,
  }),
  fc.record({ kind: fc.constant('confirmNotify' as const), identifier: some, notified: number, ...signed }),
  fc.record({ kind: fc.constant('continueNotify' as const), identifier: some, part: number, ...signed }),
  fc.record({
    kind: fc.constant('receive' as const),
    identifier: some,
    part: fc.constant(0),
    head,
    bytes: some,
    ...signed,
  }),
  fc.record({
    kind: fc.constant('receive' as const),
    identifier: some,
    part: number.filter((part) => part > 0),
    head: fc.constant(undefined),
    bytes: some,
    ...signed,
  }),
  fc.record({ kind: fc.constant('enablePreset' as const), ...limits, sha512: none, dictionary: none, ...signed }),
  fc.record({
    kind: fc.constant('enableCustom' as const),
    ...limits,
    sha512: exactly(64),
    dictionary: some,
    ...signed,
  }),
  fc.record({ kind: fc.constant('disableCustom' as const), id: number, ...signed }),
  fc.record({ kind: fc.constant('missed' as const), topic: some, ...signed }),
);
