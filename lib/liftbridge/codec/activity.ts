import { activityOps } from './enums.js';
import { Reader } from '../../core/wire/reader.js';
import { frameOf } from './malformed.js';

/** The partitions of a stream that something was done to. */
export interface ActivityPartitions {
  readonly stream: string;
  readonly partitions: readonly number[];
}

/** What an event of the activity stream tells. */
export type Activity =
  | ({ readonly op: 'create-stream' | 'resume-stream' } & ActivityPartitions)
  | { readonly op: 'delete-stream'; readonly stream: string }
  | ({ readonly op: 'pause-stream'; readonly resumeAll: boolean } & ActivityPartitions)
  | ({ readonly op: 'set-stream-readonly'; readonly readonly: boolean } & ActivityPartitions)
  | {
      readonly op: 'join-consumer-group';
      readonly groupId: string;
      readonly consumerId: string;
      readonly streams: readonly string[];
    }
  | {
      readonly op: 'leave-consumer-group';
      readonly groupId: string;
      readonly consumerId: string;
      /** It was silent for too long. */
      readonly expired: boolean;
    }
  /** Of a server that knows more. */
  | { readonly op: 'unknown'; readonly code: number };

/**
 * An event of the activity stream. Its id is unique and rises, while an event can come more than once: by the id those
 * are known that were seen already.
 */
export type ActivityEvent = { readonly id: bigint } & Activity;

/** The field that tells more, one for each operation. */
const firstDetail = 3;
const none = new Uint8Array(0);

/** An event, which is the value of a message of the stream `__activity`. Throws `ProtocolError`. */
export function decodeActivityEvent(bytes: Uint8Array): ActivityEvent {
  const reader = new Reader(bytes, frameOf('ActivityStreamEvent'));
  let id = 0n;
  let op: number = activityOps.createStream;
  const details = new Map<number, Details>();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) id = reader.uint64();
    else if (field === 2) op = reader.int32();
    else if (isDetail(field - firstDetail)) details.set(field - firstDetail, readDetails(reader, field - firstDetail));
    else reader.skip();
  }
  const told = details.get(op) ?? readDetails(undefined, op);
  return { id, ...activityOf(op, told) };
}

function isDetail(op: number): boolean {
  return op >= activityOps.createStream && op <= activityOps.leaveConsumerGroup;
}

/** What the operations' messages have between them. */
interface Details {
  /** The stream or the group. */
  name: string;
  consumerId: string;
  streams: string[];
  partitions: number[];
  flag: boolean;
}

function readDetails(outer: Reader | undefined, op: number): Details {
  const details: Details = { name: '', consumerId: '', streams: [], partitions: [], flag: false };
  const ofGroup = op >= activityOps.joinConsumerGroup;
  const reader = outer?.message(frameOf('ActivityStreamEvent')) ?? new Reader(none, frameOf(''));
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) details.name = reader.string();
    else if (field === 2 && ofGroup) details.consumerId = reader.string();
    else if (field === 2 && op !== activityOps.deleteStream) reader.int32s(details.partitions);
    else if (field === 3 && op === activityOps.joinConsumerGroup) details.streams.push(reader.string());
    else if (field === 3 && hasFlag(op)) details.flag = reader.bool();
    else reader.skip();
  }
  return details;
}

function hasFlag(op: number): boolean {
  return (
    op === activityOps.pauseStream || op === activityOps.setStreamReadonly || op === activityOps.leaveConsumerGroup
  );
}

function activityOf(op: number, { name, consumerId, streams, partitions, flag }: Details): Activity {
  switch (op) {
    case activityOps.createStream:
      return { op: 'create-stream', stream: name, partitions };
    case activityOps.deleteStream:
      return { op: 'delete-stream', stream: name };
    case activityOps.pauseStream:
      return { op: 'pause-stream', stream: name, partitions, resumeAll: flag };
    case activityOps.resumeStream:
      return { op: 'resume-stream', stream: name, partitions };
    case activityOps.setStreamReadonly:
      return { op: 'set-stream-readonly', stream: name, partitions, readonly: flag };
    case activityOps.joinConsumerGroup:
      return { op: 'join-consumer-group', groupId: name, consumerId, streams };
    case activityOps.leaveConsumerGroup:
      return { op: 'leave-consumer-group', groupId: name, consumerId, expired: flag };
    default:
      return { op: 'unknown', code: op };
  }
}
