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
  /** How many at a time to one topic. */
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

/** How many may be on their way to all topics together. */
function mostOf(connections: number): number {
  return connections + Math.ceil(connections / 4);
}

/** How many connections that takes, with those for subscriptions. @internal */
export function connectionsOf(connections: number): number {
  return mostOf(connections) + 2;
}

/**
 * The messages that are on their way out over HTTP. A full window holds the answers to what is published to its topic; so that work
 * which publishes can go on and make room, one topic does not get all connections.
 * @internal
 */
export class Notifications {
  private running = 0;
  private readonly byTopic = new Map<string, number>();
  private readonly stop = new AbortController();
  private readonly idle = new Set<() => void>();

  private readonly most: number;

  constructor(private readonly parts: NotificationsParts) {
    this.most = mostOf(parts.connections);
  }

  get writable(): boolean {
    return this.running < this.most && !this.stop.signal.aborted && this.parts.requests() !== undefined;
  }

  hasRoom(channel: string): boolean {
    return (this.byTopic.get(channel) ?? 0) < this.parts.connections && this.writable;
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
    this.byTopic.set(message.channel, (this.byTopic.get(message.channel) ?? 0) + 1);
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
    { channel, topic, body, resend }: OutgoingMessage,
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
    this.ended(channel);
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

  private ended(channel: string): void {
    const { connections, hooks } = this.parts;
    const ofTopic = this.byTopic.get(channel)!;
    const wasFull = this.running >= this.most || ofTopic >= connections;
    this.running--;
    if (ofTopic > 1) this.byTopic.set(channel, ofTopic - 1);
    else this.byTopic.delete(channel);
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
