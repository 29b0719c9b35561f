import { text } from '../../lib/codec/text.js';
import { systemClock } from '../../lib/core/clock.js';
import { guarded } from '../../lib/core/logger.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { openConnection } from '../../lib/rabbitmq-stream/connection/connection.js';
import type { RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import type { RabbitMqCluster } from '../support/brokers/index.js';
import { Flow as AnyFlow } from '../support/load.js';
import { storedIn, type Stored } from '../support/stored.js';
import { until } from '../support/wait.js';

export { oneOutage, untilInterrupted, untilRecovered } from '../support/outages.js';
export { countEach, expectToldOfAll, expectUnbroken, valuesOf } from '../support/stored.js';

/**
 * Waits until every node of a cluster tells stream clients of all members of a stream, which takes longer than until these
 * are online. A consumer that comes before may be led to the leader.
 */
export async function untilPlaced(cluster: RabbitMqCluster, stream: string): Promise<void> {
  const { nodes } = cluster;
  const none = (): void => undefined;
  await cluster.untilOnline(stream);
  for (const { host, port, username, password, vhost } of nodes) {
    const connection = await openConnection(
      {
        ...{ host, port, sasl: 'plain', username, password, vhost, properties: {}, frameMax: 0, heartbeat: 0 },
        ...{ connectTimeout: 10_000, requestTimeout: 10_000, maxFrame: 2 ** 20 },
        ...{ clock: systemClock, log: guarded(undefined) },
      },
      {
        ...{ confirm: none, publishError: none, deliver: none, creditError: none, metadataUpdate: none },
        ...{ consumerUpdate: none, flushed: none, drained: none, closed: none },
      },
    );
    try {
      await until(async () => {
        const [found] = await connection.metadata([stream]);
        return found?.leader !== undefined && found.replicas.length === nodes.length - 1;
      });
    } finally {
      await connection.close();
    }
  }
}

/** All that a stream has, in its order. */
export function readBack(broker: RabbitMqStreamBroker, stream: string): Promise<Stored[]> {
  return storedIn(broker.messages(stream, { start: earliest(), until: untilNow(), codec: text, maxInFlight: 4096 }));
}

/**
 * Offsets without a message: a stored position that finds no message to travel with becomes an entry of its own. There is
 * no other reason, so that there are no more of them than positions that were stored.
 */
export function holesIn(stored: readonly Stored[]): bigint[] {
  const holes: bigint[] = [];
  let next = 0n;
  for (const { offset } of stored) {
    for (; next < offset; next++) holes.push(next);
    next = offset + 1n;
  }
  return holes;
}

/** Publishes numbered values, as fast as their receipts come, until it is told to stop. */
export class Flow extends AnyFlow {
  constructor(broker: RabbitMqStreamBroker, stream: string, options: { readonly producer?: string } = {}) {
    super((values) => broker.publishFrom(stream, values, { maxInFlight: 100, codec: text, ...options }));
  }
}
