import type { WeirError } from '../../../lib/core/errors.js';
import type { Logger } from '../../../lib/core/logger.js';
import type { LonelypsAuth } from '../../../lib/lonelyps/auth/auth-options.js';
import { makeAuth } from '../../../lib/lonelyps/auth/make-auth.js';
import { MemoryBody, type Body } from '../../../lib/lonelyps/body.js';
import type { Connection } from '../../../lib/lonelyps/connection/connection.js';
import type { Arrival } from '../../../lib/lonelyps/connection/http.js';
import { openConnection } from '../../../lib/lonelyps/connection/open-connection.js';
import type { ConnectionOptions, ConnectionParts } from '../../../lib/lonelyps/connection/parts.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import type { Platform } from '../../../lib/lonelyps/platform.js';
import type { Pattern } from '../../../lib/lonelyps/session/session.js';
import { sha512 } from '../../support/fake-lonelyps/index.js';
import { ManualClock } from '../../support/manual-clock.js';
import { FakeBroadcaster } from './fake-broadcaster.js';

export { sha512 };

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const bodyOf = (bytes: Uint8Array): MemoryBody => new MemoryBody(bytes, sha512(bytes));
export const exact = (topic: string): Pattern => ({ kind: 'exact', key: `=${topic}`, topic: text(topic) });
export const glob = (pattern: string): Pattern => ({ kind: 'glob', key: `*${pattern}`, glob: pattern });

export const zstdOn = { required: true, dictionaries: new Map<number, Uint8Array>(), initial: 0, training: true };

export const defaults: ConnectionOptions = {
  connectTimeout: 10_000,
  spoolSize: 1024 * 1024,
  maxMessageBytes: 100 * 1024 * 1024,
  maxFrameBytes: 16 * 1024 * 1024,
  compression: undefined,
  pingInterval: 10_000,
  pingTimeout: 5_000,
  tls: undefined,
};

export const noAuth: LonelypsAuth = {};
export const tokenAuth: LonelypsAuth = {
  toBroadcaster: { type: 'token', token: 'tb-token' },
  toSubscriber: { type: 'token', token: 'ts-token' },
};
export const hmacAuth: LonelypsAuth = {
  toBroadcaster: { type: 'hmac', secret: Uint8Array.from({ length: 64 }, (_, at) => at) },
  toSubscriber: { type: 'hmac', secret: Uint8Array.from({ length: 64 }, (_, at) => at + 64) },
};

export type Outcome = ['confirmed', number] | ['refused', WeirError] | ['lost', WeirError, boolean];

export interface WorldOptions extends Partial<ConnectionOptions> {
  readonly auth?: LonelypsAuth;
  /** Of the broadcaster, where it is to differ. */
  readonly serverAuth?: LonelypsAuth;
  readonly page?: boolean;
  readonly platform?: Partial<Platform>;
  readonly signal?: AbortSignal;
  /** Changes what the broadcaster does before the connection begins. */
  readonly prepare?: (server: FakeBroadcaster) => void;
}

/** A connection to a fake broadcaster over a pair of sockets in memory, under a clock of its own. */
export class World {
  readonly clock = new ManualClock();
  readonly server: FakeBroadcaster;
  readonly arrivals: Arrival[] = [];
  readonly missed: string[] = [];
  readonly losses: WeirError[] = [];
  readonly faults: WeirError[] = [];
  readonly logged: string[] = [];
  drains = 0;
  /** What each arrival is answered with at once. */
  onArrival: (arrival: Arrival) => void = (arrival) => arrival.accept(1);
  connection!: Connection;
  readonly parts: ConnectionParts & { readonly platform: { -readonly [K in keyof Platform]: Platform[K] } };

  constructor(given: WorldOptions = {}) {
    const { auth = noAuth, serverAuth = auth, page = false, platform, signal, prepare, ...options } = given;
    this.server = new FakeBroadcaster(serverAuth, this.clock, !page);
    prepare?.(this.server);
    const log = (line: string): void => void this.logged.push(line);
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    this.parts = {
      platform: {
        ...nodePlatform,
        name: page ? 'browser' : 'node',
        load: () => Promise.resolve(),
        openSocket: (_url, _options, handlers) => this.server.accept(handlers),
        ...platform,
      },
      url: 'ws://fake:3003/v1/websocket',
      auth: makeAuth(auth, {
        hashing: nodePlatform.hashing,
        random: nodePlatform.random,
        now: () => this.clock.now(),
      }),
      options: { ...defaults, ...options },
      clock: this.clock,
      handlers: {
        arrived: (arrival) => {
          this.arrivals.push(arrival);
          this.onArrival(arrival);
        },
        missed: (topic) => this.missed.push(Buffer.from(topic).toString()),
        drained: () => this.drains++,
        lost: (error) => this.losses.push(error),
        fault: (error) => this.faults.push(error),
      },
      log: logger,
      signal,
    };
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    world.connection = await openConnection(world.parts);
    return world;
  }

  change(subscribe: boolean, pattern: Pattern): Promise<void> {
    return new Promise((resolve, reject) => {
      this.connection.change(subscribe, pattern, (error) => (error ? reject(error) : resolve()));
    });
  }

  notify(topic: string, body: Body | string | Uint8Array): Promise<Outcome> {
    const bytes = typeof body === 'string' ? text(body) : body;
    return new Promise((resolve) => {
      this.connection.notify(text(topic), bytes instanceof Uint8Array ? bodyOf(bytes) : bytes, {
        confirmed: (_id, notified) => resolve(['confirmed', notified]),
        refused: (error) => resolve(['refused', error]),
        lost: (error, written) => resolve(['lost', error, written]),
      });
    });
  }

  /** The one fault that ended the connection. */
  get fault(): WeirError {
    const [fault, ...more] = this.faults;
    if (!fault || more.length > 0) throw new Error(`not one fault, but: ${this.faults.join('; ')}`);
    if (this.losses.length !== 1 || this.losses[0] !== fault) throw new Error('the connection is not lost by it');
    return fault;
  }
}
