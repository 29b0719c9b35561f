import type { Entry } from '../../core/publisher.js';
import { maxRecordLength, maxSubEntryLength, PublishBatch } from '../codec/publish.js';
import { Bundle, entryOf, Parcel, type Item } from './items.js';
import { recordLength } from './message.js';
import type { PublishingId } from './pending.js';

/** @internal */
export interface FramesOptions {
  readonly publisherId: number;
  /** Bytes; 0: no limit. */
  readonly frameMax: number;
  /** Messages after which a frame is sent. */
  readonly batchSize: number;
  /** Takes a frame, and the id of the last item in it. */
  readonly send: (frame: Uint8Array, lastId: PublishingId) => void;
}

/** Not from Node's pool, because what is sent stays referenced until the kernel has it. */
const allocate = (size: number): Uint8Array => Buffer.allocUnsafeSlow(size);

/**
 * Lays items into Publish frames for one publisher on one connection, and sends a frame when it is full. Items with filter
 * values go into frames of their own, as they need another version of the command.
 * @internal
 */
export class Frames {
  /** Of a record, alone in a frame. */
  readonly maxRecord: number;
  /** Of a sub-entry's data, alone in a frame. */
  readonly maxData: number;
  private readonly plain: PublishBatch;
  private filtered: PublishBatch | undefined;
  /** The one of the two that the frame in the making belongs to. */
  private current: PublishBatch;
  private messages = 0;
  private lastId: PublishingId = 0;
  private readonly batchSize: number;

  constructor(private readonly options: FramesOptions) {
    this.maxRecord = maxRecordLength(options.frameMax, 1);
    this.maxData = maxSubEntryLength(options.frameMax);
    this.batchSize = options.batchSize;
    this.plain = this.current = this.batch(1);
  }

  /** The room for a record that has a filter value, where `filterLength` is not undefined. */
  roomFor(filterLength: number | undefined): number {
    return filterLength === undefined ? this.maxRecord : maxRecordLength(this.options.frameMax, 2, filterLength);
  }

  /** How many bytes an item has, and how many it can have. */
  measure(item: Item): { readonly size: number; readonly room: number } {
    if (item instanceof Bundle) return { size: item.data.length, room: this.maxData };
    if (item instanceof Parcel) {
      const filterLength = item.filter === undefined ? undefined : (item.filter?.length ?? 0);
      return { size: recordLength(entryOf(item.load), item.preamble), room: this.roomFor(filterLength) };
    }
    return { size: recordLength(entryOf(item), undefined), room: this.maxRecord };
  }

  /** A message that has nothing but its bytes, and that fits into a frame. */
  addEntry(id: PublishingId, entry: Entry): void {
    const { plain } = this;
    const { bytes } = entry;
    if (this.current !== plain) this.turnTo(plain);
    if (!(entry.whole ? plain.fits(bytes.length) : plain.fitsBody(bytes.length))) this.flush();
    if (entry.whole) plain.addRecord(id, bytes);
    else plain.addBody(id, bytes, undefined);
    this.lastId = id;
    if (++this.messages >= this.batchSize) this.flush();
  }

  /** Whatever it is; it fits into a frame. */
  add(id: PublishingId, item: Item): void {
    if (item instanceof Bundle) this.addBundle(id, item);
    else if (item instanceof Parcel) this.addParcel(id, item);
    else this.addEntry(id, entryOf(item));
  }

  /** Sends what waits. */
  flush(): void {
    if (this.messages === 0) return;
    this.messages = 0;
    this.options.send(this.current.finish(), this.lastId);
  }

  private addParcel(id: PublishingId, { load, preamble, filter }: Parcel): void {
    const entry = entryOf(load);
    const batch = filter === undefined ? this.plain : (this.filtered ??= this.batch(2));
    this.turnTo(batch);
    if (!batch.fits(recordLength(entry, preamble), filter?.length)) this.flush();
    if (entry.whole) batch.addRecord(id, entry.bytes, filter);
    else batch.addBody(id, entry.bytes, preamble, filter);
    this.added(id, 1);
  }

  private addBundle(id: PublishingId, bundle: Bundle): void {
    const { plain } = this;
    this.turnTo(plain);
    if (!plain.fitsSubEntry(bundle.data.length)) this.flush();
    plain.addSubEntry(id, bundle);
    this.added(id, bundle.records);
  }

  private added(id: PublishingId, messages: number): void {
    this.lastId = id;
    this.messages += messages;
    if (this.messages >= this.batchSize) this.flush();
  }

  /** Items go out in their order, so that a frame of the other version ends here. */
  private turnTo(batch: PublishBatch): void {
    if (this.current === batch) return;
    this.flush();
    this.current = batch;
  }

  private batch(version: 1 | 2): PublishBatch {
    const { publisherId, frameMax } = this.options;
    return new PublishBatch({ publisherId, version, frameMax, allocate });
  }
}
