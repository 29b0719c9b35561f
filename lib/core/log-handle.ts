import { systemClock } from './clock.js';
import { Durables } from './durables.js';
import type { WeirError } from './errors.js';
import { BrokerHandle, type HandleOptions } from './handle.js';
import type { Logger } from './logger.js';
import { ProgressMemory } from './progress.js';
import type { SourceHost } from './source-life.js';

/** A subscription, as the handle sees it. @internal */
export interface LiveSource {
  /** There is a connection, for the first time or again. */
  located(): void;
}

/** What the rooms of a handle share where the client keeps the positions. @internal */
export interface LogHost extends SourceHost {
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

/** Who is told how a session does. What a hook throws is logged. @internal */
export interface LogSessionHooks {
  /** The connection that finds all others is there, for the first time or again: whoever waits for a connection has one. */
  located(): void;
  /** All is well: that connection is there, and nobody is suspended. `again`: after `interrupted`. */
  connected(again: boolean): void;
  /** That connection is away, or somebody lost its own. Once, until `connected`. */
  interrupted(cause: WeirError): void;
  /** Given up: connections and retries have ended, and `start` may be called anew. */
  failed(error: WeirError): void;
}

/** What a handle asks of its session. @internal */
export interface LogSession {
  readonly up: boolean;
  start(): void;
}

/** Milliseconds for positions to be stored by a handle that is done with waiting, and for its goodbye. @internal */
export const lastWords = 2_000;

/** The handle of a broker with logs whose positions the client keeps. @internal */
export abstract class LogHandle extends BrokerHandle implements LogHost {
  readonly clock = systemClock;
  readonly log: Logger;
  readonly durables: Durables;
  readonly progress = new ProgressMemory();
  readonly live = new Set<LiveSource>();
  readonly ending = new Set<Promise<void>>();
  outages = 0;
  abstract readonly session: LogSession;

  /** What the session tells goes here. */
  protected readonly hooks: LogSessionHooks = {
    located: () => {
      this.located();
    },
    connected: (again) => {
      this.story.set('connected');
      if (again) this.story.tell({ type: 'reconnected', session: 'renewed' });
    },
    interrupted: (cause) => {
      this.outages++;
      this.story.set('reconnecting', cause);
      this.story.tell({ type: 'disconnected', cause });
    },
    failed: (error) => {
      this.story.set('idle', error);
      this.connecting.failed(error);
      this.failAll(error);
    },
  };

  constructor(options: Omit<HandleOptions, 'clock'>) {
    super({ ...options, clock: systemClock });
    this.log = options.log;
    this.durables = new Durables(options.broker);
  }

  wake(): void {
    // whoever comes while it reconnects waits for that
    if (this.story.state === 'idle') this.story.set('connecting');
    this.session.start();
  }

  protected get reachable(): boolean {
    return this.session.up;
  }

  protected located(): void {
    this.connecting.made();
    for (const source of [...this.live]) source.located();
    this.publishers.pump();
  }

  /**
   * Holds a durable while `use` drops its position: a subscription that is in use refuses, and one that lingers ends, so that a
   * late ack does not store it again.
   */
  protected async holding(channel: string, durable: string, use: () => Promise<void>): Promise<void> {
    const { durables } = this;
    const turn = { stopped: false, finish: () => undefined };
    await new Promise<void>((resolve) => {
      durables.claim(channel, durable, turn, resolve);
    });
    try {
      await use();
    } finally {
      durables.release(channel, durable, turn);
    }
  }

  /** Resolves when the positions of what has ended are stored, or their time is over. */
  protected async stored(): Promise<void> {
    if (!this.session.up || this.ending.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(lastWords, resolve);
      void Promise.all(this.ending).then(() => {
        cancel();
        resolve();
      });
    });
  }
}
