import type { Clock } from '../../core/clock.js';
import { ClosedError, type WeirError } from '../../core/errors.js';
import type { Attempts } from './attempts.js';
import type { Requests } from './requests.js';
import type { NotifyOutcome, OutgoingMessage } from './session.js';
import { uncertain } from './uncertain.js';
import type { Result } from './verdict.js';

/** What {@link Notifications} are made of. @internal */
export interface NotificationsParts {
  readonly clock: Clock;
  readonly attempts: Attempts;
  /** Undefined while no broadcaster can be reached. */
  readonly requests: () => Requests | undefined;
  readonly random: (length: number) => Uint8Array;
  /** How many at a time. */
  readonly connections: number;
  readonly hooks: {
    /** One more would be taken again. */
    drained(): void;
    /** No broadcaster could be connected to. */
    down(cause: WeirError): void;
    /** A broadcaster went away, perhaps with more than this. */
    doubt(): void;
  };
}

/** Bytes of the identifier of an attempt. */
const identifierLength = 8;

/** The messages that are on their way out over HTTP. @internal */
export class Notifications {
  private running = 0;
  private readonly stop = new AbortController();
  private readonly idle = new Set<() => void>();

  constructor(private readonly parts: NotificationsParts) {}

  get writable(): boolean {
    return this.running < this.parts.connections && !this.stop.signal.aborted && this.parts.requests() !== undefined;
  }

  /** Exactly one of the outcomes is called, later. */
  notify(message: OutgoingMessage, outcome: NotifyOutcome): void {
    const requests = this.parts.requests();
    if (requests === undefined) {
      this.parts.clock.soon(() => {
        this.unwritten(outcome);
      });
      return;
    }
    this.running++;
    void this.send(requests, message, outcome);
  }

  /** No attempt follows those that run. Resolves when they are over: ending them is the client's part. */
  async close(): Promise<void> {
    this.stop.abort(closed());
    if (this.running === 0) return;
    await new Promise<void>((resolve) => {
      this.idle.add(resolve);
    });
  }

  private async send(
    requests: Requests,
    { topic, body, resend }: OutgoingMessage,
    outcome: NotifyOutcome,
  ): Promise<void> {
    const { attempts, random } = this.parts;
    let identifier: Uint8Array = new Uint8Array(0);
    const result = await attempts.run(
      (base) => {
        identifier = random(identifierLength);
        return requests.notify(base, topic, body, identifier);
      },
      { repeat: resend, stop: this.stop.signal },
    );
    this.ended();
    this.tell(result, hex(identifier), resend, outcome);
  }

  private tell(result: Result<number>, id: string, resend: boolean, outcome: NotifyOutcome): void {
    const { hooks } = this.parts;
    switch (result.kind) {
      case 'done':
        outcome.confirmed(id, result.value, result.repeated);
        return;
      case 'refused':
        outcome.refused(result.error, id);
        return;
      case 'unknown':
        if (!this.stop.signal.aborted) hooks.doubt();
        outcome.uncertain(uncertain(result.error, resend), id);
        return;
      case 'unwritten':
        if (!this.stop.signal.aborted) hooks.down(result.error);
        this.unwritten(outcome);
    }
  }

  /** Waits for a broadcaster, or is refused where none will come. */
  private unwritten(outcome: NotifyOutcome): void {
    if (this.stop.signal.aborted) outcome.refused(closed(), '');
    else outcome.unwritten();
  }

  private ended(): void {
    const { connections, hooks } = this.parts;
    const wasFull = this.running >= connections;
    this.running--;
    if (this.running === 0) {
      for (const resolve of this.idle) resolve();
      this.idle.clear();
    }
    if (wasFull && this.writable) hooks.drained();
  }
}

function closed(): ClosedError {
  return new ClosedError('the message was not sent: the handle was closed', { broker: 'lonelyps' });
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
