import { InvalidOptionError, PublishError } from '../../core/errors.js';
import { maxPublishingId } from '../fields.js';
import { idAfter, publishingId, type PublishingId } from './pending.js';

/** Gives out the publishing ids of one producer, which only ever increase. @internal */
export class IdSequence {
  private next: PublishingId = 1;
  private last: PublishingId = -1;

  constructor(private readonly stream: string) {}

  /** The next one of our own. @throws PublishError when they are used up */
  take(): PublishingId {
    const id = this.next;
    if (typeof id === 'bigint' && id > maxPublishingId) {
      throw new PublishError(`cannot publish to '${this.stream}': publishing ids end at 2^64 - 1, and that was used`, {
        broker: 'rabbitmq-stream',
      });
    }
    this.next = idAfter(id);
    this.last = id;
    return id;
  }

  /**
   * One that the user has chosen. It may be one that the broker has stored already: then the message is there.
   * @throws InvalidOptionError if it is not larger than the one before
   */
  given(chosen: bigint): PublishingId {
    const id = publishingId(chosen);
    if (id <= this.last) {
      throw new InvalidOptionError(
        `cannot publish to '${this.stream}': publishing ids increase, and ${String(chosen)} comes after ${String(this.last)}; ` +
          'give a larger one, or leave id out',
        { broker: 'rabbitmq-stream' },
      );
    }
    this.last = id;
    if (id >= this.next) this.next = idAfter(id);
    return id;
  }

  /** Our own go on behind the last one that the broker has stored. */
  behind(stored: PublishingId): void {
    if (this.next <= stored) this.next = idAfter(stored);
  }
}
