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
export const topic: Checker = sound('a topic', instance(isTopic, 'text or bytes'), topicProblem);

const glob = sound('a glob', text({ empty: true }), globProblem);

const selectionShape: Shape<LonelypsSelection> = {
  exact: either(topic, list(topic, { empty: true })),
  glob: either(glob, list(glob, { empty: true })),
};

const selectionLike = instance(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a topic (text or bytes), a selection { exact, glob } or an Observable of those',
);

/**
 * Refuses what cannot be subscribed to. What an Observable gives is checked as it comes.
 * @throws InvalidOptionError
 * @internal
 */
export function checkChannel(where: string, channel: unknown): void {
  if (isObservable(channel)) return;
  checkSelection(where, channel);
  if (patternsOf(channel as LonelypsTopic | LonelypsSelection).size > 0) return;
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
  checkValue(where, 'channel', selection, isTopic(selection) ? topic : selectionLike);
  if (!isTopic(selection)) checkOptions(where, selection, selectionShape);
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
  if (typeof channel !== 'object' || channel === null || Array.isArray(channel)) return listed(channel);
  const { exact, glob: globs } = channel;
  const part = (name: string, given: unknown): string[] => (given === undefined ? [] : [`${name}: ${listed(given)}`]);
  const parts = [...part('exact', exact), ...part('glob', globs)];
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

function listed(given: unknown): string {
  return Array.isArray(given) ? `[${given.map((each) => quoted(each)).join(', ')}]` : quoted(given);
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

/** What is of the kind that is wanted is told what is wrong with it, and nothing of the kind. */
function sound<T>(what: string, kind: Checker, problemOf: (given: T) => string | undefined): Checker {
  return {
    ...kind,
    problem(name, value) {
      const problem = kind.problem(name, value);
      if (problem !== undefined) return problem;
      const found = problemOf(value as T);
      return found === undefined ? undefined : `${name}: ${what} ${found}`;
    },
    meant: (value) => kind.problem('', value) === undefined,
  };
}
