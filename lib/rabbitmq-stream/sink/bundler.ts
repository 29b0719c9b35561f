import { readU32 } from '../codec/integers.js';
import { dataSectionLength } from '../codec/amqp/data-section.js';
import { SubEntryRecords } from '../codec/sub-entry.js';
import type { Compressor } from '../compression/compressor.js';
import { Bundle, entryOf, Parcel, type Item, type Load } from './items.js';

/** Bytes before each record: its length. @internal */
export const recordHead = 4;

/** Gathers messages that are to share a publishing id and a compression. @internal */
export class Bundler {
  private readonly records = new SubEntryRecords((size) => Buffer.allocUnsafeSlow(size));
  private loads: Load[] = [];

  get count(): number {
    return this.loads.length;
  }

  /** Bytes, before compression. */
  get size(): number {
    return this.records.size;
  }

  add(load: Load, preamble: Uint8Array | undefined): void {
    const entry = entryOf(load);
    if (entry.whole) this.records.addRecord(entry.bytes);
    else this.records.addBody(entry.bytes, preamble);
    this.loads.push(load);
  }

  /** What was gathered, as it is sent. @param maxData - bytes that a bundle can have */
  seal(compressor: Compressor, maxData: number): Item[] {
    const items: Item[] = [];
    if (this.loads.length > 0) pack(this.take(), this.records.finish(), compressor, maxData, items);
    return items;
  }

  /** What was gathered, because it is not sent any more. */
  clear(): Load[] {
    this.records.finish();
    return this.take();
  }

  private take(): Load[] {
    const { loads } = this;
    this.loads = [];
    return loads;
  }
}

/** In one bundle where that fits; some bytes become more by compression, and then it is two. */
function pack(loads: Load[], bytes: Uint8Array, compressor: Compressor, maxData: number, items: Item[]): void {
  const data = compressor.compress(bytes);
  if (data.length <= maxData) {
    items.push(new Bundle(loads, compressor.code, bytes.length, data));
    return;
  }
  if (loads.length === 1) {
    items.push(single(loads[0]!, bytes));
    return;
  }
  const half = loads.length >>> 1;
  let at = 0;
  for (let i = 0; i < half; i++) at += recordHead + readU32(bytes, at);
  pack(loads.slice(0, half), bytes.subarray(0, at), compressor, maxData, items);
  pack(loads.slice(half), bytes.subarray(at), compressor, maxData, items);
}

/** A message as if it had never been in a bundle: uncompressed it fits. */
function single(load: Load, bytes: Uint8Array): Item {
  const entry = entryOf(load);
  const before = entry.whole ? 0 : bytes.length - recordHead - dataSectionLength(entry.bytes.length);
  return before === 0 ? load : new Parcel(load, bytes.subarray(recordHead, recordHead + before), undefined);
}
