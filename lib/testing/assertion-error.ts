/** What an {@link AssertionError} tells beside its message. */
export interface AssertionErrorOptions {
  readonly actual?: unknown;
  readonly expected?: unknown;
  readonly cause?: unknown;
}

/**
 * An expectation that was not met. Its name and members are those that the runners know (mocha, jest, vitest, node:test):
 * each shows the difference between `actual` and `expected` in its own way.
 */
export class AssertionError extends Error {
  /** As Node's own assertion errors have it. */
  readonly code = 'ERR_ASSERTION';
  /** What was found. */
  readonly actual: unknown;
  /** What was asked for; undefined where there is nothing to compare. */
  readonly expected: unknown;
  /** Whether a runner is to show how the two differ. */
  readonly showDiff: boolean;

  constructor(message: string, options: AssertionErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AssertionError';
    this.actual = options.actual;
    this.expected = options.expected;
    this.showDiff = options.expected !== undefined;
  }
}
