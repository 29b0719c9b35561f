import { place, type Delivery } from '../../lib/core/delivery.js';

/** What can be said about a delivery beside its value. */
export interface FakeOptions {
  readonly channel?: string;
  readonly offset?: bigint | undefined;
  readonly redelivered?: boolean;
  readonly redeliveries?: number;
  /** The delivery whose copy this is. */
  readonly copyOf?: FakeDelivery<unknown>;
}

/** Makes deliveries by hand, and keeps a log of what became of them: `ack a`, `release b`. */
export class FakeDeliveries {
  readonly log: string[] = [];

  /** @param now - where given, each line of the log begins with its time */
  constructor(private readonly now?: () => number) {}

  make<T>(value: T, options: FakeOptions = {}): FakeDelivery<T> {
    return new FakeDelivery(value, options, (what) => this.log.push(this.now ? `${this.now()} ${what}` : what));
  }

  /** A delivery for each letter, for the values of marbles. */
  letters(letters: string): Record<string, FakeDelivery<string>> {
    return Object.fromEntries([...letters].map((letter) => [letter, this.make(letter)]));
  }
}

/** A delivery that no broker made. */
export class FakeDelivery<T> implements Delivery<T> {
  readonly channel: string;
  readonly offset: bigint | undefined;
  readonly redelivered: boolean;
  readonly redeliveries: number | undefined;
  readonly time = undefined;
  readonly timestamp = undefined;
  readonly key = undefined;
  readonly headers: ReadonlyMap<string, unknown> = new Map();
  /** Called when it is settled or released, as a source would go on then. */
  onFree: (() => void) | undefined = undefined;
  private readonly first: FakeDelivery<unknown>;
  private state: 'open' | 'settled' | 'released' = 'open';

  constructor(
    readonly value: T,
    options: FakeOptions,
    private readonly tell: (what: string) => void,
  ) {
    this.channel = options.channel ?? 'letters';
    this.offset = options.offset;
    this.redelivered = options.redelivered ?? options.copyOf !== undefined;
    this.redeliveries = options.redeliveries;
    this.first = options.copyOf?.first ?? (this as FakeDelivery<unknown>);
  }

  get settled(): boolean {
    return this.first.state === 'settled';
  }

  get [place](): object {
    return this.first;
  }

  ack(): void {
    this.become('settled', 'ack');
  }

  release(): void {
    this.become('released', 'release');
  }

  toJSON(): Record<string, unknown> {
    return { channel: this.channel, value: this.value, settled: this.settled };
  }

  private become(state: 'settled' | 'released', word: string): void {
    const { first } = this;
    if (first.state !== 'open') return;
    first.state = state;
    this.tell(`${word} ${String(this.value)}`);
    first.onFree?.();
  }
}
