import type { Logger } from '../core/logger.js';
import type { ProgressMemory } from '../core/progress.js';
import type { SourceHost } from '../core/source-life.js';
import type { Cursors } from './cursors.js';
import type { ResolvedOptions } from './options.js';
import type { Session } from './session/session.js';

/** What the rooms of one handle share. @internal */
export interface LiftbridgeHost extends SourceHost {
  readonly session: Session;
  readonly cursors: Cursors;
  readonly resolved: ResolvedOptions;
  readonly log: Logger;
  readonly progress: ProgressMemory;
  /** How often the link was lost. */
  readonly outages: number;
  /** The subscriptions that have begun and not ended. */
  readonly live: Set<LiveSource>;
  /** Subscriptions that store their position and say goodbye. */
  readonly ending: Set<Promise<void>>;
  /** Connects, if nothing did yet. */
  wake(): void;
}

/** A subscription, as the handle sees it. @internal */
export interface LiveSource {
  /** There is a connection, for the first time or again. */
  located(): void;
}
