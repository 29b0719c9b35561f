import type { Cancel, Clock } from '../../core/clock.js';
import { BrokerTimeoutError, ProtocolError } from '../../core/errors.js';
import { keyName } from '../codec/keys.js';
import type { Reader } from '../codec/reader.js';

/** How many requests that timed out are remembered, so that their late answers are known. Beyond, the oldest are forgotten. */
const maxOverdue = 1024;

interface Waiting {
  readonly key: number;
  /** Takes the answer after its correlation id. */
  answer(reader: Reader): void;
  fail(error: unknown): void;
  readonly cancel: Cancel | undefined;
}

/** What becomes of a request that is not answered in time. @internal */
export interface Late {
  /** How long to wait, in milliseconds. */
  readonly after: number;
  /** What to say then. */
  readonly message: string;
}

/** A request that can be written. @internal */
export interface OpenRequest<R> {
  readonly correlationId: number;
  readonly answer: Promise<R>;
}

/**
 * The requests that were sent and not answered. An answer belongs to a request by its key and correlation id.
 * @internal
 */
export class WaitingRequests {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  readonly #overdue = new Map<number, number>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param read - takes the answer after its correlation id; what it throws rejects the request
   * @param late - absent: it waits for as long as the connection is there
   */
  open<R>(key: number, read: (reader: Reader) => R, late?: Late): OpenRequest<R> {
    const correlationId = this.#nextId();
    const answer = new Promise<R>((resolve, reject) => {
      const cancel =
        late &&
        this.#clock.after(late.after, () => {
          this.#waiting.delete(correlationId);
          this.#remember(correlationId, key);
          reject(new BrokerTimeoutError(late.message, { broker: 'rabbitmq-stream' }));
        });
      this.#waiting.set(correlationId, {
        key,
        answer: (reader) => resolve(read(reader)),
        fail: reject,
        cancel,
      });
    });
    return { correlationId, answer };
  }

  /** Forgets a request that was not written after all. */
  drop(correlationId: number): void {
    this.#waiting.get(correlationId)?.cancel?.();
    this.#waiting.delete(correlationId);
  }

  /**
   * Gives an answer to the request that waits for it. False: that request had timed out.
   * @param key - without the response bit
   * @throws ProtocolError where nobody has asked, or where the answer cannot be read
   */
  answer(key: number, correlationId: number, reader: Reader): boolean {
    const waiting = this.#waiting.get(correlationId);
    if (waiting?.key === key) {
      this.drop(correlationId);
      try {
        waiting.answer(reader);
      } catch (error) {
        waiting.fail(error);
        if (error instanceof ProtocolError) throw error;
      }
      return true;
    }
    if (this.#overdue.get(correlationId) === key) {
      this.#overdue.delete(correlationId);
      return false;
    }
    throw new ProtocolError(
      `an answer to ${keyName(key)} with correlation id ${correlationId}, which nobody has sent`,
      {
        broker: 'rabbitmq-stream',
      },
    );
  }

  /** Rejects all that wait. */
  fail(error: unknown): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#overdue.clear();
    for (const each of waiting) {
      each.cancel?.();
      each.fail(error);
    }
  }

  #nextId(): number {
    // 32 bits on the wire, and nothing waits for as long as it takes to come round
    this.#lastId = this.#lastId === 0xffff_ffff ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  #remember(correlationId: number, key: number): void {
    if (this.#overdue.size >= maxOverdue) {
      const [oldest] = this.#overdue.keys();
      if (oldest !== undefined) this.#overdue.delete(oldest);
    }
    this.#overdue.set(correlationId, key);
  }
}
