import { text } from '../../lib/codec/text.js';
import { earliest } from '../../lib/core/starts.js';
import {
  rabbitmqStream,
  type CreateStreamOptions,
  type RabbitMqStreamBroker,
  type RabbitMqStreamOptions,
  type RabbitMqStreamSinkOptions,
  type RabbitMqStreamSourceOptions,
} from '../../lib/rabbitmq-stream/index.js';
import { Load as AnyLoad } from '../support/load.js';
import { unique } from '../support/names.js';
import { Worker as AnyWorker } from '../support/worker.js';

export { valuesUpTo } from '../support/load.js';
export { Told } from '../support/told.js';

/** Handles that close after the spec that opened them. */
export class Handles {
  private open: RabbitMqStreamBroker[] = [];

  /** @param server - its address is the handle's, unless the options name another */
  make(server: { readonly url: string }, options: RabbitMqStreamOptions = {}): RabbitMqStreamBroker {
    const where = options.host === undefined && options.url === undefined ? { url: server.url } : {};
    const broker = rabbitmqStream({
      connectionName: unique('handle'),
      closeTimeout: 2_000,
      reconnect: { initialDelay: 50, maxDelay: 500 },
      ...options,
      ...where,
    });
    this.open.push(broker);
    return broker;
  }

  async close(): Promise<void> {
    const brokers = this.open;
    this.open = [];
    await Promise.all(brokers.map((broker) => broker.close()));
  }
}

/** Makes a stream that nobody else has. */
export async function newStream(broker: RabbitMqStreamBroker, options: CreateStreamOptions = {}): Promise<string> {
  const stream = unique('stream');
  await broker.createStream(stream, options);
  return stream;
}

/** Consumes a stream from its beginning, unless told otherwise. */
export class Worker extends AnyWorker {
  constructor(broker: RabbitMqStreamBroker, channel: string, options: RabbitMqStreamSourceOptions = {}) {
    super(broker.messages(channel, { start: earliest(), ...options, codec: undefined }));
  }
}

type LoadOptions = Omit<RabbitMqStreamSinkOptions, 'filterValue'>;

/** Publishes `count` numbered values with receipts, and says how far it is. */
export class Load extends AnyLoad {
  constructor(broker: RabbitMqStreamBroker, channel: string, count: number, options: LoadOptions = {}) {
    super((values) => broker.publishFrom(channel, values, { maxInFlight: 256, ...options, codec: text }), count);
  }
}
