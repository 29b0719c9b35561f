import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { addressOf } from '../connection/socket-failures.js';
import type { Address, ResolvedOptions } from '../options.js';
import { isSame, type Dialer } from './dialer.js';
import { Link, type LinkHooks, type LinkRole } from './link.js';
import { unlessAborted } from '../../core/pause.js';

/** What a {@link Pool} is made of. @internal */
export interface PoolParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly dialer: Pick<Dialer, 'toNode'>;
}

/** How long a connection is kept for which nobody has a use, in milliseconds. */
const linger = 1000;

interface Pooled {
  readonly link: Link;
  readonly node: Address;
  cancelLinger?: Cancel | undefined;
}

/** The data connections: by node and by what they are used for, made when needed and closed when nobody is on them. @internal */
export class Pool {
  private readonly pooled = new Map<Link, Pooled>();
  /** Those in the making, by what they are wanted for. */
  private readonly opening = new Map<string, Promise<Link>>();
  /** Those that say goodbye. */
  private readonly leaving = new Map<Link, Promise<unknown>>();
  private readonly hooks: LinkHooks;
  /** Those of the connections in the making. */
  private readonly aborters = new Set<AbortController>();
  private cancelClaims: Cancel | undefined;

  constructor(private readonly parts: PoolParts) {
    this.hooks = {
      idle: (link) => {
        this.lingerOn(link);
      },
      closed: (link) => {
        this.pooled.get(link)?.cancelLinger?.();
        this.pooled.delete(link);
      },
    };
  }

  /** How many connections there are. */
  get size(): number {
    return this.pooled.size;
  }

  /**
   * A link with room to one of the nodes, and a place on it until the end of the turn.
   * @param nodes - at least one, the preferred one first
   */
  async get(role: LinkRole, nodes: readonly Address[], signal: AbortSignal | undefined): Promise<Link> {
    for (;;) {
      signal?.throwIfAborted();
      const there = this.find(role, nodes);
      if (there) return this.claim(there);
      // whoever wants the same waits for the same connection
      const key = `${role} ${nodes.map(addressOf).sort().join(' ')}`;
      const link = await unlessAborted(this.opening.get(key) ?? this.share(key, this.open(role, nodes)), signal);
      // lost again already: no reason to try here without end
      if (link.loss) throw link.loss;
    }
  }

  /** Tells all who are on a link that it is gone, and closes them all. Others can be made afterwards. */
  drop(error: WeirError): void {
    for (const aborter of this.aborters) aborter.abort(error);
    this.opening.clear();
    this.cancelClaims?.();
    this.cancelClaims = undefined;
    for (const { link } of [...this.pooled.values()]) {
      link.lose(error);
      this.leave(link);
    }
  }

  /** Resolves when all that are being closed are. */
  async left(): Promise<void> {
    while (this.leaving.size > 0) await Promise.all(this.leaving.values());
  }

  /** Ends at once those that still say goodbye. */
  destroy(error: WeirError): void {
    for (const link of [...this.leaving.keys()]) link.connection.destroy(error);
  }

  private share(key: string, opening: Promise<Link>): Promise<Link> {
    const forget = (): void => {
      if (this.opening.get(key) === opening) this.opening.delete(key);
    };
    this.opening.set(key, opening);
    void opening.then(forget, forget);
    return opening;
  }

  private find(role: LinkRole, nodes: readonly Address[]): Link | undefined {
    for (const { link, node } of this.pooled.values()) {
      if (link.role === role && link.hasRoom && nodes.some((each) => isSame(each, node))) return link;
    }
    return undefined;
  }

  private claim(link: Link): Link {
    link.claims++;
    // a caller that changes its mind must not keep its place
    this.cancelClaims ??= this.parts.clock.after(0, () => {
      this.cancelClaims = undefined;
      for (const { link } of this.pooled.values()) {
        link.claims = 0;
        if (link.count === 0) this.lingerOn(link);
      }
    });
    return link;
  }

  private async open(role: LinkRole, nodes: readonly Address[]): Promise<Link> {
    const aborter = new AbortController();
    this.aborters.add(aborter);
    // a connection that led elsewhere has had its own link, so that nothing of it is heard here
    const attempts: Link[] = [];
    const events = (): Link['events'] => {
      const link = new Link(role, this.hooks);
      attempts.push(link);
      return link.events;
    };
    const { signal } = aborter;
    try {
      const { connection, node } = await this.parts.dialer.toNode(nodes, role, signal, events);
      const link = attempts.at(-1) as Link;
      link.attach(connection);
      if (signal.aborted) {
        this.leave(link);
        throw signal.reason as Error;
      }
      if (!link.closed) {
        this.pooled.set(link, { link, node });
        this.lingerOn(link);
      }
      return link;
    } finally {
      this.aborters.delete(aborter);
    }
  }

  private lingerOn(link: Link): void {
    const entry = this.pooled.get(link);
    if (!entry) return;
    entry.cancelLinger?.();
    entry.cancelLinger = this.parts.clock.after(linger, () => {
      if (link.count > 0 || link.claims > 0) return;
      this.pooled.delete(link);
      this.leave(link);
    });
  }

  private leave(link: Link): void {
    const left = link.connection.close().finally(() => this.leaving.delete(link));
    this.leaving.set(link, left);
  }
}
