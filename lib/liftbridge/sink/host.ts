import type { BrokerEvent } from '../../core/broker.js';
import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Address } from '../connection/address.js';
import type { Call, CallHandlers } from '../connection/call.js';

/** What publishing needs of a channel. @internal */
export interface SinkChannel {
  readonly address: Address;
  readonly up: boolean;
  call(method: string, handlers: CallHandlers): Call;
}

/** What publishing needs of a session; see there. @internal */
export interface SinkSession {
  readonly up: boolean;
  readonly main: SinkChannel | undefined;
  retry(attempt: (signal: AbortSignal) => Promise<void>, failed: (error: WeirError) => void, after?: WeirError): Cancel;
  stream(
    name: string,
    options?: { readonly fresh?: boolean; readonly signal?: AbortSignal },
  ): Promise<{ readonly count: number }>;
}

/** What the sinks of one handle need of it. @internal */
export interface SinkHost {
  readonly session: SinkSession;
  readonly clock: Clock;
  readonly log: Logger;
  readonly story: { tell(event: BrokerEvent): void };
  /** The handle's options, as far as they matter here. */
  readonly resolved: { readonly ackTimeout: number };
  /** Connects, if nothing did yet. */
  wake(): void;
}
