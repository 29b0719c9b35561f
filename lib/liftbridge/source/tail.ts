import { StreamUnavailableError } from '../../core/errors.js';
import type { PartitionTail, Session } from '../session/session.js';
import { knock, type PeekLimits } from './peek.js';
import { pausedError } from './subscription.js';

/** Whose end is asked for. @internal */
export interface TailRequest {
  readonly stream: string;
  readonly partition: number;
  /** `resume`: whether a partition that is paused is to be resumed. */
  readonly options: { readonly resume?: boolean | undefined };
}

/**
 * The end of a log, by its leader; of a partition that is paused, once it was resumed.
 * @throws StreamUnavailableError, not retriable, for one that is paused and may not be resumed; what a session's `tail` throws
 * @internal
 */
export async function askTail(
  session: Pick<Session, 'tail' | 'stream' | 'leader'>,
  { stream, partition, options }: TailRequest,
  limits: PeekLimits,
): Promise<PartitionTail> {
  const { signal } = limits;
  const resume = options.resume === true;
  try {
    return await session.tail(stream, partition, signal);
  } catch (error) {
    // the leader of a paused partition answers as a broker that does not lead it
    if (!(error instanceof StreamUnavailableError)) throw error;
    const info = await session.stream(stream, { fresh: true, signal });
    if (info.partitions.get(partition)?.paused !== true) throw error;
    const channel = await session.leader(stream, partition, { signal });
    try {
      // the broker goes on saying "paused" when the partition was resumed
      await knock(channel, { stream, partition, resume }, limits);
    } catch (reason) {
      const { message } = reason as Error;
      throw message.includes('segment has been closed') ? pausedError({ stream, partition }, reason) : error;
    }
    try {
      return await session.tail(stream, partition, signal);
    } catch (again) {
      // its leader takes subscribers that wait for what is new, and does not tell of it
      const isPaused = again instanceof StreamUnavailableError && again.detail?.['paused'] === true;
      throw isPaused && !resume ? pausedError({ stream, partition }, again) : again;
    }
  }
}
