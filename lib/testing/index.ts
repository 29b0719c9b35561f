/**
 * For specs of programs that use a broker, with any runner, in Node and in pages: a broker in memory that tells what was
 * done with it, recordings of deliveries, and checks.
 *
 * @packageDocumentation
 */

export { AssertionError, type AssertionErrorOptions } from './assertion-error.js';
export {
  assertAcked,
  assertDelivered,
  assertOpen,
  assertPublished,
  assertReceipts,
  assertReleased,
  type Deliveries,
} from './assertions.js';
export {
  chaiDeliveries,
  type ChaiAssertion,
  type ChaiLike,
  type ChaiUtilsLike,
  type DeliveryAssertions,
} from './chai-deliveries.js';
export type { ReceiptWord } from './checks.js';
export {
  deliveryMatchers,
  type DeliveryMatchers,
  type MatcherFunctions,
  type MatcherResult,
} from './delivery-matchers.js';
export { fakeDeliveries, fakeDelivery, type FakeDelivery, type FakeDeliveryOptions } from './fake-delivery.js';
export { outcomeOf, type Outcome } from './outcome.js';
export { recorder, watch, type Recorder, type RecorderOptions, type SourceRecording, type Watch } from './recorder.js';
export type { Recording } from './recording.js';
export {
  testBroker,
  type PublishedMessage,
  type PublishedOptions,
  type TestBroker,
  type TestBrokerOptions,
} from './test-broker.js';
export type { WaitOptions } from './waiters.js';
export type { Recorded, ValueOf } from './watched-delivery.js';
