import { HttpSession } from './http-session.js';
import type { SessionParts } from './parts.js';
import type { Session } from './session.js';
import { SocketSession } from './socket-session.js';

/** The session for the transport that the options say. @internal */
export function makeSession(parts: SessionParts): Session {
  return parts.options.transport === 'http' ? new HttpSession(parts) : new SocketSession(parts);
}
