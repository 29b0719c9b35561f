import { catchError, defer, EMPTY, takeUntil, tap, throwError, type Observable } from 'rxjs';
import type { BaseDelivery, Delivery } from '../core/delivery.js';
import { firstLine } from '../core/optional-package.js';

/** How a source of `forFeature` stands. */
export interface SourceHealth {
  /** Who listens. */
  readonly subscribers: number;
  /** When its last delivery came, as an ISO date. */
  readonly lastDelivery?: string;
  /** Why the last subscription ended, where it ended with an error and none came after it. */
  readonly error?: string;
}

/** The app around a source. @internal */
export interface SourceHost {
  /** Emits when the app shuts down. */
  readonly stopped: Observable<unknown>;
  /** Whether the app is about to connect, and fails to start if it cannot. */
  readonly isStarting: boolean;
  /** What a subscriber gets that comes during the shutdown. */
  stoppedError(source: string): Error | undefined;
}

/** A source that ends when the app shuts down, and knows who listens and what is unsettled. @internal */
export class WatchedSource {
  /** The source, to inject. */
  readonly deliveries: Observable<Delivery<unknown>>;
  /** When the last delivery came, in ms since the epoch. */
  lastAt: number | undefined;
  private subscribers = 0;
  private error: unknown;
  /** What was emitted. What is settled leaves it in bulk, when it has grown to twice what was left the last time. */
  private emitted: Delivery<unknown>[] = [];
  private limit = 64;

  constructor(
    readonly name: string,
    source: Observable<Delivery<unknown>>,
    host: SourceHost,
  ) {
    const whileRunning = defer(() => {
      const error = host.stoppedError(name);
      return error === undefined ? source : throwError(() => error);
    });
    this.deliveries = whileRunning.pipe(
      // the start fails with the same error; one that nobody handles here would end the process before it is told
      catchError((error: unknown) => (host.isStarting ? EMPTY : throwError(() => error))),
      tap({
        subscribe: () => {
          this.subscribers++;
          this.error = undefined;
        },
        next: (delivery) => {
          this.emit(delivery);
        },
        error: (error: unknown) => {
          this.error = error;
        },
        finalize: () => {
          this.subscribers--;
        },
      }),
      takeUntil(host.stopped),
    );
  }

  /** Deliveries emitted and neither settled nor released. */
  get unsettled(): number {
    this.sweep();
    return this.emitted.length;
  }

  /** Why nobody listens any more, if that was an error. */
  get failure(): string | undefined {
    return this.subscribers === 0 && this.error !== undefined ? firstLine(this.error) : undefined;
  }

  get health(): SourceHealth {
    const { subscribers, lastAt, failure } = this;
    return {
      subscribers,
      ...(lastAt !== undefined && { lastDelivery: new Date(lastAt).toISOString() }),
      ...(failure !== undefined && { error: failure }),
    };
  }

  private emit(delivery: Delivery<unknown>): void {
    this.lastAt = Date.now();
    if (this.emitted.push(delivery) < this.limit) return;
    this.sweep();
    this.limit = Math.max(64, this.emitted.length * 2);
  }

  private sweep(): void {
    this.emitted = this.emitted.filter(isOpen);
  }
}

function isOpen(delivery: Delivery<unknown>): boolean {
  return (delivery as Partial<BaseDelivery<unknown>>).open ?? !delivery.settled;
}
