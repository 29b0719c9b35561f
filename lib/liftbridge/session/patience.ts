import { bounded } from '../../core/bounded.js';
import type { Clock } from '../../core/clock.js';
import { BrokerTimeoutError } from '../../core/errors.js';
import type { ResolvedOptions } from '../options.js';
import type { Main } from './main.js';
import { metadataPatience } from './topology.js';

/** What a {@link Patience} is made of. @internal */
export interface PatienceParts {
  readonly options: Pick<ResolvedOptions, 'connectTimeout' | 'requestTimeout'>;
  readonly clock: Clock;
  readonly main: Pick<Main, 'up' | 'notWithin'>;
}

/** What ends by itself says more, and so comes first by this much, in ms. */
const margin = 250;

/** How long those wait who asked for one thing and have no signal of their own, whatever becomes of the connection meanwhile. @internal */
export class Patience {
  constructor(private readonly parts: PatienceParts) {}

  /**
   * Waits for a connection as long as a first one may take, or a request.
   * @param connect - begins to connect where nobody does, and waits without a limit
   * @throws BrokerTimeoutError, and what `connect` does
   */
  async connected(connect: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { options, clock, main } = this.parts;
    if (main.up) return;
    const ms = Math.max(options.connectTimeout, options.requestTimeout);
    const late = (): Error => main.notWithin(ms);
    await bounded({ clock, ms: ms + margin, late, signal: undefined }, connect);
  }

  /**
   * Calls `use` with a signal that is aborted after the time that a request and the look for whom to ask may take.
   * @param asked - after "cannot", for errors
   * @throws BrokerTimeoutError, and what `use` does
   */
  take<T>(asked: string, use: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { options, clock, main } = this.parts;
    const ms = options.requestTimeout + Math.max(options.requestTimeout, metadataPatience) + margin;
    const late = (): Error => {
      const cause = main.up ? undefined : main.notWithin(ms);
      const reason = cause ? `: ${cause.message}` : '';
      return new BrokerTimeoutError(`cannot ${asked}: it was not done within ${ms} ms${reason}`, {
        broker: 'liftbridge',
        cause,
      });
    };
    return bounded({ clock, ms, late, signal: undefined }, use);
  }
}
