/** Under what name a position is kept: a durable's, or a consumer group's. @internal */
export interface PositionName {
  readonly durable?: string | undefined;
  readonly queue?: string | undefined;
}

/** The id of the cursors that a position is kept in, for a group as go-liftbridge has it; undefined where none is kept. @internal */
export function cursorOf({ durable, queue }: PositionName): string | undefined {
  return queue === undefined ? durable : `__group:${queue}`;
}

/**
 * What this process remembers a partition by: a stream of the same name that is made anew is another log.
 * @param created - nanoseconds since the Unix epoch
 * @internal
 */
export function logOf(stream: string, partition: number, created: bigint): string {
  return `${stream}/${partition}@${created}`;
}
