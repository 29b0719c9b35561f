import { isObservable, type Subscription } from 'rxjs';
import type { Cancel, Clock } from '../../core/clock.js';
import type { Receiver } from '../../core/emission.js';
import type { Source } from '../../core/handle.js';
import type { SourceSettings } from '../../core/settings.js';
import {
  checkSelection,
  patternsOf,
  type LonelypsChannel,
  type LonelypsSelection,
  type LonelypsTopic,
  type Patterns,
} from '../selection.js';
import type { Session } from '../session/session.js';
import type { Dispatcher, Listener } from './dispatcher.js';
import type { Offering } from './offering.js';
import { MessageWindow } from './window.js';

/** What a subscriber asked for. @internal */
export interface TopicSourceRequest {
  readonly where: string;
  readonly channel: LonelypsChannel;
  readonly settings: SourceSettings;
  /** Whether the broadcaster is answered when a delivery is settled. */
  readonly settles: boolean;
  /** Remembers messages for so many ms, to drop their copies. */
  readonly dedupe: number | undefined;
  readonly onReceiving: (() => unknown) | undefined;
  readonly receiver: Receiver;
  readonly onEnd: () => void;
}

/** What the sources of a handle share. @internal */
export interface TopicSourceHost {
  readonly clock: Clock;
  readonly session: Session;
  readonly dispatcher: Dispatcher;
  /** ms for which what was emitted may be settled after the source was unsubscribed. */
  readonly linger: number;
  wake(): void;
}

/** One subscriber's subscription: its topics and globs, and its window. @internal */
export class TopicSource implements Source, Listener {
  private readonly window: MessageWindow;
  private patterns: Patterns = new Map();
  private selecting: Subscription | undefined;
  private cancelLinger: Cancel | undefined;
  /** Counts calls of `onReceiving`, so that only the last of them lets messages through. */
  private calls = 0;
  private stopped = false;
  private ended = false;

  constructor(
    private readonly host: TopicSourceHost,
    private readonly request: TopicSourceRequest,
  ) {
    this.window = new MessageWindow({
      clock: host.clock,
      settings: request.settings,
      settles: request.settles,
      dedupe: request.dedupe,
      receiver: request.receiver,
      taker: this,
      onIdle: () => {
        this.finish();
      },
    });
  }

  get unsettled(): number {
    return this.window.unsettled;
  }

  start(): void {
    const { channel } = this.request;
    this.host.wake();
    if (isObservable(channel)) {
      this.selecting = channel.subscribe({
        next: (selection) => {
          this.select(selection, true);
        },
        error: (error: unknown) => {
          this.request.receiver.error(error);
        },
      });
      // it may have failed in its own turn
      if (this.stopped) this.selecting.unsubscribe();
    } else this.select(channel, false);
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.selecting?.unsubscribe();
    this.apply(new Map());
    this.window.stop();
    if (this.window.unsettled === 0) this.finish();
    else {
      this.cancelLinger = this.host.clock.after(this.host.linger, () => {
        this.finish();
      });
    }
  }

  abandon(): void {
    this.stop();
    this.finish();
  }

  offer(offering: Offering): void {
    this.window.offer(offering);
  }

  turnedAway(offering: Offering): void {
    this.window.turnedAway(offering);
  }

  missed(): void {
    this.receiving();
  }

  private select(selection: LonelypsTopic | LonelypsSelection, unchecked: boolean): void {
    if (this.stopped) return;
    try {
      if (unchecked) checkSelection(this.request.where, selection);
      this.apply(patternsOf(selection));
    } catch (error) {
      this.request.receiver.error(error);
      return;
    }
    this.receiving();
  }

  private apply(patterns: Patterns): void {
    const { session, dispatcher } = this.host;
    const before = this.patterns;
    this.patterns = patterns;
    for (const [key, pattern] of patterns) {
      if (before.has(key)) continue;
      dispatcher.add(pattern, this);
      session.want(pattern);
    }
    for (const [key, pattern] of before) {
      if (patterns.has(key)) continue;
      dispatcher.remove(pattern, this);
      session.unwant(pattern);
    }
  }

  /** Calls `onReceiving` once all is subscribed, and holds messages back until what it gives has come to its end. */
  private receiving(): void {
    const { onReceiving, receiver } = this.request;
    if (onReceiving === undefined || this.stopped) return;
    const call = ++this.calls;
    this.window.hold();
    const isLast = (): boolean => call === this.calls && !this.stopped;
    const run = async (): Promise<void> => {
      await this.host.session.settled();
      if (!isLast()) return;
      await onReceiving();
      if (isLast()) this.window.letThrough();
    };
    run().catch((error: unknown) => {
      if (!this.stopped) receiver.error(error);
    });
  }

  private finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.cancelLinger?.();
    // the handle counts what is left unsettled
    this.request.onEnd();
    this.window.clear();
  }
}
