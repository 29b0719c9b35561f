import type { Signal } from '@angular/core';
import type { Broker, Status } from '../core/broker.js';
import { asSignal } from './as-signal.js';
import type { InjectOptions } from './options.js';

/**
 * A signal that tells how the handle stands with its broker: `status().state`, and `status().cause` when it is not
 * connected. Reading it connects nothing. On a server it stays `idle`.
 * @throws InvalidOptionError
 */
export function injectBrokerStatus<B extends Broker = Broker>(options: InjectOptions<B> = {}): Signal<Status> {
  return asSignal('injectBrokerStatus(…)', injectBrokerStatus, options, (broker) => broker.status, {});
}
