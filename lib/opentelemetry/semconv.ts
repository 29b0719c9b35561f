/**
 * The names of OpenTelemetry's semantic conventions for messaging, and of what they have no word for. They follow version
 * 1.45.0, in which messaging is still in development; `messaging.system`, which that version renamed to
 * `messaging.system.name`, is given as well, because what reads traces mostly looks for it.
 */

/** Attributes of spans and metrics. @internal */
export const attribute = {
  system: 'messaging.system',
  systemName: 'messaging.system.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  subscription: 'messaging.destination.subscription.name',
  group: 'messaging.consumer.group.name',
  messageId: 'messaging.message.id',
  errorType: 'error.type',
  /** Where a message is stored, as a decimal string: 64 bits are more than an attribute's number holds. */
  offset: 'rx_weir.message.offset',
  redelivered: 'rx_weir.message.redelivered',
  outcome: 'rx_weir.outcome',
} as const;

/** Metrics. @internal */
export const metric = {
  operationDuration: 'messaging.client.operation.duration',
  sent: 'messaging.client.sent.messages',
  consumed: 'messaging.client.consumed.messages',
  processDuration: 'messaging.process.duration',
} as const;

/** The boundaries that the conventions ask for in histograms of durations, in seconds. */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** What an operation is called, and of which of the conventions' types it is. @internal */
export interface Operation {
  readonly name: string;
  readonly type: string;
}

/** @internal */
export const operation: Readonly<Record<'publish' | 'process', Operation>> = {
  publish: { name: 'publish', type: 'send' },
  process: { name: 'process', type: 'process' },
};

/** `error.type` of what has no code of its own. @internal */
export const otherError = '_OTHER';

const systems: Readonly<Record<string, string>> = {
  'rabbitmq-stream': 'rabbitmq',
  'nats-streaming': 'nats',
  jetstream: 'nats',
};

/** `messaging.system` of a broker: what the conventions know it as, else its own name. @internal */
export function systemOf(broker: string | undefined): string {
  return broker === undefined ? otherError : (systems[broker] ?? broker);
}
