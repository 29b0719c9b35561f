import type { Allocate } from './allocate.js';
import { writeU32 } from './integers.js';
import { dataSectionLength } from './amqp/data-section.js';
import { writeRecord } from './record.js';
import { Slab } from './slab.js';

/** The records of a sub-entry in the making, before compression: each with its length. And then those of the next. */
export class SubEntryRecords {
  /** How many. A sub-entry has room for 65 535. */
  count = 0;
  private readonly slab: Slab;

  constructor(allocate: Allocate) {
    this.slab = new Slab(allocate, 0);
  }

  /** How many bytes they take. */
  get size(): number {
    return this.slab.size;
  }

  /** Adds a body as an AMQP 1.0 message: the sections before it as they are, and its data section. */
  addBody(body: Uint8Array, preamble: Uint8Array | undefined): void {
    const length = (preamble === undefined ? 0 : preamble.length) + dataSectionLength(body.length);
    const pos = this.addLength(length);
    this.slab.pos = writeRecord(this.slab.bytes, pos, body, preamble);
  }

  /** Adds a record as it is. */
  addRecord(record: Uint8Array): void {
    const pos = this.addLength(record.length);
    this.slab.bytes.set(record, pos);
    this.slab.pos = pos + record.length;
  }

  /** All of them. The bytes are the caller's, and the next ones begin. */
  finish(): Uint8Array {
    this.count = 0;
    return this.slab.take();
  }

  private addLength(length: number): number {
    const { slab } = this;
    slab.reserve(4 + length);
    writeU32(slab.bytes, slab.pos, length);
    this.count++;
    return slab.pos + 4;
  }
}
