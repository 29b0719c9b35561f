import type { Observable } from 'rxjs';
import type { FailedReceipt, Receipt } from '../../lib/core/broker.js';

/** Publishes texts, and tells what becomes of each. */
export type PublishTexts = (values: AsyncIterable<string>) => Observable<Receipt<string>>;

/** What becomes of values that are published, as their receipts say. */
class Published {
  readonly confirmed = new Set<string>();
  readonly failed: FailedReceipt<string>[] = [];
  /** Resolves when each value has its receipt. */
  readonly done: Promise<void>;

  protected constructor(receipts: Observable<Receipt<string>>) {
    this.done = new Promise((resolve, reject) => {
      receipts.subscribe({
        next: (receipt) => {
          if (receipt.ok) this.confirmed.add(receipt.value);
          else this.failed.push(receipt);
        },
        error: reject,
        complete: resolve,
      });
    });
  }
}

/** Publishes `count` numbered values with receipts, and says how far it is. */
export class Load extends Published {
  constructor(publish: PublishTexts, count: number) {
    super(publish(numbered(count)));
  }
}

/** Publishes numbered values, as fast as their receipts come, until it is told to stop. */
export class Flow extends Published {
  private readonly tap: { offered: number; stopping: boolean };

  constructor(publish: PublishTexts) {
    const tap = { offered: 0, stopping: false };
    super(publish(endless(tap)));
    this.tap = tap;
  }

  /** How many values it has begun to publish. */
  get offered(): number {
    return this.tap.offered;
  }

  /** Resolves when all that was offered has its receipt. */
  stop(): Promise<void> {
    this.tap.stopping = true;
    return this.done;
  }
}

/** `value 0`, `value 1` … */
export function valuesUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `value ${i}`);
}

/** Gives way to the socket now and then, so that faults meet a publisher at work. */
async function* numbered(count: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield `value ${i}`;
  }
}

async function* endless(tap: { offered: number; readonly stopping: boolean }): AsyncGenerator<string> {
  while (!tap.stopping) {
    if (tap.offered % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield `value ${tap.offered++}`;
  }
}
