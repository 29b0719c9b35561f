import type { servers } from './server.js';

/** One who is measured. */
export interface Entrant {
  /** As the table shows it. */
  readonly label: string;
  /** The key of its code in `contenders/index.ts`. */
  readonly contender: string;
  readonly task: string;
  /** The part of the messages that it gets, where all would take it too long. Default 1. */
  readonly share?: number;
}

/** What an entrant is to reach against another. */
export interface Target {
  /** The label of the entrant. */
  readonly label: string;
  /** The label of the other, one of the baselines. Default the first of them. */
  readonly against?: string;
  /** Times the other's messages a second, at least. */
  readonly rate: number;
  /** Times the other's CPU time for a message, at most. */
  readonly cpu?: number;
}

/** Entrants that do the same, so that they can be compared. */
export interface Comparison {
  readonly title: string;
  readonly entrants: readonly Entrant[];
  /** The labels of the entrants that all are divided by. */
  readonly baselines?: readonly string[];
  readonly targets?: readonly Target[];
  /** Who fills the channel that all entrants of a round read. */
  readonly filledBy?: Entrant;
  /** Times as many messages as were asked for, where one costs very little. */
  readonly scale?: number;
  /** The most messages that are unconfirmed, or unacked, at a time, where the command line does not say. Default 4096. */
  readonly window?: number;
}

/** What one name on the command line stands for. */
export interface Bench {
  /** The server that it needs. */
  readonly server?: keyof typeof servers;
  readonly comparisons: readonly Comparison[];
}

const plain = 'memory()';
const stan = 'node-nats-streaming 0.3.2';
const overV2 = 'rx-weir, nats v2 (owned)';
const overV3 = 'rx-weir, nats v3 (borrowed)';
const natsFloor = 'bare nats v2 (floor)';
const rabbitPeer = 'rabbitmq-stream-js-client 1.0.0';
const rstream = 'rstream 1.1.1 (Python)';
const rabbitFloor = 'bare socket (floor)';
const goLiftbridge = 'go-liftbridge 2.3.0 (Go)';
const gufo = 'gufo-liftbridge 0.2.0 (Python)';
const grpcJs = 'bare @grpc/grpc-js';
const lonelypsc = 'lonelypsc 0.0.18 (Python)';
const lonelypsFloor = 'bare sockets (floor)';
const http2Floor = 'bare node:http2 (floor)';

export const benches: Readonly<Record<string, Bench>> = {
  operators: {
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
        baselines: ['mergeMap'],
      },
    ],
  },
  memory: {
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
  opentelemetry: {
    comparisons: (
      [
        ['publish, each receipt observed (publishFrom)', 'publish'],
        ['publish by a sink', 'sink'],
        ['replay, each message acked by hand', 'replay'],
      ] as const
    ).map(([title, task]) => ({
      title: `OpenTelemetry without an SDK, on memory: ${title}`,
      scale: 2,
      entrants: [
        { label: plain, contender: 'memory', task },
        { label: 'instrument(memory())', contender: 'memory-instrumented', task },
      ],
      baselines: [plain],
      targets: [{ label: 'instrument(memory())', rate: 0.98 }],
    })),
  },
  'nats-streaming': {
    server: 'nats-streaming',
    comparisons: [
      {
        title: 'NATS Streaming: publish, each receipt observed (publishFrom)',
        entrants: [
          { label: overV2, contender: 'rx-weir-v2', task: 'publish' },
          { label: stan, contender: 'node-nats-streaming', task: 'publish' },
          { label: overV3, contender: 'rx-weir-v3', task: 'publish' },
          { label: `${overV2}, sink`, contender: 'rx-weir-v2', task: 'sink' },
          { label: natsFloor, contender: 'nats-floor', task: 'publish' },
        ],
        baselines: [stan],
        targets: [overV2, overV3].map((label) => ({ label, rate: 2, cpu: 0.5 })),
      },
      {
        title: 'NATS Streaming: replay, each message acked by hand (messages)',
        entrants: [
          { label: overV2, contender: 'rx-weir-v2', task: 'replay' },
          { label: stan, contender: 'node-nats-streaming', task: 'replay' },
          { label: overV3, contender: 'rx-weir-v3', task: 'replay' },
          { label: natsFloor, contender: 'nats-floor', task: 'replay' },
        ],
        baselines: [stan],
        targets: [overV2, overV3].map((label) => ({ label, rate: 1.5, cpu: 0.75 })),
        filledBy: { label: 'the channel', contender: 'nats-floor', task: 'publish' },
      },
    ],
  },
  'rabbitmq-stream': {
    server: 'rabbitmq',
    comparisons: [
      {
        title: 'RabbitMQ Streams: publish, each receipt observed',
        scale: 5,
        window: 20_000,
        entrants: [
          { label: 'rx-weir, publishFrom', contender: 'rabbitmq-stream', task: 'publish' },
          { label: 'rx-weir, sink', contender: 'rabbitmq-stream', task: 'sink' },
          { label: rabbitPeer, contender: 'rabbitmq-stream-js-client', task: 'publish' },
          { label: rstream, contender: 'rstream', task: 'publish', share: 0.1 },
          { label: rabbitFloor, contender: 'rabbitmq-floor', task: 'publish' },
        ],
        baselines: [rabbitPeer],
        targets: ['rx-weir, publishFrom', 'rx-weir, sink'].map((label) => ({ label, rate: 1, cpu: 0.4 })),
      },
      {
        title: 'RabbitMQ Streams: consume from first, each message acked by hand (messages)',
        scale: 5,
        window: 20_000,
        entrants: [
          { label: 'rx-weir', contender: 'rabbitmq-stream', task: 'replay' },
          { label: 'rx-weir, larger window', contender: 'rabbitmq-stream', task: 'replayWide' },
          { label: `${rabbitPeer}, 10 credits`, contender: 'rabbitmq-stream-js-client', task: 'replayEager' },
          { label: rabbitPeer, contender: 'rabbitmq-stream-js-client', task: 'replay' },
          { label: rstream, contender: 'rstream', task: 'replay', share: 0.1 },
          { label: rabbitFloor, contender: 'rabbitmq-floor', task: 'replay' },
        ],
        baselines: [rabbitPeer],
        targets: [{ label: 'rx-weir', rate: 2, cpu: 0.5 }],
        filledBy: { label: 'the stream', contender: 'rabbitmq-floor', task: 'publish' },
      },
      {
        title: 'RabbitMQ Streams: publish in sub-entries of 100, gzip, each receipt observed',
        scale: 5,
        window: 20_000,
        entrants: [
          { label: 'rx-weir, publishFrom', contender: 'rabbitmq-stream', task: 'publishGzip' },
          { label: rabbitPeer, contender: 'rabbitmq-stream-js-client', task: 'publishGzip' },
        ],
        baselines: [rabbitPeer],
      },
    ],
  },
  liftbridge: {
    server: 'liftbridge',
    comparisons: [
      {
        title: 'Liftbridge: publish, each receipt observed',
        entrants: [
          { label: 'rx-weir, publishFrom', contender: 'liftbridge', task: 'publish' },
          { label: 'rx-weir, sink', contender: 'liftbridge', task: 'sink' },
          { label: goLiftbridge, contender: 'go-liftbridge', task: 'publish' },
          { label: grpcJs, contender: 'liftbridge-grpc-js', task: 'publish' },
          { label: gufo, contender: 'gufo-liftbridge', task: 'publish', share: 0.05 },
          { label: http2Floor, contender: 'liftbridge-floor', task: 'publish' },
        ],
        baselines: [goLiftbridge, grpcJs],
        targets: ['rx-weir, publishFrom', 'rx-weir, sink'].flatMap((label) => [
          { label, against: goLiftbridge, rate: 1 },
          { label, against: grpcJs, rate: 3 },
        ]),
      },
      {
        title: 'Liftbridge: consume from earliest, each message acked by hand (messages)',
        scale: 2,
        entrants: [
          { label: 'rx-weir', contender: 'liftbridge', task: 'replay' },
          { label: goLiftbridge, contender: 'go-liftbridge', task: 'replay' },
          { label: grpcJs, contender: 'liftbridge-grpc-js', task: 'replay' },
          { label: gufo, contender: 'gufo-liftbridge', task: 'replay', share: 0.05 },
          { label: http2Floor, contender: 'liftbridge-floor', task: 'replay' },
        ],
        baselines: [goLiftbridge, grpcJs],
        targets: [
          { label: 'rx-weir', against: goLiftbridge, rate: 1 },
          { label: 'rx-weir', against: grpcJs, rate: 1.3 },
        ],
        filledBy: { label: 'the stream', contender: 'liftbridge-floor', task: 'publish' },
      },
    ],
  },
  lonelyps: {
    server: 'lonelyps',
    comparisons: (['http', 'websocket'] as const).map((task) => ({
      title: `lonelyps: notify and receive over ${task === 'http' ? 'HTTP' : 'a websocket'}, in one process`,
      scale: 0.02,
      window: 32,
      entrants: [
        { label: 'rx-weir', contender: 'lonelyps', task },
        ...(task === 'http' ? [{ label: lonelypsFloor, contender: 'lonelyps-floor', task }] : []),
        { label: lonelypsc, contender: 'lonelypsc', task, share: 0.5 },
      ],
      baselines: [lonelypsc],
      targets: [{ label: 'rx-weir', rate: 1, cpu: 1 / 6 }],
    })),
  },
};
