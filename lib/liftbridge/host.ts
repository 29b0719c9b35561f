import type { LogHost } from '../core/log-handle.js';
import type { Cursors } from './cursors.js';
import type { Neighbours } from './group/neighbours.js';
import type { Standings } from './source/standings.js';
import type { ResolvedOptions } from './options.js';
import type { Session } from './session/session.js';

/** What the rooms of one handle share. @internal */
export interface LiftbridgeHost extends LogHost {
  readonly session: Session;
  readonly cursors: Cursors;
  readonly resolved: ResolvedOptions;
  /** Who reads for which group, in this handle. */
  readonly neighbours: Neighbours;
  /** What they have read. */
  readonly standings: Standings;
}
