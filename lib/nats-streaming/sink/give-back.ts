import type { Entry, Publisher } from '../../core/publisher.js';

/**
 * Tells each publisher of its own entries, in their order, that no confirmation comes for them.
 * @param safe - the server certainly does not have them: they are sent again
 * @internal
 */
export function giveBack(entries: readonly Entry[], reason: string, cause: unknown, safe: boolean): void {
  const byPublisher = new Map<Publisher, Entry[]>();
  for (const entry of entries) {
    const list = byPublisher.get(entry.publisher);
    if (list === undefined) byPublisher.set(entry.publisher, [entry]);
    else list.push(entry);
  }
  for (const [publisher, list] of byPublisher) {
    const { failure } = publisher;
    if (safe && failure !== undefined) {
      // it sends nothing any more, and there is nothing uncertain about these
      for (const entry of list) publisher.refused(entry, failure);
    } else publisher.lost(list, reason, cause, safe);
  }
}
