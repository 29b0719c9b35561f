import { systemClock } from '../../../lib/core/clock.js';
import { silent } from '../../../lib/core/logger.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeCredit } from '../../../lib/rabbitmq-stream/codec/credit.js';
import { encodeSubscribe } from '../../../lib/rabbitmq-stream/codec/requests.js';
import { openConnection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { until } from '../../support/wait.js';

/** What a stream has at one place: a record, or a sub-entry with several. */
export interface StoredEntry {
  readonly bytes: Buffer;
  readonly sub?: { readonly compression: number; readonly records: number };
}

/** What a stream has, as it lies there. */
export interface StoredChunk {
  /** Bytes of the filter over the chunk's filter values; 0: no message has one. */
  readonly bloomSize: number;
  readonly records: number;
  readonly entries: readonly StoredEntry[];
}

/** Reads a stream from its first record until so many have come, chunk by chunk, and nothing decoded. */
export async function readChunks(
  server: { readonly host: string; readonly port: number },
  stream: string,
  records: number,
): Promise<StoredChunk[]> {
  const chunks: StoredChunk[] = [];
  let count = 0;
  const none = (): void => undefined;
  const connection = await openConnection(
    {
      ...{ host: server.host, port: server.port, sasl: 'plain', username: 'guest', password: 'guest', vhost: '/' },
      ...{ frameMax: 0, heartbeat: 0, connectTimeout: 10_000, requestTimeout: 10_000, maxFrame: 2 ** 27 },
      ...{ properties: {}, clock: systemClock, log: silent },
    },
    {
      deliver: (subscriptionId, bytes, start, end) => {
        const chunk = readChunk(Buffer.from(bytes.slice(start, end)));
        chunks.push(chunk);
        count += chunk.records;
        connection.send(encodeCredit(subscriptionId, 1));
      },
      ...{ confirm: none, publishError: none, creditError: none, metadataUpdate: none, consumerUpdate: none },
      ...{ flushed: none, drained: none, closed: none },
    },
  );
  try {
    await connection.request(
      keys.subscribe,
      (id) => encodeSubscribe(id, { subscriptionId: 1, stream, offset: { type: 'first' }, credit: 10 }),
      none,
      { action: 'read' },
    );
    await until(() => count >= records, { message: () => `${records} records, ${count} have come` });
  } finally {
    await connection.close();
  }
  return chunks;
}

function readChunk(bytes: Buffer): StoredChunk {
  const entries: StoredEntry[] = [];
  let at = 48;
  for (let n = bytes.readUInt16BE(2); n > 0; n--) {
    const first = bytes[at]!;
    if (first < 0x80) {
      const length = bytes.readUInt32BE(at);
      entries.push({ bytes: bytes.subarray(at + 4, at + 4 + length) });
      at += 4 + length;
    } else {
      const length = bytes.readUInt32BE(at + 7);
      const sub = { compression: (first & 0x70) >> 4, records: bytes.readUInt16BE(at + 1) };
      entries.push({ sub, bytes: bytes.subarray(at + 11, at + 11 + length) });
      at += 11 + length;
    }
  }
  return { bloomSize: bytes[44]!, records: bytes.readUInt32BE(4), entries };
}
