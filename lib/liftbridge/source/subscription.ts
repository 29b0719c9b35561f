import type { Cancel, Clock } from '../../core/clock.js';
import {
  BrokerTimeoutError,
  FrameTooLargeError,
  ProtocolError,
  StreamNotFoundError,
  StreamUnavailableError,
  type WeirError,
} from '../../core/errors.js';
import { encodeSubscribeRequest, type Consumer, type SubscribeRequest } from '../codec/requests.js';
import type { Call, CallStatus } from '../connection/call.js';
import type { Channel } from '../connection/channel.js';
import { statusError } from '../connection/failures.js';
import type { Session } from '../session/session.js';
import { endOf } from './endings.js';

/** Where one call begins, as the wire has it. @internal */
export type Position = Pick<SubscribeRequest, 'startPosition' | 'startOffset'>;

/** What a subscription asks and tells. @internal */
export interface SubscriptionHandlers {
  /** Where to begin, asked before each call. */
  begin(signal: AbortSignal): Promise<Position>;
  /** For whom it reads, where that is a member of a group. */
  consumer(): Consumer | undefined;
  /** One message. @returns whether there is room for another: if not, none comes until `resume` */
  message(bytes: Uint8Array, start: number, end: number): boolean;
  /** It is gone at the broker and will be made again. */
  lost(error: WeirError): void;
  /** The partition is read-only, and everything in it was sent. Last. */
  exhausted(): void;
  /** Another member of the group reads the partition, or is to. Last. */
  replaced(): void;
  /** The peer sent what it should not have. */
  malformed(error: WeirError): void;
  /** It cannot be made, or not again. Called once, last. */
  failed(error: WeirError): void;
}

/** What it subscribes to. @internal */
export interface SubscriptionRequest {
  readonly stream: string;
  readonly partition: number;
  readonly resume: boolean;
  readonly readIsrReplica: boolean;
}

/** What it stands on. @internal */
export interface SubscriptionHost {
  readonly session: Session;
  readonly clock: Clock;
  /** Milliseconds for the broker to accept it. */
  readonly requestTimeout: number;
}

/** Milliseconds for which a stream or partition that is not there may only be not there yet: after a create, a restart, an election. */
const grace = { first: 1_000, again: 10_000 };

/**
 * One subscription to one partition, made again whenever the broker has lost it: by a dropped connection, a leader that
 * moved, a partition that was paused and is to be resumed. Knows nothing of what the messages say.
 * @internal
 */
export class Subscription {
  private cancelRetry: Cancel | undefined;
  private call: Call | undefined;
  /** Since when the partition is not found, in ms. */
  private missingSince: number | undefined;
  private isFirst = true;
  /** Whether the broker has ended it by saying that there is nothing more, or that another member reads from here on. */
  private isDone = false;
  private over = false;

  constructor(
    private readonly host: SubscriptionHost,
    private readonly request: SubscriptionRequest,
    private readonly handlers: SubscriptionHandlers,
  ) {}

  start(after?: WeirError): void {
    this.cancelRetry = this.host.session.retry(
      (signal) => this.attempt(signal),
      (error) => {
        this.fail(error);
      },
      after,
    );
  }

  /** There is room again. */
  resume(): void {
    this.call?.resume();
  }

  /** Whether the broker sends, or did so until it said that nothing more comes, or that another member reads from here on. */
  get wasLive(): boolean {
    return this.call !== undefined || this.isDone;
  }

  /** Ends it at the broker, at once. */
  end(): void {
    if (this.over) return;
    this.over = true;
    this.cancelRetry?.();
    this.host.session.resumed(this);
    this.leave();
  }

  private leave(): void {
    this.call?.cancel();
    this.call = undefined;
  }

  private fail(error: WeirError): void {
    if (this.over) return;
    this.end();
    this.handlers.failed(error);
  }

  private async attempt(signal: AbortSignal): Promise<void> {
    const { session } = this.host;
    try {
      const position = await this.handlers.begin(signal);
      signal.throwIfAborted();
      await this.open(await this.find(signal), position, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      // who was thought to lead may not: the next attempt asks for the leader
      if (error instanceof StreamUnavailableError) session.forgetStream(this.request.stream);
      if (!(error instanceof StreamNotFoundError)) this.missingSince = undefined;
      else if (this.mayComeYet()) throw passing(error);
      throw error;
    }
    this.isFirst = false;
    this.missingSince = undefined;
    // it can have been lost again before this turn has come
    if (this.call !== undefined) session.resumed(this);
  }

  /** Whether what is not found is to be looked for again. */
  private mayComeYet(): boolean {
    const now = this.host.clock.now();
    this.missingSince ??= now;
    return now - this.missingSince < (this.isFirst ? grace.first : grace.again);
  }

  private find(signal: AbortSignal): Promise<Channel> {
    const { session } = this.host;
    const { stream, partition, readIsrReplica } = this.request;
    return readIsrReplica
      ? session.replica(stream, partition, { signal })
      : session.leader(stream, partition, { signal });
  }

  /** Resolves when the broker has accepted it, which it says with an empty message. */
  private open(channel: Channel, position: Position, signal: AbortSignal): Promise<void> {
    const { stream, partition, resume, readIsrReplica } = this.request;
    const { clock, requestTimeout } = this.host;
    return new Promise((resolve, reject) => {
      let accepted = false;
      const decide = (settle: () => void): void => {
        cancelTimer();
        signal.removeEventListener('abort', abort);
        settle();
      };
      const refuse = (error: unknown): void => {
        call.cancel();
        decide(() => {
          reject(error);
        });
      };
      const abort = (): void => {
        refuse(signal.reason);
      };
      const request = encodeSubscribeRequest({
        stream,
        partition,
        ...position,
        resume,
        readISRReplica: readIsrReplica,
        consumer: this.handlers.consumer(),
      });
      const call = channel.call(
        'Subscribe',
        {
          message: (bytes, start, end) => {
            if (accepted) return this.handlers.message(bytes, start, end);
            accepted = true;
            this.call = call;
            decide(resolve);
            return true;
          },
          flushed: () => undefined,
          drained: () => undefined,
          ended: (status, cause) => {
            if (accepted) this.ended(call, channel, status, cause);
            else {
              decide(() => {
                this.refused(channel, status, cause, resolve, reject);
              });
            }
          },
        },
        request,
      );
      const cancelTimer = clock.after(requestTimeout, () => {
        const what = `${this.asked} at ${channel.address.host}:${channel.address.port}`;
        refuse(
          new BrokerTimeoutError(`cannot ${what}: no answer within ${requestTimeout} ms`, { broker: 'liftbridge' }),
        );
      });
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  private get asked(): string {
    return `subscribe to partition ${this.request.partition} of '${this.request.stream}'`;
  }

  /** It was not accepted. */
  private refused(
    channel: Channel,
    status: CallStatus,
    cause: WeirError | undefined,
    resolve: () => void,
    reject: (error: Error) => void,
  ): void {
    const error = cause ?? statusError(status, this.asked, channel.address);
    switch (endOf(status, false)) {
      case 'exhausted':
        resolve();
        this.finish();
        return;
      case 'fenced':
        resolve();
        this.end();
        this.handlers.replaced();
        return;
      case 'closed':
        this.paused(error).then(reject, reject);
        return;
      case 'ended':
        reject(
          new StreamUnavailableError(`cannot ${this.asked}: the broker ended it at once`, { broker: 'liftbridge' }),
        );
        return;
      case 'lost':
        reject(cause ?? passing(error));
        return;
      case 'moved':
      case 'paused':
      case 'deleted':
      case 'failed':
    }
    reject(error);
  }

  /** It had been accepted, and the call has ended. */
  private ended(call: Call, channel: Channel, status: CallStatus, cause: WeirError | undefined): void {
    if (this.over || this.call !== call) return;
    this.call = undefined;
    if (cause instanceof FrameTooLargeError) {
      this.fail(cause);
      return;
    }
    if (cause instanceof ProtocolError) this.handlers.malformed(cause);
    // that can have been the end of it
    if (this.over) return;
    const error = cause ?? statusError(status, this.asked, channel.address);
    switch (cause === undefined ? endOf(status, true) : 'lost') {
      case 'exhausted':
        this.finish();
        return;
      case 'paused':
        if (!this.request.resume) this.fail(pausedError(this.request, error));
        else this.lost(error);
        return;
      case 'ended':
        if (this.handlers.consumer() === undefined) this.lost(error);
        else {
          this.isDone = true;
          this.end();
          this.handlers.replaced();
        }
        return;
      case 'deleted':
      case 'failed':
        this.fail(error);
        return;
      default:
        this.lost(error);
    }
  }

  private finish(): void {
    if (this.over) return;
    this.isDone = true;
    this.end();
    this.handlers.exhausted();
  }

  private lost(error: WeirError): void {
    const { session } = this.host;
    session.forgetStream(this.request.stream);
    session.suspended(this, error);
    this.handlers.lost(error);
    if (!this.over) this.start(error);
  }

  /** The log is closed: the partition is paused, or only about to move. */
  private async paused(error: WeirError): Promise<WeirError> {
    const { stream, partition } = this.request;
    const info = await this.host.session.stream(stream, { fresh: true });
    return info.partitions.get(partition)?.paused === true && !this.request.resume
      ? pausedError(this.request, error)
      : passing(error);
  }
}

/** What may be over soon, so that it is tried again. */
function passing(error: WeirError): WeirError {
  if (error.retriable) return error;
  return new StreamUnavailableError(error.message, { broker: 'liftbridge', cause: error, detail: error.detail });
}

/** What a source that may not resume a partition says of one that is paused. @internal */
export function pausedError(
  { stream, partition }: Pick<SubscriptionRequest, 'stream' | 'partition'>,
  cause: unknown,
): StreamUnavailableError {
  return new StreamUnavailableError(
    `partition ${partition} of '${stream}' is paused; publish to it, or subscribe with resume: true`,
    { broker: 'liftbridge', cause, retriable: false },
  );
}
