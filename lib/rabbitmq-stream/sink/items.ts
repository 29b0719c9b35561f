import type { WeirError } from '../../core/errors.js';
import { Entry } from '../../core/publisher.js';
import type { PublishingId } from './pending.js';

/** A message that goes to several streams: its receipt comes when each of them has answered. @internal */
export class Spread {
  private failure: WeirError | undefined;

  /** @param left - how many streams it goes to */
  constructor(
    readonly entry: Entry,
    private left: number,
  ) {}

  answered(error?: WeirError): void {
    this.failure ??= error;
    if (--this.left > 0) return;
    const { entry } = this;
    if (this.failure === undefined) entry.publisher.confirmed(entry);
    else entry.publisher.refused(entry, this.failure);
  }
}

/** One message, and who is told what became of it. @internal */
export type Load = Entry | Spread;

/**
 * A message with more than a body. What it needs besides is kept, so that sending it again gives the same bytes without
 * calling anything of the user's.
 * @internal
 */
export class Parcel {
  constructor(
    readonly load: Load,
    /** The sections before the body. */
    readonly preamble: Uint8Array | undefined,
    /** The filter value. Undefined: it goes without filters; null: among those with filters it has none. */
    readonly filter: Uint8Array | null | undefined,
  ) {}
}

/** Several messages under one publishing id; its bytes stay what they are when it is sent again. @internal */
export class Bundle {
  constructor(
    readonly loads: readonly Load[],
    readonly compression: number,
    readonly uncompressedSize: number,
    readonly data: Uint8Array,
  ) {}

  get records(): number {
    return this.loads.length;
  }
}

/** What goes out under one publishing id. @internal */
export type Item = Entry | Spread | Parcel | Bundle;

/** @internal */
export function entryOf(load: Load): Entry {
  return load instanceof Entry ? load : load.entry;
}

/** The stream has it. @internal */
export function confirm(item: Item, id: PublishingId): void {
  // most are plain entries, and are asked for first
  if (item instanceof Entry) {
    item.id = BigInt(id);
    item.publisher.confirmed(item);
    return;
  }
  const wireId = BigInt(id);
  eachLoad(item, (load) => {
    const entry = entryOf(load);
    entry.id ??= wireId;
    if (load instanceof Spread) load.answered();
    else entry.publisher.confirmed(entry);
  });
}

/** The stream does not have it. @internal */
export function refuse(item: Item, error: WeirError, id?: PublishingId): void {
  eachLoad(item, (load) => {
    const entry = entryOf(load);
    if (id !== undefined) entry.id ??= BigInt(id);
    if (load instanceof Spread) load.answered(error);
    else entry.publisher.refused(entry, error);
  });
}

/** Nobody can tell. @internal */
export function leaveUncertain(item: Item, id: PublishingId, reason: string, cause: unknown): void {
  eachLoad(item, (load) => {
    const entry = entryOf(load);
    entry.id ??= BigInt(id);
    const error = entry.publisher.uncertain(entry, reason, cause);
    if (load instanceof Spread) load.answered(error);
    else entry.publisher.refused(entry, error);
  });
}

function eachLoad(item: Item, call: (load: Load) => void): void {
  if (item instanceof Bundle) for (const load of item.loads) call(load);
  else call(item instanceof Parcel ? item.load : item);
}
