import { AuthorizationError, StreamNotFoundError, UnsupportedError, type WeirError } from '../core/errors.js';
import { offsetKey, type OffsetKey } from '../core/offset.js';
import { cursorPartition } from './codec/cursor-key.js';
import { decodeFetchCursorResponse, encodeFetchCursorRequest, encodeSetCursorRequest } from './codec/cursors.js';
import { grpcStatus } from './codec/grpc-status.js';
import { decodeEmptyResponse } from './codec/responses.js';
import type { CallStatus } from './connection/call.js';
import { cursorsStream } from './names.js';
import type { Session } from './session/session.js';

const broker = 'liftbridge';

/**
 * Positions that the servers store: the offset of the last message that was processed. Each is kept by the leader of one of
 * the partitions of `__cursors`.
 * @internal
 */
export class Cursors {
  constructor(private readonly session: Pick<Session, 'stream' | 'callLeader'>) {}

  /**
   * The stored offset; undefined where none is. A server that was just restarted may not know of it for a while.
   * @throws UnsupportedError where the servers store no cursors; StreamUnavailableError, AuthorizationError, ConnectionError,
   * BrokerTimeoutError, ClosedError
   */
  async fetch(stream: string, partition: number, id: string, signal?: AbortSignal): Promise<OffsetKey | undefined> {
    const asked = `fetch the cursor '${id}' of partition ${partition} of the stream '${stream}'`;
    const keeper = await this.keeper(stream, partition, id, asked, signal);
    const request = encodeFetchCursorRequest({ stream, partition, cursorId: id });
    const decode = decodeFetchCursorResponse;
    const fail = failure(asked);
    const { offset } = await this.session.callLeader(cursorsStream, keeper, 'FetchCursor', request, {
      asked,
      decode,
      fail,
      signal,
    });
    return offset < 0n ? undefined : offsetKey(offset);
  }

  /**
   * Stores an offset, be it lower than the one before; -1 for none. Neither the stream nor the partition needs to be there.
   * @throws as `fetch`
   */
  async set(stream: string, partition: number, id: string, offset: bigint, signal?: AbortSignal): Promise<void> {
    const asked = `store the cursor '${id}' of partition ${partition} of the stream '${stream}'`;
    const keeper = await this.keeper(stream, partition, id, asked, signal);
    const request = encodeSetCursorRequest({ stream, partition, cursorId: id, offset });
    const decode = (bytes: Uint8Array): void => {
      decodeEmptyResponse(bytes, 'SetCursorResponse');
    };
    await this.session.callLeader(cursorsStream, keeper, 'SetCursor', request, {
      asked,
      decode,
      fail: failure(asked),
      signal,
    });
  }

  /** The partition of `__cursors` that keeps it. */
  private async keeper(
    stream: string,
    partition: number,
    id: string,
    asked: string,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    try {
      const { count } = await this.session.stream(cursorsStream, { signal });
      return cursorPartition(id, stream, partition, Math.max(count, 1));
    } catch (error) {
      if (error instanceof StreamNotFoundError) throw switchedOff(asked, error);
      throw error;
    }
  }
}

function switchedOff(asked: string, cause: WeirError | undefined, status?: CallStatus): UnsupportedError {
  const said = status ? ` (${status.name}: ${status.message})` : '';
  return new UnsupportedError(
    `cannot ${asked}: this Liftbridge stores no cursors${said}; set cursors.stream.partitions in its configuration to 1 or more`,
    { broker, cause, ...(status && { detail: { code: status.code, name: status.name, message: status.message } }) },
  );
}

/** Storing a cursor is publishing it too, which may be what is not allowed. */
function failure(asked: string): (status: CallStatus) => WeirError | undefined {
  return (status) => {
    const { code, name, message } = status;
    if (code !== grpcStatus.internal) return undefined;
    if (/cursors stream does not exist/i.test(message)) return switchedOff(asked, undefined, status);
    if (!/not authorized/i.test(message)) return undefined;
    return new AuthorizationError(
      `cannot ${asked}: ${message}; storing cursors needs the right to Publish on ${cursorsStream} as well`,
      { broker, detail: { code, name, message } },
    );
  };
}
