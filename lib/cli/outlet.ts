import type { Writable } from 'node:stream';

/** What is told that its bytes were taken. */
export interface Accepted {
  ack(): void;
  release(): void;
}

const batchBytes = 64 * 1024;

/**
 * Writes to a stream in batches, one at a time. What a piece belongs to is acked when the stream has taken the piece, so
 * that a reader who is slow holds up the broker through the window, and one who goes away loses nothing.
 */
export class Outlet {
  /** Called once when the reader went away; nothing is written from then on. */
  onGone: (() => void) | undefined = undefined;
  /** Why nothing is written any more, where that is a failure. */
  failure: Error | undefined = undefined;
  private parts: (string | Uint8Array)[] = [];
  private waiting: Accepted[] = [];
  private bytes = 0;
  private binary = false;
  private writing = false;
  private scheduled = false;
  private gone = false;
  private idlers: (() => void)[] = [];
  private readonly onError = (error: Error): void => this.end(error);
  private readonly onClose = (): void => this.end(undefined);

  constructor(private readonly stream: Writable) {
    stream.on('error', this.onError).on('close', this.onClose);
    // one that has ended before says so no more
    if (!stream.writable) this.gone = true;
  }

  /** @param accepted - is acked when the bytes were taken, and released when they never will be */
  add(part: string | Uint8Array, accepted?: Accepted): void {
    if (this.gone) {
      accepted?.release();
      return;
    }
    this.parts.push(part);
    this.bytes += part.length;
    if (typeof part !== 'string') this.binary = true;
    if (accepted !== undefined) this.waiting.push(accepted);
    if (this.bytes >= batchBytes) this.write();
    else if (!this.scheduled && !this.writing) {
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.write();
      });
    }
  }

  /** Resolves when all that was added is out, or nothing goes out any more. */
  flush(): Promise<void> {
    this.write();
    if (!this.writing) return Promise.resolve();
    return new Promise((resolve) => this.idlers.push(resolve));
  }

  /** Lets go of the stream. */
  close(): void {
    this.stream.off('error', this.onError).off('close', this.onClose);
    // a pipe that breaks later is nobody's failure
    this.stream.on('error', () => undefined);
  }

  private write(): void {
    if (this.writing || this.gone || this.parts.length === 0) return;
    const { parts, waiting, binary } = this;
    this.parts = [];
    this.waiting = [];
    this.bytes = 0;
    this.binary = false;
    this.writing = true;
    const chunk = binary
      ? Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
      : parts.join('');
    this.stream.write(chunk, (error) => {
      this.writing = false;
      if (error) this.end(error);
      for (const each of waiting) {
        if (error) each.release();
        else each.ack();
      }
      this.write();
      if (!this.writing) for (const resolve of this.idlers.splice(0)) resolve();
    });
  }

  private end(error: Error | undefined): void {
    if (this.gone) return;
    this.gone = true;
    const { code } = (error ?? {}) as { code?: unknown };
    // who reads has read enough: that is how `| head` ends
    const quiet =
      error === undefined || ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(String(code));
    if (!quiet) this.failure = error;
    for (const each of this.waiting.splice(0)) each.release();
    this.parts = [];
    this.onGone?.();
    if (!this.writing) for (const resolve of this.idlers.splice(0)) resolve();
  }
}
