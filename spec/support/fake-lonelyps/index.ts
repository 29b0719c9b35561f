export type { FakeAnswer, FakeReply } from './answer.js';
export { FakeBroadcaster, type FakeBroadcasterOptions, type FakeHandler } from './broadcaster.js';
export type { FakeCallback, FakeCallbackResult } from './callback.js';
export type { FakeConnection, FakeMessage, FakeMessageOf, FakeSending, UnsignedMessage } from './connection.js';
export type { FakeDelivery } from './outgoing.js';
export { sha512 } from './party.js';
export type { Registration } from './registrations.js';
export { contentOf, type FakeContent, type FakeRequest } from './request.js';
export { trickle, type Trickled } from './trickle.js';
