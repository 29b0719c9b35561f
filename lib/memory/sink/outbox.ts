import type { Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { Entry, Publisher, PublishPort } from '../../core/publisher.js';
import type { MemoryConnection } from '../connection/connection.js';
import type { Faults } from '../faults.js';
import { encodeKey, headersOf } from '../fields.js';
import type { MemoryServer } from '../store/server.js';

/** @internal */
export interface OutboxHost {
  readonly clock: Clock;
  readonly server: MemoryServer;
  readonly connection: MemoryConnection;
  readonly faults: Faults;
  wake(): void;
}

interface Stored {
  readonly entry: Entry;
  readonly offset: bigint;
  readonly refused: WeirError | undefined;
}

/** What is stored and not yet confirmed: a store confirms at the end of the turn, so that a fault can come between. @internal */
export class MemoryOutbox {
  private stored: Stored[] = [];
  private confirming = false;

  constructor(private readonly host: OutboxHost) {}

  port(channel: string): PublishPort {
    const { host } = this;
    return {
      get writable() {
        return host.connection.up;
      },
      wake: () => {
        if (!host.connection.up) host.wake();
      },
      write: (entry) => {
        this.write(channel, entry);
      },
    };
  }

  /** The confirmations that were on their way are lost. */
  lost(reason: string, cause: unknown): void {
    const { stored } = this;
    this.stored = [];
    const byPublisher = new Map<Publisher, Entry[]>();
    for (const { entry } of stored) {
      const list = byPublisher.get(entry.publisher);
      if (list === undefined) byPublisher.set(entry.publisher, [entry]);
      else list.push(entry);
    }
    for (const [publisher, list] of byPublisher) publisher.lost(list, reason, cause);
  }

  private write(channel: string, entry: Entry): void {
    const { server, faults, clock } = this.host;
    const refused = faults.takeRefusal(channel);
    const { fields } = entry;
    const message = fields && { key: encodeKey(fields.key), headers: headersOf(fields.headers), id: fields.id };
    const offset = refused === undefined ? server.publish(channel, entry.bytes, message) : 0n;
    entry.id = fields?.id ?? (refused === undefined ? offset : undefined);
    this.stored.push({ entry, offset, refused });
    if (this.confirming) return;
    this.confirming = true;
    clock.soon(() => {
      this.confirming = false;
      this.confirm();
    });
  }

  private confirm(): void {
    const { stored } = this;
    this.stored = [];
    for (const { entry, offset, refused } of stored) {
      if (refused === undefined) entry.publisher.confirmed(entry, offset);
      else entry.publisher.refused(entry, refused);
    }
  }
}
