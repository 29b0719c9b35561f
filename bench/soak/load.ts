import { PublishUncertainError } from '../../lib/core/errors.js';
import type { NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import type { Random } from './random.js';
import type { Story } from './story.js';
import { encodeValue, type Line } from './values.js';

/** Milliseconds within which a publish is confirmed or uncertain. */
export const ackTimeout = 8_000;

/** Publishes numbered values by a sink, in bursts, and counts the receipts. */
export class Load {
  uncertain = 0;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly sink;

  constructor(
    broker: NatsStreamingBroker,
    private readonly line: Line,
    private readonly index: number,
    resend: boolean,
    private readonly random: Random,
    private readonly story: Story,
  ) {
    this.sink = broker.sink(line.channel, {
      resend,
      maxInFlight: 64,
      message: (number: number) => ({ value: encodeValue(index, number) }),
    });
    this.sink.receipts.subscribe((receipt) => {
      const { value } = receipt;
      if (!line.told.add(value)) story.wrong(`${line.name}: two receipts for ${value}`);
      if (receipt.ok) line.confirmed.add(value);
      else if (receipt.error instanceof PublishUncertainError) {
        this.uncertain++;
        if (resend && !receipt.error.message.includes('no confirmation within')) {
          story.wrong(`${line.name}: uncertain though it resends: ${receipt.error.message}`);
        }
        if (!story.faultWithin(ackTimeout + 4_000)) story.wrong(`${line.name}: uncertain without a fault`);
      } else story.wrong(`${line.name}: ${String(receipt.error)}`);
    });
  }

  begin(): void {
    if (this.stopped) return;
    for (let n = this.random.between(1, 30); n > 0; n--) {
      // what waits is bounded, so that an overflow is a mistake of ours
      if (this.line.sent - this.told > 5_000) break;
      this.sink.next(this.line.sent++);
    }
    this.timer = setTimeout(() => this.begin(), this.random.between(1, 200));
  }

  async end(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sink.flush();
    for (let n = 0; n < this.line.sent; n++) {
      if (!this.line.told.has(n)) this.story.wrong(`${this.line.name}: no receipt for ${n}`);
    }
    this.sink.complete();
  }

  private lowest = 0;

  /** How many have their receipts, from the first one on without a gap. */
  private get told(): number {
    while (this.line.told.has(this.lowest)) this.lowest++;
    return this.lowest;
  }
}
