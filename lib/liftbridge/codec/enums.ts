// What the wire numbers. A number that a peer sends and that is not in the list is kept as it came.

/** Where a subscription begins. */
export const startPositions = { newOnly: 0, offset: 1, earliest: 2, latest: 3, timestamp: 4 } as const;
/** One of {@link startPositions}. */
export type StartPositionCode = (typeof startPositions)[keyof typeof startPositions];

/** Where a subscription ends. */
export const stopPositions = { onCancel: 0, offset: 1, latest: 2, timestamp: 3 } as const;
/** One of {@link stopPositions}. */
export type StopPositionCode = (typeof stopPositions)[keyof typeof stopPositions];

/** When a publish is acknowledged: by the leader's log, by all in-sync replicas, never. */
export const ackPolicies = { leader: 0, all: 1, none: 2 } as const;
/** One of {@link ackPolicies}. */
export type AckPolicyCode = (typeof ackPolicies)[keyof typeof ackPolicies];

/** Why a message of PublishAsync was refused. */
export const asyncErrorCodes = {
  unknown: 0,
  badRequest: 1,
  notFound: 2,
  internal: 3,
  readonly: 4,
  incorrectOffset: 5,
  encryptionFailed: 6,
  permissionDenied: 7,
} as const;

/** What an Ack says of a message. */
export const ackErrors = { ok: 0, unknown: 1, incorrectOffset: 2, tooLarge: 3, encryption: 4 } as const;

/** Whether the stream is there that metadata were asked for. */
export const streamErrors = { ok: 0, unknownStream: 1 } as const;

/** Whether the consumer group is there that metadata were asked for. */
export const groupErrors = { ok: 0, unknownGroup: 1 } as const;

/** What an event of the activity stream tells. */
export const activityOps = {
  createStream: 0,
  deleteStream: 1,
  pauseStream: 2,
  resumeStream: 3,
  setStreamReadonly: 4,
  joinConsumerGroup: 5,
  leaveConsumerGroup: 6,
} as const;

/** The name that the protocol has for a number: `INCORRECT_OFFSET`; the number itself where it is in no list. */
export function wireName(list: Readonly<Record<string, number>>, code: number): string {
  for (const [name, listed] of Object.entries(list)) {
    if (listed === code) return name.replace(/[A-Z]/g, '_$&').toUpperCase();
  }
  return String(code);
}
