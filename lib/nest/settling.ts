import { from, lastValueFrom } from 'rxjs';
import type { Broker, MessageFields } from '../core/broker.js';
import type { Codec } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import { DecodeError } from '../core/errors.js';
import { Attempts } from '../operators/attempts.js';
import { BrokerContext } from './context.js';
import type { HandlerDeadLetter, ResolvedHandlerOptions } from './handler-options.js';
import type { Outcome } from './outcome.js';
import { hasHeaders, hasKey } from './packets.js';

/** What settling needs of the subscription around it. @internal */
export interface SettlingHost {
  readonly broker: Broker;
  warn(message: string): void;
  /** Something failed that leaves a message where it should not be. */
  failed(error: unknown, message: string): void;
}

/** Does with the messages of one subscription what `ack`, `onError` and the outcomes of handlers say. @internal */
export class Settling {
  private readonly attempts = new Attempts();

  /**
   * @param releaseLater - releases a message after so many milliseconds
   * @param worked - a message was dealt with
   * @param breakOff - ends the subscription, because a handler failed
   */
  constructor(
    private readonly host: SettlingHost,
    private readonly channel: string,
    private readonly options: ResolvedHandlerOptions,
    private readonly releaseLater: (delivery: Delivery<unknown>, ms: number) => void,
    private readonly worked: () => void,
    private readonly breakOff: (error: unknown) => void,
  ) {}

  /** What becomes of a message whose handlers are done. */
  async settle(context: BrokerContext, outcome: Outcome | undefined): Promise<void> {
    const { delivery } = context;
    if (outcome === undefined) {
      if (this.options.ack === 'after') this.done(delivery);
    } else if (outcome.kind === 'ack') {
      this.done(delivery);
    } else if (outcome.kind === 'deadLetter') {
      await this.deadLetter(context, outcome.reason);
    } else if (outcome.after > 0) {
      this.releaseLater(delivery, outcome.after);
    } else {
      delivery.release();
    }
  }

  private done(delivery: Delivery<unknown>): void {
    this.attempts.forget(delivery);
    this.worked();
    delivery.ack();
  }

  /**
   * What becomes of a message whose handlers failed.
   * @param final - whether another attempt could not do better
   */
  async fail(context: BrokerContext, error: unknown, final: boolean): Promise<void> {
    const { delivery } = context;
    const { onError, ack: policy } = this.options;
    const isLast = final || policy === 'before';
    if (typeof onError === 'object') {
      if (isLast || this.attempts.failed(delivery) >= onError.after) {
        await this.deadLetter(context, error);
        return;
      }
    }
    const acked = onError === 'ack' || policy === 'before' || delivery.settled;
    const where = delivery.offset === undefined ? '' : ` at offset ${String(delivery.offset)}`;
    this.host.warn(
      `A handler of '${this.channel}' failed on the message${where}, which is ${acked ? 'acked' : 'released'}: ${messageOf(error)}`,
    );
    if (acked) delivery.ack();
    else delivery.release();
    if (onError === 'throw') this.breakOff(error);
  }

  private async deadLetter(context: BrokerContext, error: unknown): Promise<void> {
    const { delivery } = context;
    const { onError } = this.options;
    if (typeof onError !== 'object') {
      this.host.failed(
        error,
        `A handler of '${this.channel}' gave a message up, and its onError does not say where to: it is released`,
      );
      delivery.release();
      return;
    }
    try {
      await this.takeAway(onError.to, context, error);
    } catch (failure) {
      delivery.release();
      this.host.failed(failure, `A dead letter of '${this.channel}' is released: ${messageOf(failure)}`);
      return;
    }
    this.done(delivery);
  }

  private async takeAway(to: HandlerDeadLetter['to'], context: BrokerContext, error: unknown): Promise<void> {
    const { broker } = this.host;
    if (typeof to === 'function') {
      await lastValueFrom(from(to(context, error)), { defaultValue: undefined });
      return;
    }
    const { value, key, headers, offset } = context.delivery;
    const fields: { -readonly [F in keyof MessageFields]: MessageFields[F] } = {};
    if (hasKey(broker) && key !== undefined) fields.key = key;
    if (hasHeaders(broker)) fields.headers = new Map([...headers, ...deadLetterHeaders(this.channel, offset, error)]);
    const bytes = value instanceof Uint8Array ? value : (this.options.codec as Partial<Codec<unknown>>).encode?.(value);
    if (bytes === undefined) {
      throw new DecodeError(`the codec of '${this.channel}' cannot encode, so onError.to must be a function`);
    }
    await broker.publish(to, bytes, fields);
  }

  /** Codecs of whole messages decode in the source, which acks what this has dealt with. */
  async undecodable(raw: Delivery): Promise<void> {
    const { onError } = this.options;
    const error = new DecodeError(`cannot decode a message of '${this.channel}'`);
    this.host.failed(error, `${error.message}: it is ${typeof onError === 'object' ? 'a dead letter' : 'acked'}`);
    if (typeof onError !== 'object') return;
    const context = { delivery: raw, broker: this.host.broker, pattern: this.channel, headers: raw.headers };
    await this.takeAway(onError.to, new BrokerContext(context), error);
  }
}

function deadLetterHeaders(channel: string, offset: bigint | undefined, error: unknown): [string, string][] {
  const entries: [string, string][] = [
    ['rx-weir-dead-from', channel],
    ['rx-weir-dead-error', messageOf(error)],
  ];
  return offset === undefined ? entries : [...entries, ['rx-weir-dead-offset', String(offset)]];
}

/** What an error says, be it an Error, what Nest's filter makes of one, or something else. @internal */
export function messageOf(error: unknown): string {
  const message: unknown = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}
