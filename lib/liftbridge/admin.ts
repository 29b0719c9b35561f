import type { Clock } from '../core/clock.js';
import {
  InvalidOptionError,
  StreamExistsError,
  StreamNotFoundError,
  UnsupportedError,
  type WeirError,
} from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { pause } from '../core/pause.js';
import {
  checkCreateStream,
  checkDeleteStream,
  checkFetchCursor,
  checkMetadata,
  checkPartitionMetadata,
  checkPauseStream,
  checkSetCursor,
  checkSetStreamReadonly,
  isAmbiguous,
  wireRequest,
  type CreateStreamOptions,
  type DeleteStreamOptions,
  type FetchCursorOptions,
  type MetadataOptions,
  type PauseStreamOptions,
  type SetCursorOptions,
  type SetStreamReadonlyOptions,
} from './admin-options.js';
import { grpcStatus } from './codec/grpc-status.js';
import {
  encodeCreateStreamRequest,
  encodeDeleteStreamRequest,
  encodePauseStreamRequest,
  encodeSetStreamReadonlyRequest,
} from './codec/requests.js';
import { decodeEmptyResponse } from './codec/responses.js';
import type { CallStatus } from './connection/call.js';
import { leaderless } from './connection/leaderless.js';
import type { Cursors } from './cursors.js';
import { clusterMetadata, type ClusterMetadata, type PartitionMetadata } from './metadata.js';
import type { CallOptions, Session } from './session/session.js';

/**
 * What a handle on Liftbridge can do beside reading and writing. Each connects first, where that was not done, and fails with a
 * BrokerTimeoutError where there is no connection for as long as `connectTimeout` or `requestTimeout`.
 */
export interface LiftbridgeAdmin {
  /**
   * Makes a stream, and waits until its partitions can be published to and read.
   * @throws StreamExistsError where there is one, with `ifNotExists` only where its subject or its number of partitions is
   * another; UnsupportedError for `encryption` where the servers have no key; AuthorizationError; InvalidOptionError, also for
   * a replication factor beyond the number of brokers
   */
  createStream(options: CreateStreamOptions): Promise<void>;
  /**
   * Deletes a stream with all that it holds. Its sources error. One of the same name that is made later begins at offset 0.
   * @throws StreamNotFoundError unless `ifExists`; AuthorizationError, InvalidOptionError
   */
  deleteStream(name: string, options?: DeleteStreamOptions): Promise<void>;
  /**
   * Pauses a stream: it costs nothing until it is published to, or read with `resume: true`. What reads it ends, and what
   * comes through NATS past `publish` is lost meanwhile. Pausing twice is fine.
   * @throws StreamNotFoundError for no such stream or partition; AuthorizationError, InvalidOptionError
   */
  pauseStream(name: string, options?: PauseStreamOptions): Promise<void>;
  /**
   * Makes a stream take no messages, or take them again. Sources complete at its end.
   * @throws StreamNotFoundError for no such stream or partition; AuthorizationError, InvalidOptionError
   */
  setStreamReadonly(name: string, options?: SetStreamReadonlyOptions): Promise<void>;
  /** What the cluster consists of. @throws AuthorizationError, InvalidOptionError */
  metadata(options?: MetadataOptions): Promise<ClusterMetadata>;
  /**
   * How a partition stands, as its leader tells.
   * @param partition - default 0
   * @throws StreamNotFoundError; StreamUnavailableError while it is paused; AuthorizationError, InvalidOptionError
   */
  partitionMetadata(stream: string, partition?: number): Promise<PartitionMetadata>;
  /**
   * Stores the offset of the last message that was processed: a source that is `durable` under that id goes on after it. It may
   * be lower than the one before. Neither the stream nor the partition needs to be there.
   * @throws UnsupportedError where the servers store no cursors; AuthorizationError, InvalidOptionError
   */
  setCursor(options: SetCursorOptions): Promise<void>;
  /**
   * The stored offset; undefined where none is. Liftbridge 1.9 tells the highest of the last ones after a restart, where a
   * lower one was stored after it.
   * @throws UnsupportedError where the servers store no cursors; AuthorizationError, InvalidOptionError
   */
  fetchCursor(options: FetchCursorOptions): Promise<bigint | undefined>;
}

/** What {@link Admin} is made of. @internal */
export interface AdminParts {
  readonly session: Session;
  readonly cursors: Cursors;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds. */
  readonly requestTimeout: number;
  /** The handle's own: rejects where there is no connection to be had, or the handle was closed. */
  readonly connect: (signal: AbortSignal) => Promise<void>;
}

const broker = 'liftbridge';
/** How often it is looked whether a stream has its leaders, at most, in milliseconds. */
const longestWait = 500;

/** @internal */
export class Admin implements LiftbridgeAdmin {
  constructor(private readonly parts: AdminParts) {}

  // all are async, so that whatever is wrong with the call rejects
  async createStream(options: CreateStreamOptions): Promise<void> {
    checkCreateStream(options);
    const { name, ifNotExists = false } = options;
    const asked = `create the stream '${name}'`;
    if (isAmbiguous(options)) {
      this.parts.log.warn(
        `createStream('${name}'): a message to a subject that the wildcard stands for comes to partition 0, and to another only with its number behind it`,
      );
    }
    const request = encodeCreateStreamRequest(wireRequest(options));
    let isUnsure = false;
    const fail = (status: CallStatus): WeirError | undefined => {
      isUnsure ||= leaderless(status) === 'unsure';
      return creationFailure(status, asked, options);
    };
    try {
      await this.call('CreateStream', request, { asked, fail, repeat: ifNotExists });
    } catch (error) {
      // an attempt of which nothing is known has made it
      if (!(ifNotExists || isUnsure) || !(error instanceof StreamExistsError)) throw error;
      await this.compare(options, error);
    }
    await this.untilLed(name);
  }

  async deleteStream(name: string, options: DeleteStreamOptions = {}): Promise<void> {
    checkDeleteStream(name, options);
    const { ifExists = false } = options;
    const request = encodeDeleteStreamRequest({ name });
    let isUnsure = false;
    const fail = (status: CallStatus): undefined => {
      isUnsure ||= leaderless(status) === 'unsure';
    };
    try {
      await this.call('DeleteStream', request, { asked: `delete the stream '${name}'`, fail, repeat: ifExists });
    } catch (error) {
      if (!(ifExists || isUnsure) || !(error instanceof StreamNotFoundError)) throw error;
    } finally {
      this.parts.session.forgetStream(name);
    }
  }

  async pauseStream(name: string, options: PauseStreamOptions = {}): Promise<void> {
    checkPauseStream(name, options);
    const { partitions, resumeAll } = options;
    const request = encodePauseStreamRequest({ name, partitions, resumeAll });
    await this.call('PauseStream', request, { asked: `pause the stream '${name}'` });
    this.parts.session.forgetStream(name);
  }

  async setStreamReadonly(name: string, options: SetStreamReadonlyOptions = {}): Promise<void> {
    checkSetStreamReadonly(name, options);
    const { partitions, readonly = true } = options;
    const request = encodeSetStreamReadonlyRequest({ name, partitions, readonly });
    const asked = `make the stream '${name}' ${readonly ? 'readonly' : 'writable'}`;
    await this.call('SetStreamReadonly', request, { asked });
    this.parts.session.forgetStream(name);
  }

  async metadata(options: MetadataOptions = {}): Promise<ClusterMetadata> {
    checkMetadata(options);
    await this.connected();
    const { streams = [], groups } = options;
    const { session } = this.parts;
    const request = { streams, groups };
    return clusterMetadata(
      await session.patience.take('tell of the cluster', (signal) => session.metadata(request, signal)),
    );
  }

  async partitionMetadata(stream: string, partition = 0): Promise<PartitionMetadata> {
    checkPartitionMetadata(stream, partition);
    await this.connected();
    return this.parts.session.partition(stream, partition);
  }

  async setCursor(options: SetCursorOptions): Promise<void> {
    checkSetCursor(options);
    await this.connected();
    const { stream, partition = 0, id, offset } = options;
    const { session, cursors } = this.parts;
    await session.patience.take(`store the cursor '${id}'`, (signal) =>
      cursors.set(stream, partition, id, BigInt(offset), signal),
    );
  }

  async fetchCursor(options: FetchCursorOptions): Promise<bigint | undefined> {
    checkFetchCursor(options);
    await this.connected();
    const { stream, partition = 0, id } = options;
    const { session, cursors } = this.parts;
    const offset = await session.patience.take(`fetch the cursor '${id}'`, (signal) =>
      cursors.fetch(stream, partition, id, signal),
    );
    return offset === undefined ? undefined : BigInt(offset);
  }

  private async connected(): Promise<void> {
    const { session, connect } = this.parts;
    await session.patience.connected(connect);
  }

  private async call(method: string, request: Uint8Array, options: Omit<CallOptions<void>, 'decode'>): Promise<void> {
    await this.connected();
    await this.parts.session.call(method, request, {
      ...options,
      decode: (bytes) => {
        decodeEmptyResponse(bytes, `${method}Response`);
      },
    });
  }

  /** Whether what is there is what was asked for, as far as the cluster tells. */
  private async compare({ name, subject = name, partitions }: CreateStreamOptions, cause: WeirError): Promise<void> {
    const { session } = this.parts;
    const there = await session.patience.take(`look at the stream '${name}'`, (signal) =>
      session.stream(name, { fresh: true, signal }),
    );
    const differences = [
      ...(there.subject === subject ? [] : [`its subject is '${there.subject}'`]),
      ...(partitions === undefined || there.count === partitions ? [] : [`it has ${there.count} partitions`]),
    ];
    if (differences.length === 0) return;
    throw new StreamExistsError(`cannot create the stream '${name}': there is another one: ${differences.join(', ')}`, {
      broker,
      cause,
      detail: cause.detail,
    });
  }

  /** The stream is there; that its leaders are known is for what follows, and none of it makes it undone. */
  private async untilLed(name: string): Promise<void> {
    const { session, clock, requestTimeout, log } = this.parts;
    const end = clock.now() + requestTimeout;
    for (let wait = 20; ; wait = Math.min(wait * 2, longestWait)) {
      let problem: unknown;
      try {
        const { partitions } = await session.patience.take(`find the leaders of the stream '${name}'`, (signal) =>
          session.stream(name, { fresh: true, signal }),
        );
        if ([...partitions.values()].every(({ leader }) => leader !== undefined)) return;
      } catch (error) {
        problem = error;
      }
      const isNotYet = problem === undefined || problem instanceof StreamNotFoundError;
      if (!isNotYet || clock.now() + wait > end) {
        log.warn(`the stream '${name}' was created, and who leads it could not be found out`, problem);
        return;
      }
      await pause(wait, clock, undefined);
    }
  }
}

/** What a status means for creating a stream, where that is more than in general. */
function creationFailure(status: CallStatus, asked: string, options: CreateStreamOptions): WeirError | undefined {
  const { code, name, message } = status;
  const detail = { code, name, message, stream: options.name };
  if (code === grpcStatus.failedPrecondition) {
    const help = options.encryption
      ? '; its servers need a key of 16 or 32 characters in LIFTBRIDGE_ENCRYPTION_KEY, each of them'
      : '';
    return new UnsupportedError(`cannot ${asked}: ${message}${help}`, { broker, detail });
  }
  if (code === grpcStatus.invalidArgument && /replicationFactor/i.test(message)) {
    return new InvalidOptionError(
      `cannot ${asked}: ${message}; replicationFactor must not be more than the number of brokers, or maxReplication be true`,
      { broker, detail },
    );
  }
  return undefined;
}
