import { inspect } from 'node:util';
import { expect } from 'chai';
import { isObservable, take } from 'rxjs';
import { WeirError } from '../../lib/core/errors.js';
import type { Logger } from '../../lib/core/logger.js';
import { Tap } from '../contract/tap.js';

/** What a call fails with: thrown, rejected, as an Observable's error, or in a receipt. */
export async function failureOf(call: () => unknown): Promise<WeirError> {
  let result: unknown;
  try {
    result = call();
    if (isObservable(result)) return (await new Tap(result.pipe(take(1))).failed()) as WeirError;
    result = await result;
  } catch (error) {
    return error as WeirError;
  }
  const { error } = (result ?? {}) as { readonly error?: WeirError };
  if (error !== undefined) return error;
  throw new Error('it succeeded, where a failure was expected');
}

/** What printing could show of a value, in all the ways in which people print. */
export function everythingOf(value: unknown): string {
  const shown = [inspect(value, { depth: 10, showHidden: true, getters: true }), String(value)];
  // Node's own errors have certificates in them, which point to themselves
  if (!(value instanceof Error) || value instanceof WeirError) shown.push(JSON.stringify(value));
  if (value instanceof Error) shown.push(value.message, String(value.stack), everythingOf(value.cause));
  return shown.join('\n');
}

/** A logger that keeps all that it is given, as deep as it goes. */
export class Log implements Logger {
  readonly lines: string[] = [];
  readonly debug = this.keep.bind(this);
  readonly info = this.keep.bind(this);
  readonly warn = this.keep.bind(this);
  readonly error = this.keep.bind(this);

  private keep(...given: unknown[]): void {
    this.lines.push(...given.map(everythingOf));
  }
}

/** A class of errors, by its constructor. */
export type ErrorType = abstract new (...args: never[]) => WeirError;

/** The call fails with that error, whose message has all these words in it; no secret shows anywhere. */
export async function refuses(
  call: () => unknown,
  type: ErrorType,
  words: readonly (string | RegExp)[],
  secrets: readonly string[] = [],
): Promise<WeirError> {
  const error = await failureOf(call);
  expect(error, String(error)).to.be.instanceOf(type);
  for (const each of words) {
    if (typeof each === 'string') expect(error.message).to.include(each);
    else expect(error.message).to.match(each);
  }
  const shown = everythingOf(error);
  for (const secret of secrets) expect(shown).to.not.include(secret);
  return error;
}

/** Options as the title of a spec. */
export function short(options: object): string {
  return inspect(options, { breakLength: Infinity, compact: true }).slice(0, 70);
}

/** Words as a pattern. */
export function quoted(words: string): RegExp {
  return new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}
