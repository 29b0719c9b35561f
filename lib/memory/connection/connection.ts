import { Backoff } from '../../core/backoff.js';
import type { Cancel } from '../../core/clock.js';
import { ConnectionError, type WeirError } from '../../core/errors.js';
import type { ResolvedMemoryOptions } from '../options.js';

/** Who is told how a connection does. @internal */
export interface ConnectionHooks {
  connected(again: boolean): void;
  interrupted(cause: WeirError): void;
  /** Given up; `start` may be called anew. */
  failed(error: WeirError): void;
}

/** The link between a handle and the store: there is none, so that it never fails but on demand. @internal */
export class MemoryConnection {
  up = false;
  private state: 'idle' | 'waiting' | 'up' | 'closed' = 'idle';
  private cancelRetry: Cancel | undefined;
  private cancelTimeout: Cancel | undefined;
  /** Until when it cannot be made, in ms of the clock. */
  private downUntil = -Infinity;
  private everUp = false;
  private readonly backoff: Backoff | undefined;

  constructor(
    private readonly options: ResolvedMemoryOptions,
    private readonly hooks: ConnectionHooks,
  ) {
    this.backoff = options.reconnect && new Backoff(options.reconnect);
  }

  start(): void {
    if (this.state !== 'idle') return;
    this.state = 'waiting';
    const { clock, connectTimeout, reconnect } = this.options;
    if (clock.now() >= this.downUntil) {
      this.connect();
      return;
    }
    if (reconnect?.initial !== true) {
      this.cancelTimeout = clock.after(connectTimeout, () => {
        this.fail(`no connection within ${connectTimeout} ms, because faults.drop() keeps it down`);
      });
    }
    this.retry();
  }

  /** @param ms - how long it cannot be made again */
  drop(ms: number): void {
    this.downUntil = this.options.clock.now() + ms;
    if (this.state !== 'up') return;
    this.up = false;
    this.state = 'waiting';
    this.hooks.interrupted(
      new ConnectionError('the connection dropped, because faults.drop() was called', { broker: 'memory' }),
    );
    this.retry();
  }

  /** It can be made again from here on, at the next attempt. */
  restore(): void {
    this.downUntil = -Infinity;
  }

  close(): void {
    this.quiet();
    this.up = false;
    this.state = 'closed';
  }

  private connect(): void {
    this.quiet();
    this.backoff?.reset();
    this.state = 'up';
    this.up = true;
    const again = this.everUp;
    this.everUp = true;
    this.hooks.connected(again);
  }

  private retry(): void {
    if (this.state !== 'waiting') return;
    const wait = this.backoff?.next();
    const { clock } = this.options;
    if (wait === undefined) {
      // never at once: a publisher that is told so within its own call may try again without end
      this.cancelRetry = clock.after(0, () => {
        this.fail('the connection dropped, and reconnect does not make it again');
      });
      return;
    }
    this.cancelRetry = clock.after(wait, () => {
      if (clock.now() >= this.downUntil) this.connect();
      else this.retry();
    });
  }

  private fail(problem: string): void {
    this.quiet();
    this.backoff?.reset();
    this.state = 'idle';
    this.hooks.failed(new ConnectionError(`memory: ${problem}`, { broker: 'memory' }));
  }

  private quiet(): void {
    this.cancelRetry?.();
    this.cancelTimeout?.();
    this.cancelRetry = undefined;
    this.cancelTimeout = undefined;
  }
}
