import { text } from '../../lib/codec/text.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import {
  liftbridge,
  type CreateStreamOptions,
  type LiftbridgeBroker,
  type LiftbridgeOptions,
  type LiftbridgeSinkOptions,
  type LiftbridgeSourceOptions,
} from '../../lib/liftbridge/index.js';
import { Flow as AnyFlow, Load as AnyLoad, type PublishTexts } from '../support/load.js';
import { unique } from '../support/names.js';
import { storedIn, type Stored } from '../support/stored.js';
import { Worker as AnyWorker } from '../support/worker.js';

export { valuesUpTo } from '../support/load.js';
export { oneOutage, untilInterrupted, untilRecovered } from '../support/outages.js';
export { countEach, expectToldOfAll, expectUnbroken, valuesOf } from '../support/stored.js';
export { Told } from '../support/told.js';

/** Handles that close after the spec that opened them. */
export class Handles {
  private open: LiftbridgeBroker[] = [];

  /** @param server - its address is the handle's, unless the options name others */
  make(server: { readonly url: string }, options: LiftbridgeOptions = {}): LiftbridgeBroker {
    const broker = liftbridge({
      brokers: server.url,
      closeTimeout: 2_000,
      reconnect: { initialDelay: 50, maxDelay: 500 },
      ...options,
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
export async function newStream(
  broker: LiftbridgeBroker,
  options: Omit<CreateStreamOptions, 'name'> = {},
): Promise<string> {
  const name = unique('stream');
  await broker.createStream({ name, ...options });
  return name;
}

/** Consumes a stream from its beginning, unless told otherwise. */
export class Worker extends AnyWorker {
  constructor(broker: LiftbridgeBroker, stream: string, options: LiftbridgeSourceOptions = {}) {
    super(broker.messages(stream, { start: earliest(), ...options, codec: undefined }));
  }
}

/** Publishes `count` numbered values with receipts, and says how far it is. */
export class Load extends AnyLoad {
  constructor(broker: LiftbridgeBroker, stream: string, count: number, options: LiftbridgeSinkOptions = {}) {
    super(publisher(broker, stream, { maxInFlight: 256, ...options }), count);
  }
}

/** Publishes numbered values, as fast as their receipts come, until it is told to stop. */
export class Flow extends AnyFlow {
  constructor(broker: LiftbridgeBroker, stream: string, options: LiftbridgeSinkOptions = {}) {
    super(publisher(broker, stream, { maxInFlight: 100, ...options }));
  }
}

function publisher(broker: LiftbridgeBroker, stream: string, options: LiftbridgeSinkOptions): PublishTexts {
  return (values) => broker.publishFrom(stream, values, { ...options, codec: text });
}

/** All that partition 0 of a stream has, in its order. */
export function readBack(broker: LiftbridgeBroker, stream: string): Promise<Stored[]> {
  return storedIn(
    broker.messages(stream, { start: earliest(), until: untilNow(), codec: text, maxInFlight: 4096, partition: 0 }),
  );
}

/** `name 0`, `name 1` … */
export function named(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`);
}

/** Publishes these, and waits until all are confirmed. */
export async function fill(broker: LiftbridgeBroker, stream: string, values: readonly string[]): Promise<void> {
  await Promise.all(values.map((value) => broker.publish(stream, value, { codec: text })));
}
