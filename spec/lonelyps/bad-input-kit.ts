import { expect } from 'chai';
import { of } from 'rxjs';
import type { LonelypsBroker } from '../../lib/lonelyps/index.js';
import { unique } from '../support/names.js';
import { everythingOf, refuses, type ErrorType } from '../support/refusals.js';
import { resources, untilResources } from '../support/resources.js';
import { within } from '../support/wait.js';
import { reaches } from './faults-kit.js';
import { Heard, subscribed } from './lonelyps-kit.js';

const bytes = new Uint8Array([1, 2, 3]);

/** What an error's message must have in it. */
export type Words = readonly (string | RegExp)[];

/** All calls that need a topic. */
export function topicCalls(handle: LonelypsBroker, topic: string | Uint8Array): (() => unknown)[] {
  return [
    () => handle.messages(topic),
    () => handle.values(topic),
    () => handle.hot(topic),
    () => handle.publish(topic, bytes),
    () => handle.sink(topic).send(bytes),
    () => of(bytes).pipe(handle.publishTo(topic, { onError: 'throw' })),
    () => handle.publishFrom(topic, [bytes], { onError: 'throw' }),
  ];
}

/** All calls that need a broadcaster. */
export function everyCall(handle: LonelypsBroker): (() => unknown)[] {
  return [() => handle.connect(), ...topicCalls(handle, 'topic')];
}

/** The handle publishes and receives. */
export async function works(handle: LonelypsBroker): Promise<void> {
  const topic = unique('topic');
  const heard = new Heard(handle, topic);
  await subscribed(handle);
  await reaches(handle, topic, heard);
  heard.unsubscribe();
  expect(heard.error).to.equal(undefined);
}

/** All calls at once fail so, in time; nothing of the handle is left, and nothing that is secret is printed. */
export async function allRefuse(
  open: () => LonelypsBroker,
  type: ErrorType,
  words: Words,
  secrets: readonly string[],
): Promise<void> {
  await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
  const before = resources();
  const handle = open();
  const all = Promise.all(everyCall(handle).map((call) => refuses(call, type, words, secrets)));
  await within(all, 20_000, 'every call to fail');
  const shown = everythingOf(handle);
  for (const secret of secrets) expect(shown).to.not.include(secret);
  // it does not listen either, though it could be asked again
  await untilResources(before);
  await handle.close();
}
