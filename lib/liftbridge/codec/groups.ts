import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Makes a consumer a member of a group. */
export interface JoinConsumerGroupRequest {
  readonly groupId: string;
  readonly consumerId: string;
  readonly streams: readonly string[];
}

export function encodeJoinConsumerGroupRequest(request: JoinConsumerGroupRequest): Uint8Array {
  return new Writer().string(1, request.groupId).string(2, request.consumerId).strings(3, request.streams).finish();
}

/** Whom a new member has to ask for its partitions. */
export interface JoinConsumerGroupResponse {
  /** The id of a broker. */
  coordinator: string;
  epoch: bigint;
  /** After how many nanoseconds of silence a consumer is no member any more. */
  consumerTimeout: bigint;
  /** After how many nanoseconds of silence the coordinator is to be reported. */
  coordinatorTimeout: bigint;
}

/** Throws `ProtocolError`. */
export function decodeJoinConsumerGroupResponse(bytes: Uint8Array): JoinConsumerGroupResponse {
  const reader = new Reader(bytes, frameOf('JoinConsumerGroupResponse'));
  const response: JoinConsumerGroupResponse = {
    coordinator: '',
    epoch: 0n,
    consumerTimeout: 0n,
    coordinatorTimeout: 0n,
  };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.coordinator = reader.string();
    else if (field === 2) response.epoch = reader.uint64();
    else if (field === 3) response.consumerTimeout = reader.int64();
    else if (field === 4) response.coordinatorTimeout = reader.int64();
    else reader.skip();
  }
  return response;
}

/** Ends a membership. */
export interface LeaveConsumerGroupRequest {
  readonly groupId: string;
  readonly consumerId: string;
}

export function encodeLeaveConsumerGroupRequest(request: LeaveConsumerGroupRequest): Uint8Array {
  return new Writer().string(1, request.groupId).string(2, request.consumerId).finish();
}

/** Asks the coordinator for the partitions of a member, which is the member's sign of life too. */
export interface FetchConsumerGroupAssignmentsRequest {
  readonly groupId: string;
  readonly consumerId: string;
  readonly epoch: bigint;
}

export function encodeFetchConsumerGroupAssignmentsRequest(request: FetchConsumerGroupAssignmentsRequest): Uint8Array {
  return new Writer().string(1, request.groupId).string(2, request.consumerId).int64(3, request.epoch).finish();
}

/** Partitions of one stream. */
export interface PartitionAssignment {
  stream: string;
  partitions: number[];
}

/** The partitions of a member. */
export interface FetchConsumerGroupAssignmentsResponse {
  epoch: bigint;
  assignments: PartitionAssignment[];
}

/** Throws `ProtocolError`. */
export function decodeFetchConsumerGroupAssignmentsResponse(bytes: Uint8Array): FetchConsumerGroupAssignmentsResponse {
  const reader = new Reader(bytes, frameOf('FetchConsumerGroupAssignmentsResponse'));
  const response: FetchConsumerGroupAssignmentsResponse = { epoch: 0n, assignments: [] };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.epoch = reader.uint64();
    else if (field === 2) response.assignments.push(readAssignment(reader.message(frameOf('PartitionAssignment'))));
    else reader.skip();
  }
  return response;
}

function readAssignment(reader: Reader): PartitionAssignment {
  const assignment: PartitionAssignment = { stream: '', partitions: [] };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) assignment.stream = reader.string();
    else if (field === 2) reader.int32s(assignment.partitions);
    else reader.skip();
  }
  return assignment;
}

/** Says that the coordinator is silent. A majority of the members has to. */
export interface ReportConsumerGroupCoordinatorRequest {
  readonly groupId: string;
  readonly consumerId: string;
  readonly coordinator: string;
  readonly epoch: bigint;
}

export function encodeReportConsumerGroupCoordinatorRequest(
  request: ReportConsumerGroupCoordinatorRequest,
): Uint8Array {
  return new Writer()
    .string(1, request.groupId)
    .string(2, request.consumerId)
    .string(3, request.coordinator)
    .int64(4, request.epoch)
    .finish();
}
