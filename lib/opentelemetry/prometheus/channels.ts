import type { CounterSeries, HistogramSeries, Metric } from './client.js';
import type { MetricMaker } from './metrics.js';

const both = ['broker', 'channel'] as const;

/** The metrics that each channel has a series of. @internal */
export class ChannelMetrics {
  readonly published: Metric<CounterSeries>;
  readonly publishedBytes: Metric<CounterSeries>;
  readonly confirmed: Metric<CounterSeries>;
  readonly errors: Metric<CounterSeries>;
  readonly publishSeconds: Metric<HistogramSeries>;
  readonly consumed: Metric<CounterSeries>;
  readonly consumedBytes: Metric<CounterSeries>;
  readonly redelivered: Metric<CounterSeries>;
  readonly settled: Metric<CounterSeries>;
  readonly processSeconds: Metric<HistogramSeries>;
  private readonly channels = new Map<string, Map<string, ChannelSeries>>();
  private count = 0;

  /** @param maxChannels - how many have series of their own; the others share those of the channel `other` */
  constructor(
    make: MetricMaker,
    private readonly maxChannels: number,
  ) {
    this.published = make.counter('published_total', 'Values accepted for publishing.', both);
    this.publishedBytes = make.counter('bytes_published_total', 'Bytes of the values accepted for publishing.', both);
    this.confirmed = make.counter('confirmed_total', 'Values that the broker has confirmed.', both);
    this.errors = make.counter('publish_errors_total', 'Values that failed, by error code.', [...both, 'code']);
    this.publishSeconds = make.histogram('publish_seconds', 'Seconds from acceptance to receipt.', both);
    this.consumed = make.counter('consumed_total', 'Deliveries emitted, copies left out.', both);
    this.consumedBytes = make.counter('bytes_consumed_total', 'Bytes of the deliveries emitted.', both);
    this.redelivered = make.counter('redelivered_total', 'Deliveries that the broker had sent before.', both);
    this.settled = make.counter('settled_total', 'Deliveries that gave their place back.', [...both, 'outcome']);
    this.processSeconds = make.histogram('process_seconds', 'Seconds from delivery to settling.', both);
    make.gauge('lag_seconds', 'Age of the last message when it was delivered.', both, (gauge) => {
      for (const { broker, channel, lag } of this.all()) if (lag !== undefined) gauge.labels(broker, channel).set(lag);
    });
  }

  of(broker: string, channel: string): ChannelSeries {
    const known = this.channels.get(broker)?.get(channel);
    if (known !== undefined) return known;
    if (this.count < this.maxChannels || channel === other) return this.add(broker, channel);
    return this.of(broker, other);
  }

  private add(broker: string, channel: string): ChannelSeries {
    let channels = this.channels.get(broker);
    if (channels === undefined) this.channels.set(broker, (channels = new Map<string, ChannelSeries>()));
    const series = new ChannelSeries(this, broker, channel);
    channels.set(channel, series);
    if (channel !== other) this.count++;
    return series;
  }

  private *all(): Generator<ChannelSeries> {
    for (const channels of this.channels.values()) yield* channels.values();
  }
}

/** What channels beyond the bound are called together. */
const other = 'other';

/** The series of one channel. Found once and kept, because finding one by its labels costs more than to count. @internal */
export class ChannelSeries {
  /** Seconds. */
  lag: number | undefined;
  private readonly found = new Map<Metric<unknown>, Map<string, unknown>>();

  constructor(
    private readonly metrics: ChannelMetrics,
    readonly broker: string,
    readonly channel: string,
  ) {}

  count(name: CounterName, by = 1, more?: string): void {
    this.series(this.metrics[name], more).inc(by);
  }

  observe(name: 'publishSeconds' | 'processSeconds', seconds: number): void {
    this.series(this.metrics[name]).observe(seconds);
  }

  private series<C>(metric: Metric<C>, more?: string): C {
    let series = this.found.get(metric);
    if (series === undefined) this.found.set(metric, (series = new Map<string, unknown>()));
    let one = series.get(more ?? '');
    if (one === undefined) {
      const labels = [this.broker, this.channel];
      one = metric.labels(...(more === undefined ? labels : [...labels, more]));
      series.set(more ?? '', one);
    }
    return one as C;
  }
}

type CounterName =
  'published' | 'publishedBytes' | 'confirmed' | 'errors' | 'consumed' | 'consumedBytes' | 'redelivered' | 'settled';
