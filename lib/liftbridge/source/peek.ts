import { BrokerTimeoutError } from '../../core/errors.js';
import type { Clock } from '../../core/clock.js';
import type { OffsetKey } from '../../core/offset.js';
import { startPositions } from '../codec/enums.js';
import { emptyMessageScan, messageTimestamp, readMessage } from '../codec/message.js';
import { encodeSubscribeRequest, type SubscribeRequest } from '../codec/requests.js';
import { statusError } from '../connection/failures.js';
import type { Channel } from '../connection/channel.js';

/** Where a message lies, and when it was received. @internal */
export interface Place {
  readonly offset: OffsetKey;
  /** Nanoseconds since the Unix epoch. */
  readonly timestamp: bigint;
}

/** How long a look may take. @internal */
export interface PeekLimits {
  readonly clock: Clock;
  /** ms */
  readonly requestTimeout: number;
  readonly signal: AbortSignal;
}

/**
 * The first message that lies at an offset or behind it. There has to be one: it waits otherwise.
 * @throws what the broker answers, and BrokerTimeoutError
 * @internal
 */
export function peek(
  channel: Channel,
  stream: string,
  partition: number,
  offset: OffsetKey,
  limits: PeekLimits,
): Promise<Place> {
  const scan = emptyMessageScan();
  return look(
    channel,
    { stream, partition, startPosition: startPositions.offset, startOffset: offset },
    (bytes, start, end, index) => {
      if (index === 0) return undefined;
      readMessage(bytes, start, end, scan);
      return { offset: scan.offset, timestamp: messageTimestamp(bytes, scan.timestampAt) };
    },
    limits,
  );
}

/**
 * Finds out whether a partition can be read, by a subscription that ends as soon as it is accepted. One with `resume` resumes
 * what is paused, and one with a `consumer` ends the subscription of whoever read for the group before.
 * @throws what the broker answers, and BrokerTimeoutError
 * @internal
 */
export async function knock(
  channel: Channel,
  request: Pick<SubscribeRequest, 'stream' | 'partition' | 'resume' | 'consumer'>,
  limits: PeekLimits,
): Promise<void> {
  await look(channel, request, () => true, limits);
}

/** Subscribes until `take` gives something, asked with each message and its number; 0 is the one that says "accepted". */
function look<T>(
  channel: Channel,
  request: SubscribeRequest,
  take: (bytes: Uint8Array, start: number, end: number, index: number) => T | undefined,
  { clock, requestTimeout, signal }: PeekLimits,
): Promise<T> {
  const asked = `read partition ${request.partition ?? 0} of '${request.stream}'`;
  return new Promise((resolve, reject) => {
    let index = 0;
    const end = (settle: () => void): void => {
      cancelTimer();
      signal.removeEventListener('abort', abort);
      call.cancel();
      settle();
    };
    const fail = (error: unknown): void => {
      end(() => {
        reject(error);
      });
    };
    const abort = (): void => {
      fail(signal.reason);
    };
    const call = channel.call(
      'Subscribe',
      {
        message: (bytes, from, to) => {
          const found = take(bytes, from, to, index++);
          if (found === undefined) return true;
          end(() => {
            resolve(found);
          });
          return false;
        },
        flushed: () => undefined,
        drained: () => undefined,
        ended: (status, cause) => {
          fail(cause ?? statusError(status, asked, channel.address));
        },
      },
      encodeSubscribeRequest(request),
    );
    const cancelTimer = clock.after(requestTimeout, () => {
      fail(new BrokerTimeoutError(`cannot ${asked}: no message within ${requestTimeout} ms`, { broker: 'liftbridge' }));
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}
