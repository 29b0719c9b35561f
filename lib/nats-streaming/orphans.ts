import { encodeUnsubscribeRequest } from './codec/unsubscribe.js';
import type { StanHost } from './host.js';

/** How many are remembered; the server drops the rest when it drops the session. */
const maxOrphans = 10_000;

/**
 * Subscriptions that may live at the server while nobody here wants them: unsubscribed while the link was down, or
 * asked for without an answer. They are closed as soon as the server can be told.
 * @internal
 */
export class Orphans {
  private inboxes: { channel: string; inbox: string }[] = [];

  constructor(private readonly host: Pick<StanHost, 'session' | 'write' | 'resolved'>) {}

  /** Whether a durable may be held by one of them. */
  get any(): boolean {
    return this.inboxes.length > 0;
  }

  /** @param inbox - the ack inbox, or the message inbox where no answer came: the server knows it by both */
  add(channel: string, inbox: string): void {
    if (this.host.session.connected) this.tell(channel, inbox);
    else if (this.inboxes.length < maxOrphans) this.inboxes.push({ channel, inbox });
  }

  /** The session survived: the server can be told. */
  close(): void {
    const { inboxes } = this;
    this.inboxes = [];
    for (const { channel, inbox } of inboxes) this.tell(channel, inbox);
  }

  /** The session is gone, and all its subscriptions with it. */
  clear(): void {
    this.inboxes = [];
  }

  private tell(channel: string, inbox: string): void {
    const { session, resolved } = this.host;
    const request = encodeUnsubscribeRequest({ clientId: resolved.clientId, subject: channel, inbox });
    this.host.write(session.subjects.subCloseRequests || session.subjects.unsubRequests, request);
  }
}
