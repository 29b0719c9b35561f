import type { BrokerEvent, Receipt, Status } from './broker.js';
import type { Delivery } from './delivery.js';
import type { BrokerName } from './errors.js';

/**
 * What is told on `node:diagnostics_channel`, by the name of the channel. Nothing is built while nobody listens, and
 * nothing at all in a page, which has no such module. What a listener throws becomes an uncaught exception of the
 * process, as Node does with all of them; it disturbs no message.
 */
export interface Diagnostics {
  /** A value was accepted for publishing. */
  readonly 'rx-weir:publish': {
    readonly broker: BrokerName;
    readonly channel: string;
    readonly value: unknown;
    /** The encoded size, in bytes. */
    readonly bytes: number;
    /** The same object as in the `rx-weir:receipt` of this value. */
    readonly publishing: object;
  };
  /** What became of a value; also of one that was never accepted. */
  readonly 'rx-weir:receipt': {
    readonly broker: BrokerName;
    readonly channel: string;
    readonly receipt: Receipt<unknown>;
    readonly publishing: object;
  };
  /** A message has taken a place in a window, and is about to be decoded and emitted. */
  readonly 'rx-weir:delivery': {
    readonly broker: BrokerName | undefined;
    readonly channel: string;
    readonly delivery: Delivery<unknown>;
    /** The message's size, in bytes: of the payload, and on RabbitMQ of all sections. */
    readonly bytes: number;
  };
  /** A delivery gave its place back. */
  readonly 'rx-weir:settle': {
    readonly broker: BrokerName | undefined;
    readonly channel: string;
    readonly delivery: Delivery<unknown>;
    readonly outcome: 'ack' | 'release';
  };
  /** A handle has moved on to another state. */
  readonly 'rx-weir:status': { readonly broker: BrokerName; readonly handle: object; readonly status: Status };
  /** Something happened beside the messages. */
  readonly 'rx-weir:event': { readonly broker: BrokerName; readonly handle: object; readonly event: BrokerEvent };
}

/** One of Node's channels, or in its place one that nobody can listen to. @internal */
export interface Channel<T> {
  readonly hasSubscribers: boolean;
  publish(message: T): void;
}

interface DiagnosticsModule {
  channel<N extends keyof Diagnostics>(name: N): Channel<Diagnostics[N]>;
}

const silent: DiagnosticsModule = {
  channel: () => ({ hasSubscribers: false, publish: () => undefined }),
};

/** Asked of the process, not imported: the same code runs in pages. */
function findModule(): DiagnosticsModule {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return (process?.getBuiltinModule?.('node:diagnostics_channel') as DiagnosticsModule | undefined) ?? silent;
}

function channelOf<N extends keyof Diagnostics>(name: N): Channel<Diagnostics[N]> {
  return findModule().channel(name);
}

/** @internal */
export const publishTold = /* @__PURE__ */ channelOf('rx-weir:publish');
/** @internal */
export const receiptTold = /* @__PURE__ */ channelOf('rx-weir:receipt');
/** @internal */
export const deliveryTold = /* @__PURE__ */ channelOf('rx-weir:delivery');
/** @internal */
export const settleTold = /* @__PURE__ */ channelOf('rx-weir:settle');
/** @internal */
export const statusTold = /* @__PURE__ */ channelOf('rx-weir:status');
/** @internal */
export const eventTold = /* @__PURE__ */ channelOf('rx-weir:event');
