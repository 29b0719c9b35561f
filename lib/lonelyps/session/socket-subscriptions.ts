import type { Connection } from '../connection/connection.js';
import type { Pattern } from './session.js';
import { Settling } from './settling.js';
import type { Wanted } from './wanted.js';

interface Held {
  readonly pattern: Pattern;
  state: 'subscribing' | 'subscribed' | 'unsubscribing';
}

/** What is subscribed on one connection after the other: never twice, because the broadcaster ends a connection for that. @internal */
export class SocketSubscriptions {
  private connection: Connection | undefined;
  private readonly held = new Map<string, Held>();
  /** How many are being subscribed. */
  private pending = 0;
  private readonly settling = new Settling();

  /** @param done - all that was wanted is subscribed, after `begin` said that it was not */
  constructor(
    private readonly wanted: Wanted,
    private readonly done: () => void,
  ) {}

  /** There is a connection, on which nothing is subscribed. @returns whether there is something to be */
  begin(connection: Connection): boolean {
    this.connection = connection;
    this.change();
    return this.pending > 0;
  }

  /** It is gone. */
  end(): void {
    this.connection = undefined;
    this.held.clear();
    this.pending = 0;
  }

  /** Nobody needs to wait any more. */
  release(): void {
    this.settling.end();
  }

  /** What is wanted has changed. */
  change(): void {
    this.settling.keep((key) => this.wanted.has(key));
    if (this.connection === undefined) return;
    for (const pattern of this.wanted.patterns()) {
      if (!this.held.has(pattern.key)) this.send(this.connection, pattern, 'subscribing');
    }
    for (const { pattern, state } of this.held.values()) {
      if (state === 'subscribed' && !this.wanted.has(pattern.key)) this.send(this.connection, pattern, 'unsubscribing');
    }
  }

  /** Resolves when what is wanted is subscribed. */
  settled(): Promise<void> {
    return this.settling.wait([...this.wanted.keys()].filter((key) => this.held.get(key)?.state !== 'subscribed'));
  }

  private send(connection: Connection, pattern: Pattern, state: 'subscribing' | 'unsubscribing'): void {
    this.held.set(pattern.key, { pattern, state });
    if (state === 'subscribing') this.pending++;
    connection.change(state === 'subscribing', pattern, (error) => {
      // what is gone with its connection is sent again on the next
      if (error === undefined && this.connection === connection) this.answered(connection, pattern, state);
    });
  }

  private answered(connection: Connection, pattern: Pattern, state: 'subscribing' | 'unsubscribing'): void {
    const { key } = pattern;
    const isWanted = this.wanted.has(key);
    if (state === 'unsubscribing') {
      this.held.delete(key);
      if (isWanted) this.send(connection, pattern, 'subscribing');
      return;
    }
    this.pending--;
    this.held.set(key, { pattern, state: 'subscribed' });
    if (isWanted) this.settling.met([key]);
    else this.send(connection, pattern, 'unsubscribing');
    if (this.pending === 0) this.done();
  }
}
