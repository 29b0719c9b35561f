import type { Clock } from '../../core/clock.js';
import type { WeirError, WeirErrorOptions } from '../../core/errors.js';
import { asFault } from '../../core/gave-up.js';
import type { Logger } from '../../core/logger.js';
import type { Broadcasters } from './broadcasters.js';
import type { Result, Verdict } from './verdict.js';

/** What {@link Attempts} are made of. @internal */
export interface AttemptsParts {
  readonly broadcasters: Broadcasters;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many passes over all broadcasters. */
  readonly retries: number;
  /** ms: the longest wait that a broadcaster can ask for. */
  readonly totalTimeout: number;
  readonly random?: (() => number) | undefined;
}

/** How one request is attempted. @internal */
export interface AttemptOptions {
  /** Whether it may be sent again where nobody can tell what became of it. */
  readonly repeat: boolean;
  /** Default: `retries`. */
  readonly passes?: number | undefined;
  /** Ends the waits, and lets no attempt follow; the one that runs goes on. */
  readonly stop?: AbortSignal | undefined;
  /** Told of each attempt that another may follow. */
  readonly failed?: ((error: WeirError) => void) | undefined;
}

type Failure = Extract<Verdict<unknown>, { kind: 'next' }>;

/** Tries one broadcaster after the other, in passes with waits between them, until one answers. @internal */
export class Attempts {
  constructor(private readonly parts: AttemptsParts) {}

  /** Never rejects. */
  async run<T>(
    attempt: (base: string) => Promise<Verdict<T>>,
    { repeat, passes = this.parts.retries, stop, failed }: AttemptOptions,
  ): Promise<Result<T>> {
    const { broadcasters, log } = this.parts;
    let count = 0;
    let unknown: WeirError | undefined;
    let refused: WeirError | undefined;
    let last: WeirError | undefined;
    for (let pass = 0; pass < passes; pass++) {
      let retryAfter: number | undefined;
      for (const broadcaster of broadcasters.pass()) {
        if (isAborted(stop)) return stopped(stop, unknown, last);
        let verdict: Verdict<T>;
        try {
          verdict = await attempt(broadcaster.url);
        } catch (error) {
          return { kind: 'unknown', error: asFault('lonelyps', error) };
        }
        count++;
        if (verdict.kind === 'done') {
          broadcasters.reached(broadcaster);
          return { kind: 'done', value: verdict.value, repeated: unknown !== undefined };
        }
        if (verdict.kind === 'final') {
          return { kind: unknown === undefined ? 'refused' : 'unknown', error: verdict.error };
        }
        log.debug(`an attempt at ${broadcaster.url} has failed`, verdict.error);
        this.note(broadcaster, verdict);
        last = verdict.error;
        failed?.(last);
        if (verdict.fate === 'refused') refused = verdict.error;
        if (verdict.fate === 'unknown') unknown = verdict.error;
        if (unknown !== undefined && !repeat) return { kind: 'unknown', error: unknown };
        if (verdict.retryAfter !== undefined) retryAfter = Math.min(retryAfter ?? Infinity, verdict.retryAfter);
      }
      if (pass + 1 < passes) await this.pause(pass, retryAfter, stop);
    }
    const error = (unknown ?? refused ?? last) as WeirError;
    const kind = unknown !== undefined ? 'unknown' : refused !== undefined ? 'refused' : 'unwritten';
    return { kind, error: count === 1 ? error : lastOf(count, error) };
  }

  private note(broadcaster: Parameters<Broadcasters['reached']>[0], { fate }: Failure): void {
    const { broadcasters } = this.parts;
    if (fate === 'unwritten') broadcasters.notReached(broadcaster);
    else broadcasters.reached(broadcaster);
  }

  /** 1 to 2 s after the first pass, 2 to 3 after the second, 4 to 5 after the third: as broadcasters' clients have it. */
  private pause(pass: number, retryAfter = 0, stop: AbortSignal | undefined): Promise<void> {
    const { clock, totalTimeout, random = Math.random } = this.parts;
    const ms = Math.max((2 ** pass + random()) * 1000, Math.min(retryAfter, totalTimeout));
    return new Promise((resolve) => {
      if (isAborted(stop)) {
        resolve();
        return;
      }
      const end = (): void => {
        cancel();
        stop?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(ms, end);
      stop?.addEventListener('abort', end);
    });
  }
}

// a property that changes while others wait is a function for the compiler
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function stopped(
  stop: AbortSignal | undefined,
  unknown: WeirError | undefined,
  last: WeirError | undefined,
): Extract<Result<never>, { error: WeirError }> {
  const error = last ?? (stop?.reason as WeirError);
  return { kind: unknown === undefined ? 'unwritten' : 'unknown', error: unknown ?? error };
}

/** The same error, which says that it was one of several. */
function lastOf(count: number, error: WeirError): WeirError {
  const Class = error.constructor as new (message: string, options: WeirErrorOptions) => WeirError;
  const { cause, broker, retriable, detail } = error;
  return new Class(`${error.message} (the last of ${count} attempts)`, { cause, broker, retriable, detail });
}
