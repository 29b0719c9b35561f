import { OverflowError } from '../core/errors.js';
import type { StoredFields } from '../memory/store/message.js';
import { MemoryServer, type ServerOptions } from '../memory/store/server.js';
import { Waiters } from './waiters.js';

/** A message as it was stored. @internal */
export interface Entry {
  readonly offset: bigint;
  /** ms since the Unix epoch. */
  readonly time: number;
  readonly data: Uint8Array;
  readonly fields: StoredFields | undefined;
}

/** What was published on a store, whoever published it and whatever became of it there. @internal */
export class Journal {
  readonly waiters = new Waiters();
  private readonly channels = new Map<string, Entry[]>();
  private size = 0;

  /** @param limit - how many messages are kept, of all channels together */
  constructor(private readonly limit: number) {}

  add(channel: string, entry: Entry): void {
    this.size++;
    if (this.size <= this.limit) {
      const entries = this.channels.get(channel);
      if (entries === undefined) this.channels.set(channel, [entry]);
      else entries.push(entry);
    }
    this.waiters.poke();
  }

  /** @throws OverflowError when more was published than is kept */
  of(channel: string): readonly Entry[] {
    if (this.size > this.limit) {
      throw new OverflowError(
        `published('${channel}'): ${this.limit} messages are kept, and ${this.size} were published; call clear() between specs, or give testBroker() a higher history`,
        { broker: 'memory', retriable: false },
      );
    }
    return this.channels.get(channel) ?? [];
  }

  clear(): void {
    this.channels.clear();
    this.size = 0;
  }
}

/** A store that writes down what it is given. @internal */
export class JournalingServer extends MemoryServer {
  constructor(
    private readonly settings: ServerOptions,
    private readonly journal: Journal,
  ) {
    super(settings);
  }

  override publish(channel: string, data: Uint8Array, fields?: StoredFields): bigint {
    const offset = super.publish(channel, data, fields);
    // a copy: the bytes are the publisher's to use again
    this.journal.add(channel, { offset, time: this.settings.clock.now(), data: data.slice(), fields });
    return offset;
  }
}
