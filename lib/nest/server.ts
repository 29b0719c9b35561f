import type { CustomTransportStrategy } from '@nestjs/microservices';
import { distinctUntilChanged, map, Subscription, type Observable } from 'rxjs';
import { json } from '../codec/json.js';
import { reconnectPolicy, reconnectShape, type ReconnectOptions } from '../core/backoff.js';
import type { AnyBroker, Broker, BrokerEvent, BrokerTypes, Status } from '../core/broker.js';
import {
  checkOptions,
  codec,
  duration,
  either,
  flag,
  instance,
  object,
  oneOf,
  required,
  type Shape,
} from '../core/check.js';
import type { Decoder, Encoder } from '../core/codec.js';
import { InvalidOptionError } from '../core/errors.js';
import type { BrokerContext } from './context.js';
import {
  BROKER,
  handlerShape,
  resolveHandlerOptions,
  type HandlerOptions,
  type ResolvedHandlerOptions,
} from './handler-options.js';
import { Listener, type ListenerHost, type RpcHandler } from './listener.js';
import { baseClass, nestCommon, nestMicroservices } from './packages.js';
import { channelOf, isBare } from './patterns.js';

/** What {@link BrokerServer} takes. All durations are milliseconds. */
export interface BrokerServerOptions<K extends BrokerTypes = AnyBroker> {
  /** The handle whose messages the handlers get. */
  readonly broker: Broker<K>;
  /**
   * Whether `close()` closes the broker too. Give false for a handle that others use or close, such as one of
   * `BrokerModule`.
   * @defaultValue true
   */
  readonly owns?: boolean | undefined;
  /**
   * What handlers say as their transport, where there are several servers.
   * @defaultValue BROKER
   */
  readonly transport?: symbol | undefined;
  /**
   * Makes values of the payloads.
   * @defaultValue json()
   */
  readonly codec?: Decoder<unknown> | undefined;
  /** What handlers' own options are put over. */
  readonly defaults?: HandlerOptions | undefined;
  /**
   * How long `close()` waits for handlers at work. What has not finished then is released.
   * @defaultValue 10 000
   */
  readonly drainTimeout?: number | undefined;
  /**
   * What becomes of a message whose pattern no handler has, on a channel that has handlers for others: it is acked,
   * released, or counts as a handler's failure.
   * @defaultValue 'ack'
   */
  readonly onUnknown?: 'ack' | 'release' | 'error' | undefined;
  /** How answers to requests are sent. */
  readonly replies?: BrokerReplyOptions | undefined;
  /**
   * How a subscription is made again that the broker has ended, or `onError: 'throw'`. The first wait is 1000 ms.
   * False: not at all.
   */
  readonly resubscribe?: Omit<ReconnectOptions, 'initial'> | false | undefined;
}

/** How a {@link BrokerServer} sends answers. */
export interface BrokerReplyOptions {
  /**
   * Makes bytes of the responses.
   * @defaultValue the server's codec where it encodes, else json()
   */
  readonly codec?: Encoder<unknown> | undefined;
}

/** What a {@link BrokerServer} tells by `on`. */
export interface BrokerServerEvents {
  /** How the broker's handle stands; the current state comes at once. */
  status: (status: Status) => void;
  /** What happened beside the messages. */
  event: (event: BrokerEvent) => void;
  /** A subscription has ended, a dead letter was refused, or an answer could not be sent. */
  error: (error: unknown) => void;
}

/** How one subscription of a {@link BrokerServer} stands. */
export interface BrokerSubscription {
  readonly channel: string;
  readonly durable: string | undefined;
  readonly queue: string | undefined;
  /** `waiting`: it has ended with an error and is about to be made again. */
  readonly state: 'idle' | 'live' | 'waiting' | 'ended';
  /** What it last ended with. */
  readonly error: unknown;
  /** Messages that handlers are at work on. */
  readonly active: number;
}

const { initial: _, ...resubscribeShape } = reconnectShape;

const shape: Shape<BrokerServerOptions> = {
  broker: required(instance(isBroker, 'the handle of a broker')),
  owns: flag(),
  transport: instance((value) => typeof value === 'symbol', 'a symbol'),
  codec: codec('decode'),
  defaults: object<HandlerOptions>(handlerShape),
  drainTimeout: duration({ max: 2 ** 31 - 1 }),
  onUnknown: oneOf('ack', 'release', 'error'),
  replies: object<BrokerReplyOptions>({ codec: codec('encode') }),
  resubscribe: either(object<Omit<ReconnectOptions, 'initial'>>(resubscribeShape), oneOf(false)),
};

type Handler = RpcHandler & { isEventHandler?: boolean; extras?: Record<string, unknown> };

interface Added {
  readonly pattern: unknown;
  readonly handler: Handler;
  readonly isEvent: boolean;
  readonly options: ResolvedHandlerOptions;
}

/**
 * Runs the `@EventPattern` and `@MessagePattern` handlers of a Nest application on the messages of a broker, as
 * `strategy` of `createMicroservice` or `connectMicroservice`.
 *
 * The pattern is the channel. Handlers that differ in `durable` or `queue` have subscriptions of their own; those that
 * don't share one, and a message is acked when all of them are done.
 */
export class BrokerServer<K extends BrokerTypes = AnyBroker>
  extends baseClass(() => nestMicroservices().Server)
  implements CustomTransportStrategy
{
  /** What handlers say as their transport to be run by this server alone. */
  override transportId: symbol;
  /** Handlers' errors are seen here, so Nest does not report them on its own. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly options: BrokerServerOptions<K>;
  private readonly broker: Broker;
  private readonly added: Added[] = [];
  private readonly log: { warn(message: string): void; error(message: string): void };
  private readonly told = new Subscription();
  private readonly errorCallbacks = new Set<BrokerServerEvents['error']>();
  private listeners: readonly Listener[] = [];
  private closed: Promise<void> | undefined;

  /** @throws InvalidOptionError, and UnsupportedError where `@nestjs/microservices` is not installed */
  constructor(options: BrokerServerOptions<K>) {
    super();
    checkOptions('new BrokerServer()', options, shape as unknown as Shape);
    this.options = options;
    this.broker = options.broker;
    this.transportId = options.transport ?? BROKER;
    this.log = new (nestCommon().Logger)('BrokerServer');
  }

  /** The state of the broker's handle, as its own `status` has it. */
  override get status(): Observable<Status['state']> {
    return this.broker.status.pipe(
      map(({ state }) => state),
      distinctUntilChanged(),
    );
  }

  /** How each subscription stands, for a health check. */
  get subscriptions(): readonly BrokerSubscription[] {
    return this.listeners.map(({ channel, options, state, error, work }) => {
      const { durable, queue } = options;
      return { channel, durable, queue, state, error, active: work.active };
    });
  }

  /** The broker's handle. */
  override unwrap<T = Broker<K>>(): T {
    return this.broker as T;
  }

  /** Calls back whenever it happens, until the server is closed. */
  override on(event: 'status', callback: BrokerServerEvents['status']): void;
  override on(event: 'event', callback: BrokerServerEvents['event']): void;
  override on(event: 'error', callback: BrokerServerEvents['error']): void;
  override on(event: string, callback: (what: never) => void): void {
    if (event === 'status') this.told.add(this.broker.status.subscribe(callback as BrokerServerEvents['status']));
    else if (event === 'event') this.told.add(this.broker.events.subscribe(callback as BrokerServerEvents['event']));
    else if (event === 'error') this.errorCallbacks.add(callback as BrokerServerEvents['error']);
    else throw new InvalidOptionError(`on('${event}'): the events are status, event and error`);
  }

  /** Nest hands in its handlers here. @throws InvalidOptionError that says what is wrong with a handler's options */
  override addHandler(
    pattern: unknown,
    callback: (data: never, context?: never) => unknown,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const where = `the handler of ${JSON.stringify(pattern)}`;
    const handler = callback as unknown as Handler;
    handler.isEventHandler = isEventHandler;
    handler.extras = extras;
    channelOf(pattern);
    const { defaults = {}, codec: decoder = json<unknown>() } = this.options;
    const options = resolveHandlerOptions(where, extras, defaults, decoder);
    this.added.push({ pattern, handler, isEvent: isEventHandler, options });
    // what Nest and others read; that one hides another of the same pattern makes no difference here
    this.messageHandlers.set(this.normalizePattern(pattern as string), handler as never);
  }

  /** Connects and subscribes. The callback gets the error if that fails. */
  override async listen(callback: (error?: unknown) => unknown): Promise<void> {
    try {
      await this.broker.connect();
      this.listeners = this.group();
      for (const listener of this.listeners) listener.open();
    } catch (error) {
      for (const listener of this.listeners) listener.stop();
      callback(error);
      return;
    }
    callback();
  }

  /**
   * Takes nothing more in, waits at most `drainTimeout` for the handlers at work and releases what is left, and closes
   * the broker if it is the server's own. Always resolves, twice too.
   */
  override close(): Promise<void> {
    this.closed ??= this.drain();
    return this.closed;
  }

  private async drain(): Promise<void> {
    const { drainTimeout = 10_000, owns = true } = this.options;
    for (const listener of this.listeners) listener.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainTimeout);
    });
    await Promise.race([Promise.all(this.listeners.map(({ work }) => work.idle())), late]);
    clearTimeout(timer);
    const cut = this.listeners.reduce((sum, { work }) => sum + work.cut(), 0);
    if (cut > 0) this.log.warn(`${cut} handlers did not finish in ${drainTimeout} ms; their messages are released`);
    if (owns) await this.broker.close();
    // the acks of this turn are on their way before whoever owns the broker goes on
    else await new Promise((resolve) => setImmediate(resolve));
    this.told.unsubscribe();
    this.errorCallbacks.clear();
  }

  /** A listener for each subscription. @throws InvalidOptionError where handlers that share one want it differently */
  private group(): Listener[] {
    const listeners = new Map<string, { listener: Listener; options: ResolvedHandlerOptions }>();
    const host = this.host();
    for (const { pattern, handler, isEvent, options } of this.added) {
      const channel = channelOf(pattern);
      const key = JSON.stringify([channel, options.durable, options.queue]);
      let found = listeners.get(key);
      if (found === undefined) {
        found = { listener: new Listener(host, channel, options), options };
        listeners.set(key, found);
      } else {
        const differing = firstDifference(found.options, options);
        if (differing !== undefined) {
          throw new InvalidOptionError(
            `two handlers of '${channel}' share a subscription and differ in ${differing}: give them the same, or each its own durable`,
          );
        }
      }
      const route = isBare(pattern) ? undefined : this.normalizePattern(pattern as string);
      found.listener.registrations.push({ route, isEvent, handler });
    }
    return [...listeners.values()].map(({ listener }) => listener);
  }

  private host(): ListenerHost {
    const { codec: decoder, replies, onUnknown = 'ack', resubscribe } = this.options;
    const encodes = typeof (decoder as { encode?: unknown } | undefined)?.encode === 'function';
    const own = encodes ? (decoder as unknown as Encoder<unknown>) : json<unknown>();
    return {
      broker: this.broker,
      replyCodec: replies?.codec ?? own,
      onUnknown,
      resubscribe: resubscribe === false ? undefined : reconnectPolicy({ initialDelay: 1_000, ...resubscribe }),
      normalize: (pattern) => this.normalizePattern(pattern as string),
      process: (context, run) => this.betweenHooks(context, run),
      warn: (message) => {
        this.log.warn(message);
      },
      failed: (error, message) => {
        this.log.error(message);
        for (const callback of this.errorCallbacks) callback(error);
      },
    };
  }

  /** Nest 11 and later tell instrumentation when a message is worked on; the hook calls back in a context of its own. */
  private betweenHooks<T>(context: BrokerContext, run: () => Promise<T>): Promise<T> {
    type Start = (transport: symbol, context: unknown, done: () => Promise<unknown>) => unknown;
    type End = (transport: symbol, context: unknown) => void;
    const { onProcessingStartHook: start, onProcessingEndHook: end } = this as unknown as {
      onProcessingStartHook?: Start;
      onProcessingEndHook?: End;
    };
    if (start === undefined) return run();
    return new Promise((resolve, reject) => {
      const work = (): Promise<unknown> => {
        const done = run().finally(() => end?.call(this, this.transportId, context));
        done.then(resolve, reject);
        // who awaits it in a hook is not who has to deal with a failure
        return done.catch(() => undefined);
      };
      try {
        Promise.resolve(start.call(this, this.transportId, context, work)).catch(reject);
      } catch (error) {
        reject(error);
      }
    });
  }
}

/** The first option in which two handlers differ. */
function firstDifference(one: ResolvedHandlerOptions, other: ResolvedHandlerOptions): string | undefined {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof HandlerOptions>;
  return [...keys].find((key) => !isSame(one[key], other[key]));
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof object>;
  return [...keys].every((key) => isSame(one[key], other[key]));
}

/** @internal */
export function isBroker(value: unknown): boolean {
  const like = value as Partial<Broker> | null | undefined;
  return typeof like?.messages === 'function' && typeof like.publish === 'function';
}
