import { take } from 'rxjs';
import type { Broker, BrokerEvent, Status } from '../../core/broker.js';
import { load, type Load } from '../../core/load.js';
import { originalOf } from '../facade.js';
import type { CounterSeries, GaugeSeries, Metric } from './client.js';
import type { MetricMaker } from './metrics.js';

interface Known {
  readonly broker: string;
  /** Weak, so that a handle that nobody closed can go all the same. */
  readonly handle: WeakRef<object>;
  state: Status['state'];
}

/** The handles that the metrics tell of: those that were given, and all that change their state. @internal */
export class Handles {
  private readonly known = new WeakMap<object, Known>();
  private readonly all = new Set<Known>();
  private readonly attempts: Metric<CounterSeries>;
  private readonly reconnects: Metric<CounterSeries>;
  private readonly events: Metric<CounterSeries>;

  constructor(make: MetricMaker) {
    const broker = ['broker'] as const;
    const connects = 'Times that a handle began to connect, or to connect again.';
    this.attempts = make.counter('connection_attempts_total', connects, broker);
    this.reconnects = make.counter('reconnects_total', 'Connections made again.', broker);
    this.events = make.counter('events_total', 'What happened beside the messages, by its type.', ['broker', 'type']);
    make.gauge('connected', 'Handles that are connected.', broker, (gauge) => {
      this.sum(gauge, ({ state }) => (state === 'connected' ? 1 : 0));
    });
    make.gauge('in_flight', 'Deliveries emitted and neither settled nor released.', broker, (gauge) => {
      this.sum(gauge, (_, now) => now.inFlight);
    });
    make.gauge('outstanding_confirms', 'Values accepted and not yet confirmed.', broker, (gauge) => {
      this.sum(gauge, (_, now) => now.unconfirmed);
    });
  }

  /** One that was made, and maybe connected, before the metrics were. */
  add(given: Pick<Broker, 'status'>): void {
    const handle = originalOf(given);
    const { broker } = (handle as unknown as { toJSON(): { broker: string } }).toJSON();
    given.status.pipe(take(1)).subscribe(({ state }) => {
      this.set(broker, handle, state);
    });
  }

  status(broker: string, handle: object, { state }: Status): void {
    if (state === 'connecting' || state === 'reconnecting') this.attempts.labels(broker).inc();
    this.set(broker, handle, state);
  }

  event(broker: string, event: BrokerEvent): void {
    if (event.type === 'reconnected') this.reconnects.labels(broker).inc();
    this.events.labels(broker, event.type).inc();
  }

  private set(broker: string, handle: object, state: Status['state']): void {
    let known = this.known.get(handle);
    if (known === undefined) {
      known = { broker, handle: new WeakRef(handle), state };
      this.known.set(handle, known);
      this.all.add(known);
      // a series that begins with its first event has no rate of that event
      for (const counter of [this.attempts, this.reconnects]) counter.labels(broker).inc(0);
    }
    known.state = state;
    if (state === 'closed') this.all.delete(known);
  }

  private sum(gauge: Metric<GaugeSeries>, count: (known: Known, now: Load) => number): void {
    const sums = new Map<string, number>();
    for (const known of this.all) {
      const handle = known.handle.deref();
      if (handle === undefined) {
        this.all.delete(known);
        continue;
      }
      const now = (handle as { readonly [load]?: Load })[load] ?? { inFlight: 0, unconfirmed: 0 };
      sums.set(known.broker, (sums.get(known.broker) ?? 0) + count(known, now));
    }
    for (const [broker, sum] of sums) gauge.labels(broker).set(sum);
  }
}
