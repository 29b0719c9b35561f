import { InvalidOptionError } from './errors.js';

/**
 * Says what is wrong with one option's value. Made by the factory functions of this module.
 * @internal
 */
export interface Checker {
  /** What it accepts, in words that fit after "must be". */
  readonly accepts: string;
  /** Whether the value may be a secret, and so is never printed. */
  readonly secret?: boolean;
  /** Whether `undefined` is refused too. */
  readonly required?: boolean;
  /** Whether anything but `undefined` is refused, so that it is not named among what is accepted. */
  readonly leftOut?: boolean;
  /** What is wrong, as a whole sentence that names the option; undefined if nothing is. */
  problem(name: string, value: unknown): string | undefined;
  /** Whether a value is meant for this one among the alternatives of `either`, so that its own words say what is wrong. */
  meant?(value: unknown): boolean;
}

/** The checker of each option. With a type argument, the compiler asks for every option of that type. @internal */
export type Shape<T = Record<string, unknown>> = { readonly [K in keyof T]-?: Checker };

/**
 * Refuses options that are not what `shape` accepts. `undefined` counts as absent, for the options and for each value.
 * @param where - the call that was made, as the reader of the message wrote it, such as `messages('orders')`
 * @throws InvalidOptionError that names the option and what it accepts
 * @internal
 */
export function checkOptions<T>(where: string, options: unknown, shape: Shape<T>): void {
  const problem = problemOfOptions('', options ?? (options === null ? null : {}), shape);
  if (problem !== undefined) throw new InvalidOptionError(`${where}: ${problem}`);
}

/**
 * The same for one value that is no option: a channel, a channel's message.
 * @throws InvalidOptionError
 * @internal
 */
export function checkValue(where: string, name: string, value: unknown, checker: Checker): void {
  const problem = checker.problem(name, value);
  if (problem !== undefined) throw new InvalidOptionError(`${where}: ${problem}`);
}

/** An integer. `infinity` accepts Infinity too. @internal */
export function count(limits: { min?: number; max?: number; infinity?: boolean } = {}): Checker {
  const { min = 1, max = 2 ** 31 - 1, infinity = false } = limits;
  return simple(
    `an integer from ${min} to ${max}${infinity ? ', or Infinity' : ''}`,
    (value) => isCount(value, min, max) || (infinity && value === Infinity),
  );
}

function isCount(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Milliseconds; a fraction is fine. `infinity` accepts Infinity too. @internal */
export function duration(limits: { min?: number; max?: number; infinity?: boolean } = {}): Checker {
  const { min = 0, max = Infinity, infinity = false } = limits;
  const range = max === Infinity ? `, ${min} or more` : ` from ${min} to ${max}`;
  return simple(
    `a number of milliseconds${range}${infinity ? ', or Infinity' : ''}`,
    (value) => (Number.isFinite(value) && inRange(value, min, max)) || (infinity && value === Infinity),
  );
}

/** A number that may have a fraction. @internal */
export function ratio(min: number, max = Infinity): Checker {
  const range = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`;
  return simple(`a number ${range}`, (value) => Number.isFinite(value) && inRange(value, min, max));
}

function inRange(value: unknown, min: number, max: number): boolean {
  return (value as number) >= min && (value as number) <= max;
}

/** What a text must be like. @internal */
export interface TextRules {
  /** Must match. */
  readonly pattern?: RegExp;
  /** What `pattern` wants, in words that fit after "a string". */
  readonly words?: string;
  /** Says what is wrong with the text, in words that fit after "got 'x': ". */
  readonly problem?: (text: string) => string | undefined;
  /** Whether the empty string is accepted. */
  readonly empty?: boolean;
  /** Whether it is never printed. */
  readonly secret?: boolean;
}

/** A string. @internal */
export function text(rules: TextRules = {}): Checker {
  const { pattern, problem, empty = false, secret = false } = rules;
  const words = rules.words ?? (pattern && `that matches ${String(pattern)}`);
  const accepts = `a ${empty ? '' : 'non-empty '}string${words === undefined ? '' : ` ${words}`}`;
  return {
    accepts,
    secret,
    problem(name, value) {
      if (typeof value !== 'string' || (value === '' && !empty) || (pattern && value.search(pattern) < 0)) {
        return mustBe(name, accepts, value, secret);
      }
      const found = problem?.(value);
      return found === undefined ? undefined : `${mustBe(name, accepts, value, secret)}: ${found}`;
    },
    meant: (value) => typeof value === 'string',
  };
}

/** true or false. @internal */
export function flag(): Checker {
  return simple('true or false', (value) => typeof value === 'boolean');
}

/** One of a few plain values. @internal */
export function oneOf(...values: readonly (string | number | boolean | null)[]): Checker {
  const accepts = values.length === 1 ? show(values[0]) : `one of ${values.map(show).join(', ')}`;
  return {
    accepts,
    problem(name, value) {
      if (values.includes(value as string)) return undefined;
      const near = typeof value === 'string' ? nearest(value, values.filter(isString)) : undefined;
      return mustBe(name, accepts, value) + (near === undefined ? '' : `; did you mean '${near}'?`);
    },
  };
}

/** Options within an option. @internal */
export function object<T>(shape: Shape<T>): Checker {
  return {
    accepts: `an object with the options ${Object.keys(shape).join(', ')}`,
    problem: (name, value) => problemOfOptions(name, value, shape),
    meant: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  };
}

/** An array of which each element is accepted. @internal */
export function list(element: Checker, limits: { empty?: boolean } = {}): Checker {
  const { empty = false } = limits;
  const secret = element.secret ?? false;
  const accepts = `${empty ? 'an array' : 'a non-empty array'}, each ${element.accepts}`;
  return {
    accepts,
    secret,
    problem(name, value) {
      if (!Array.isArray(value) || (value.length === 0 && !empty)) return mustBe(name, accepts, value, secret);
      for (const [index, each] of value.entries()) {
        const problem = element.problem(`${name}[${index}]`, each);
        if (problem !== undefined) return problem;
      }
      return undefined;
    },
    meant: (value) => Array.isArray(value),
  };
}

/** A function. @internal */
export function func(): Checker {
  return simple('a function', (value) => typeof value === 'function');
}

/** Whatever is given. @internal */
export function anything(): Checker {
  return simple('anything', () => true);
}

/** What `check` accepts, said in `words` that fit after "must be". @internal */
export function instance(check: (value: unknown) => boolean, words: string): Checker {
  return simple(words, check);
}

/** An AbortSignal, also one of another realm. @internal */
export function signal(): Checker {
  return simple('an AbortSignal', (value) => {
    const like = value as Partial<AbortSignal> | null;
    return (
      typeof like === 'object' && typeof like?.aborted === 'boolean' && typeof like.addEventListener === 'function'
    );
  });
}

/** A codec that can do what is needed; with nothing said, one of the two. @internal */
export function codec(...needs: readonly ('encode' | 'decode')[]): Checker {
  const accepts = `a codec (an object with ${needs.length === 0 ? 'encode or decode' : needs.join(' and ')})`;
  return {
    accepts,
    problem(name, value) {
      if (typeof value === 'function') {
        const call = value.name === '' ? 'it' : `${value.name}()`;
        return `${mustBe(name, accepts, value)}; call ${call} if it makes one`;
      }
      const has = (key: string): boolean =>
        typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[key] === 'function';
      const good = needs.length === 0 ? has('encode') || has('decode') : needs.every(has);
      return good ? undefined : mustBe(name, accepts, value);
    },
  };
}

/** What each start or end that takes an argument keeps it in. */
const argumentOf: Readonly<Record<string, { key: string; type: 'bigint' | 'number' }>> = {
  fromOffset: { key: 'offset', type: 'bigint' },
  fromTime: { key: 'time', type: 'number' },
  fromAgo: { key: 'ms', type: 'number' },
  untilOffset: { key: 'offset', type: 'bigint' },
  untilTime: { key: 'time', type: 'number' },
};

/** A start or an end made by one of these factory functions. @internal */
export function kinds(...factories: readonly string[]): Checker {
  const call = (factory: string): string => `${factory}(${factory in argumentOf ? '…' : ''})`;
  const accepts = factories.map(call).join(', ');
  return {
    accepts,
    problem(name, value) {
      const kind: unknown =
        typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : undefined;
      if (typeof kind === 'string') {
        if (!factories.includes(kind)) return `${name} accepts ${accepts}; got ${call(kind)}`;
        const argument = argumentOf[kind];
        if (argument === undefined) return undefined;
        if (typeof (value as Record<string, unknown>)[argument.key] === argument.type) return undefined;
        return `${name} accepts ${accepts}; got an object made by hand: make it with ${call(kind)}`;
      }
      const word = typeof value === 'string' ? value : typeof value === 'function' ? value.name : undefined;
      const hint =
        word !== undefined && factories.includes(word) ? `; call ${call(word)}, imported from 'rx-weir'` : '';
      return `${name} accepts ${accepts}; got ${show(value)}${hint}`;
    },
  };
}

/** What any of these accepts. @internal */
export function either(...alternatives: readonly Checker[]): Checker {
  const accepts = alternatives.map((each) => each.accepts).join(', or ');
  const secret = alternatives.some((each) => each.secret === true);
  return {
    accepts,
    secret,
    problem(name, value) {
      if (alternatives.some((each) => each.problem(name, value) === undefined)) return undefined;
      const meant = alternatives.filter((each) => each.meant?.(value) === true);
      return meant.length === 1 ? meant[0]?.problem(name, value) : mustBe(name, accepts, value, secret);
    },
    meant: (value) => alternatives.some((each) => each.meant?.(value) === true),
  };
}

/** The same, and it must be there. @internal */
export function required(checker: Checker): Checker {
  return {
    ...checker,
    required: true,
    problem: (name, value) =>
      value === undefined ? `${name} is required; it must be ${checker.accepts}` : checker.problem(name, value),
  };
}

/** For an option that others have, and that is not to be given here. @internal */
export function leftOut(why: string): Checker {
  return { ...simple(`left out: ${why}`, () => false), leftOut: true };
}

/** The same, and it is never printed. @internal */
export function secret(checker: Checker): Checker {
  return {
    ...checker,
    secret: true,
    problem: (name, value) =>
      checker.problem(name, value) === undefined ? undefined : mustBe(name, checker.accepts, value, true),
  };
}

function simple(accepts: string, good: (value: unknown) => boolean): Checker {
  return { accepts, problem: (name, value) => (good(value) ? undefined : mustBe(name, accepts, value)) };
}

function mustBe(name: string, accepts: string, value: unknown, hide = false): string {
  return `${name} must be ${accepts}; got ${hide ? showType(value) : show(value)}`;
}

function problemOfOptions<T>(parent: string, options: unknown, shape: Shape<T>): string | undefined {
  const names = Object.keys(shape).filter((key) => (shape as Shape)[key]?.leftOut !== true);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const accepts = `an object with the options ${names.join(', ')}`;
    return mustBe(parent === '' ? 'options' : parent, accepts, options, true);
  }
  const checkers = shape as Shape;
  const nameOf = (key: string): string => (parent === '' ? key : `${parent}.${key}`);
  // for…in, because options that inherit from shared defaults are read through the prototype too
  for (const key in options) {
    if (!Object.hasOwn(shape, key)) return unknownOption(nameOf(key), key, names);
  }
  for (const key of Object.keys(shape)) {
    const checker = checkers[key] as Checker;
    const value = (options as Record<string, unknown>)[key];
    if (value === undefined && checker.required !== true) continue;
    const problem = checker.problem(nameOf(key), value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function unknownOption(name: string, key: string, names: readonly string[]): string {
  const near = nearest(key, names);
  const hint = near === undefined ? '' : `, did you mean '${near}'?`;
  const accepted = names.length === 0 ? 'there are no options here' : `accepted are ${names.join(', ')}`;
  return `there is no option '${name}'${hint}${hint === '' ? ';' : ''} ${accepted}`;
}

/** The name that a slip of the finger, or of the memory, most likely meant. */
function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const edits = distance(word.toLowerCase(), name.toLowerCase());
    // two letters of three are no slip, they are another word
    if (edits < fewest && edits < name.length / 2) [best, fewest] = [name, edits];
  }
  return best;
}

/** How many letters to insert, remove or replace. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function show(value: unknown): string {
  if (value === '') return 'an empty string';
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 80)}…` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return showType(value);
}

/** What kind of value it is, and nothing of what it says. */
function showType(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value !== 'object') return value === '' ? 'an empty string' : `a ${typeof value}`;
  const made: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof made === 'string' && made !== '' && made !== 'Object' ? `an object of class ${made}` : 'an object';
}
