import type { Broker } from '../core/broker.js';
import { InvalidOptionError } from '../core/errors.js';
import type { ManagedBroker } from './managed-broker.js';

/**
 * The brokers of one app, and what happens to them all at once when it starts and ends. The hooks are Nest's, and Nest
 * calls them.
 *
 * - when the app has started up: connects
 * - before it shuts down, while connections to the app still live: ends the sources, and waits for what is at work
 * - when the servers and transports of the app are closed, and so nothing publishes any more: closes the handles
 * @internal
 */
export class BrokerRegistry {
  private readonly brokers = new Map<string, ManagedBroker>();

  /** @param replace - gives the handle to use instead of the one that the app has asked for */
  constructor(readonly replace?: (name: string) => Broker) {}

  get all(): readonly ManagedBroker[] {
    return [...this.brokers.values()];
  }

  /** @throws InvalidOptionError for a name that is taken */
  add(broker: ManagedBroker): ManagedBroker {
    const { name } = broker;
    if (this.brokers.has(name)) {
      throw new InvalidOptionError(
        `BrokerModule: this app has two brokers with the name '${name}': give each a name of its own, and import the module of one broker once`,
      );
    }
    this.brokers.set(name, broker);
    return broker;
  }

  /** @throws InvalidOptionError for a name that no broker has */
  get(where: string, name: string): ManagedBroker {
    const broker = this.brokers.get(name);
    if (broker !== undefined) return broker;
    const names = [...this.brokers.keys()].map((each) => `'${each}'`).join(', ');
    throw new InvalidOptionError(
      `${where}: there is no broker '${name}'; this app has ${names === '' ? 'none' : names}`,
    );
  }

  /** @throws WeirError of the first broker that cannot be reached; the others are closed then. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await Promise.all(this.all.map((broker) => broker.connect()));
    } catch (error) {
      // an open handle would keep the process alive, and Nest calls no hook of an app that did not start
      await this.onApplicationShutdown();
      throw error;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.all.map((broker) => broker.drain()));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all.map((broker) => broker.close()));
  }
}
