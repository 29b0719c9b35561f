import type { Clock } from '../../core/clock.js';
import type { ResolvedOptions } from '../options.js';
import type { Platform } from '../platform.js';
import type { SessionHooks } from './session.js';

/** What a session is made of. @internal */
export interface SessionParts {
  readonly options: ResolvedOptions;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly hooks: SessionHooks;
}
