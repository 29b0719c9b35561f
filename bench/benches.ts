/** One who is measured. */
export interface Entrant {
  /** As the table shows it. */
  readonly label: string;
  /** The key of its code in `contenders/index.ts`. */
  readonly contender: string;
  readonly task: string;
}

/** What an entrant is to reach against the baseline. */
export interface Target {
  /** The label of the entrant. */
  readonly label: string;
  /** Times the baseline's messages a second, at least. */
  readonly rate: number;
  /** Times the baseline's CPU time for a message, at most. */
  readonly cpu: number;
}

/** Entrants that do the same, so that they can be compared. */
export interface Comparison {
  readonly title: string;
  readonly entrants: readonly Entrant[];
  /** The label of the entrant that the others are divided by. */
  readonly baseline?: string;
  readonly targets?: readonly Target[];
  /** Who fills the channel that all entrants of a round read. */
  readonly filledBy?: Entrant;
  /** Times as many messages as were asked for, where one costs very little. */
  readonly scale?: number;
}

/** What one name on the command line stands for. */
export interface Bench {
  /** Whether it needs a NATS Streaming server. */
  readonly server: boolean;
  readonly comparisons: readonly Comparison[];
}

const peer = 'node-nats-streaming 0.3.2';
const overV2 = 'rx-weir, nats v2 (owned)';
const overV3 = 'rx-weir, nats v3 (borrowed)';
const floor = 'bare nats v2 (floor)';

export const benches: Readonly<Record<string, Bench>> = {
  operators: {
    server: false,
    comparisons: [
      {
        title: 'operators: work that is done at once, then ack',
        scale: 5,
        entrants: [
          { label: 'mergeMap', contender: 'operators', task: 'mergeMap' },
          { label: 'ackMergeMap', contender: 'operators', task: 'ackMergeMap' },
          { label: 'concatMap', contender: 'operators', task: 'concatMap' },
          { label: 'ackConcatMap', contender: 'operators', task: 'ackConcatMap' },
        ],
        baseline: 'mergeMap',
      },
    ],
  },
  memory: {
    server: false,
    comparisons: [
      {
        title: 'memory: publish, each receipt observed',
        entrants: [
          { label: 'rx-weir, publishFrom', contender: 'memory', task: 'publish' },
          { label: 'rx-weir, sink', contender: 'memory', task: 'sink' },
        ],
      },
      {
        title: 'memory: replay, each message acked by hand',
        entrants: [{ label: 'rx-weir, messages', contender: 'memory', task: 'replay' }],
      },
    ],
  },
  'nats-streaming': {
    server: true,
    comparisons: [
      {
        title: 'NATS Streaming: publish, each receipt observed (publishFrom)',
        entrants: [
          { label: overV2, contender: 'rx-weir-v2', task: 'publish' },
          { label: peer, contender: 'node-nats-streaming', task: 'publish' },
          { label: overV3, contender: 'rx-weir-v3', task: 'publish' },
          { label: `${overV2}, sink`, contender: 'rx-weir-v2', task: 'sink' },
          { label: floor, contender: 'nats-floor', task: 'publish' },
        ],
        baseline: peer,
        targets: [overV2, overV3].map((label) => ({ label, rate: 2, cpu: 0.5 })),
      },
      {
        title: 'NATS Streaming: replay, each message acked by hand (messages)',
        entrants: [
          { label: overV2, contender: 'rx-weir-v2', task: 'replay' },
          { label: peer, contender: 'node-nats-streaming', task: 'replay' },
          { label: overV3, contender: 'rx-weir-v3', task: 'replay' },
          { label: floor, contender: 'nats-floor', task: 'replay' },
        ],
        baseline: peer,
        targets: [overV2, overV3].map((label) => ({ label, rate: 1.5, cpu: 0.75 })),
        filledBy: { label: 'the channel', contender: 'nats-floor', task: 'publish' },
      },
    ],
  },
};
