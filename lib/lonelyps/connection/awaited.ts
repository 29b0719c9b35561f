import type { WeirError } from '../../core/errors.js';
import type { ConfirmExact, ConfirmGlob, ConfirmNotify, ContinueNotify } from '../codec/from-broadcaster.js';
import type { Authority } from './authority.js';

/** What the broadcaster says to a request. @internal */
export type Answer = ConfirmExact | ConfirmGlob | ConfirmNotify | ContinueNotify;

/** A request that was sent. The broadcaster answers one after the other, so that the next answer is that of the first. @internal */
export interface Awaited {
  /** What was asked, for errors: `subscribe to …`. */
  readonly asked: string;
  /** Whether the broadcaster answers only when all its subscribers have. */
  readonly slow: boolean;
  /** False where this is not an answer to it. @throws ProtocolError where it is not signed as it should be */
  answered(answer: Answer, authority: Authority): boolean;
  /** The connection is gone. */
  lost(error: WeirError): void;
}
