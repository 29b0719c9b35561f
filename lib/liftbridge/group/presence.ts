import type { Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { asFault } from '../../core/gave-up.js';
import type { Logger } from '../../core/logger.js';
import { pause } from '../../core/pause.js';
import type { Assignment, GroupCall, GroupCalls, GroupRequest, GroupSight } from './calls.js';
import type { Entered } from './entry.js';
import type { Lease } from './lease.js';
import { GroupRefusal, noGroup, noStream, reasonOf, type Generation } from './refusal.js';
import type { Rest } from './rest.js';

/** What a {@link Presence} is made of. @internal */
export interface PresenceParts {
  readonly calls: GroupCalls;
  readonly request: GroupRequest;
  readonly consumerId: string;
  readonly entered: Entered;
  readonly lease: Lease;
  readonly rest: Rest;
  readonly clock: Clock;
  readonly log: Logger;
  /** With every sign of life. */
  answered(assignment: Assignment): void;
}

/** What share of the time for which a member may be silent passes between two signs of life, and may pass in a call. */
const heartbeatShare = 0.4;
const callShare = 0.3;
/** How long brokers may not have heard of a join or of a stream, in milliseconds. */
const settling = 1_000;
/** The first and the longest wait after a failure, in milliseconds; the latter no more than that share of the same time. */
const firstWait = 50;
const longestWait = 1_000;
const waitShare = 0.1;
/** Between two looks for a stream that is not there, in milliseconds. */
const lookEvery = 200;

/** A member from its join to its expiry: it gives signs of life to the coordinator, whoever that is. @internal */
export class Presence {
  private generation: Generation;
  private readonly since: number;

  constructor(private readonly parts: PresenceParts) {
    const { entered, lease, clock } = parts;
    this.generation = entered;
    this.since = clock.now();
    lease.renew(entered.asked, entered.consumerTimeout);
  }

  /**
   * Stays until it is no member any more, and says why.
   * @throws StreamNotFoundError, and what no further attempt can mend; the signal's reason
   */
  async stay(signal: AbortSignal): Promise<WeirError> {
    const { rest, clock, entered } = this.parts;
    const longest = Math.min(longestWait, entered.consumerTimeout * waitShare);
    let wait = 0;
    for (;;) {
      const fault = await this.appear(signal);
      if (fault === undefined) {
        wait = 0;
        await rest.take(entered.consumerTimeout * heartbeatShare, signal);
        continue;
      }
      if (this.isFinal(fault)) return fault;
      // the first time at once: what was refused was no sign of life, and the time goes on
      if (wait > 0) await pause(wait, clock, signal);
      wait = Math.min(Math.max(firstWait, 2 * wait), longest);
      const end = await this.follow(signal);
      if (end) return end;
    }
  }

  /** Gives a sign of life; where it fails, says why. */
  private async appear(signal: AbortSignal): Promise<WeirError | undefined> {
    const { calls, consumerId, lease, rest, entered, clock, log } = this.parts;
    const asked = clock.now();
    rest.begin();
    let assignment: Assignment;
    try {
      assignment = await calls.assignment(consumerId, this.generation, this.call(signal));
    } catch (error) {
      signal.throwIfAborted();
      const fault = passing(error);
      log.debug(`the member '${consumerId}' was not told its partitions`, fault);
      lease.blame(fault);
      return fault;
    }
    signal.throwIfAborted();
    lease.renew(asked, entered.consumerTimeout);
    this.parts.answered(assignment);
    return undefined;
  }

  /** Finds the coordinator and the epoch that there are; where it is no member of anything any more, says why. */
  private async follow(signal: AbortSignal): Promise<WeirError | undefined> {
    const { lease, entered, clock, consumerId, log } = this.parts;
    try {
      // who leads the cluster decides about a report by what it knows of the group: there is nothing to look up then
      if (clock.now() - lease.since >= entered.coordinatorTimeout) await this.report(signal);
      else await this.look(signal);
    } catch (error) {
      signal.throwIfAborted();
      const fault = passing(error);
      if (this.isFinal(fault)) return fault;
      log.debug(`the member '${consumerId}' could not find its coordinator`, fault);
    }
    return undefined;
  }

  private async report(signal: AbortSignal): Promise<void> {
    const { calls, consumerId, log } = this.parts;
    try {
      await calls.report(consumerId, this.generation, this.call(signal));
      log.info(`the member '${consumerId}' has reported '${this.generation.coordinator}', which does not answer`);
    } catch (error) {
      if (!(error instanceof GroupRefusal) || error.reason !== 'epoch') throw error;
      if (error.generation) this.generation = error.generation;
      else await this.look(signal);
    }
  }

  private async look(signal: AbortSignal): Promise<void> {
    const { calls, request, clock } = this.parts;
    let sight: GroupSight;
    const begun = clock.now();
    for (;;) {
      sight = await calls.look(this.call(signal));
      if (sight.hasStream) break;
      if (clock.now() - begun >= settling) throw noStream(request.group, request.stream);
      await pause(lookEvery, clock, signal);
    }
    const { generation } = sight;
    if (!generation) throw noGroup(request.group);
    // a broker that has not heard of the join; later, an earlier epoch is that of a group that was made again
    if (generation.epoch < this.generation.epoch && this.isSettling) return;
    this.generation = generation;
  }

  /** Whether it is no member any more: the group has no such one, or there is no such group. */
  private isFinal(fault: WeirError): boolean {
    const reason = reasonOf(fault);
    return (reason === 'stranger' || reason === 'no group') && !this.isSettling;
  }

  private get isSettling(): boolean {
    return this.parts.clock.now() - this.since < settling;
  }

  private call(signal: AbortSignal): GroupCall {
    return { timeout: this.parts.entered.consumerTimeout * callShare, signal };
  }
}

/** What a call threw, unless no further one will do better. @throws that */
function passing(error: unknown): WeirError {
  const fault = asFault('liftbridge', error);
  if (fault.retriable || fault instanceof GroupRefusal) return fault;
  throw fault;
}
