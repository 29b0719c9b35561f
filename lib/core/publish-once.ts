import type { ConfirmedReceipt, MessageFields, Receipt } from './broker.js';
import { offer, type Maker } from './outgoing.js';
import type { Entry, Publisher, ReceiptListener } from './publisher.js';

/** One call that waits for its receipt. */
class Promised implements ReceiptListener {
  constructor(
    private readonly resolve: (receipt: ConfirmedReceipt<unknown>) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  receipt(receipt: Receipt<unknown>): void {
    if (receipt.ok) this.resolve(receipt);
    else this.reject(receipt.error);
  }
}

/**
 * Publishes one value. Rejects with the error of a failed receipt, or with the signal's reason: what was not written by
 * then is taken back.
 * @internal
 */
export function publishOnce(
  publisher: Publisher,
  maker: Maker,
  value: unknown,
  fields: MessageFields | undefined,
  signal: AbortSignal | undefined,
): Promise<ConfirmedReceipt<unknown>> {
  return new Promise((resolve, reject) => {
    if (signal === undefined) {
      offer(publisher, maker, value, fields, new Promised(resolve, reject));
      return;
    }
    signal.throwIfAborted();
    const abort = (): void => {
      if (entry !== undefined) publisher.withdraw(entry);
      reject(signal.reason as Error);
    };
    const done =
      <A>(call: (argument: A) => void) =>
      (argument: A): void => {
        signal.removeEventListener('abort', abort);
        call(argument);
      };
    signal.addEventListener('abort', abort, { once: true });
    const entry: Entry | undefined = offer(publisher, maker, value, fields, new Promised(done(resolve), done(reject)));
  });
}
