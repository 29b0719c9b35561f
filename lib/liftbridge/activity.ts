import type { Decoder } from '../core/codec.js';
import { decodeActivityEvent, type ActivityEvent } from './codec/activity.js';

/**
 * Reads the stream `__activity`, in which a server with `activity.stream.enabled` tells of what was done to streams and consumer
 * groups. An event can come more than once: its `id` tells.
 *
 * @example
 * ```ts
 * broker.messages('__activity', { codec: activity() }).subscribe(({ value }) => console.log(value.op));
 * ```
 */
export function activity(): Decoder<ActivityEvent> {
  return { decode: (bytes) => decodeActivityEvent(bytes) };
}
