import { BrokerTimeoutError, type WeirError } from '../../core/errors.js';
import { keys } from '../codec/keys.js';
import { encodeDeclarePublisher, encodeDeletePublisher, encodeQueryPublisherSequence } from '../codec/requests.js';
import { readQueryPublisherSequence } from '../codec/responses.js';
import type { Connection } from '../connection/connection.js';
import type { Link, PublisherHandlers } from '../session/link.js';
import type { PublishingId } from './pending.js';

/** A publisher as the broker knows it: declared on one connection, until that is lost or it leaves. @internal */
export class Station implements PublisherHandlers {
  readonly connection: Connection;
  readonly publisherId: number;
  /** The last id that the broker has stored for this name; 0: none, or an unnamed producer. */
  stored: PublishingId = 0;
  private loss: WeirError | undefined;
  private settled = false;
  private over = false;

  /**
   * Takes a place on the link.
   * @param reference - the producer's name, or empty
   * @param listener - is told what comes for this publisher until it leaves; `lost` only once it is declared
   */
  constructor(
    private readonly link: Link,
    readonly stream: string,
    readonly reference: string,
    private readonly listener: PublisherHandlers,
  ) {
    this.connection = link.connection;
    this.publisherId = link.addPublisher(stream, this);
  }

  /** Declares it, and asks what is stored under its name. If that fails, its place is free again. */
  async declare(): Promise<void> {
    const { connection, publisherId, stream, reference } = this;
    const name = reference === '' ? '' : ` by the producer '${reference}'`;
    try {
      await connection.request(
        keys.declarePublisher,
        (id) => encodeDeclarePublisher(id, { publisherId, reference, stream }),
        () => undefined,
        { action: `publish to '${stream}'${name}`, stream, reference, precondition: 'in-use' },
      );
    } catch (error) {
      // without an answer the broker may know it
      if (error instanceof BrokerTimeoutError) this.leave();
      else this.free();
      throw error;
    }
    if (reference === '') return;
    try {
      this.stored = await connection.request(
        keys.queryPublisherSequence,
        (id) => encodeQueryPublisherSequence(id, { reference, stream }),
        readQueryPublisherSequence,
        { action: `ask for the last publishing id of '${reference}' in '${stream}'`, stream, reference },
      );
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** From here on its loss is told; throws if it was lost already. */
  settle(): void {
    if (this.loss !== undefined) throw this.loss;
    this.settled = true;
  }

  /** Ends it at the broker; nothing is told any more. */
  leave(): void {
    if (this.over) return;
    this.over = true;
    const { connection, publisherId, stream } = this;
    const free = (): void => {
      this.link.removePublisher(publisherId);
    };
    // its id is free when the broker has answered; where it doesn't, the connection is as good as gone
    connection
      .request(
        keys.deletePublisher,
        (id) => encodeDeletePublisher(id, { publisherId }),
        () => undefined,
        { action: `end a publisher of '${stream}'`, stream },
      )
      .then(free, free);
  }

  /** The broker does not know it any more: its place is free, and nothing is told. */
  free(): void {
    if (this.over) return;
    this.over = true;
    this.link.removePublisher(this.publisherId);
  }

  /** Nothing is told any more; the connection ends soon. */
  silence(): void {
    this.over = true;
  }

  confirmed(bytes: Uint8Array, start: number, count: number): void {
    if (!this.over) this.listener.confirmed(bytes, start, count);
  }

  refused(id: PublishingId, code: number): void {
    if (!this.over) this.listener.refused(id, code);
  }

  drained(): void {
    if (!this.over) this.listener.drained();
  }

  lost(error: WeirError): void {
    if (this.over) return;
    this.over = true;
    this.loss = error;
    if (this.settled) this.listener.lost(error);
  }
}
