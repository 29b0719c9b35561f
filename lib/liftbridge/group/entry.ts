import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import { StreamUnavailableError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { pause, unlessAborted } from '../../core/pause.js';
import type { GroupCalls, GroupSession, Joined } from './calls.js';
import { noStream, reasonOf } from './refusal.js';

/** What the ways into a group and out of it are made of. @internal */
export interface EntryParts {
  readonly calls: GroupCalls;
  readonly session: Pick<GroupSession, 'up'>;
  readonly group: string;
  readonly stream: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A join that succeeded. @internal */
export interface Entered extends Joined {
  /** When it was asked for. */
  readonly asked: number;
}

/** How long a stream may be unknown after it was created, in milliseconds. */
const settling = 1_000;
/** How long a join may take, in milliseconds: the servers give each other five seconds. */
const joinTimeout = 6_000;
/** How long the goodbye may take, in milliseconds. */
const leaveTimeout = 2_000;
/** The first and the longest wait between two attempts, in milliseconds. */
const firstWait = 50;
const longestWait = 250;
/** How often a join is tried after others came in between. */
const mostAttempts = 10;

/** How a consumer becomes a member of its group, and how it stops being one. It has an id that nobody can guess. @internal */
export class Entry {
  private id: string = randomUUID();
  /** Whether the group may have a member of this id. */
  private mayBeIn = false;
  /** The join on its way. */
  private joining: Promise<unknown> | undefined;
  private readonly aborter = new AbortController();

  constructor(private readonly parts: EntryParts) {}

  get consumerId(): string {
    return this.id;
  }

  /** The next join is that of another consumer. A group that still has this one is told to forget it. */
  async renew(signal: AbortSignal): Promise<void> {
    const { calls, log, group } = this.parts;
    const { id } = this;
    this.id = randomUUID();
    this.mayBeIn = false;
    try {
      await calls.leave(id, { timeout: leaveTimeout, signal });
    } catch (error) {
      signal.throwIfAborted();
      // a broker that has fallen behind may have known nothing of the member
      log.debug(`the consumer group '${group}' was told of the end of the member '${id}' in vain`, error);
    }
  }

  /** @throws StreamNotFoundError; StreamUnavailableError, and what a call throws */
  async join(signal: AbortSignal): Promise<Entered> {
    const { calls, clock, group, stream } = this.parts;
    const begun = clock.now();
    for (let wait = firstWait, attempts = 1; ; wait = Math.min(2 * wait, longestWait), attempts++) {
      const asked = clock.now();
      // goes on when nobody waits for it any more: what is on its way may arrive, and is then to be left again
      const joining = calls.join(this.id, { timeout: joinTimeout, signal: this.aborter.signal });
      this.mayBeIn = true;
      this.joining = joining.catch(() => undefined);
      try {
        return { ...(await unlessAborted(joining, signal)), asked };
      } catch (error) {
        signal.throwIfAborted();
        const reason = reasonOf(error);
        if (reason === undefined) throw error;
        if (reason === 'no stream' && clock.now() - begun >= settling) throw noStream(group, stream, error);
        // only a join of its own, whose answer got lost, can have taken the id
        if (reason === 'member') await this.renew(signal);
        if (attempts >= mostAttempts && reason !== 'no stream') throw inBetween(group, error);
      }
      await pause(wait, clock, signal);
    }
  }

  /** Says goodbye where somebody may know it. Bounded; never rejects. */
  async leave(): Promise<void> {
    const { session, clock } = this.parts;
    if (!this.mayBeIn) return;
    if (session.up) {
      const cancel = clock.after(leaveTimeout, () => {
        this.giveUp();
      });
      await this.sayGoodbye();
      cancel();
    }
    this.giveUp();
  }

  private async sayGoodbye(): Promise<void> {
    const { calls, log, group } = this.parts;
    const { signal } = this.aborter;
    try {
      await this.joining;
      await calls.leave(this.id, { timeout: leaveTimeout, signal });
    } catch (error) {
      // somebody else has seen to it
      if (reasonOf(error) !== undefined) return;
      log.warn(`the member '${this.id}' could not leave the consumer group '${group}', and expires there`, error);
    }
  }

  private giveUp(): void {
    this.aborter.abort(new StreamUnavailableError('the membership has ended', { broker: 'liftbridge' }));
  }
}

/** Other members come and go all the time; that passes. */
function inBetween(group: string, cause: unknown): StreamUnavailableError {
  return new StreamUnavailableError(
    `cannot join the consumer group '${group}', which is made and removed all the time`,
    {
      broker: 'liftbridge',
      cause,
    },
  );
}
