import { partitionOfKey } from './codec/cursor-key.js';

/** What a partition is chosen for. */
export interface PartitionedMessage {
  /** The value as the sink got it, before `message` and `codec`. */
  readonly value: unknown;
  /** The encoded value, as it will be stored. */
  readonly bytes: Uint8Array;
  /** The message's key. */
  readonly key: Uint8Array | undefined;
}

/** Chooses the partition of a message: an integer from 0 to before `partitions`, of which there are that many. */
export type Partitioner = (message: PartitionedMessage, partitions: number) => number;

/**
 * All messages with one key go to one partition: the CRC-32 (IEEE) of the key, modulo the number of partitions, as the other
 * clients do it. Messages without a key go to partition 0.
 */
export function byKey(): Partitioner {
  return ({ key }, partitions) => partitionOfKey(key, partitions);
}

/** One partition after the other, beginning with 0. All that are given the same one share its turns. */
export function roundRobin(): Partitioner {
  let turn = 0;
  return (_message, partitions) => {
    const partition = turn % partitions;
    turn = partition + 1;
    return partition;
  };
}
