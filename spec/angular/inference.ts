/* Compiled only: what the functions take and give. */
import type { Signal } from '@angular/core';
import type { Observable } from 'rxjs';
import {
  brokerToken,
  injectBroker,
  injectFrom,
  injectLatest,
  injectMessages,
  injectRecent,
  injectValues,
  provideBroker,
  withCodec,
  withConnect,
  withName,
} from '../../lib/angular/index.js';
import { ackConcatMap, earliest, json, text, untilNow, type Broker, type Delivery } from '../../lib/index.js';
import { lonelyps, type LonelypsBroker } from '../../lib/lonelyps/index.js';
import { memory } from '../../lib/memory/index.js';
import type { Missed } from '../../lib/lonelyps/broker.js';

interface Order {
  readonly total: number;
}

const LIVE = brokerToken<LonelypsBroker>('live');
declare const channel: Signal<string>;

export function reading(): void {
  const bytes: Observable<Delivery> = injectMessages('orders');
  const coded: Observable<Delivery<string>> = injectMessages('orders', { codec: text, start: earliest() });
  const said: Observable<Delivery<Order>> = injectMessages<Order>('orders');
  const values: Observable<string> = injectValues(channel, { codec: text });
  const last: Signal<Order | undefined> = injectLatest('orders', { codec: json<Order>() });
  const recent: Signal<readonly string[]> = injectRecent(() => undefined, { codec: text, size: 5 });
  coded.pipe(ackConcatMap(({ value }) => [value.length]));
  void [bytes, said, values, last, recent];

  // @ts-expect-error text gives strings
  const wrong: Observable<Delivery<number>> = injectMessages('orders', { codec: text });
  // @ts-expect-error there is no such option
  injectMessages('orders', { codec: text, begin: earliest() });
  // @ts-expect-error a channel of any broker is a string
  injectMessages({ glob: 'orders/*' });
  void wrong;
}

/** A token brings its broker's own channels, options and deliveries. */
export function ofOneBroker(): void {
  injectMessages({ glob: 'rooms/*' }, { broker: LIVE, codec: text }).subscribe(({ topic, sha512, value }) => {
    const words: [Uint8Array, Uint8Array, string] = [topic, sha512, value];
    return words;
  });
  injectValues(() => ({ exact: channel() }), { broker: LIVE, codec: text });
  const broker: LonelypsBroker = injectBroker(LIVE);
  const any: Broker = injectBroker('live');
  const missed: Observable<Missed> = injectFrom((live) => live.missed, { broker: LIVE });
  void [broker, any, missed];

  // @ts-expect-error lonelyps keeps nothing to begin with
  injectMessages('rooms', { broker: LIVE, codec: text, start: earliest() });
  // @ts-expect-error nor has it an end
  injectValues('rooms', { broker: LIVE, until: untilNow() });
}

export function providing(): void {
  provideBroker(memory(), withCodec(json<Order>()), withConnect());
  provideBroker(() => lonelyps({ broadcasters: 'ws://localhost:3003' }), withName(LIVE), withCodec(text));
  provideBroker(memory(), withName('any'));
  // @ts-expect-error memory is no lonelyps
  provideBroker(memory(), withName(LIVE));
}
