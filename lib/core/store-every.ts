import { count, duration, object, type Checker } from './check.js';

/** When the position of a `durable` or `queue` is stored, besides at the end. */
export interface StoreEvery {
  /** Settled messages. Default 10 000. */
  readonly messages?: number | undefined;
  /** Milliseconds. Default 5000. */
  readonly ms?: number | undefined;
}

/** @internal */
export const storeEveryChecker: Checker = object<StoreEvery>({ messages: count(), ms: duration({ min: 1 }) });

/** How often that is, where the options do not say. @internal */
export function storedEvery({ messages = 10_000, ms = 5_000 }: StoreEvery = {}): { messages: number; ms: number } {
  return { messages, ms };
}
