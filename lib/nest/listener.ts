import { isObservable, of, throwError, type Observable, type Subscription } from 'rxjs';
import { Backoff, type ReconnectPolicy } from '../core/backoff.js';
import { isWhole, type Encoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import { ClosedError, UnsupportedError } from '../core/errors.js';
import { BrokerContext } from './context.js';
import type { ResolvedHandlerOptions } from './handler-options.js';
import { asOutcome, type Outcome } from './outcome.js';
import { decodePayload, encodeReply, hasHeaders, readPacket, type Encoded, type IncomingPacket } from './packets.js';
import { answer, type Answer } from './reply.js';
import { messageOf, Settling, type SettlingHost } from './settling.js';
import { Work, type Task } from './work.js';

/** What Nest made of a handler: pipes, guards, interceptors and filters included. @internal */
export type RpcHandler = (data: unknown, context: BrokerContext) => Promise<unknown>;

/** A handler and what it is for. @internal */
export interface Registration {
  /** The pattern as Nest writes it; undefined for one that takes all of its channel. */
  readonly route: string | undefined;
  readonly isEvent: boolean;
  readonly handler: RpcHandler;
}

/** What a listener needs of its server. @internal */
export interface ListenerHost extends SettlingHost {
  readonly replyCodec: Encoder<unknown>;
  readonly onUnknown: 'ack' | 'release' | 'error';
  /** How a subscription that ended with an error is made again; undefined: not at all. */
  readonly resubscribe: Omit<ReconnectPolicy, 'initial'> | undefined;
  /** A pattern as Nest writes it. */
  normalize(pattern: unknown): string;
  /** Runs between Nest's processing hooks. */
  process<T>(context: BrokerContext, run: () => Promise<T>): Promise<T>;
}

const noHandler = 'There is no matching message handler defined in the remote service.';

/** One subscription at the broker, and the handlers that share it. @internal */
export class Listener {
  state: 'idle' | 'live' | 'waiting' | 'ended' = 'idle';
  error: unknown;
  readonly work: Work;
  readonly registrations: Registration[] = [];
  private readonly settling: Settling;
  private readonly backoff: Backoff | undefined;
  private readonly withHeaders: boolean;
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly host: ListenerHost,
    readonly channel: string,
    readonly options: ResolvedHandlerOptions,
  ) {
    this.withHeaders = hasHeaders(host.broker);
    this.backoff = host.resubscribe && new Backoff(host.resubscribe);
    this.work = new Work(options.concurrency, (task) => this.run(task));
    this.settling = new Settling(
      host,
      channel,
      options,
      (delivery, ms) => {
        this.work.releaseLater(delivery, ms);
      },
      () => this.backoff?.reset(),
      (error) => {
        this.broken(error);
      },
    );
  }

  /** Subscribes. @throws InvalidOptionError where the broker does not have what the options ask for */
  open(): void {
    const { start, durable, queue, maxInFlight, ackWait, source, codec } = this.options;
    const whole = isWhole(codec);
    const options = { start, durable, queue, maxInFlight, ackWait, ...source };
    const decoding = whole ? { codec, onDecodeError: (raw: Delivery) => this.settling.undecodable(raw) } : {};
    const messages = this.host.broker.messages(this.channel, { ...options, ...decoding } as never);
    this.state = 'live';
    this.subscription = messages.subscribe({
      next: (delivery) => {
        this.work.arrive(delivery);
      },
      error: (error: unknown) => {
        this.broken(error);
      },
      complete: () => {
        this.state = 'ended';
      },
    });
  }

  /** Takes nothing more in. What is at work goes on. */
  stop(): void {
    this.stopped = true;
    this.state = 'ended';
    clearTimeout(this.timer);
    this.subscription?.unsubscribe();
    this.work.stop();
  }

  private broken(error: unknown): void {
    if (this.stopped) return;
    this.subscription?.unsubscribe();
    this.work.drop();
    this.error = error;
    const delay = error instanceof ClosedError ? undefined : this.backoff?.next();
    this.state = delay === undefined ? 'ended' : 'waiting';
    const then = delay === undefined ? 'it stays ended' : `subscribing again in ${Math.round(delay)} ms`;
    this.host.failed(error, `The subscription to '${this.channel}' has ended: ${messageOf(error)}; ${then}`);
    if (delay === undefined) return;
    this.timer = setTimeout(() => {
      try {
        this.open();
      } catch (failure) {
        this.broken(failure);
      }
    }, delay);
  }

  /** Never rejects. */
  private async run(task: Task): Promise<void> {
    const { delivery } = task;
    const { host } = this;
    try {
      const packet = readPacket(delivery, this.withHeaders);
      const matched = this.match(packet);
      const route = packet.pattern === undefined ? this.channel : host.normalize(packet.pattern);
      const context = new BrokerContext({ delivery, broker: host.broker, pattern: route, headers: packet.headers });
      if (matched.length === 0) {
        await this.unknown(packet, context);
        return;
      }
      await this.handle(task, packet, context, matched);
    } catch (error) {
      // what is left here is a fault of the settling itself, such as a dead letter that was refused
      delivery.release();
      host.failed(error, `A message of '${this.channel}' is released: ${messageOf(error)}`);
    }
  }

  private async handle(
    task: Task,
    packet: IncomingPacket,
    context: BrokerContext,
    matched: readonly Registration[],
  ): Promise<void> {
    const { delivery } = task;
    const { request } = packet;
    let data: unknown;
    try {
      data = decodePayload(packet.payload, this.options.codec, { channel: this.channel, headers: packet.headers });
    } catch (error) {
      if (request === undefined) await this.settling.fail(context, error, true);
      else {
        await this.send(request, { err: error, isDisposed: true });
        delivery.ack();
      }
      return;
    }
    if (this.options.ack === 'before') delivery.ack();
    let outcome: Outcome | undefined;
    try {
      outcome = await this.host.process(context, () =>
        request === undefined
          ? this.callAll(task, matched, data, context)
          : this.answer(task, request, matched, data, context),
      );
    } catch (error) {
      outcome = asOutcome(error);
      if (outcome === undefined) {
        if (!task.isCut) await this.settling.fail(context, error, false);
        return;
      }
    }
    if (!task.isCut) await this.settling.settle(context, outcome);
  }

  /** The handlers of the message's pattern; where there are none, those that take all of the channel. */
  private match({ pattern }: IncomingPacket): readonly Registration[] {
    const route = pattern === undefined ? undefined : this.host.normalize(pattern);
    const own = route === undefined ? [] : this.registrations.filter((each) => each.route === route);
    return own.length > 0 ? own : this.registrations.filter((each) => each.route === undefined);
  }

  /** All handlers of an event. The worst of their outcomes is that of the message. */
  private async callAll(
    task: Task,
    handlers: readonly Registration[],
    data: unknown,
    context: BrokerContext,
  ): Promise<Outcome | undefined> {
    const results = await Promise.allSettled(handlers.map(({ handler }) => collect(handler, data, context, task)));
    let worst: Outcome | undefined;
    for (const result of results) {
      if (result.status === 'rejected' && asOutcome(result.reason) === undefined) throw result.reason;
      const outcome = result.status === 'rejected' ? asOutcome(result.reason) : result.value;
      if (rank(outcome) > rank(worst)) worst = outcome;
    }
    return worst;
  }

  private async answer(
    task: Task,
    request: Request,
    matched: readonly Registration[],
    data: unknown,
    context: BrokerContext,
  ): Promise<Outcome | undefined> {
    // as in Nest, the last one that was registered; handlers of events have nothing to say, but that they are done
    const responder = matched.findLast(({ isEvent }) => !isEvent);
    let parts: Observable<unknown>;
    try {
      const result = await (responder === undefined
        ? this.callAll(task, matched, data, context)
        : responder.handler(data, context));
      parts = isObservable(result) ? result : of(result);
    } catch (error) {
      parts = throwError(() => error);
    }
    return answer(parts, (part) => this.send(request, part), task.teardown);
  }

  /** Publishes a part of an answer. One that cannot be sent is told and dropped: who asked waits for a time of its own. */
  private async send(request: Request, part: Answer): Promise<void> {
    const { host } = this;
    try {
      const { bytes, fields } = this.encode(request, part, host.replyCodec);
      await host.broker.publish(request.replyTo, bytes, fields);
    } catch (error) {
      host.failed(error, `An answer to '${request.replyTo}' could not be sent: ${messageOf(error)}`);
    }
  }

  /** What the codec refuses, who asked should know. */
  private encode({ id }: Request, part: Answer, codec: Encoder<unknown>): Encoded {
    try {
      return encodeReply({ id, ...part }, codec, this.withHeaders);
    } catch (error) {
      return encodeReply({ id, err: error, isDisposed: part.isDisposed }, codec, this.withHeaders);
    }
  }

  private async unknown({ request, pattern }: IncomingPacket, context: BrokerContext): Promise<void> {
    const { host } = this;
    if (request !== undefined) {
      await this.send(request, { err: { status: 'error', message: noHandler }, isDisposed: true });
    }
    const error = new UnsupportedError(
      `no handler of '${this.channel}' has the pattern ${pattern === undefined ? 'of its own' : context.pattern}`,
    );
    if (host.onUnknown === 'error') await this.settling.fail(context, error, false);
    else {
      host.warn(`${error.message}: the message is ${host.onUnknown === 'ack' ? 'acked' : 'released'}`);
      if (host.onUnknown === 'ack') context.delivery.ack();
      else context.delivery.release();
    }
  }
}

type Request = NonNullable<IncomingPacket['request']>;

/** Calls a handler and waits for its end. @returns the last outcome that it gave */
async function collect(
  handler: RpcHandler,
  data: unknown,
  context: BrokerContext,
  { teardown }: Task,
): Promise<Outcome | undefined> {
  const result = await handler(data, context);
  if (!isObservable(result)) return asOutcome(result);
  return new Promise((resolve, reject) => {
    let outcome: Outcome | undefined;
    const subscription = result.subscribe({
      next: (value) => {
        outcome = asOutcome(value) ?? outcome;
      },
      error: reject,
      complete: () => {
        resolve(outcome);
      },
    });
    teardown.add(subscription);
    teardown.add(() => {
      resolve(outcome);
    });
  });
}

/** The worse, the higher. */
function rank(outcome: Outcome | undefined): number {
  return outcome === undefined ? 0 : { ack: 1, release: 2, deadLetter: 3 }[outcome.kind];
}
