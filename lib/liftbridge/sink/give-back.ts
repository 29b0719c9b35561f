import type { WeirError } from '../../core/errors.js';
import type { Entry, Publisher } from '../../core/publisher.js';

/** The entries of each publisher, in their order. */
type ByPublisher = ReadonlyMap<Publisher, readonly Entry[]>;

/** These are certainly not stored: they are sent again, or fail where their publisher sends nothing any more. @internal */
export function giveBackUnsent(entries: readonly Entry[]): void {
  for (const [publisher, list] of byPublisher(entries)) {
    const { failure } = publisher;
    if (failure === undefined) publisher.lost(list, '', undefined, true);
    else for (const entry of list) publisher.refused(entry, failure);
  }
}

/** Nobody can tell what became of these: they are sent again where that is allowed, else they are uncertain. @internal */
export function giveBackSent(entries: readonly Entry[], reason: string, cause: unknown): void {
  for (const [publisher, list] of byPublisher(entries)) publisher.lost(list, reason, cause);
}

/** @internal */
export function refuseAll(entries: readonly Entry[], error: WeirError): void {
  for (const entry of entries) entry.publisher.refused(entry, error);
}

function byPublisher(entries: readonly Entry[]): ByPublisher {
  const lists = new Map<Publisher, Entry[]>();
  for (const entry of entries) {
    const list = lists.get(entry.publisher);
    if (list === undefined) lists.set(entry.publisher, [entry]);
    else list.push(entry);
  }
  return lists;
}
