import { ackPolicies } from '../codec/enums.js';
import { PublishEncoder } from '../codec/publish.js';
import type { AckPolicy } from '../fields.js';
import { CorrelationTexts } from './correlation-texts.js';

/** The messages of one port that go to one partition under one ack policy. @internal */
export class Lane {
  readonly encoder: PublishEncoder;

  /** @param correlationPrefix - what its generated correlation ids begin with */
  constructor(
    readonly stream: string,
    partition: number,
    ackPolicy: AckPolicy,
    correlationPrefix: string,
  ) {
    this.encoder = new PublishEncoder({ stream, partition, ackPolicy: ackPolicies[ackPolicy], correlationPrefix });
  }
}

/**
 * One without acks. What is sent is forgotten, and still the server may refuse it later: by the prefix of its own, one knows
 * whose it was.
 * @internal
 */
export class UnackedLane extends Lane {
  private readonly texts: CorrelationTexts;
  private counter = 0;

  constructor(
    stream: string,
    partition: number,
    readonly correlationPrefix: string,
  ) {
    super(stream, partition, 'none', correlationPrefix);
    this.texts = new CorrelationTexts(correlationPrefix);
  }

  /** The number of the next message. */
  get next(): number {
    return this.counter;
  }

  /** Gives the next message its number, and that as text. */
  count(): string {
    return this.texts.of(this.counter++);
  }
}
