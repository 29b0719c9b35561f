import type { Clock } from '../core/clock.js';
import type { Durables } from '../core/durables.js';
import type { Story } from '../core/status.js';
import type { ResolvedOptions } from './options.js';
import type { Session } from './session/session.js';

/** Where subscriptions are left that the server may have and nobody wants; see `Orphans`. @internal */
export interface OrphanStore {
  add(channel: string, inbox: string, made: boolean, done?: () => void): void;
}

/** A subscription that wants to know how the session does. @internal */
export interface LiveSource {
  connected(kept: boolean): void;
  interrupted(): void;
  lost(): void;
}

/** What the rooms of one handle share. @internal */
export interface StanHost {
  readonly resolved: ResolvedOptions;
  readonly clock: Clock;
  readonly story: Story;
  readonly session: Session;
  readonly durables: Durables;
  /** The subscriptions that want to be kept alive. */
  readonly live: Set<LiveSource>;
  readonly orphans: OrphanStore;
  /** How often the server has lost this handle's session. */
  readonly renewals: number;
  /** Connects, if nothing did yet. */
  wake(): void;
  /** Publishes at once if the session answers, else not at all: for what is said again when it does. Never throws. */
  write(subject: string, bytes: Uint8Array): void;
}
