import type { LogHost } from '../core/log-handle.js';
import type { Session } from './session/session.js';

/** What the rooms of one handle share. @internal */
export interface RabbitHost extends LogHost {
  readonly session: Session;
}
