import { defer, finalize, map, type OperatorFunction } from 'rxjs';
import type {
  AnyBroker,
  Broker,
  BrokerTypes,
  ConfirmedReceipt,
  MessageFields,
  Outgoing,
  Sink,
  SinkOptions,
} from '../core/broker.js';
import { carries, type Carriage } from '../core/carriage.js';
import { checkOptions, codec, count, flag, func } from '../core/check.js';
import type { Encoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import { InvalidOptionError } from '../core/errors.js';
import { ackMergeMap } from './ack-merge-map.js';
import { onErrorChecker, type OnError } from './on-error.js';

/** See {@link bridgeTo}. */
export interface BridgeOptions<D extends Delivery<unknown>> extends Pick<SinkOptions, 'maxInFlight' | 'resend'> {
  /** What is sent for a delivery. Default: its value, with its key and headers where it has any. */
  readonly message?: ((delivery: D) => Outgoing<unknown>) | undefined;
  /** Makes bytes of the value. Default: the value is bytes. */
  readonly codec?: Encoder<never> | undefined;
  /** Drops the key and the headers where the target cannot carry them. Default false: such a delivery is an error. */
  readonly lossy?: boolean | undefined;
  /** What happens when the target refuses a message. Default `'throw'`. */
  readonly onError?: OnError<D> | undefined;
}

/**
 * Publishes deliveries to another broker and acks each when its receipt came; emits the receipts, whose `value` is the
 * delivery. Up to `maxInFlight` are on their way at a time. Completes when the source has and all are confirmed; a
 * failure is handled as in `ackMergeMap`; on unsubscribe, what is not confirmed is released.
 * @throws InvalidOptionError downstream, for a delivery whose key or headers the target cannot carry, unless `message`
 * maps them or `lossy` drops them
 */
export function bridgeTo<D extends Delivery<unknown>, K extends BrokerTypes = AnyBroker>(
  broker: Broker<K>,
  channel: string,
  options: BridgeOptions<D> = {},
): OperatorFunction<D, ConfirmedReceipt<D>> {
  checkOptions<BridgeOptions<D>>(`bridgeTo('${channel}')`, options, {
    message: func(),
    codec: codec('encode'),
    lossy: flag(),
    onError: onErrorChecker,
    maxInFlight: count(),
    resend: flag(),
  });
  const { message, lossy = false, maxInFlight = 1024, onError, codec: encoder, resend } = options;
  const target = (broker as { readonly [carries]?: Carriage })[carries] ?? { key: true, headers: true };
  const fits = (delivery: D): D => {
    if (message === undefined && !lossy) refuseLoss(delivery, target, channel);
    return delivery;
  };
  return (source) =>
    defer(() => {
      const settings = {
        maxInFlight,
        resend,
        codec: encoder,
        message: message ?? ((delivery: D) => carried(delivery, target)),
      };
      const sink = (broker as unknown as Broker).sink(channel, settings as never) as unknown as Sink<D>;
      const send = async (delivery: D): Promise<ConfirmedReceipt<D>> => {
        const receipt = await sink.send(delivery);
        if (receipt.ok) return receipt;
        throw receipt.error;
      };
      return source.pipe(
        map(fits),
        ackMergeMap(send, { concurrency: maxInFlight, ...(onError && { onError }) }),
        finalize(() => {
          sink.complete();
        }),
      );
    });
}

function refuseLoss(delivery: Delivery<unknown>, target: Carriage, channel: string): void {
  const lost = [
    !target.key && delivery.key !== undefined && 'key',
    !target.headers && delivery.headers.size > 0 && 'headers',
  ].filter(Boolean);
  if (lost.length === 0) return;
  // it is in nobody's hands yet, so nobody else would give it back
  delivery.release();
  throw new InvalidOptionError(
    `bridgeTo('${channel}'): the target cannot carry the ${lost.join(' and ')} of the message at offset ${String(delivery.offset)} of '${delivery.channel}'; map it with message: (delivery) => ({ value }), or drop it with lossy: true`,
  );
}

/** The value, with what of its key and headers the target carries. */
function carried({ value, key, headers }: Delivery<unknown>, target: Carriage): Outgoing<unknown> {
  const fields: { -readonly [F in keyof MessageFields]: MessageFields[F] } = {};
  if (target.key && key !== undefined) fields.key = key;
  if (target.headers && headers.size > 0) fields.headers = headers;
  return { ...fields, value };
}
