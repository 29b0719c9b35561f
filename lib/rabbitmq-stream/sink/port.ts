import type { WeirError } from '../../core/errors.js';
import type { Entry, Publisher, PublishPort } from '../../core/publisher.js';

/** @internal */
export interface PortHost {
  /** Lets every publisher of the handle write what it can. */
  pump(): void;
}

/**
 * What ports have in common: a publisher that they get to know by its first message, and that is to be told when what
 * waits there has nowhere to go.
 * @internal
 */
export abstract class Port implements PublishPort {
  protected publisher: Publisher | undefined;
  private failure: WeirError | undefined;

  constructor(private readonly portHost: PortHost) {}

  get writable(): boolean {
    return this.ready || this.failure !== undefined;
  }

  write(entry: Entry): void {
    this.publisher = entry.publisher;
    const { failure } = this;
    if (failure !== undefined) {
      this.failure = undefined;
      throw failure;
    }
    this.send(entry);
  }

  abstract wake(): void;
  abstract hurry(): void;
  abstract close(): void;
  /** The handle ends. */
  abstract abandon(error: WeirError): void;
  protected abstract get ready(): boolean;
  protected abstract send(entry: Entry): void;

  protected pump(): void {
    if (this.publisher === undefined) this.portHost.pump();
    else this.publisher.pump();
  }

  /** Fails all that waits for this port to become ready. What comes later tries anew. */
  protected failQueued(error: WeirError): void {
    if (this.publisher === undefined) {
      // the first that would be written says whose it is
      this.failure = error;
      this.portHost.pump();
      this.failure = undefined;
    }
    this.publisher?.failQueued(error);
    // a receipt's listener may have given more
    if ((this.publisher?.pending ?? 0) > 0) this.wake();
  }
}
