import type { Cancel } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { decodeSubscriptionResponse } from '../codec/subscription.js';
import { encodeUnsubscribeRequest } from '../codec/unsubscribe.js';
import type { StanHost } from '../host.js';

/** How many are remembered; the server drops the rest when it drops the session. */
const maxOrphans = 10_000;
/** How often the server may say that it does not know one which it was asked for: it may still be making it. */
const maxDenials = 5;
/** ms before the first time that it is asked again; each further wait is twice as long. */
const firstPause = 200;
const maxPause = 5_000;

interface Orphan {
  readonly channel: string;
  readonly inbox: string;
  /** Whether the server has it, or had it; else it was asked for without an answer. */
  readonly made: boolean;
  /** Whether the server is being told. */
  asking: boolean;
  attempts: number;
  cancelTimer: Cancel | undefined;
}

/**
 * Subscriptions that live at the server, or may, while nobody here wants them: unsubscribed, or asked for without an
 * answer. Each is kept until the server has said that it is closed, however often the link drops meanwhile: one that is
 * left takes messages for nobody, and holds its durable.
 * @internal
 */
export class Orphans {
  private readonly all = new Map<string, Orphan>();

  constructor(private readonly host: Pick<StanHost, 'session' | 'clock' | 'resolved'>) {}

  /**
   * @param inbox - the ack inbox, or the message inbox where no answer came: the server knows it by both
   * @param made - whether the server has answered that it made it
   * @param done - called once, when the server has answered or cannot for now
   */
  add(channel: string, inbox: string, made: boolean, done: () => void = () => undefined): void {
    const orphan: Orphan = { channel, inbox, made, asking: false, attempts: 0, cancelTimer: undefined };
    if (this.all.size < maxOrphans) this.all.set(inbox, orphan);
    this.tell(orphan, done);
  }

  /** The server answers, for the first time or again. */
  connected(): void {
    for (const orphan of this.all.values()) if (!orphan.asking) this.tell(orphan);
  }

  /**
   * The session is gone, and all that it had. What was asked for may still be made: the server looks only for the
   * client id, which the next session has too.
   */
  lost(): void {
    for (const orphan of this.all.values()) if (orphan.made) this.forget(orphan);
  }

  /** The end: nobody is told any more. */
  clear(): void {
    for (const orphan of this.all.values()) this.forget(orphan);
  }

  private forget(orphan: Orphan): void {
    orphan.cancelTimer?.();
    this.all.delete(orphan.inbox);
  }

  private tell(orphan: Orphan, done: () => void = () => undefined): void {
    const { session, resolved } = this.host;
    orphan.cancelTimer?.();
    if (!session.connected) {
      done();
      return;
    }
    const { channel: subject, inbox } = orphan;
    const { subCloseRequests, unsubRequests } = session.subjects;
    orphan.asking = true;
    session.request(
      subCloseRequests || unsubRequests,
      encodeUnsubscribeRequest({ clientId: resolved.clientId, subject, inbox }),
      resolved.connectTimeout,
      (error, reply) => {
        orphan.asking = false;
        this.answered(orphan, error, reply);
        done();
      },
    );
  }

  private answered(orphan: Orphan, error: WeirError | undefined, reply: Uint8Array | undefined): void {
    if (this.all.get(orphan.inbox) !== orphan) return;
    orphan.attempts++;
    if (error === undefined) {
      if (orphan.made || isClosed(reply) || orphan.attempts > maxDenials) this.forget(orphan);
      else this.later(orphan);
    } else if (error.code === 'AUTHORIZATION') this.forget(orphan);
    // where the session does not answer either, it says when it does
    else if (this.host.session.connected) this.later(orphan);
  }

  private later(orphan: Orphan): void {
    const pause = Math.min(firstPause * 2 ** Math.min(orphan.attempts - 1, 10), maxPause);
    orphan.cancelTimer = this.host.clock.after(pause, () => {
      this.tell(orphan);
    });
  }
}

function isClosed(reply: Uint8Array | undefined): boolean {
  try {
    return reply !== undefined && decodeSubscriptionResponse(reply).error === '';
  } catch {
    return false;
  }
}
