import type { WeirError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import type { AuthSide } from '../../../lib/lonelyps/auth/auth-options.js';
import { makeAuth } from '../../../lib/lonelyps/auth/make-auth.js';
import type { Arrival, Listener, ListenerOptions } from '../../../lib/lonelyps/connection/http.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import type { Log } from '../../support/refusals.js';

/** How a listener under test is set up. */
export interface ListeningOptions extends Partial<Omit<ListenerOptions, 'verifier' | 'signer'>> {
  readonly toBroadcaster?: AuthSide;
  readonly toSubscriber?: AuthSide;
  /** ms since the Unix epoch. */
  readonly now?: () => number;
  /** What becomes of a message; by default it is accepted at once. */
  readonly onArrival?: (arrival: Arrival) => void;
  readonly log?: Log;
}

/** A listener with all that it was told. */
export interface Listening {
  readonly listener: Listener;
  readonly arrivals: Arrival[];
  readonly missed: string[];
  readonly refused: WeirError[];
}

/** Makes a listener, which does not listen yet. */
export function makeListening(options: ListeningOptions = {}): Listening {
  const { toBroadcaster, toSubscriber, now = Date.now, onArrival, log, ...rest } = options;
  const arrivals: Arrival[] = [];
  const missed: string[] = [];
  const refused: WeirError[] = [];
  const { hashing, random, startBody, http } = nodePlatform;
  const auth = makeAuth({ toBroadcaster, toSubscriber }, { hashing, random, now });
  const listener = http!.listener(
    {
      urls: () => ({ receive: 'http://me/v1/receive', recover: 'http://me/v1/recover' }),
      prefix: '',
      verifier: () => auth.toSubscriber,
      signer: () => auth.toBroadcaster,
      spoolSize: 1_000_000,
      maxMessageBytes: 2_000_000,
      startBody,
      headersTimeout: 5_000,
      bodyTimeout: 5_000,
      maxConnections: 100,
      ...rest,
    },
    {
      arrived: (arrival) => {
        arrivals.push(arrival);
        if (onArrival === undefined) arrival.accept(1);
        else onArrival(arrival);
      },
      missed: (topic) => missed.push(Buffer.from(topic).toString()),
      refused: (error) => refused.push(error),
    },
    log ?? silent,
  );
  return { listener, arrivals, missed, refused };
}
