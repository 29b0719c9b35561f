import type { SourceOptions } from '../../core/broker.js';
import { count, func, kinds, leftOut, oneOf, type Shape } from '../../core/check.js';
import type { NewOnly } from '../../core/starts.js';
import { dedupeChecker, type LonelypsDedupe } from '../dedupe-options.js';

/**
 * What a source of lonelyps takes. The broadcaster keeps nothing, so that there are no positions, no groups and no redelivery;
 * a message that was lost on its way is told on `missed`.
 */
export interface LonelypsSourceOptions extends Omit<
  SourceOptions<NewOnly, never>,
  'until' | 'durable' | 'queue' | 'ackWait'
> {
  readonly until?: undefined;
  readonly durable?: undefined;
  readonly queue?: undefined;
  readonly ackWait?: undefined;
  /**
   * When the broadcaster is answered: when a message has its place in the window, or when its delivery is settled, which holds
   * the publisher up, and refuses what is released. Default: the handle's, `'buffered'`.
   */
  readonly answer?: 'buffered' | 'settled' | undefined;
  /** Drops copies: of one topic, with the same bytes, within so many ms. Default: the handle's, none. */
  readonly dedupe?: LonelypsDedupe | undefined;
  /**
   * Called when all is subscribed, before the first message is emitted, and again after each change of the selection and each loss:
   * the place to read a state that the messages change. Messages wait, within the window, until the promise that it may return is
   * fulfilled; what it throws, or is rejected with, ends the source.
   */
  readonly onReceiving?: (() => unknown) | undefined;
}

const keepsNothing = 'lonelyps keeps no messages and no positions';

/** @internal */
export const lonelypsSourceShape: Shape = {
  start: kinds('newOnly'),
  until: leftOut(keepsNothing),
  durable: leftOut(keepsNothing),
  queue: leftOut('lonelyps gives each message to every subscriber'),
  ackWait: leftOut('lonelyps delivers nothing twice'),
  maxInFlight: count(),
  answer: oneOf('buffered', 'settled'),
  dedupe: dedupeChecker,
  onReceiving: func(),
};
