import { bounded } from '../../core/bounded.js';
import type { Clock } from '../../core/clock.js';
import { BrokerTimeoutError, StreamUnavailableError } from '../../core/errors.js';
import { groupErrors, streamErrors } from '../codec/enums.js';
import {
  decodeFetchConsumerGroupAssignmentsResponse,
  decodeJoinConsumerGroupResponse,
  encodeFetchConsumerGroupAssignmentsRequest,
  encodeJoinConsumerGroupRequest,
  encodeLeaveConsumerGroupRequest,
  encodeReportConsumerGroupCoordinatorRequest,
} from '../codec/groups.js';
import type { FetchMetadataResponse } from '../codec/metadata.js';
import { decodeEmptyResponse } from '../codec/responses.js';
import type { UnaryOptions } from '../connection/channel.js';
import type { CallOptions } from '../session/calls.js';
import { groupFailure, type Generation } from './refusal.js';

const broker = 'liftbridge';

/** The part of a session that the calls of a consumer group go through. @internal */
export interface GroupSession {
  /** Whether a broker is connected. */
  readonly up: boolean;
  /** Asks any broker, waiting for a connection. */
  call<T>(method: string, request: Uint8Array, options: CallOptions<T>): Promise<T>;
  /** What a broker knows of streams and groups. */
  metadata(
    request: { readonly streams: readonly string[]; readonly groups: readonly string[] },
    signal?: AbortSignal,
  ): Promise<FetchMetadataResponse>;
  /** The way to one broker. One attempt. */
  broker(
    id: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ unary<T>(method: string, request: Uint8Array, options: UnaryOptions<T>): Promise<T> }>;
}

/** Which group, and the stream that is read in it. @internal */
export interface GroupRequest {
  readonly group: string;
  readonly stream: string;
}

/** What a new member is told. Times in milliseconds. @internal */
export interface Joined extends Generation {
  /** How long a member may be silent. */
  readonly consumerTimeout: number;
  /** How long the coordinator may be silent before it is to be reported. */
  readonly coordinatorTimeout: number;
}

/** What is this member's to read, of the one stream. @internal */
export interface Assignment {
  readonly epoch: bigint;
  /** Ascending. */
  readonly partitions: readonly number[];
}

/** What any broker knows of the group. @internal */
export interface GroupSight {
  /** Undefined: it knows of no such group. */
  readonly generation: Generation | undefined;
  readonly hasStream: boolean;
}

/** How long a call may take, and who waits for it. @internal */
export interface GroupCall {
  /** Milliseconds, with the wait for a connection and all. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

const nanosecondsInMillisecond = 1_000_000n;
/** The default of the servers, in milliseconds, for one that tells none. */
const usualTimeout = 15_000;

/** What a member asks about its group, of any broker or of the coordinator. All of it rejects with typed errors. @internal */
export class GroupCalls {
  constructor(
    private readonly session: GroupSession,
    private readonly clock: Clock,
    private readonly request: GroupRequest,
  ) {}

  /** @throws GroupRefusal: 'member', 'made', 'no group', 'no stream' */
  async join(consumerId: string, call: GroupCall): Promise<Joined> {
    const { group, stream } = this.request;
    const asked = `join the consumer group '${group}' to read '${stream}'`;
    const request = encodeJoinConsumerGroupRequest({ groupId: group, consumerId, streams: [stream] });
    const answer = await this.within(call, asked, (signal) =>
      this.session.call('JoinConsumerGroup', request, options(call, asked, decodeJoinConsumerGroupResponse, signal)),
    );
    return {
      coordinator: answer.coordinator,
      epoch: answer.epoch,
      consumerTimeout: milliseconds(answer.consumerTimeout),
      coordinatorTimeout: milliseconds(answer.coordinatorTimeout),
    };
  }

  /** @throws GroupRefusal: 'stranger', 'no group' */
  leave(consumerId: string, call: GroupCall): Promise<void> {
    const { group } = this.request;
    const asked = `leave the consumer group '${group}'`;
    const request = encodeLeaveConsumerGroupRequest({ groupId: group, consumerId });
    return this.within(call, asked, (signal) =>
      this.session.call(
        'LeaveConsumerGroup',
        request,
        options(
          call,
          asked,
          (bytes) => {
            decodeEmptyResponse(bytes, 'LeaveConsumerGroupResponse');
          },
          signal,
        ),
      ),
    );
  }

  /**
   * Asks for the member's partitions, which is its sign of life too, unless it is refused.
   * @throws GroupRefusal: 'epoch', 'coordinator', 'stranger', 'no group'
   */
  async assignment(consumerId: string, { coordinator, epoch }: Generation, call: GroupCall): Promise<Assignment> {
    const { group, stream } = this.request;
    if (coordinator === '') {
      throw new StreamUnavailableError(`the consumer group '${group}' has no coordinator at the moment`, { broker });
    }
    const asked = `ask '${coordinator}' for this member's partitions in the consumer group '${group}'`;
    const request = encodeFetchConsumerGroupAssignmentsRequest({ groupId: group, consumerId, epoch });
    const answer = await this.within(call, asked, async (signal) => {
      const channel = await this.session.broker(coordinator, { signal });
      return channel.unary(
        'FetchConsumerGroupAssignments',
        request,
        options(call, asked, decodeFetchConsumerGroupAssignmentsResponse, signal),
      );
    });
    const mine = answer.assignments.filter((each) => each.stream === stream).flatMap(({ partitions }) => partitions);
    return { epoch: answer.epoch, partitions: [...new Set(mine)].sort((one, other) => one - other) };
  }

  /** Looks up who coordinates the group. A broker may lag behind. */
  async look(call: GroupCall): Promise<GroupSight> {
    const { group, stream } = this.request;
    const asked = `look up the coordinator of the consumer group '${group}'`;
    const answer = await this.within(call, asked, (signal) =>
      this.session.metadata({ streams: [stream], groups: [group] }, signal),
    );
    const found = answer.groups.find(({ groupId }) => groupId === group);
    const known = found?.error === groupErrors.ok;
    return {
      generation: known ? { coordinator: found.coordinator, epoch: found.epoch } : undefined,
      hasStream: answer.streams.some(({ name, error }) => name === stream && error === streamErrors.ok),
    };
  }

  /**
   * Says that the coordinator is silent; when most of the members have, there is another one.
   * @throws GroupRefusal: 'epoch' (with the generation that there is), 'stranger', 'no group'
   */
  report(consumerId: string, { coordinator, epoch }: Generation, call: GroupCall): Promise<void> {
    const { group } = this.request;
    const asked = `report '${coordinator}', the coordinator of the consumer group '${group}'`;
    const request = encodeReportConsumerGroupCoordinatorRequest({ groupId: group, consumerId, coordinator, epoch });
    return this.within(call, asked, (signal) =>
      this.session.call(
        'ReportConsumerGroupCoordinator',
        request,
        options(
          call,
          asked,
          (bytes) => {
            decodeEmptyResponse(bytes, 'ReportConsumerGroupCoordinatorResponse');
          },
          signal,
        ),
      ),
    );
  }

  /** Bounds all of it: a session also waits for connections, and tries again. */
  private within<T>(
    { timeout, signal }: GroupCall,
    asked: string,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const silence = `cannot ${asked}: nobody has answered within ${Math.round(timeout)} ms`;
    const late = (): Error => new BrokerTimeoutError(silence, { broker });
    return bounded({ clock: this.clock, ms: timeout, late, signal }, work);
  }
}

function options<T>(
  { timeout }: GroupCall,
  asked: string,
  decode: (bytes: Uint8Array) => T,
  signal: AbortSignal,
): UnaryOptions<T> {
  return { asked, decode, timeout, signal, fail: (status) => groupFailure(asked, status) };
}

function milliseconds(nanoseconds: bigint): number {
  const ms = Number(nanoseconds / nanosecondsInMillisecond);
  return ms > 0 ? ms : usualTimeout;
}
