import type { SinkOptions } from '../../core/broker.js';
import { duration, func, either, type Shape } from '../../core/check.js';
import { InvalidOptionError } from '../../core/errors.js';
import { ackPolicyChecker, type AckPolicy } from '../fields.js';
import { partitionNumber } from '../names.js';
import { byKey, roundRobin, type Partitioner } from '../partitioners.js';

/** What a sink of a Liftbridge stream takes. All durations are milliseconds. */
export interface LiftbridgeSinkOptions extends SinkOptions {
  /**
   * The partition that messages go to, or what chooses one for each: `byKey()`, `roundRobin()` or a function of your own. A
   * message's own `partition` goes before it.
   * @defaultValue 0
   */
  readonly partition?: number | Partitioner | undefined;
  /**
   * When a message is confirmed: when its partition's leader has written it, which a failure of that server may still undo
   * (`leader`); when all replicas that are in sync have (`all`); never (`none`: receipts say `confirmed: false`).
   * @defaultValue 'leader'
   */
  readonly ackPolicy?: AckPolicy | undefined;
  /**
   * How long the ack of a message may take; then its receipt is a `PublishUncertainError`, or it is sent again with
   * `resend: true`. Infinity: for ever.
   * @defaultValue what the handle's `ackTimeout` says, 5 000
   */
  readonly ackTimeout?: number | undefined;
}

/** The options that are the broker's own. @internal */
export const liftbridgeSinkShape: Shape<Omit<LiftbridgeSinkOptions, keyof SinkOptions>> = {
  partition: either(partitionNumber, func()),
  ackPolicy: ackPolicyChecker,
  ackTimeout: duration({ min: 1, infinity: true }),
};

/**
 * Refuses what the shape cannot tell.
 * @param where - the call, as its caller wrote it
 * @throws InvalidOptionError
 * @internal
 */
export function checkSinkCombinations(where: string, { partition }: LiftbridgeSinkOptions): void {
  for (const factory of [byKey, roundRobin]) {
    if ((partition as unknown) !== factory) continue;
    throw new InvalidOptionError(`${where}: partition is what ${factory.name}() gives, not ${factory.name} itself`, {
      broker: 'liftbridge',
    });
  }
}

/** The options with their defaults. @internal */
export interface SinkSettings {
  readonly partition: number | Partitioner;
  readonly ackPolicy: AckPolicy;
  readonly ackTimeout: number;
}

/** @param ackTimeout - the handle's @internal */
export function resolveSinkSettings(options: LiftbridgeSinkOptions, ackTimeout: number): SinkSettings {
  return {
    partition: options.partition ?? 0,
    ackPolicy: options.ackPolicy ?? 'leader',
    ackTimeout: options.ackTimeout ?? ackTimeout,
  };
}
