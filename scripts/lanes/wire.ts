/** An error as it crosses from one process to another: in words, since what it holds may be bigints, functions and circles. */
export interface PackedError {
  readonly message: string;
  readonly stack: string;
  readonly uncaught: boolean;
  /** Both sides of a comparison as text, where mocha would show their difference. */
  readonly actual?: string;
  readonly expected?: string;
  readonly cause?: PackedError;
}

/** What happens in a spec file, in mocha's order. */
export type FileEvent =
  | { readonly type: 'suite'; readonly title: string }
  | { readonly type: 'suite end' }
  | { readonly type: 'begin'; readonly path: readonly string[] }
  | { readonly type: 'pass'; readonly path: readonly string[]; readonly duration: number; readonly slow: number }
  | { readonly type: 'pending'; readonly path: readonly string[] }
  | { readonly type: 'fail'; readonly path: readonly string[]; readonly error: PackedError };

/** What a lane says. */
export type LaneMessage = FileEvent | { readonly type: 'file end'; readonly seconds: number };

/** What a lane is asked. */
export type LaneOrder = { readonly type: 'run'; readonly file: string } | { readonly type: 'end' };

/** Packs what was thrown. */
export function pack(thrown: unknown, seen: ReadonlySet<unknown> = new Set()): PackedError {
  if (!(thrown instanceof Error)) {
    const message = `${String(thrown)} was thrown, which is no Error`;
    return { message, stack: message, uncaught: false };
  }
  const { message, cause } = thrown;
  const { actual, expected, showDiff, uncaught } = thrown as unknown as Readonly<Record<string, unknown>>;
  const isShown = typeof actual === 'string' && typeof expected === 'string' && showDiff !== false;
  const known = new Set(seen).add(thrown);
  return {
    message,
    stack: thrown.stack ?? message,
    uncaught: uncaught === true,
    ...(isShown ? { actual, expected } : {}),
    ...(cause === undefined || known.has(cause) ? {} : { cause: pack(cause, known) }),
  };
}

/** An error that mocha's reporters print as they would have printed the packed one. */
export function unpack({ message, cause, ...rest }: PackedError): Error {
  return Object.assign(new Error(message), rest, cause === undefined ? {} : { cause: unpack(cause) });
}
