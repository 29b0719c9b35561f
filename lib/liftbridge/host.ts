import type { LogHost } from '../core/log-handle.js';
import type { Cursors } from './cursors.js';
import type { ResolvedOptions } from './options.js';
import type { Session } from './session/session.js';

/** What the rooms of one handle share. @internal */
export interface LiftbridgeHost extends LogHost {
  readonly session: Session;
  readonly cursors: Cursors;
  readonly resolved: ResolvedOptions;
}
