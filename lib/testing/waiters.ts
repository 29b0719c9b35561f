import type { AssertionError } from './assertion-error.js';
import { realTimers } from './real-timers.js';

/** How long to wait. */
export interface WaitOptions {
  /**
   * Milliseconds of real time until it gives up.
   * @defaultValue 1000
   */
  readonly timeout?: number | undefined;
}

/** What is waited for. @internal */
export interface Wait<R> {
  /** ms */
  readonly timeout: number;
  /** The answer, if it is there. What it throws, the wait rejects with. */
  look(): { readonly value: R } | undefined;
  /** The error for a wait that cannot be met any more; undefined while it can. */
  hopeless?(): AssertionError | undefined;
  /** The error for a wait whose time is over. */
  late(): AssertionError;
}

/** How often to look for what nobody told: an ack through another handle of the same message, for one. */
const everyMs = 10;

/** Promises that look again whenever something happened. @internal */
export class Waiters {
  private readonly looks = new Set<() => void>();
  private timer: unknown;

  /** Something happened. */
  poke(): void {
    for (const look of [...this.looks]) look();
  }

  wait<R>(wait: Wait<R>): Promise<R> {
    // of the call, because that is what the reader of the message has to find
    const here = new Error('here');
    return new Promise<R>((resolve, reject) => {
      const end = (): void => {
        realTimers.clearTimeout(timer);
        this.looks.delete(look);
        if (this.looks.size === 0) this.rest();
      };
      const fail = (error: AssertionError): void => {
        end();
        reject(calledFrom(here, error));
      };
      const look = (): void => {
        try {
          const found = wait.look();
          if (found !== undefined) {
            end();
            resolve(found.value);
            return;
          }
        } catch (error) {
          end();
          reject(error);
          return;
        }
        const lost = wait.hopeless?.();
        if (lost !== undefined) fail(lost);
      };
      const late = (): void => {
        look();
        if (this.looks.has(look)) fail(wait.late());
      };
      const timer = wait.timeout === Infinity ? undefined : realTimers.setTimeout(late, wait.timeout);
      this.looks.add(look);
      look();
      if (this.looks.has(look)) this.watch();
    });
  }

  private watch(): void {
    this.timer ??= realTimers.setTimeout(() => {
      this.timer = undefined;
      this.poke();
      if (this.looks.size > 0) this.watch();
    }, everyMs);
  }

  private rest(): void {
    realTimers.clearTimeout(this.timer);
    this.timer = undefined;
  }
}

function calledFrom(here: Error, error: AssertionError): AssertionError {
  const lines = here.stack?.split('\n').slice(1).join('\n');
  if (lines !== undefined) error.stack = `${error.name}: ${error.message}\n${lines}`;
  return error;
}
