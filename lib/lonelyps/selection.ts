import { isObservable, type Observable } from 'rxjs';
import { checkOptions, checkValue, either, instance, list, text, type Checker, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import { globProblem } from './codec/glob.js';
import { topicBytes, topicProblem, topicText } from './codec/topic-text.js';
import type { Pattern } from './session/session.js';

/** A topic: text, which is UTF-8 on the wire, or any bytes, up to 65 535 of them. */
export type LonelypsTopic = string | Uint8Array;

/** What to subscribe to: topics, and patterns of topics. */
export interface LonelypsSelection {
  /** Topics, byte for byte. */
  readonly exact?: LonelypsTopic | readonly LonelypsTopic[] | undefined;
  /**
   * Patterns as SQLite's `GLOB` has them: `*` for any run of characters, `/` included, `?` for one character, `[abc]`,
   * `[a-c]` and `[^abc]` for one of a set or none of it. They match topics that are UTF-8, and the whole of them.
   */
  readonly glob?: string | readonly string[] | undefined;
}

/** One topic, or several and patterns, or an Observable of these: each value takes the place of the one before. */
export type LonelypsChannel = LonelypsTopic | LonelypsSelection | Observable<LonelypsTopic | LonelypsSelection>;

/** Characters of a topic in the words of a message. */
const mostShown = 80;

/** By their keys, so that each is there once. @internal */
export type Patterns = ReadonlyMap<string, Pattern>;

/** @internal */
export const topic: Checker = either(
  text({ problem: named('a topic', topicProblem), empty: true }),
  instance(
    (value) => value instanceof Uint8Array && topicProblem(value) === undefined,
    'bytes, at most 65 535 of them',
  ),
);

const glob = text({ problem: named('a glob', globProblem), empty: true });

const selectionShape: Shape<LonelypsSelection> = {
  exact: either(topic, list(topic, { empty: true })),
  glob: either(glob, list(glob, { empty: true })),
};

/**
 * Refuses what cannot be subscribed to. What an Observable gives is checked as it comes.
 * @throws InvalidOptionError
 * @internal
 */
export function checkChannel(where: string, channel: unknown): void {
  if (isObservable(channel)) return;
  checkSelection(where, channel);
  if (patternsOf(channel ?? {}).size > 0) return;
  throw new InvalidOptionError(
    `${where}: the selection is empty; give exact or glob, or an Observable of selections where they are to come later`,
    { broker: 'lonelyps' },
  );
}

/**
 * The same for one value of such an Observable, which may be empty.
 * @throws InvalidOptionError
 * @internal
 */
export function checkSelection(where: string, selection: unknown): void {
  if (isTopic(selection)) checkValue(where, 'channel', selection, topic);
  else checkOptions(where, asObject(selection), selectionShape);
}

/** What is subscribed to for a selection that was checked. @internal */
export function patternsOf(selection: LonelypsTopic | LonelypsSelection): Patterns {
  const patterns = new Map<string, Pattern>();
  const { exact = [], glob: globs = [] } = isTopic(selection) ? { exact: selection } : selection;
  for (const each of isTopic(exact) ? [exact] : exact) {
    const bytes = typeof each === 'string' ? topicBytes(each) : each.slice();
    const key = `=${topicText(bytes)}`;
    patterns.set(key, { kind: 'exact', key, topic: bytes });
  }
  for (const each of typeof globs === 'string' ? [globs] : globs) {
    patterns.set(`*${each}`, { kind: 'glob', key: `*${each}`, glob: each });
  }
  return patterns;
}

/** The topic of an exact pattern, or the glob: the channel in the words of events and errors. @internal */
export function nameOf(pattern: Pattern): string {
  return pattern.key.slice(1);
}

/** A topic as the handle's channel: text that stands for just these bytes. @internal */
export function channelOf(given: LonelypsTopic): string {
  return typeof given === 'string' ? given : topicText(given);
}

/** In the words of a message. @internal */
export function describeChannel(channel: LonelypsChannel): string {
  if (isTopic(channel)) return quoted(channel);
  if (isObservable(channel)) return 'an Observable of selections';
  if (typeof channel !== 'object' || channel === null) return String(channel);
  const { exact, glob: globs } = channel;
  const part = (name: string, given: unknown): string[] =>
    given === undefined
      ? []
      : [
          `${name}: ${[given]
            .flat()
            .map((each) => quoted(each))
            .join(', ')}`,
        ];
  return `{ ${[...part('exact', exact), ...part('glob', globs)].join('; ')} }`;
}

function quoted(given: unknown): string {
  if (!isTopic(given)) return String(given);
  const text = channelOf(given);
  // a topic may have 64 KiB, which nobody wants to read in an error
  return text.length > mostShown ? `'${text.slice(0, mostShown)}…'` : `'${text}'`;
}

function isTopic(given: unknown): given is LonelypsTopic {
  return typeof given === 'string' || given instanceof Uint8Array;
}

/** An array has no options, but is an object. */
function asObject(given: unknown): unknown {
  return Array.isArray(given) ? null : given;
}

/** The words for a problem, as a sentence. */
function named(what: string, problem: (text: string) => string | undefined): (text: string) => string | undefined {
  return (given) => {
    const found = problem(given);
    return found === undefined ? undefined : `${what} ${found}`;
  };
}
