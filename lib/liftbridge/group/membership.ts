import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { asFault } from '../../core/gave-up.js';
import type { Logger } from '../../core/logger.js';
import { GroupCalls, type Assignment, type GroupRequest, type GroupSession } from './calls.js';
import { Entry } from './entry.js';
import { Lease } from './lease.js';
import { Presence } from './presence.js';
import { Rest } from './rest.js';

/** @internal */
export type { Assignment } from './calls.js';

/** What a membership needs of the handle. @internal */
export interface MembershipHost {
  readonly session: GroupSession & {
    retry(
      attempt: (signal: AbortSignal) => Promise<void>,
      failed: (error: WeirError) => void,
      after?: WeirError,
    ): Cancel;
    suspended(who: object, cause: WeirError): void;
    resumed(who: object): void;
  };
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a membership tells. @internal */
export interface MembershipHandlers {
  /** First when it has joined and knows its partitions, then whenever the epoch or the partitions change. */
  assigned(assignment: Assignment): void;
  /** Nothing is this member's until `assigned` is told anew: others may read by now. */
  revoked(): void;
  /** It cannot be a member. Once, last. */
  failed(error: WeirError): void;
}

/**
 * A member of a consumer group that reads one stream: it joins, gives signs of life, follows the coordinator when that changes,
 * and joins again when it was expired.
 * @internal
 */
export class Membership {
  private readonly calls: GroupCalls;
  private readonly entry: Entry;
  private readonly rest: Rest;
  private readonly lease: Lease;
  /** What was told last; undefined: nothing is this member's. */
  private told: Assignment | undefined;
  private cancelRetry: Cancel | undefined;
  private isOver = false;
  private ending: Promise<void> | undefined;

  constructor(
    private readonly host: MembershipHost,
    private readonly request: GroupRequest,
    private readonly handlers: MembershipHandlers,
  ) {
    const { session, clock, log } = host;
    this.calls = new GroupCalls(session, clock, request);
    this.entry = new Entry({ calls: this.calls, session, clock, log, ...request });
    this.rest = new Rest(clock);
    this.lease = new Lease(clock, (silence) => {
      this.revoke(silence);
    });
  }

  /** This member's own id; another one after it was expired. */
  get consumerId(): string {
    return this.entry.consumerId;
  }

  /** Joins, and stays a member until `end`. Once. */
  start(): void {
    this.live();
  }

  /** Asks for the assignments at once, where something says that they have changed; 50 ms after the last time at least. */
  refresh(): void {
    this.rest.cut();
  }

  /** Leaves the group. Resolves when that is done or cannot be, after 2 s at the latest; never rejects. */
  end(): Promise<void> {
    if (!this.isOver) this.stop();
    this.ending ??= this.entry.leave();
    return this.ending;
  }

  /** @param after - why it is established anew; absent: at once */
  private live(after?: WeirError): void {
    if (this.isOver) return;
    this.cancelRetry = this.host.session.retry(
      (signal) => this.run(signal),
      (error) => {
        this.fail(error);
      },
      after,
    );
  }

  /** As long as this goes on, the session tells it when it gives up. */
  private async run(signal: AbortSignal): Promise<void> {
    await this.stay(signal);
    for (;;) {
      await this.entry.renew(signal);
      try {
        await this.stay(signal);
      } catch (error) {
        const fault = asFault('liftbridge', error);
        if (signal.aborted || !fault.retriable) throw fault;
        // from here as with all that was lost: after longer and longer waits
        this.live(fault);
        return;
      }
    }
  }

  /** Joins, and stays until it is no member any more. */
  private async stay(signal: AbortSignal): Promise<void> {
    const { calls, request, lease, rest } = this;
    const { clock, log } = this.host;
    const entered = await this.entry.join(signal);
    signal.throwIfAborted();
    const { consumerId } = this;
    log.info(`the member '${consumerId}' has joined the consumer group '${request.group}'`);
    const answered = (assignment: Assignment): void => {
      this.tell(assignment);
    };
    const presence = new Presence({ calls, request, consumerId, entered, lease, rest, clock, log, answered });
    const cause = await presence.stay(signal);
    log.warn(`the consumer group '${request.group}' has lost the member '${consumerId}', which joins again`, cause);
    this.revoke(cause);
  }

  private tell(assignment: Assignment): void {
    if (this.told && isSame(this.told, assignment)) return;
    const { session, log } = this.host;
    const { epoch, partitions } = assignment;
    this.told = assignment;
    log.info(`the member '${this.consumerId}' has the partitions [${partitions.join(', ')}] of epoch ${epoch}`);
    session.resumed(this);
    this.handlers.assigned(assignment);
  }

  private revoke(cause: WeirError): void {
    this.lease.end();
    if (!this.told || this.isOver) return;
    this.told = undefined;
    this.host.session.suspended(this, cause);
    this.handlers.revoked();
  }

  private fail(error: WeirError): void {
    if (this.isOver) return;
    this.stop();
    this.handlers.failed(error);
  }

  private stop(): void {
    this.isOver = true;
    this.cancelRetry?.();
    this.lease.end();
    this.host.session.resumed(this);
  }
}

function isSame(one: Assignment, other: Assignment): boolean {
  return (
    one.epoch === other.epoch &&
    one.partitions.length === other.partitions.length &&
    one.partitions.every((partition, i) => partition === other.partitions[i])
  );
}
