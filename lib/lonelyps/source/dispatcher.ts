import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import { compileGlob, globWarning } from '../codec/glob.js';
import { topicText } from '../codec/topic-text.js';
import type { Arrival } from '../connection/http.js';
import { nameOf } from '../selection.js';
import type { Pattern } from '../session/session.js';
import { Offering, type Taker } from './offering.js';

/** A source, as the dispatcher knows it. @internal */
export interface Listener extends Taker {
  /** A message that it wants was lost, or may have been. */
  missed(): void;
}

/** @internal */
export interface DispatcherParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** ms */
  readonly answerWithin: number;
  /** A message was lost because a window was full. */
  readonly onMiss: (channel: string) => void;
}

interface GlobEntry {
  readonly matches: (topic: string) => boolean;
  /** Layers between the publisher and us do not agree on what it matches. */
  readonly ambiguous: boolean;
  readonly listeners: Set<Listener>;
}

/** Gives each message to the sources of the handle that want it. @internal */
export class Dispatcher {
  /** Its sets are replaced and never changed: who is offered a message may subscribe or unsubscribe because of it. */
  private readonly exact = new Map<string, ReadonlySet<Listener>>();
  private readonly globs = new Map<string, GlobEntry>();

  constructor(private readonly parts: DispatcherParts) {}

  add(pattern: Pattern, listener: Listener): void {
    if (pattern.kind === 'exact') {
      const name = nameOf(pattern);
      this.exact.set(name, new Set(this.exact.get(name)).add(listener));
      return;
    }
    const { glob } = pattern;
    let entry = this.globs.get(glob);
    if (entry === undefined) {
      const warning = globWarning(glob);
      if (warning !== undefined) this.parts.log.warn(`the glob '${glob}': ${warning}`);
      entry = { matches: compileGlob(glob), ambiguous: warning !== undefined, listeners: new Set() };
      this.globs.set(glob, entry);
    }
    entry.listeners.add(listener);
  }

  remove(pattern: Pattern, listener: Listener): void {
    const name = nameOf(pattern);
    if (pattern.kind === 'exact') {
      const listeners = new Set(this.exact.get(name));
      listeners.delete(listener);
      if (listeners.size === 0) this.exact.delete(name);
      else this.exact.set(name, listeners);
      return;
    }
    const listeners = this.globs.get(name)?.listeners;
    listeners?.delete(listener);
    if (listeners?.size === 0) this.globs.delete(name);
  }

  arrived(arrival: Arrival): void {
    const channel = topicText(arrival.topic);
    let listeners = this.whoWants(channel);
    if (listeners.size === 0) listeners = this.whoMayWant();
    if (listeners.size === 0) {
      this.parts.log.debug(`a message on '${channel}', which nobody listens to`);
      arrival.unwanted();
      arrival.body.discard();
      return;
    }
    new Offering(this.parts, arrival, channel).to(listeners);
  }

  /** Tells the sources that want this topic. */
  missed(channel: string): void {
    for (const listener of this.whoWants(channel)) listener.missed();
  }

  /** What all sources together are subscribed to, by name. */
  names(): string[] {
    return [...this.exact.keys(), ...this.globs.keys()];
  }

  /** Tells all sources. */
  missedAll(): void {
    const all = new Set<Listener>();
    for (const listeners of this.exact.values()) for (const each of listeners) all.add(each);
    for (const { listeners } of this.globs.values()) for (const each of listeners) all.add(each);
    for (const each of all) each.missed();
  }

  private whoWants(channel: string): ReadonlySet<Listener> {
    const exact = this.exact.get(channel);
    if (this.globs.size === 0) return exact ?? new Set();
    const all = new Set(exact);
    for (const { matches, listeners } of this.globs.values()) {
      if (matches(channel)) for (const each of listeners) all.add(each);
    }
    return all;
  }

  /** No glob of ours explains it: one on which the broadcaster's layers have another opinion must be the reason. */
  private whoMayWant(): ReadonlySet<Listener> {
    const all = new Set<Listener>();
    for (const { ambiguous, listeners } of this.globs.values()) {
      if (ambiguous) for (const each of listeners) all.add(each);
    }
    return all;
  }
}
