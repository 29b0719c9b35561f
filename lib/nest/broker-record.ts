import type { MessageFields } from '../core/broker.js';

/**
 * What a client sends, with the fields of the message beside it: `client.emit('orders', new BrokerRecord(order, { key }))`.
 * @typeParam F - the fields that the broker takes
 */
export class BrokerRecord<T, F extends MessageFields = MessageFields> {
  constructor(
    readonly data: T,
    /** Key, headers, id and whatever else `publish` of the broker takes. */
    readonly fields: F,
  ) {}
}
