import type { MessageFields } from '../core/broker.js';

/** lonelyps carries bytes alone: no key, no headers, and ids that are made anew for each attempt. */
export interface LonelypsFields extends MessageFields {
  readonly key?: undefined;
  readonly headers?: undefined;
  readonly id?: undefined;
}
