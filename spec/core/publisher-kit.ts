import type { MessageFields, Receipt } from '../../lib/core/broker.js';
import { systemClock } from '../../lib/core/clock.js';
import { PublishError, type WeirError } from '../../lib/core/errors.js';
import type { Maker } from '../../lib/core/outgoing.js';
import {
  Entry,
  Publisher,
  type PublisherSettings,
  type PublishPort,
  type ReceiptListener,
} from '../../lib/core/publisher.js';

/** A port that writes into an array; the spec says what becomes of each. */
export class HandPort implements PublishPort {
  writable = true;
  wakes = 0;
  readonly written: Entry[] = [];
  /** Values that cannot be sent at all. */
  readonly unsendable = new Set<unknown>();

  write(entry: Entry): void {
    if (this.unsendable.has(entry.value)) throw new PublishError(`cannot send ${String(entry.value)}`);
    this.written.push(entry);
    entry.id = `id-${this.written.length}`;
  }

  wake(): void {
    this.wakes++;
  }

  /** The values that are written and not confirmed. */
  get open(): unknown[] {
    return this.written.filter(({ state }) => state === 'written').map(({ value }) => value);
  }

  /** Confirms the message with that value, or the oldest. */
  confirm(value?: unknown): void {
    const entry = this.find(value);
    entry.publisher.confirmed(entry);
  }

  refuse(value: unknown, error: WeirError): void {
    const entry = this.find(value);
    entry.publisher.refused(entry, error);
  }

  /** Confirms everything until nothing is written any more. */
  confirmAll(): void {
    // the loop sees what is written while it runs: each confirmation may write another
    for (const entry of this.written) {
      if (entry.state === 'written') entry.publisher.confirmed(entry);
    }
  }

  private find(value: unknown): Entry {
    const found = this.written.find(
      (entry) => entry.state === 'written' && (value === undefined || entry.value === value),
    );
    if (found === undefined) throw new Error(`${String(value)} is not written`);
    return found;
  }
}

/** A publisher over such a port, and the receipts that came of it. */
export class PublisherBench implements ReceiptListener {
  readonly port = new HandPort();
  readonly publisher: Publisher;
  readonly receipts: Receipt<unknown>[] = [];
  readonly maker: Maker = {
    broker: 'memory',
    codec: {
      encode: (value) => {
        if (value === 'unencodable') throw new Error('cannot encode that');
        return new TextEncoder().encode(String(value));
      },
    },
    checkFields: () => undefined,
  };

  constructor(settings: Partial<PublisherSettings> = {}) {
    this.publisher = new Publisher(
      this.port,
      {
        broker: 'memory',
        channel: 'c',
        maxInFlight: 2,
        buffer: 2,
        overflow: 'error',
        resend: false,
        ...settings,
      },
      systemClock,
    );
  }

  /** Offers values; returns whether each was accepted. */
  offer(...values: unknown[]): boolean[] {
    return values.map((value) => this.publisher.offer(this.entry(value)));
  }

  entry(value: unknown, fields?: MessageFields): Entry {
    return new Entry(this.publisher, value, new TextEncoder().encode(String(value)), fields, this);
  }

  receipt(receipt: Receipt<unknown>): void {
    this.receipts.push(receipt);
  }

  /** `value ok` or `value CODE`, in the order of receipts. */
  get told(): string[] {
    return this.receipts.map(({ value, error }) => `${String(value)} ${error?.code ?? 'ok'}`);
  }
}

/** Resolves when the microtasks that are queued so far, and those that they queue, have run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
