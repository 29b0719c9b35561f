import type { Observable, Subscription } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { until } from './wait.js';

/** What a consumer of a log gets. */
export type LoggedDelivery = Delivery & { readonly offset: bigint; readonly partition?: number | string | undefined };

const decoder = new TextDecoder();

/** A consumer of texts that acks by hand and keeps the books: what came, what was acked, and what came again though it was. */
export class Worker {
  readonly values = new Map<string, string>();
  readonly acked = new Set<string>();
  readonly ackedAndEmitted: string[] = [];
  /** Offsets in the order in which they came, by partition, or by channel where there are no partitions. */
  readonly order = new Map<string, bigint[]>();
  ended: unknown;
  private readonly subscription: Subscription;

  constructor(deliveries: Observable<LoggedDelivery>) {
    this.subscription = deliveries.pipe(ackMergeMap((delivery) => this.work(delivery), { concurrency: 16 })).subscribe({
      error: (error: unknown) => {
        this.ended = error;
      },
      complete: () => {
        this.ended = 'completed';
      },
    });
  }

  /** Waits until every one of these values has come. */
  async hasAll(values: Iterable<string>, timeout = 40_000): Promise<void> {
    const wanted = [...values];
    const missing = (): string[] => {
      const got = new Set(this.values.values());
      return wanted.filter((value) => !got.has(value));
    };
    await until(() => this.values.size >= wanted.length && missing().length === 0, {
      timeout,
      every: 50,
      message: () => {
        const left = missing();
        const ended = `ended: ${String(this.ended)}; offsets: ${this.jumps().join('; ')}`;
        return `${left.length} of ${wanted.length} values, ${left.slice(0, 5).join(', ')} … (${ended})`;
      },
    });
  }

  /** Where offsets did not follow upon one another, for who looks for what is missing. */
  private jumps(): string[] {
    return [...this.order].map(([log, offsets]) => {
      const jumps = offsets.flatMap((offset, i) =>
        i > 0 && offset !== offsets[i - 1]! + 1n ? `${offsets[i - 1]!} to ${offset}` : [],
      );
      return `${log} from ${String(offsets[0])} to ${String(offsets.at(-1))}, with jumps from ${jumps.slice(0, 5).join(', from ') || 'nowhere'}`;
    });
  }

  stop(): void {
    this.subscription.unsubscribe();
  }

  private async work(delivery: LoggedDelivery): Promise<void> {
    const log = String(delivery.partition ?? delivery.channel);
    const key = `${log} ${delivery.offset}`;
    if (this.acked.has(key)) this.ackedAndEmitted.push(key);
    this.values.set(key, decoder.decode(delivery.value));
    const offsets = this.order.get(log);
    if (offsets === undefined) this.order.set(log, [delivery.offset]);
    else offsets.push(delivery.offset);
    await Promise.resolve();
    this.acked.add(key);
  }
}
