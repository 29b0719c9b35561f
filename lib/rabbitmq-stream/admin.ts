import { checkValue, instance } from '../core/check.js';
import type { Clock } from '../core/clock.js';
import { StreamExistsError, StreamNotFoundError, type WeirError } from '../core/errors.js';
import {
  checkCreateStream,
  checkCreateSuperStream,
  checkDelete,
  reference as referenceName,
  streamName,
  wireArguments,
  type CreateStreamOptions,
  type CreateSuperStreamOptions,
  type DeleteStreamOptions,
} from './admin-options.js';
import { keys } from './codec/keys.js';
import { encodeCreate, encodeCreateSuperStream, encodeDelete, encodeDeleteSuperStream } from './codec/requests.js';
import { responseCodes } from './codec/response-codes.js';
import type { Connection } from './connection/connection.js';
import { failure } from './connection/failures.js';
import { forgetOffset, forgotten, lastPublishingId, queryOffset, storeOffset } from './positions.js';
import { lastRecord, streamStats } from './session/last-record.js';
import type { CallOptions } from './session/locator.js';
import type { Session } from './session/session.js';
import { findPartitions } from './session/topology.js';

/** How a stream stands. A chunk is named by the offset of its first record. */
export interface StreamStats {
  /** The oldest chunk that is kept; undefined while the stream is empty. */
  readonly firstChunkId: bigint | undefined;
  /** The newest chunk, be it stored by enough nodes or not. */
  readonly lastChunkId: bigint | undefined;
  /** The newest chunk that enough nodes have stored. It may hold a stored position and no records. */
  readonly committedChunkId: bigint | undefined;
  /** All that the broker told, by its own names. */
  readonly all: ReadonlyMap<string, bigint>;
}

/** What a handle on RabbitMQ Streams can do beside reading and writing. Each connects first, where that was not done. */
export interface RabbitMqStreamAdmin {
  /**
   * Makes a stream.
   * @throws StreamExistsError where there is one, with `ifNotExists` only where it was made with other arguments (or is a queue);
   * AuthorizationError, InvalidOptionError
   */
  createStream(name: string, options?: CreateStreamOptions): Promise<void>;
  /**
   * Deletes a stream with all that it holds. Its sources error, and what was published and not confirmed fails.
   * @throws StreamNotFoundError unless `ifExists`; AuthorizationError
   */
  deleteStream(name: string, options?: DeleteStreamOptions): Promise<void>;
  /** Whether there is a stream of that name. A queue of another kind is none. */
  streamExists(name: string): Promise<boolean>;
  /** How a stream stands. @throws StreamNotFoundError, AuthorizationError */
  streamStats(name: string): Promise<StreamStats>;
  /**
   * Makes a super stream: an exchange, and a stream for each partition.
   * @throws StreamExistsError where it, or one of the streams, is there; with `ifNotExists` only where its partitions are others;
   * AuthorizationError, InvalidOptionError; UnsupportedError before RabbitMQ 3.13
   */
  createSuperStream(name: string, options: CreateSuperStreamOptions): Promise<void>;
  /**
   * Deletes a super stream with its streams and all that they hold.
   * @throws StreamNotFoundError unless `ifExists`; AuthorizationError; UnsupportedError before RabbitMQ 3.13
   */
  deleteSuperStream(name: string, options?: DeleteStreamOptions): Promise<void>;
  /** The streams of a super stream, in their order. @throws StreamNotFoundError where there is no super stream of that name */
  partitions(name: string): Promise<readonly string[]>;
  /**
   * Stores the offset of the last record that was processed, under a name: a consumer that tracks under it resumes one after.
   * It may be lower than the one before.
   * @param offset - up to 2^64 - 2
   * @throws StreamNotFoundError, AuthorizationError
   */
  storeOffset(reference: string, stream: string, offset: number | bigint): Promise<void>;
  /**
   * The offset that was stored last under that name.
   * @throws OffsetNotFoundError where none is, or `forget` dropped it; StreamNotFoundError, AuthorizationError
   */
  queryOffset(reference: string, stream: string): Promise<bigint>;
  /**
   * How far the stored offset is behind the last record: 0 where all is processed, else about as many records. Each position
   * that was stored in between takes an offset too, and records that retention has removed meanwhile count.
   * @throws OffsetNotFoundError where none is stored; StreamNotFoundError, StreamUnavailableError, AuthorizationError
   */
  lag(reference: string, stream: string): Promise<bigint>;
  /**
   * The highest publishing id that a named producer has stored on a stream. The broker answers 0 both for the id 0 and for a
   * producer that has stored nothing.
   * @throws StreamNotFoundError, AuthorizationError
   */
  lastPublishingId(producer: string, stream: string): Promise<bigint>;
}

/** What {@link Admin} is made of. @internal */
export interface AdminParts {
  readonly session: Session;
  readonly clock: Clock;
  /** How long to wait for a connection that was lost, in milliseconds. */
  readonly patience: number;
  /** The handle's own: rejects where there is no connection to be had, or the handle was closed. */
  readonly connect: () => Promise<void>;
}

const broker = 'rabbitmq-stream';

const storable = instance(isStorable, 'an offset: an integer, as number or bigint, from 0 to 2^64 - 2');

/** @internal */
export class Admin implements RabbitMqStreamAdmin {
  constructor(private readonly parts: AdminParts) {}

  // all are async, so that whatever is wrong with the call rejects
  async createStream(name: string, options: CreateStreamOptions = {}): Promise<void> {
    checkCreateStream(`createStream(${quoted(name)})`, name, options);
    const { ifNotExists = false } = options;
    const subject = { action: `create the stream '${name}'`, stream: name, precondition: 'exists' } as const;
    const make = (id: number): Uint8Array => encodeCreate(id, { stream: name, arguments: wireArguments(options) });
    try {
      await this.call((connection) => connection.request(keys.create, make, nothing, subject), { repeat: ifNotExists });
    } catch (error) {
      if (!ifNotExists || !isThere(error)) throw error;
    }
  }

  async deleteStream(name: string, options: DeleteStreamOptions = {}): Promise<void> {
    checkDelete(`deleteStream(${quoted(name)})`, name, options);
    const { ifExists = false } = options;
    const subject = { action: `delete the stream '${name}'`, stream: name };
    const make = (id: number): Uint8Array => encodeDelete(id, { stream: name });
    try {
      await this.call((connection) => connection.request(keys.delete, make, nothing, subject), { repeat: ifExists });
    } catch (error) {
      if (!ifExists || !(error instanceof StreamNotFoundError)) throw error;
    }
  }

  async streamExists(name: string): Promise<boolean> {
    checkValue(`streamExists(${quoted(name)})`, 'name', name, streamName);
    const [found] = await this.call((connection) => connection.metadata([name]));
    const code = found?.code ?? responseCodes.STREAM_DOES_NOT_EXIST;
    if (code === responseCodes.STREAM_DOES_NOT_EXIST) return false;
    // one without a leader is there all the same
    if (code === responseCodes.OK || code === responseCodes.STREAM_NOT_AVAILABLE) return true;
    throw failure(code, { action: `tell whether there is a stream '${name}'`, stream: name });
  }

  async streamStats(name: string): Promise<StreamStats> {
    checkValue(`streamStats(${quoted(name)})`, 'name', name, streamName);
    const all = await this.call((connection) => streamStats(connection, name));
    const chunk = (key: string): bigint | undefined => {
      const id = all.get(key);
      return id === undefined || id < 0n ? undefined : id;
    };
    return {
      firstChunkId: chunk('first_chunk_id'),
      lastChunkId: chunk('last_chunk_id'),
      committedChunkId: chunk('committed_chunk_id'),
      all,
    };
  }

  async createSuperStream(name: string, options: CreateSuperStreamOptions = {}): Promise<void> {
    const { partitions, bindingKeys } = checkCreateSuperStream(`createSuperStream(${quoted(name)})`, name, options);
    const { ifNotExists = false } = options;
    const subject = { action: `create the super stream '${name}'`, stream: name, precondition: 'exists' } as const;
    const make = (id: number): Uint8Array =>
      encodeCreateSuperStream(id, { name, partitions, bindingKeys, arguments: wireArguments(options) });
    try {
      await this.call((connection) => connection.request(keys.createSuperStream, make, nothing, subject), {
        repeat: ifNotExists,
      });
    } catch (error) {
      if (!ifNotExists || !isThere(error)) throw error;
      await this.checkPartitions(name, partitions, error);
    }
  }

  async deleteSuperStream(name: string, options: DeleteStreamOptions = {}): Promise<void> {
    checkDelete(`deleteSuperStream(${quoted(name)})`, name, options);
    const { ifExists = false } = options;
    const subject = { action: `delete the super stream '${name}'`, stream: name };
    const make = (id: number): Uint8Array => encodeDeleteSuperStream(id, { name });
    try {
      await this.call(
        async (connection) => {
          // of any exchange that is no super stream the broker would delete the exchange
          await findPartitions(connection, name);
          await connection.request(keys.deleteSuperStream, make, nothing, subject);
        },
        { repeat: ifExists },
      );
    } catch (error) {
      if (!ifExists || !(error instanceof StreamNotFoundError)) throw error;
    }
  }

  async partitions(name: string): Promise<readonly string[]> {
    checkValue(`partitions(${quoted(name)})`, 'name', name, streamName);
    return this.call((connection) => findPartitions(connection, name));
  }

  async storeOffset(reference: string, stream: string, offset: number | bigint): Promise<void> {
    const where = `storeOffset(${quoted(reference)}, ${quoted(stream)})`;
    checkNames(where, reference, stream);
    checkValue(where, 'offset', offset, storable);
    await this.call((connection) => storeOffset(connection, reference, stream, BigInt(offset)));
  }

  async queryOffset(reference: string, stream: string): Promise<bigint> {
    checkNames(`queryOffset(${quoted(reference)}, ${quoted(stream)})`, reference, stream);
    return this.call((connection) => queryOffset(connection, reference, stream));
  }

  async lag(reference: string, stream: string): Promise<bigint> {
    const stored = await this.queryOffset(reference, stream);
    const last = await this.lastOffset(stream);
    // a stream that was made anew under the same name may be shorter than what was stored
    return last === undefined || last < stored ? 0n : last - stored;
  }

  async lastPublishingId(producer: string, stream: string): Promise<bigint> {
    const where = `lastPublishingId(${quoted(producer)}, ${quoted(stream)})`;
    checkValue(where, 'producer', producer, referenceName);
    checkValue(where, 'stream', stream, streamName);
    return this.call((connection) => lastPublishingId(connection, producer, stream));
  }

  /** Drops a stored offset: nothing is stored afterwards, as far as `queryOffset` and consumers of this package are concerned. */
  async forget(reference: string, stream: string): Promise<void> {
    await this.call((connection) => forgetOffset(connection, reference, stream));
  }

  /** The offset of the last record; undefined where there is none. */
  async lastOffset(stream: string, signal?: AbortSignal): Promise<bigint | undefined> {
    await this.parts.connect();
    const last = await lastRecord(this.parts.session, this.parts.clock, stream, signal);
    return last && BigInt(last.offset);
  }

  private async call<R>(use: (connection: Connection) => Promise<R>, options: CallOptions = {}): Promise<R> {
    const { session, patience, connect } = this.parts;
    if (!session.up) await connect();
    return session.locator.call(use, { ...options, within: patience });
  }

  /** A super stream "exists" for the broker as soon as one of its partitions does. */
  private async checkPartitions(name: string, wanted: readonly string[], cause: unknown): Promise<void> {
    let there: readonly string[] = [];
    try {
      there = await this.partitions(name);
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
    if (wanted.length === there.length && wanted.every((each, index) => each === there[index])) return;
    const problem =
      there.length === 0
        ? 'there is none, but something else has its name, or the name of one of its partitions'
        : `there is one with other partitions: ${there.slice(0, 5).join(', ')}${there.length > 5 ? ' …' : ''}`;
    throw new StreamExistsError(`cannot create the super stream '${name}': ${problem}`, {
      broker,
      cause,
      detail: (cause as WeirError).detail,
    });
  }
}

/** What the response code alone tells is all there is to it. */
function nothing(): void {
  // nothing to read
}

/** Whether it was refused because there is the same already; with other arguments the code is another one. */
function isThere(error: unknown): boolean {
  return error instanceof StreamExistsError && error.detail?.['code'] === responseCodes.STREAM_ALREADY_EXISTS;
}

function checkNames(where: string, reference: unknown, stream: unknown): void {
  checkValue(where, 'reference', reference, referenceName);
  checkValue(where, 'stream', stream, streamName);
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'bigint') return value >= 0n && value < forgotten;
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function quoted(name: unknown): string {
  return typeof name === 'string' ? `'${name}'` : String(name);
}
