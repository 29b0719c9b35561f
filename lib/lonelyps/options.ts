import { reconnectChecker, reconnectPolicy, type ReconnectOptions, type ReconnectPolicy } from '../core/backoff.js';
import {
  checkOptions,
  count,
  duration,
  flag,
  func,
  instance,
  oneOf,
  required,
  type Checker,
  type Shape,
} from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import { guarded, type Logger } from '../core/logger.js';
import { tlsChecker, type TlsOptions } from '../core/tls.js';
import { authChecker, type LonelypsAuth } from './auth/auth-options.js';
import {
  broadcastersChecker,
  resolveBroadcasters,
  type Broadcaster,
  type LonelypsBroadcaster,
} from './broadcaster-options.js';
import { compressionChecker, resolveCompression, type LonelypsCompression } from './compression-options.js';
import type { ResolvedCompression } from './connection/parts.js';
import { dedupeChecker, type LonelypsDedupe } from './dedupe-options.js';
import type { Platform } from './platform.js';
import { receiveChecker, resolveReceive, type LonelypsReceive, type ResolvedReceive } from './receive-options.js';
import type { WebSocketConstructor } from './web-socket.js';

/** What `lonelyps` takes. All durations are milliseconds. */
export interface LonelypsOptions {
  /**
   * Where broadcasters are: `http://host:3003` or `https://…` to talk over HTTP, `ws://…` or `wss://…` to talk over a
   * websocket, each with a path prefix where a proxy has put one. They must share one list of subscriptions: any of them is
   * asked, those of the lowest `priority` first, by chance among equals.
   */
  readonly broadcasters: string | LonelypsBroadcaster | readonly (string | LonelypsBroadcaster)[];
  /**
   * How messages come in: over a port that is opened here, over a request handler to mount in an application, or over the
   * websocket. Absent with `http://` broadcasters: not at all, the handle only publishes.
   * @defaultValue the websocket, where `broadcasters` begin with `ws://` or `wss://`
   */
  readonly receive?: LonelypsReceive | undefined;
  /**
   * How each side proves who it is, or the promise of it, such as `authFromFile('subscriber-secrets.json')`, which is awaited
   * by the first connect. Never printed.
   * @defaultValue no authorization in either direction
   */
  readonly auth?: LonelypsAuth | PromiseLike<LonelypsAuth> | undefined;
  /**
   * How often each broadcaster is tried for one request over HTTP, the first time included, up to 20. Between one pass over
   * all of them and the next, 1 to 2 s pass, then 2 to 3, 4 to 5 and so on.
   * @defaultValue 2
   */
  readonly retries?: number | undefined;
  /**
   * Whether a message is sent again where nobody can tell whether it was delivered, so that it may arrive twice; otherwise
   * publishing it fails with a PublishUncertainError.
   * @defaultValue false
   */
  readonly resend?: boolean | undefined;
  /**
   * How long one request over HTTP may take, in milliseconds. A notification is answered when all subscribers have answered
   * it, one after the other. Also the longest wait that a broadcaster's `Retry-After` can ask for.
   * @defaultValue 30 000
   */
  readonly totalTimeout?: number | undefined;
  /**
   * How long connecting may take, in milliseconds: over HTTP a connection to one broadcaster, and the first answer of any of them;
   * over a websocket all of them together, each time.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long `close()` waits for what is unsettled or unconfirmed, in milliseconds. Unsubscribing comes after that, and takes
   * up to 2000 more where no broadcaster answers.
   * @defaultValue 10 000
   */
  readonly closeTimeout?: number | undefined;
  /**
   * How often a broadcaster is asked over HTTP whether it still has all subscriptions, in milliseconds, at least 1000.
   * Infinity: only after a loss or a failure.
   * @defaultValue 300 000
   */
  readonly checkInterval?: number | undefined;
  /**
   * When a delivery is confirmed to the broadcaster: once it has entered the subscriber's window, or when it was settled. A
   * broadcaster asks its subscribers one after the other, so that `'settled'` holds up whoever published the message; what is
   * released then is refused: a loss.
   * @defaultValue 'buffered'
   */
  readonly answer?: 'buffered' | 'settled' | undefined;
  /**
   * How long a delivery may wait for a place in a full window, or with `answer: 'settled'` to be settled, in milliseconds,
   * before it is refused: a loss, which `missed` tells. A broadcaster gives up by itself after 5000, unless it was set up
   * otherwise. Up to 30 000.
   * @defaultValue 4000
   */
  readonly answerWithin?: number | undefined;
  /**
   * Drops messages of the same topic with the same bytes, where they come within so many milliseconds, at most 86 400 000. The last
   * 65 536 messages are remembered.
   * @defaultValue nothing is dropped
   */
  readonly dedupe?: LonelypsDedupe | undefined;
  /**
   * Beyond how many bytes the body of a message goes to disk instead of memory, in and out. A page has memory alone.
   * @defaultValue 10 485 760
   */
  readonly spoolSize?: number | undefined;
  /**
   * The largest message that is taken, in bytes. One that is larger is refused; over a websocket, which has no refusal, it ends the
   * connection, and another is made.
   * @defaultValue 104 857 600
   */
  readonly maxMessageBytes?: number | undefined;
  /**
   * How many messages may be on their way to one topic at a time over HTTP, each on a connection of its own. To all topics
   * together they are a quarter more, so that work on one that publishes to another is not held up by what waits for it.
   * @defaultValue 32
   */
  readonly connections?: number | undefined;
  /**
   * Compression on the websocket (zstd). `true` fails where there is none, options set up dictionaries.
   * @defaultValue on in Node where it has zstd, or `@bokuweb/zstd-wasm` is installed; off in a page
   */
  readonly compression?: boolean | LonelypsCompression | undefined;
  /**
   * After how many milliseconds of silence the websocket is asked for a sign of life. Infinity: never. A page cannot ask, nor can
   * what is given as `WebSocket`: there silence counts only while an answer is owed.
   * @defaultValue 10 000
   */
  readonly pingInterval?: number | undefined;
  /**
   * How long that may take, in milliseconds; the connection then counts as lost.
   * @defaultValue 5000
   */
  readonly pingTimeout?: number | undefined;
  /**
   * How TLS to the broadcasters is set up, where they begin with `https://` or `wss://`; `true` is the same as nothing said.
   * Not in a page, nor with a `WebSocket` of yours, which decide by themselves. Never printed.
   */
  readonly tls?: boolean | TlsOptions | undefined;
  /** How a lost connection is made again, or broadcasters that are away are tried again; false: not at all. */
  readonly reconnect?: ReconnectOptions | false | undefined;
  /** Where to log; silent by default. */
  readonly logger?: Logger | undefined;
  /**
   * How long the headers of a callback may take to come in, in milliseconds, at the port that is opened here; a server that the
   * handler is mounted in has its own.
   * @defaultValue 5000
   */
  readonly headersTimeout?: number | undefined;
  /**
   * How long the body of a callback may take to come in, in milliseconds.
   * @defaultValue 30 000
   */
  readonly bodyTimeout?: number | undefined;
  /**
   * How many connections broadcasters may have to the port that is opened here, and how many callbacks may be unanswered; one more
   * is refused.
   * @defaultValue 256
   */
  readonly maxConnections?: number | undefined;
  /** A WebSocket to use instead of the platform's own (in Node: instead of `ws`). */
  readonly WebSocket?: WebSocketConstructor | undefined;
}

/** The options with their defaults. What is secret is not enumerable, so that nothing that prints the rest prints it. @internal */
export interface ResolvedOptions {
  readonly transport: 'http' | 'websocket';
  /** At least one. */
  readonly broadcasters: readonly Broadcaster[];
  readonly receive: ResolvedReceive;
  /** As given: not checked where it is a promise, whose rejection is heard in any case. */
  readonly auth: LonelypsAuth | PromiseLike<LonelypsAuth> | undefined;
  readonly retries: number;
  readonly resend: boolean;
  readonly totalTimeout: number;
  readonly connectTimeout: number;
  readonly closeTimeout: number;
  /** Milliseconds, or Infinity. */
  readonly checkInterval: number;
  readonly answer: 'buffered' | 'settled';
  readonly answerWithin: number;
  readonly dedupe: LonelypsDedupe | undefined;
  readonly spoolSize: number;
  readonly maxMessageBytes: number;
  readonly connections: number;
  /** Undefined: off. */
  readonly compression: ResolvedCompression | undefined;
  /** Milliseconds, or Infinity. */
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly tls: TlsOptions | undefined;
  /** Undefined: nothing is connected again. */
  readonly reconnect: ReconnectPolicy | undefined;
  readonly logger: Logger;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly maxConnections: number;
  readonly WebSocket: WebSocketConstructor | undefined;
}

const authOption: Checker = {
  accepts: `${authChecker.accepts}, or a promise of it`,
  secret: true,
  problem: (name, value) => (isPromise(value) ? undefined : authChecker.problem(name, value)),
};

const lonelypsShape: Shape<LonelypsOptions> = {
  broadcasters: required(broadcastersChecker),
  receive: receiveChecker,
  auth: authOption,
  retries: count({ max: 20 }),
  resend: flag(),
  totalTimeout: duration({ min: 1 }),
  connectTimeout: duration({ min: 1 }),
  closeTimeout: duration(),
  checkInterval: duration({ min: 1000, infinity: true }),
  answer: oneOf('buffered', 'settled'),
  answerWithin: duration({ max: 30_000 }),
  dedupe: dedupeChecker,
  spoolSize: count({ min: 0 }),
  maxMessageBytes: count({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  connections: count({ max: 65_535 }),
  compression: compressionChecker,
  pingInterval: duration({ min: 1, infinity: true }),
  pingTimeout: duration({ min: 1 }),
  tls: tlsChecker,
  reconnect: reconnectChecker,
  logger: instance(isLogger, 'an object with the functions debug, info, warn and error'),
  headersTimeout: duration({ min: 1 }),
  bodyTimeout: duration({ min: 1 }),
  maxConnections: count({ max: 65_535 }),
  WebSocket: func(),
};

const where = 'lonelyps()';
/** When a broadcaster gives up on a callback, with a little for its way back. */
const broadcastersPatience = 4_900;

/**
 * Checks the options of `lonelyps`, all of them, and gives them with their defaults.
 * @throws InvalidOptionError that names the option and what it accepts
 * @internal
 */
export function resolveOptions(options: LonelypsOptions, platform: Pick<Platform, 'name' | 'http'>): ResolvedOptions {
  checkOptions(where, options, lonelypsShape);
  const { transport, broadcasters, secured } = resolveBroadcasters(where, options);
  const receive = resolveReceive(where, options.receive, transport);
  checkCombinations(options, transport, secured, platform);
  const { tls, auth } = options;
  hear(auth);
  const logger = guarded(options.logger);
  const answerWithin = options.answerWithin ?? 4_000;
  if (answerWithin > broadcastersPatience && transport === 'http') {
    logger.warn(`answerWithin is ${answerWithin} ms; a broadcaster counts a delivery as missed after 5000 by default`);
  }
  const resolved = {
    transport,
    broadcasters,
    receive,
    retries: options.retries ?? 2,
    resend: options.resend ?? false,
    totalTimeout: options.totalTimeout ?? 30_000,
    connectTimeout: options.connectTimeout ?? 10_000,
    closeTimeout: options.closeTimeout ?? 10_000,
    checkInterval: options.checkInterval ?? 300_000,
    answer: options.answer ?? 'buffered',
    answerWithin,
    dedupe: options.dedupe,
    spoolSize: options.spoolSize ?? 10 * 1024 * 1024,
    maxMessageBytes: options.maxMessageBytes ?? 100 * 1024 * 1024,
    connections: options.connections ?? 32,
    compression: resolveCompression(where, options.compression, platform.name),
    pingInterval: options.pingInterval ?? 10_000,
    pingTimeout: options.pingTimeout ?? 5_000,
    reconnect: reconnectPolicy(options.reconnect),
    logger,
    headersTimeout: options.headersTimeout ?? 5_000,
    bodyTimeout: options.bodyTimeout ?? 30_000,
    maxConnections: options.maxConnections ?? 256,
    WebSocket: options.WebSocket,
  };
  return Object.defineProperties(resolved, {
    tls: { value: typeof tls === 'object' ? tls : undefined, enumerable: false },
    auth: { value: auth, enumerable: false },
  }) as ResolvedOptions;
}

function checkCombinations(
  { tls, compression, WebSocket }: LonelypsOptions,
  transport: 'http' | 'websocket',
  secured: boolean,
  platform: Pick<Platform, 'name' | 'http'>,
): void {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'lonelyps' });
  };
  if (transport === 'http' && platform.http === undefined) {
    refuse(
      'a page can talk to a broadcaster over the websocket alone, because its HTTP answers no page of another origin; ' +
        "give broadcasters as 'ws://…' or 'wss://…', or receive: { websocket: true }",
    );
  }
  if (platform.name === 'browser' && tls !== undefined) {
    refuse("tls is not accepted in a page, which sets up TLS by itself; write 'wss://' in broadcasters");
  }
  if (WebSocket !== undefined && typeof tls === 'object') {
    refuse('tls is set up by the WebSocket that is given; give that its certificates, or leave one of the two out');
  }
  if (!secured && tls !== undefined && tls !== false) {
    refuse("tls is given, and no broadcaster begins with 'https://' or 'wss://'; write that");
  }
  if (secured && tls === false) {
    refuse("tls is false, and broadcasters begin with 'https://' or 'wss://'; give one of them");
  }
  if (transport === 'http' && compression !== undefined && compression !== false) {
    refuse('compression is for the websocket; HTTP callbacks have none');
  }
  if (transport === 'http' && WebSocket !== undefined) {
    refuse("WebSocket is given, and broadcasters begin with 'http'; write 'ws', or give receive: { websocket: true }");
  }
  const pair = typeof tls === 'object' ? tls : {};
  if ((pair.cert === undefined) !== (pair.key === undefined)) {
    const [given, missing] = pair.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    refuse(`tls.${given} is given without tls.${missing}; a client certificate needs both`);
  }
}

/** A promise may be rejected long before anybody connects, which must not end the process. */
function hear(auth: LonelypsOptions['auth']): void {
  if (isPromise(auth)) auth.then(undefined, () => undefined);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}

function isLogger(value: unknown): boolean {
  const like = value as Record<string, unknown> | null;
  return (
    typeof like === 'object' &&
    like !== null &&
    ['debug', 'info', 'warn', 'error'].every((name) => typeof like[name] === 'function')
  );
}
