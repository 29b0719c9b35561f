import type { Cancel, Clock } from './clock.js';
import type { BaseDelivery } from './delivery.js';
import type { DurableHolder, Durables } from './durables.js';
import type { Source } from './handle.js';
import { Intake, type IntakeProtocol, type Receiver } from './intake.js';
import { Lane } from './lane.js';
import type { SourceSettings } from './settings.js';
import type { Story } from './status.js';
import { Watermark } from './watermark.js';

/** What the sources of a handle share. @internal */
export interface SourceHost {
  readonly clock: Clock;
  readonly story: Story;
  readonly durables: Durables;
}

/** What a subscriber asked for, and who is told. @internal */
export interface SourceRequest {
  readonly channel: string;
  readonly settings: SourceSettings;
  /** ms */
  readonly ackWait: number;
  readonly receiver: Receiver;
  readonly onEnd: () => void;
}

/**
 * The life of a subscription over one log, the same for brokers that redeliver by themselves: it takes its turn on a
 * durable, emits, lingers after it was unsubscribed until what it emitted is settled, and ends once.
 * @internal
 */
export abstract class BaseSource implements Source, IntakeProtocol, DurableHolder {
  protected readonly intake: Intake;
  protected readonly lane: Lane;
  private cancelLinger: Cancel | undefined;
  private ended = false;

  constructor(
    private readonly shared: SourceHost,
    protected readonly request: SourceRequest,
  ) {
    const { channel, settings, receiver } = request;
    const { durable, queue, maxInFlight } = settings;
    this.intake = new Intake(settings, receiver, this);
    // in a group, a settled message may rightly come again: another member gave it up
    if (queue !== undefined) this.lane = new Lane(undefined, maxInFlight);
    else if (durable !== undefined) this.lane = shared.durables.lane(channel, durable, maxInFlight);
    else this.lane = new Lane(new Watermark(), maxInFlight);
  }

  get unsettled(): number {
    return this.intake.unsettled;
  }

  get stopped(): boolean {
    return this.intake.stopped;
  }

  /** Whether it has ended at the broker, or is about to. */
  protected get over(): boolean {
    return this.ended;
  }

  start(): void {
    const { channel, settings, receiver } = this.request;
    const { durable, queue } = settings;
    if (durable === undefined || queue !== undefined) {
      this.begin();
      return;
    }
    try {
      this.shared.durables.claim(channel, durable, this, () => {
        this.begin();
      });
    } catch (error) {
      receiver.error(error);
    }
  }

  stop(): void {
    if (this.intake.stopped) return;
    this.intake.stop();
    if (this.ended || this.intake.unsettled === 0) return;
    this.cancelLinger = this.shared.clock.after(this.request.ackWait, () => {
      this.finish();
    });
  }

  abandon(): void {
    this.intake.stop();
    this.finish();
  }

  finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.cancelLinger?.();
    this.end(() => {
      const { channel, settings, onEnd } = this.request;
      const { durable, queue } = settings;
      if (durable !== undefined && queue === undefined) this.shared.durables.release(channel, durable, this);
      onEnd();
    });
  }

  reset(last: bigint | undefined): void {
    this.shared.story.tell({ type: 'reset', channel: this.request.channel, last });
  }

  idle(): void {
    this.finish();
  }

  abstract ack(delivery: BaseDelivery<unknown>): void;

  abstract release(delivery: BaseDelivery<unknown>): void;

  /** The turn on the durable has come: subscribes, as soon as there is a connection. */
  protected abstract begin(): void;

  /** Ends it at the broker, behind the acks that were written; `done` follows when the broker has it, or cannot. */
  protected abstract end(done: () => void): void;
}
