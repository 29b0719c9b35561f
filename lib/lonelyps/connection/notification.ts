import type { WeirError } from '../../core/errors.js';
import type { Body } from '../body.js';
import type { Authority } from './authority.js';
import type { Answer, Awaited } from './awaited.js';
import type { NotificationOutcome } from './parts.js';
import { sameBytes } from './same-bytes.js';

/** A message on its way out. @internal */
export class Notification {
  readonly id: string;
  /** Whether some of it may have left. */
  written = false;
  /** Its parts that are neither confirmed nor lost. */
  unconfirmed = 0;
  private told = false;

  constructor(
    readonly identifier: Uint8Array,
    readonly topic: Uint8Array,
    readonly body: Body,
    private readonly outcome: NotificationOutcome,
  ) {
    this.id = Array.from(identifier, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  confirmed(notified: number): void {
    if (this.tell()) this.outcome.confirmed(this.id, notified);
  }

  refused(error: WeirError): void {
    if (this.tell()) this.outcome.refused(error, this.id);
  }

  lost(error: WeirError): void {
    if (this.tell()) this.outcome.lost(error, this.written, this.id);
  }

  private tell(): boolean {
    const first = !this.told;
    this.told = true;
    return first;
  }
}

/** The answer to a whole message, or to the last part of one. @internal */
export class AwaitedConfirmation implements Awaited {
  readonly slow = true;

  /** @param sha512 - which the broadcaster signs: of the message where it goes whole, else of the bytes that are sent */
  constructor(
    private readonly notification: Notification,
    private readonly sha512: Uint8Array,
  ) {}

  get asked(): string {
    return `confirm the notification ${this.notification.id}`;
  }

  answered(answer: Answer, authority: Authority): boolean {
    const { identifier, topic } = this.notification;
    if (answer.kind !== 'confirmNotify' || !sameBytes(answer.identifier, identifier)) return false;
    authority.checkNotified(answer, identifier, answer.notified, topic, this.sha512);
    this.notification.confirmed(answer.notified);
    return true;
  }

  lost(error: WeirError): void {
    this.notification.lost(error);
  }
}

/** The answer to a part that is not the last. @internal */
export class AwaitedContinuation implements Awaited {
  readonly slow = false;

  constructor(
    private readonly notification: Notification,
    private readonly part: number,
  ) {}

  get asked(): string {
    return `continue the notification ${this.notification.id} after part ${this.part}`;
  }

  answered(answer: Answer, authority: Authority): boolean {
    const { identifier } = this.notification;
    if (answer.kind !== 'continueNotify' || answer.part !== this.part) return false;
    if (!sameBytes(answer.identifier, identifier)) return false;
    authority.checkContinued(answer, identifier, this.part);
    this.notification.unconfirmed--;
    return true;
  }

  lost(error: WeirError): void {
    this.notification.lost(error);
  }
}
