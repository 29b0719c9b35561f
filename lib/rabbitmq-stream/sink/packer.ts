import { UnsupportedError, type WeirError } from '../../core/errors.js';
import { asWeirError, type Entry } from '../../core/publisher.js';
import { keys } from '../codec/keys.js';
import type { Compressor } from '../compression/compressor.js';
import type { Connection } from '../connection/connection.js';
import type { RabbitMqStreamFields } from '../fields.js';
import { recordHead, type Bundler } from './bundler.js';
import { Frames } from './frames.js';
import type { IdSequence } from './id-sequence.js';
import { entryOf, Parcel, refuse, type Item, type Load } from './items.js';
import { checkBundled, fieldsOf, filterOf, preambleOf, recordLength, tooLarge } from './message.js';
import type { SinkSettings } from './options.js';
import type { Pending, PublishingId } from './pending.js';

/** What a {@link Packer} works on. All but the connection's side outlives it. @internal */
export interface PackerParts {
  readonly stream: string;
  readonly settings: SinkSettings;
  readonly ids: IdSequence;
  readonly pending: Pending<Item>;
  /** With sub-entries. */
  readonly bundler: Bundler | undefined;
  readonly compressor: Compressor | undefined;
  readonly connection: Connection;
  readonly publisherId: number;
  /** Takes a frame, and the id of the last item in it. */
  readonly send: (frame: Uint8Array, lastId: PublishingId) => void;
}

/** Makes items of messages, gives them their ids and lays them into frames, for one connection. @internal */
export class Packer {
  private readonly frames: Frames;
  private readonly ids: IdSequence;
  private readonly pending: Pending<Item>;
  /** Whether messages without fields need nothing but their id. */
  private readonly plain: boolean;

  constructor(private readonly parts: PackerParts) {
    const { settings, connection, publisherId, send } = parts;
    this.ids = parts.ids;
    this.pending = parts.pending;
    this.plain = settings.subEntry === undefined && settings.filterValue === undefined;
    this.frames = new Frames({
      publisherId,
      frameMax: connection.frameMax,
      // more than the window can never come together
      batchSize: Math.min(settings.batchSize, settings.maxInFlight),
      send,
    });
  }

  /**
   * Lays a message into a frame.
   * @throws FrameTooLargeError, InvalidOptionError, UnsupportedError, PublishError: it is not sent, and no id is used up
   */
  write(load: Load): void {
    const entry = entryOf(load);
    const fields = fieldsOf(entry);
    if (fields !== undefined || !this.plain) {
      this.writeSpecial(load, entry, fields);
      return;
    }
    const { frames } = this;
    const size = recordLength(entry, undefined);
    if (size > frames.maxRecord) throw this.tooLarge(size, frames.maxRecord);
    const id = this.ids.take();
    this.pending.push(id, load);
    frames.addEntry(id, entry);
  }

  /** Sends what was gathered. */
  flush(): void {
    this.seal();
    this.frames.flush();
  }

  /** Sends again all that is not confirmed, as it was. Gives what does not fit into the frames of this connection. */
  repeat(): { readonly id: PublishingId; readonly error: WeirError }[] {
    const { frames } = this;
    const unfit: { id: PublishingId; error: WeirError }[] = [];
    this.pending.each((id, item) => {
      const { size, room } = frames.measure(item);
      if (size <= room) frames.add(id, item);
      else unfit.push({ id, error: this.tooLarge(size, room) });
    });
    frames.flush();
    return unfit;
  }

  /** Whatever needs more than an id. */
  private writeSpecial(load: Load, entry: Entry, fields: RabbitMqStreamFields | undefined): void {
    const { stream, settings, bundler } = this.parts;
    const preamble = fields && preambleOf(entry, fields, stream);
    const size = recordLength(entry, preamble);
    if (bundler !== undefined) {
      checkBundled(fields, stream);
      this.bundle(bundler, load, preamble, recordHead + size);
      return;
    }
    const filters = settings.filterValue !== undefined || fields?.filterValue !== undefined;
    if (filters) this.checkFilters();
    const filter = filters ? filterOf(entry, fields, settings.filterValue, stream) : undefined;
    const room = this.frames.roomFor(filter === undefined ? undefined : (filter?.length ?? 0));
    if (size > room) throw this.tooLarge(size, room);
    const id = fields?.id === undefined ? this.ids.take() : this.ids.given(fields.id);
    this.add(id, preamble === undefined && filter === undefined ? load : new Parcel(load, preamble, filter));
  }

  private bundle(bundler: Bundler, load: Load, preamble: Uint8Array | undefined, size: number): void {
    const { subEntry, maxInFlight } = this.parts.settings;
    const { maxData } = this.frames;
    if (size > maxData) throw this.tooLarge(size, maxData);
    if (bundler.size + size > maxData) this.seal();
    bundler.add(load, preamble);
    if (bundler.count >= Math.min(subEntry!.size, maxInFlight)) this.seal();
  }

  /** What was gathered becomes a bundle. */
  private seal(): void {
    const { bundler, compressor } = this.parts;
    if (bundler === undefined || compressor === undefined || bundler.count === 0) return;
    for (const item of bundler.seal(compressor, this.frames.maxData)) {
      try {
        // it may have been gathered for a connection with larger frames
        const { size, room } = this.frames.measure(item);
        if (size > room) throw this.tooLarge(size, room);
        this.add(this.ids.take(), item);
      } catch (error) {
        refuse(item, asWeirError(error, 'rabbitmq-stream'));
      }
    }
  }

  private add(id: PublishingId, item: Item): void {
    this.pending.push(id, item);
    this.frames.add(id, item);
  }

  private checkFilters(): void {
    const { connection, stream } = this.parts;
    if (connection.supports(keys.publish, 2)) return;
    const version = connection.serverProperties.get('version') ?? 'of an unknown version';
    throw new UnsupportedError(
      `cannot publish to '${stream}' with filterValue: filters need RabbitMQ 3.13, and this is ${version}`,
      { broker: 'rabbitmq-stream' },
    );
  }

  private tooLarge(size: number, room: number): WeirError {
    return tooLarge(this.parts.stream, size, room, this.parts.connection.frameMax);
  }
}
