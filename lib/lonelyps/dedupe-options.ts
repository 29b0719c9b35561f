import { duration, object, required, type Checker } from '../core/check.js';

/** How repeated messages are recognised. */
export interface LonelypsDedupe {
  /** For how many milliseconds a message of the same topic with the same bytes counts as the same. */
  readonly ms: number;
}

/** @internal */
export const dedupeChecker: Checker = object<LonelypsDedupe>({ ms: required(duration({ min: 1, max: 86_400_000 })) });
