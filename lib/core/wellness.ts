import type { WeirError } from './errors.js';
import type { LogSessionHooks } from './log-handle.js';
import type { Logger } from './logger.js';

/** What a {@link Wellness} is made of. @internal */
export interface WellnessParts {
  readonly hooks: LogSessionHooks;
  readonly logger: Logger;
  /** Whether the connection that finds all others is there. */
  readonly up: () => boolean;
}

/**
 * Whether a session is well, which it tells its hooks: `connected` and `interrupted` by turns. It is well while its own
 * connection is there and nobody has lost another one.
 * @internal
 */
export class Wellness {
  private readonly suspendees = new Set<object>();
  /** Whether `connected` was the last that was told. */
  private isWell = false;
  private wasWell = false;
  private isFailing = false;
  private isClosed = false;

  constructor(private readonly parts: WellnessParts) {}

  /** Whether the session was closed. */
  get closed(): boolean {
    return this.isClosed;
  }

  /** The session's own connection is there. */
  located(): void {
    this.tell((hooks) => hooks.located());
    this.settle();
  }

  /** The session's own connection is away. */
  interrupted(cause: WeirError): void {
    if (!this.isWell) return;
    this.isWell = false;
    this.tell((hooks) => hooks.interrupted(cause));
  }

  /** Somebody lost its connection and is being re-established. */
  suspended(who: object, cause: WeirError): void {
    if (this.isClosed || this.isFailing) return;
    this.suspendees.add(who);
    this.interrupted(cause);
  }

  /** It is established again, or wants to be no more. Harmless for who was not suspended. */
  resumed(who: object): void {
    if (this.suspendees.delete(who)) this.settle();
  }

  /** Begins anew: nobody is suspended, and it never was well. Who loses a connection by `drop` is not suspended either. */
  reset<T>(drop: () => T): T {
    this.isFailing = true;
    const dropped = drop();
    this.suspendees.clear();
    this.isWell = false;
    this.wasWell = false;
    this.isFailing = false;
    return dropped;
  }

  /** The session is given up, and was reset. */
  failed(error: WeirError): void {
    this.tell((hooks) => hooks.failed(error));
  }

  /** Nothing is told any more. */
  close(): void {
    this.isClosed = true;
  }

  private settle(): void {
    if (this.isWell || !this.parts.up() || this.suspendees.size > 0) return;
    this.isWell = true;
    const again = this.wasWell;
    this.wasWell = true;
    this.tell((hooks) => hooks.connected(again));
  }

  /** Calls a hook, whose failure must not stop the session. */
  private tell(call: (hooks: LogSessionHooks) => void): void {
    if (this.isClosed) return;
    try {
      call(this.parts.hooks);
    } catch (error) {
      this.parts.logger.error('a hook of the session failed', error);
    }
  }
}
