import type { Logger } from '../core/logger.js';
import type { ProgressMemory } from '../core/progress.js';
import type { SourceHost } from '../core/source-life.js';
import type { Session } from './session/session.js';

/** What the rooms of one handle share. @internal */
export interface RabbitHost extends SourceHost {
  readonly session: Session;
  readonly log: Logger;
  readonly progress: ProgressMemory;
  /** The subscriptions that have begun and not ended. */
  readonly live: Set<LiveSource>;
  /** Subscriptions that store their position and say goodbye. */
  readonly ending: Set<Promise<void>>;
  /** Connects, if nothing did yet. */
  wake(): void;
}

/** A subscription, as the handle sees it. @internal */
export interface LiveSource {
  /** There is a locator connection, for the first time or again. */
  located(): void;
}
