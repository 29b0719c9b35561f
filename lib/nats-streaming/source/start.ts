import type { Start } from '../../core/starts.js';
import { startPositions, type SubscriptionRequest } from '../codec/subscription.js';

/** The part of a subscription request that says where to begin. @internal */
export type StartFields = Pick<SubscriptionRequest, 'startPosition' | 'startSequence' | 'startTimeDelta'>;

/**
 * ms added to the age of a time start. The server counts back from its own clock when the request arrives, so an exact
 * age lands too late by the way there and by the difference of the clocks; what comes too early is trimmed here.
 * @internal
 */
export const timeMargin = 2_000;

const none = { startSequence: 0n, startTimeDelta: 0n };

/**
 * A start as the wire has it (protocol notes: StartPosition).
 * @param now - ms since the Unix epoch
 * @internal
 */
export function startFields(start: Start, now: number): StartFields {
  switch (start.kind) {
    case 'newOnly':
      return { ...none, startPosition: startPositions.newOnly };
    case 'latest':
      return { ...none, startPosition: startPositions.lastReceived };
    case 'earliest':
      return { ...none, startPosition: startPositions.first };
    case 'fromOffset':
      return fromSequence(start.offset);
    case 'fromTime':
      return since(now - start.time + timeMargin);
    case 'fromAgo':
      return since(start.ms);
  }
}

/** From that sequence on; from the first that is left where it is gone. @internal */
export function fromSequence(sequence: bigint): StartFields {
  return { ...none, startPosition: startPositions.sequence, startSequence: sequence };
}

/** The most that the wire can hold, in ns: 292 years. More would wrap around into the future. */
const maxDelta = 2n ** 63n - 1n;

/** What was stored within the last `ms` milliseconds, and on. @internal */
export function since(ms: number): StartFields {
  const delta = BigInt(Math.round(ms * 1e6));
  return {
    ...none,
    startPosition: startPositions.timeDelta,
    startTimeDelta: delta > maxDelta ? maxDelta : delta < -maxDelta ? -maxDelta : delta,
  };
}
