import type { WeirError } from '../../core/errors.js';
import type { Entry, Publisher, PublishPort } from '../../core/publisher.js';

/** What ports have in common: what they tell their publisher. @internal */
export abstract class Port implements PublishPort {
  private publisher: Publisher | undefined;

  get writable(): boolean {
    return this.ready;
  }

  attach(publisher: Publisher): void {
    this.publisher = publisher;
  }

  write(entry: Entry): void {
    this.send(entry);
  }

  /** Tells of many entries at once: what comes free by them is filled after the last. */
  together(tell: () => void): void {
    this.publisher?.together(tell);
  }

  abstract wake(): void;
  abstract hurry(): void;
  abstract close(): void;
  /** The handle ends. */
  abstract abandon(error: WeirError): void;
  protected abstract get ready(): boolean;
  protected abstract send(entry: Entry): void;

  protected pump(): void {
    this.publisher?.pump();
  }

  /** Fails all that waits for this port to become ready. What comes later tries anew. */
  protected failQueued(error: WeirError): void {
    this.publisher?.failQueued(error);
    // a receipt's listener may have given more
    if ((this.publisher?.pending ?? 0) > 0) this.wake();
  }
}
