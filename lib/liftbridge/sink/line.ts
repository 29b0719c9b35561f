import { Backoff } from '../../core/backoff.js';
import type { Cancel } from '../../core/clock.js';
import { ConnectionError, ProtocolError, type WeirError } from '../../core/errors.js';
import { grpcStatus } from '../codec/grpc-status.js';
import type { PublishResponseScan } from '../codec/publish-response.js';
import type { CallStatus } from '../connection/call.js';
import { statusError } from '../connection/failures.js';
import type { SinkHost } from './host.js';
import { PublishCall, type PublishCallOwner } from './publish-call.js';

/** Who writes to a line. @internal */
export interface LineOwner {
  /** One response, to be looked at before this returns. */
  answered(scan: PublishResponseScan): void;
  /** All responses of one read were handed over. */
  flushed(): void;
  /** What is gathered has to be written, for it goes to another call after this. */
  flush(): void;
  /** It may have become writable. */
  room(): void;
  /** A call has ended: what it has not answered will not be. @param current - whether it is the one that was written to */
  lost(call: PublishCall, current: boolean, error: WeirError): void;
}

/**
 * The PublishAsync call that messages go out on, one at a time: opened with the first message, on the session's main
 * channel, and again where it ends.
 * @internal
 */
export class Line implements PublishCallOwner {
  private call: PublishCall | undefined;
  /** Those from which answers may come: one that was replaced goes on until it has ended. */
  private readonly calls = new Set<PublishCall>();
  /** The call takes no more for the moment. */
  private blocked = false;
  private readonly backoff = new Backoff({
    initialDelay: 50,
    maxDelay: 2_000,
    factor: 2,
    jitter: 0.5,
    maxAttempts: Infinity,
  });
  /** While the next call has to wait. */
  private cancelRest: Cancel | undefined;
  /** While the call before goes on: what it was given must not be overtaken on the way through another broker. */
  private cancelWait: Cancel | undefined;
  private closed = false;
  private allEnded: (() => void) | undefined;

  constructor(
    private readonly host: SinkHost,
    private readonly scan: PublishResponseScan,
    private readonly owner: LineOwner,
  ) {}

  /** Whether messages can be written, so that the server gets them soon. */
  get writable(): boolean {
    if (this.blocked || this.cancelRest !== undefined || this.cancelWait !== undefined || this.closed) return false;
    return this.host.session.main?.up === true;
  }

  /** The call that is written to, where it still takes something. */
  get current(): PublishCall | undefined {
    return this.call?.open === true ? this.call : undefined;
  }

  /** The number of the first message that the call was not given; undefined: there is no call. */
  get firstUnsent(): number | undefined {
    return this.call?.sentTo;
  }

  /** Sees that there is a call, while `writable`. @param first - the number of the next message */
  open(first: number): void {
    if (this.call !== undefined) return;
    this.call = new PublishCall(this.host.session.main!, first, this.scan, this);
    this.calls.add(this.call);
  }

  /** Writes to the current call all up to before a number. */
  write(frames: readonly Uint8Array[], end: number): void {
    const call = this.call!;
    for (const each of frames) if (!call.write(each)) this.blocked = true;
    call.sentTo = end;
  }

  /** There is a main channel, maybe another one. A channel that is on its way out waits for its calls to end. */
  located(): void {
    if (this.call !== undefined && this.call.channel !== this.host.session.main) this.retire(this.call);
    // the reason to wait was another channel's
    this.endRest();
    this.owner.room();
  }

  /**
   * Takes nothing more. Resolves when the calls are over.
   * @param ms - how long they may take to end in their own way, which they do when the server has read all
   */
  async close(ms: number): Promise<void> {
    this.closed = true;
    this.endRest();
    this.endWait();
    if (ms > 0 && this.calls.size > 0) {
      for (const call of this.calls) call.halfClose();
      await new Promise<void>((resolve) => {
        const cancel = this.host.clock.after(ms, resolve);
        this.allEnded = () => {
          cancel();
          resolve();
        };
      });
    }
    for (const call of this.calls) call.cancel();
    this.calls.clear();
  }

  answered(scan: PublishResponseScan): void {
    this.owner.answered(scan);
  }

  flushed(): void {
    this.backoff.reset();
    this.owner.flushed();
  }

  drained(call: PublishCall): void {
    if (call !== this.call) return;
    this.blocked = false;
    this.owner.room();
  }

  ended(call: PublishCall, status: CallStatus, cause: WeirError | undefined): void {
    this.calls.delete(call);
    const error =
      status.code === grpcStatus.ok
        ? new ConnectionError('the broker ended the PublishAsync call', { broker: 'liftbridge' })
        : statusError(status, 'publish', call.channel.address, cause);
    // for all channels, because nothing says of which of them it was
    if (cause instanceof ProtocolError) this.host.story.tell({ type: 'protocol', error });
    const current = call === this.call;
    if (current) {
      this.call = undefined;
      this.blocked = false;
      if (call.channel.up && !this.closed) this.rest(error);
    }
    if (this.calls.size === 0) this.endWait();
    this.owner.lost(call, current, error);
    if (this.calls.size === 0) this.allEnded?.();
  }

  private retire(call: PublishCall): void {
    if (!call.open) return;
    this.owner.flush();
    if (this.call !== call) return;
    this.call = undefined;
    this.blocked = false;
    call.halfClose();
    // which may be a broker that stands still; what it has not acknowledged by then is given back
    this.cancelWait ??= this.host.clock.after(this.host.resolved.ackTimeout, () => {
      this.cancelWait = undefined;
      this.owner.room();
    });
  }

  /** The channel is there and the call is not: the next one is opened a little later. */
  private rest(error: WeirError): void {
    const { clock, log } = this.host;
    log.warn('the PublishAsync call ended, and is opened again', error);
    this.cancelRest = clock.after(this.backoff.next() ?? 0, () => {
      this.cancelRest = undefined;
      this.owner.room();
    });
  }

  private endWait(): void {
    this.cancelWait?.();
    this.cancelWait = undefined;
  }

  private endRest(): void {
    this.cancelRest?.();
    this.cancelRest = undefined;
  }
}
