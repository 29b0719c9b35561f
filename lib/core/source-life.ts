import type { Cancel, Clock } from './clock.js';
import type { DurableHolder, Durables } from './durables.js';
import type { Receiver } from './emission.js';
import type { Source } from './handle.js';
import type { SourceSettings } from './settings.js';
import type { Story } from './status.js';

/** What the sources of a handle share. @internal */
export interface SourceHost {
  readonly clock: Clock;
  readonly story: Story;
  readonly durables: Durables;
}

/** What a subscriber asked for, and who is told. @internal */
export interface LifeRequest {
  readonly channel: string;
  readonly settings: SourceSettings;
  readonly receiver: Receiver;
  readonly onEnd: () => void;
}

/** The window of a source, as its life sees it. @internal */
export interface Window {
  readonly unsettled: number;
  readonly stopped: boolean;
  stop(): void;
}

/**
 * The life of a subscription, the same for all brokers: it takes its turn on a durable, emits, lingers after it was
 * unsubscribed until what it emitted is settled, and ends once.
 * @internal
 */
export abstract class SourceLife<R extends LifeRequest = LifeRequest> implements Source, DurableHolder {
  protected abstract readonly intake: Window;
  private cancelLinger: Cancel | undefined;
  private ended = false;

  constructor(
    private readonly shared: SourceHost,
    protected readonly request: R,
    /** Milliseconds for which it lingers at most. */
    private readonly linger: number,
  ) {}

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
    this.silence();
    if (this.linger === Infinity) return;
    this.cancelLinger = this.shared.clock.after(this.linger, () => {
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

  /** Nothing is emitted any more and nothing is unsettled. */
  idle(): void {
    this.finish();
  }

  /** The turn on the durable has come: subscribes, as soon as there is a connection. */
  protected abstract begin(): void;

  /** It was unsubscribed and lingers: gives up at the broker what acks do not need. */
  protected silence(): void {
    // most acks go by the subscription itself
  }

  /** Ends it at the broker, behind the acks that were written; `done` follows when the broker has it, or cannot. */
  protected abstract end(done: () => void): void;
}
