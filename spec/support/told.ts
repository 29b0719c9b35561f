import type { Broker, BrokerEvent, BrokerTypes, Status } from '../../lib/core/broker.js';

/** What a handle tells of itself. */
export class Told {
  readonly states: Status['state'][] = [];
  readonly events: BrokerEvent[] = [];

  constructor(broker: Broker<BrokerTypes>) {
    broker.status.subscribe(({ state }) => this.states.push(state));
    broker.events.subscribe((event) => this.events.push(event));
  }

  has(type: BrokerEvent['type']): boolean {
    return this.events.some((event) => event.type === type);
  }

  of<T extends BrokerEvent['type']>(type: T): Extract<BrokerEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<BrokerEvent, { type: T }> => event.type === type);
  }
}
