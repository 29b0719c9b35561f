import { systemClock } from '../../../lib/core/clock.js';
import type { WeirError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import { resolveOptions } from '../../../lib/liftbridge/options.js';
import { Session } from '../../../lib/liftbridge/session/session.js';
import { Membership, type Assignment } from '../../../lib/liftbridge/group/membership.js';
import { until } from '../../support/wait.js';

/** A member of a group on a real server, with a session of its own and no source around it. */
export class Member {
  readonly session: Session;
  readonly membership: Membership;
  /** What it was told: its partitions, or that it has none. */
  readonly told: (Assignment | 'revoked')[] = [];
  failure: WeirError | undefined;

  constructor(brokers: string | readonly string[], group: string, stream: string) {
    this.session = new Session({
      options: resolveOptions({ brokers, reconnect: { initialDelay: 50, maxDelay: 500 } }),
      clock: systemClock,
      hooks: {
        located: () => undefined,
        connected: () => undefined,
        interrupted: () => undefined,
        failed: (error) => {
          this.failure = error;
        },
      },
    });
    const host = { session: this.session, clock: systemClock, log: silent };
    this.membership = new Membership(
      host,
      { group, stream },
      {
        assigned: (assignment) => this.told.push(assignment),
        revoked: () => this.told.push('revoked'),
        failed: (error) => {
          this.failure = error;
        },
      },
    );
    this.session.start();
    this.membership.start();
  }

  /** What is its to read by what it was told last. */
  get partitions(): readonly number[] {
    const last = this.told.at(-1);
    return last === undefined || last === 'revoked' ? [] : last.partitions;
  }

  /** The epoch it was told last. */
  get epoch(): bigint | undefined {
    return this.told.filter((each) => each !== 'revoked').at(-1)?.epoch;
  }

  /** Leaves, and says goodbye to the server. */
  async end(): Promise<void> {
    await this.membership.end();
    await this.session.close(1_000);
  }

  /** Is gone without a word: whoever leads the group has to find out. */
  async vanish(): Promise<void> {
    await this.session.close(1_000);
  }
}

/** Waits until so many partitions are dealt to these members, each to one of them and about as many to each. */
export async function dealt(members: readonly Member[], partitions: number): Promise<void> {
  const all = [...Array(partitions).keys()];
  const most = Math.ceil(partitions / members.length);
  const isDealt = (): boolean => {
    const theirs = members.flatMap((member) => member.partitions).sort((one, other) => one - other);
    return theirs.join() === all.join() && members.every((member) => member.partitions.length <= most);
  };
  await until(isDealt, {
    timeout: 20_000,
    message: () => {
      const theirs = members.map(
        (member) => `[${member.partitions.join()}] of ${member.epoch}, ${member.failure?.message}`,
      );
      return `${partitions} partitions to be dealt to ${members.length} members, who have ${theirs.join(' and ')}`;
    },
  });
}
