import type { WeirError } from '../../core/errors.js';

/** What one attempt at one broadcaster has come to. @internal */
export type Verdict<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Another attempt may go better. */
  | {
      readonly kind: 'next';
      readonly error: WeirError;
      /** No byte of it left; the broadcaster did not take it; or nobody can tell. */
      readonly fate: 'unwritten' | 'refused' | 'unknown';
      /** ms that the broadcaster wants to be left alone for. */
      readonly retryAfter?: number | undefined;
    }
  /** The broadcaster did not take it, and none will. */
  | { readonly kind: 'final'; readonly error: WeirError };

/** What all attempts have come to. @internal */
export type Result<T> =
  /** `repeated`: after an attempt that nobody can tell the end of. */
  | { readonly kind: 'done'; readonly value: T; readonly repeated: boolean }
  | {
      /** No broadcaster was connected to; the last answer was a no; or nobody can tell the end of one of the attempts. */
      readonly kind: 'unwritten' | 'refused' | 'unknown';
      readonly error: WeirError;
    };
