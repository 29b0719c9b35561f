import type { Connection } from '../connection/connection.js';
import type { Pattern } from './session.js';
import { Settling } from './settling.js';
import type { Wanted } from './wanted.js';

interface Held {
  readonly pattern: Pattern;
  state: 'subscribing' | 'subscribed' | 'unsubscribing';
}

const utf8 = new TextEncoder();

/**
 * What is subscribed on one connection after the other: never twice, because the broadcaster ends a connection for that. A
 * broadcaster confirms a subscription a moment before it is in place, but takes one request after the other: a topic of nobody's,
 * subscribed and unsubscribed behind the others, shows by its confirmation that they are.
 * @internal
 */
export class SocketSubscriptions {
  private connection: Connection | undefined;
  private readonly held = new Map<string, Held>();
  /** How many are being subscribed. */
  private pending = 0;
  private readonly settling = new Settling();

  /** @param done - all that was wanted is subscribed, after `begin` said that it was not */
  constructor(
    private readonly wanted: Wanted,
    private readonly random: (length: number) => Uint8Array,
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
    const { connection } = this;
    if (connection === undefined) return;
    this.subscribe(
      connection,
      [...this.wanted.patterns()].filter(({ key }) => !this.held.has(key)),
    );
    for (const { pattern, state } of this.held.values()) {
      if (state === 'subscribed' && !this.wanted.has(pattern.key)) this.unsubscribe(connection, pattern);
    }
  }

  /** Resolves when what is wanted is subscribed. */
  settled(): Promise<void> {
    return this.settling.wait([...this.wanted.keys()].filter((key) => this.held.get(key)?.state !== 'subscribed'));
  }

  private subscribe(connection: Connection, patterns: readonly Pattern[]): void {
    if (patterns.length === 0) return;
    this.pending += patterns.length;
    for (const pattern of patterns) {
      this.held.set(pattern.key, { pattern, state: 'subscribing' });
      connection.change(true, pattern, () => undefined);
    }
    const probe = this.probe();
    connection.change(true, probe, () => undefined);
    connection.change(false, probe, (error) => {
      // what is gone with its connection is sent again on the next
      if (error === undefined && this.connection === connection) this.subscribed(connection, patterns);
    });
  }

  private subscribed(connection: Connection, patterns: readonly Pattern[]): void {
    this.pending -= patterns.length;
    for (const pattern of patterns) {
      this.held.set(pattern.key, { pattern, state: 'subscribed' });
      if (!this.wanted.has(pattern.key)) this.unsubscribe(connection, pattern);
    }
    this.settling.met(patterns.map(({ key }) => key).filter((key) => this.wanted.has(key)));
    if (this.pending === 0) this.done();
  }

  private unsubscribe(connection: Connection, pattern: Pattern): void {
    const { key } = pattern;
    this.held.set(key, { pattern, state: 'unsubscribing' });
    connection.change(false, pattern, (error) => {
      if (error !== undefined || this.connection !== connection) return;
      this.held.delete(key);
      if (this.wanted.has(key)) this.subscribe(connection, [pattern]);
    });
  }

  private probe(): Pattern {
    const name = [...this.random(8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { kind: 'exact', key: '', topic: utf8.encode(`rx-weir/in-place/${name}`) };
  }
}
