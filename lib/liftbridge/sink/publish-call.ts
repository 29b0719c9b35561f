import type { WeirError } from '../../core/errors.js';
import { readPublishResponse, type PublishResponseScan } from '../codec/publish-response.js';
import type { Call, CallHandlers, CallStatus } from '../connection/call.js';
import type { SinkChannel } from './host.js';

/** Who is told how a call does. @internal */
export interface PublishCallOwner {
  /** One response, to be looked at before this returns. */
  answered(scan: PublishResponseScan): void;
  /** All responses of one read were handed over. */
  flushed(): void;
  drained(call: PublishCall): void;
  /** Once, last; not after `cancel()`. */
  ended(call: PublishCall, status: CallStatus, cause: WeirError | undefined): void;
}

/** One PublishAsync call: messages of any streams go out on it, and their answers come in. @internal */
export class PublishCall implements CallHandlers {
  /** What was written on it has the numbers from `first` to before `sentTo`. */
  sentTo: number;
  /** Whether the server has said anything. */
  answered = false;
  private readonly call: Call;

  constructor(
    readonly channel: SinkChannel,
    readonly first: number,
    private readonly scan: PublishResponseScan,
    private readonly owner: PublishCallOwner,
  ) {
    this.sentTo = first;
    this.call = channel.call('PublishAsync', this);
  }

  /** Whether `write` would write. */
  get open(): boolean {
    return this.call.open;
  }

  /** Of one that has ended: whether the broker has certainly looked at nothing that was written on it. */
  get unseen(): boolean {
    return !this.answered && this.call.unseen;
  }

  /** False: hold back until `drained`. */
  write(frames: Uint8Array): boolean {
    return this.call.write(frames);
  }

  /** Nothing more is written; answers may still come. */
  halfClose(): void {
    this.call.halfClose();
  }

  cancel(): void {
    this.call.cancel();
  }

  message(bytes: Uint8Array, start: number, end: number): boolean {
    readPublishResponse(bytes, start, end, this.scan);
    this.answered = true;
    this.owner.answered(this.scan);
    return true;
  }

  flushed(): void {
    this.owner.flushed();
  }

  drained(): void {
    this.owner.drained(this);
  }

  ended(status: CallStatus, cause: WeirError | undefined): void {
    this.owner.ended(this, status, cause);
  }
}
