import { Observable, Subscriber } from 'rxjs';
import type { Receipt } from '../core/broker.js';
import type { SinkSettings } from '../core/settings.js';
import { Publications, withMembers } from './publications.js';
import type { Telemetry } from './telemetry.js';

/**
 * The receipts of what `publishTo` or `publishFrom` publish, each ending a span.
 * @param make - publishes as the settings say
 * @internal
 */
export function tracedReceipts(
  telemetry: Telemetry,
  channel: string,
  options: SinkSettings,
  make: (settings: SinkSettings) => Observable<Receipt<unknown>>,
): Observable<Receipt<unknown>> {
  return new Observable((subscriber) => {
    if (!telemetry.live) return make(options).subscribe(subscriber);
    const publications = new Publications(telemetry, channel, options);
    subscriber.add(() => {
      publications.abandon();
    });
    // the receipt of a failure ends a span, so that it is needed also where it is thrown
    const settings = withMembers(publications.settings, { onError: 'emit' });
    return make(settings).subscribe(new Receipts(subscriber, publications, options.onError === 'throw'));
  });
}

class Receipts extends Subscriber<Receipt<unknown>> {
  constructor(
    private readonly subscriber: Subscriber<Receipt<unknown>>,
    private readonly publications: Publications,
    private readonly throws: boolean,
  ) {
    super(subscriber);
  }

  protected override _next(receipt: Receipt<unknown>): void {
    this.publications.end(receipt);
    if (!receipt.ok && this.throws) this.subscriber.error(receipt.error);
    else this.subscriber.next(receipt);
  }
}
