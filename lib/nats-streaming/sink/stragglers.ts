import type { Cancel, Clock } from '../../core/clock.js';
import type { Entry } from '../../core/publisher.js';
import { publishRefusal, refusedAsInvalid } from '../session/refusals.js';
import { giveBack } from './give-back.js';

/** What names a message on its way: our own guids by their number, ids of the user as they are. @internal */
export type Key = number | string;

/** What there is to wait for after a session was lost. @internal */
export interface Aftermath {
  /** Written and without an answer, in the order of writing. */
  readonly waiting: Map<Key, Entry>;
  /** Refused before the loss was known. */
  readonly refused: readonly Entry[];
  /** What was lost, for those without an answer. */
  readonly reason: string;
  readonly cause: unknown;
  /** How long answers may take, in milliseconds. */
  readonly ms: number;
  /** Ends the inbox on which the answers come. */
  readonly endAcks: Cancel;
}

/**
 * What a lost session has left unconfirmed. The server refuses what it is sent under a session that it has forgotten, but
 * tells of the loss by another way, which may be the faster one: so these wait for their answers a little. What is refused is
 * certainly not stored and is sent again. One session's at a time.
 * @internal
 */
export class Stragglers {
  private waiting = new Map<Key, Entry>();
  /** To be sent again, kept together until something can be sent, so that they go in their order and before all else. */
  private held: Entry[] | undefined = undefined;
  private reason = '';
  private cause: unknown = undefined;
  private endAcks: Cancel | undefined;
  private cancelTimer: Cancel | undefined;

  constructor(private readonly clock: Clock) {}

  /** Waits for these, in place of those it waits for. */
  begin({ waiting, refused, reason, cause, ms, endAcks }: Aftermath): void {
    this.end(reason, cause);
    this.waiting = waiting;
    this.held = [...refused];
    this.reason = reason;
    this.cause = cause;
    this.endAcks = endAcks;
    this.cancelTimer = this.clock.after(ms, () => {
      this.end(reason, cause);
    });
    this.endIfDone();
  }

  has(key: Key): boolean {
    return this.waiting.has(key);
  }

  /** The answer of the server: why it was refused, or '' for a confirmation. */
  answered(key: Key, error: string): void {
    const entry = this.waiting.get(key);
    if (entry === undefined) return;
    this.waiting.delete(key);
    if (error === '') entry.publisher.confirmed(entry);
    else if (!refusedAsInvalid(error)) {
      entry.publisher.refused(entry, publishRefusal(entry.publisher.settings.channel, error));
    } else if (this.held !== undefined) this.held.push(entry);
    else giveBack([entry], this.reason, this.cause, true);
    this.endIfDone();
  }

  /** There is a session again: what was refused goes out. What waits for its answer still does. */
  connected(): void {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) giveBack(held, this.reason, this.cause, true);
  }

  /** Waits no longer. */
  end(reason: string, cause: unknown): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.endAcks?.();
    this.endAcks = undefined;
    const { waiting } = this;
    this.waiting = new Map();
    giveBack([...waiting.values()], reason, cause, false);
    this.connected();
    this.cause = undefined;
  }

  private endIfDone(): void {
    if (this.waiting.size === 0) this.end(this.reason, this.cause);
  }
}
