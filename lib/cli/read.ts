import type { Subscription } from 'rxjs';
import type { Delivery } from '../core/delivery.js';
import type { Opened } from './open.js';
import type { Outlet } from './outlet.js';
import { messagesOf } from './source.js';

/** How messages are read and written. */
export interface Reading {
  readonly opened: Opened;
  readonly channel: unknown;
  readonly options: object;
  readonly outlet: Outlet;
  readonly signal: AbortSignal;
  /** What is written of a message. */
  readonly render: (delivery: Delivery) => string | Uint8Array;
  /** After how many to end. Default: never. */
  readonly most?: number | undefined;
  /** After how many ms without a message to end. Default: never. */
  readonly idle?: number | undefined;
  /** Whether a message is acked when it was written. Default true. */
  readonly acks?: boolean | undefined;
}

/** How it ended. */
export interface ReadingEnd {
  readonly count: number;
  readonly bytes: number;
  /** Seconds. */
  readonly seconds: number;
}

/**
 * Writes messages until the source ends, enough have come, the signal says so or the reader goes away. Resolves when what
 * came is written and acked.
 * @throws what the source errors with, when what came before is written
 */
export async function readMessages(reading: Reading, progress?: { count: number }): Promise<ReadingEnd> {
  const { opened, channel, options, outlet, signal, render, most = Infinity, idle, acks = true } = reading;
  const source = messagesOf(opened.broker, channel, options);
  const begun = performance.now();
  let count = 0;
  let bytes = 0;
  const held: Delivery[] = [];
  await new Promise<void>((resolve, reject) => {
    let subscription: Subscription | undefined = undefined;
    let over = false;
    const quiet = idle === undefined ? undefined : setTimeout(() => end(), idle);
    const end = (error?: unknown): void => {
      if (over) return;
      over = true;
      clearTimeout(quiet);
      signal.removeEventListener('abort', stop);
      outlet.onGone = undefined;
      // a source that emits at once has no subscription yet: it is ended below
      subscription?.unsubscribe();
      void outlet.flush().then(() => {
        for (const each of held) each.release();
        const failure = (error as Error | undefined) ?? outlet.failure;
        if (failure === undefined) resolve();
        // it is what the source, or the stream, has failed with
        else reject(failure);
      });
    };
    const stop = (): void => end();
    signal.addEventListener('abort', stop, { once: true });
    outlet.onGone = stop;
    if (signal.aborted) {
      stop();
      return;
    }
    subscription = source.subscribe({
      next: (delivery) => {
        if (over) {
          delivery.release();
          return;
        }
        count++;
        bytes += delivery.value.length;
        if (progress !== undefined) progress.count = count;
        quiet?.refresh();
        let rendered: string | Uint8Array;
        try {
          rendered = render(delivery);
        } catch (error) {
          delivery.release();
          end(error);
          return;
        }
        outlet.add(rendered, acks ? delivery : undefined);
        if (!acks) held.push(delivery);
        if (count >= most) end();
      },
      error: (error: unknown) => end(error),
      complete: () => end(),
    });
    // it may have ended while it was subscribed to
    if (over) subscription.unsubscribe();
  });
  return { count, bytes, seconds: (performance.now() - begun) / 1000 };
}
