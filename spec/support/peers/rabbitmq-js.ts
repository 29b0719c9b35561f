import { connect, Offset, type Client, type ConsumerFilter, type Publisher } from 'rabbitmq-stream-js-client';
import { CompressionType } from 'rabbitmq-stream-js-client/dist/compression.js';
import type { StreamConsumer } from 'rabbitmq-stream-js-client/dist/consumer.js';
import type { FilterFunc, Message, MessageOptions } from 'rabbitmq-stream-js-client/dist/publisher.js';
import type { RabbitMqServer } from '../brokers/index.js';
import { within } from '../wait.js';

// rabbitmq-stream-js-client as the other side of a spec, in the same process. What its reader cannot decode ends the
// process: null, 0, '' and false among application properties, 64-bit integers, doubles, lists and records that are no AMQP
// messages. Of several sub-entries in a chunk it reads the first alone.

/** A message that this client has read, or is to write. */
export type JsMessage = Message;

/** What goes with the bytes. */
export interface JsOutgoing extends MessageOptions {
  readonly content: Uint8Array;
}

/** What it reads. */
export interface JsReading {
  /** How many messages it takes before it leaves. */
  readonly count: number;
  /** Default: the first. */
  readonly start?: bigint;
  readonly filter?: ConsumerFilter;
  /** The name under which it stores the offset of each message. */
  readonly name?: string;
}

/** A message of a super stream, and where it was. */
export interface JsPartitioned {
  readonly partition: string;
  readonly message: JsMessage;
}

const timeout = 15_000;
const compressions = { none: CompressionType.None, gzip: CompressionType.Gzip } as const;

/** A client with what it has opened. */
export class RabbitMqJs {
  private constructor(private readonly client: Client) {}

  static async connect(
    server: Pick<RabbitMqServer, 'host' | 'port' | 'username' | 'password' | 'vhost'>,
  ): Promise<RabbitMqJs> {
    const { host: hostname, port, username, password, vhost } = server;
    return new RabbitMqJs(
      await within(connect({ hostname, port, username, password, vhost }), timeout, 'the JS client'),
    );
  }

  /** Publishes in order and resolves when the broker has confirmed all. */
  async publish(
    stream: string,
    messages: readonly JsOutgoing[],
    options: { readonly name?: string; readonly filter?: FilterFunc } = {},
  ): Promise<void> {
    const { name, filter } = options;
    const publisher = await this.client.declarePublisher({ stream, ...(name && { publisherRef: name }) }, filter);
    await confirmed(publisher, messages.length, async () => {
      for (const { content, ...others } of messages) {
        await publisher.send(Buffer.from(content), others);
      }
    });
  }

  /** Publishes the messages as one sub-entry, and resolves when the broker has confirmed it. */
  async publishSubEntry(
    stream: string,
    messages: readonly JsOutgoing[],
    compression: keyof typeof compressions,
  ): Promise<void> {
    const publisher = await this.client.declarePublisher({ stream });
    await confirmed(publisher, 1, () => publisher.sendSubEntries(messages.map(asMessage), compressions[compression]));
  }

  /**
   * Publishes each key as a message of a super stream. Resolves when they are written: in a super stream this client
   * cannot tell what is confirmed.
   */
  async publishKeys(superStream: string, keys: readonly string[], routingStrategy: 'hash' | 'key'): Promise<void> {
    const publisher = await this.client.declareSuperStreamPublisher(
      { superStream, routingStrategy },
      (content) => content,
    );
    for (const key of keys) {
      await publisher.send(Buffer.from(key), {});
    }
  }

  /** Reads and leaves. */
  async read(stream: string, reading: JsReading): Promise<JsMessage[]> {
    const { count, start, filter, name } = reading;
    const messages: JsMessage[] = [];
    let isDone: () => void = () => undefined;
    const done = new Promise<void>((resolve) => (isDone = resolve));
    const declared = this.client.declareConsumer(
      {
        stream,
        offset: start === undefined ? Offset.first() : Offset.offset(start),
        ...(filter && { filter }),
        ...(name && { consumerRef: name }),
      },
      async (message) => {
        if (messages.length === count) {
          return;
        }
        messages.push(message);
        if (name) {
          // messages may be there before the answer is
          await (await declared).storeOffset(message.offset);
        }
        if (messages.length === count) {
          isDone();
        }
      },
    );
    const consumer = await declared;
    try {
      await within(done, timeout, `${count} messages of ${stream} for the JS client`);
      if (name) {
        // Storing has no answer; the one to this says that it is through.
        await consumer.queryOffset();
      }
      return messages;
    } finally {
      await this.client.closeConsumer(consumer.extendedId);
    }
  }

  /** Reads a super stream with all its partitions, in which it is the only member of its group, and leaves. */
  async readSuperStream(superStream: string, count: number): Promise<JsPartitioned[]> {
    const messages: JsPartitioned[] = [];
    let isDone: () => void = () => undefined;
    const done = new Promise<void>((resolve) => (isDone = resolve));
    const consumer = await this.client.declareSuperStreamConsumer({ superStream }, (message, from) => {
      messages.push({ partition: (from as StreamConsumer).streamName, message });
      if (messages.length === count) {
        isDone();
      }
    });
    try {
      await within(done, timeout, `${count} messages of ${superStream} for the JS client`);
      return messages;
    } finally {
      await consumer.close();
    }
  }

  createSuperStream(name: string, partitions: number | readonly string[]): Promise<unknown> {
    return typeof partitions === 'number'
      ? this.client.createSuperStream({ streamName: name }, undefined, partitions)
      : this.client.createSuperStream({ streamName: name }, [...partitions]);
  }

  /** Rejects where nothing is stored. */
  queryOffset(stream: string, name: string): Promise<bigint> {
    return this.client.queryOffset({ reference: name, stream });
  }

  async close(): Promise<void> {
    await within(this.client.close(), timeout, 'the JS client to close');
  }
}

function asMessage({ content, ...others }: JsOutgoing): JsMessage {
  return { content: Buffer.from(content), ...others };
}

/** Waits until so many messages are confirmed, and closes the publisher. */
async function confirmed(publisher: Publisher, count: number, send: () => Promise<unknown>): Promise<void> {
  let missing = count;
  const done = new Promise<void>((resolve, reject) => {
    publisher.on('publish_confirm', (code, ids) => {
      if (code !== null) {
        reject(new Error(`The JS client's message ${ids.join(', ')} was refused with code ${code}.`));
      }
      missing -= ids.length;
      if (missing <= 0) {
        resolve();
      }
    });
  });
  try {
    await send();
    await within(done, timeout, 'the confirms for the JS client');
  } finally {
    await publisher.close();
  }
}
