import type { MessageFields } from '../../core/broker.js';
import type { WeirError } from '../../core/errors.js';
import type { Entry, PublishPort } from '../../core/publisher.js';
import { MemoryBody, type Body } from '../body.js';
import { topicBytes } from '../codec/topic-text.js';
import type { Hashing } from '../platform.js';
import type { NotifyOutcome, Session } from '../session/session.js';

/** What the port asks of the handle. @internal */
export interface SinkHost {
  readonly session: Session;
  readonly hashing: Hashing;
  wake(): void;
}

/** The field under which a body travels that is not the entry's bytes. */
const bodyField = Symbol('body');

/** Fields with a body that stands for the value. @internal */
export function withBody(body: Body): MessageFields {
  return { [bodyField]: body } as MessageFields;
}

/** @internal */
export function bodyOf(fields: MessageFields | undefined): Body | undefined {
  return (fields as { readonly [bodyField]?: Body } | undefined)?.[bodyField];
}

/** Writes the messages of one topic. @internal */
export class TopicPort implements PublishPort {
  private readonly topic: Uint8Array;

  constructor(
    private readonly host: SinkHost,
    private readonly channel: string,
    /** Whether the handle accepts duplicates for all that it publishes. */
    private readonly resend: boolean,
  ) {
    this.topic = topicBytes(channel);
  }

  get writable(): boolean {
    return this.host.session.hasRoom(this.channel);
  }

  write(entry: Entry): void {
    const body = bodyOf(entry.fields) ?? new MemoryBody(entry.bytes, this.host.hashing.sha512(entry.bytes));
    const resend = this.resend || entry.publisher.settings.resend;
    const { channel, topic } = this;
    this.host.session.notify({ channel, topic, body, resend }, new Outcome(entry, body));
  }

  wake(): void {
    this.host.wake();
    this.host.session.wantOutlet();
  }
}

class Outcome implements NotifyOutcome {
  constructor(
    private readonly entry: Entry,
    private readonly body: Body,
  ) {}

  confirmed(id: string, notified: number): void {
    this.end(id);
    this.entry.publisher.confirmed(this.entry, undefined, notified);
  }

  refused(error: WeirError, id: string): void {
    this.end(id);
    this.entry.publisher.refused(this.entry, error);
  }

  uncertain(error: WeirError, id: string): void {
    this.end(id);
    this.entry.publisher.refused(this.entry, error);
  }

  unwritten(): void {
    const { publisher } = this.entry;
    const { failure } = publisher;
    if (failure === undefined) publisher.lost([this.entry], 'no broadcaster was reached', undefined, true);
    else this.refused(failure, '');
  }

  private end(id: string): void {
    if (id !== '') this.entry.id = id;
    this.body.discard();
  }
}
