import type { Cancel, Clock } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import { BrokerTimeoutError, StreamUnavailableError, UnsupportedError, type WeirError } from '../../core/errors.js';
import { asWeirError, type Entry } from '../../core/publisher.js';
import { readId } from '../codec/integers.js';
import { keys } from '../codec/keys.js';
import { responseCodes } from '../codec/response-codes.js';
import type { Compressor } from '../compression/compressor.js';
import { loadCompressor } from '../compression/compressors.js';
import { publishFailure } from '../connection/failures.js';
import type { RabbitMqStreamFields } from '../fields.js';
import type { PublisherHandlers } from '../session/link.js';
import type { Session } from '../session/session.js';
import { Bundler, recordHead } from './bundler.js';
import { ConfirmTimer } from './confirm-timer.js';
import { Departure } from './departure.js';
import { Frames } from './frames.js';
import { IdSequence } from './id-sequence.js';
import { confirm, entryOf, leaveUncertain, Parcel, refuse, type Item, type Load } from './items.js';
import { checkBundled, fieldsOf, filterOf, preambleOf, recordLength, tooLarge } from './message.js';
import type { SinkSettings } from './options.js';
import { Pending, type PublishingId } from './pending.js';
import { Station } from './station.js';

/** Ids between the first unconfirmed one and the last, before a producer waits for the first. */
const smallestSpan = 65_536;

/** What producers need of their handle. @internal */
export interface ProducerHost {
  readonly session: Session;
  readonly clock: Clock;
  /** Connects, if nothing did yet. */
  wake(): void;
}

/** Who has a producer. @internal */
export interface ProducerOwner {
  /** It can write, for the first time or again. */
  becameWritable(): void;
  /** Its link was lost; it is looking for another. */
  lost(error: WeirError): void;
  /** No link is to be had. What it held has been told so; the next `open` tries anew. */
  failed(error: WeirError): void;
}

/** `failing` while those who waited are told why. */
type State = 'idle' | 'opening' | 'live' | 'failing' | 'closed';

/**
 * Publishes to one stream: finds its leader, lays messages into frames, knows what is not confirmed, and after a loss goes
 * on where the broker stands.
 * @internal
 */
export class Producer implements PublisherHandlers {
  private state: State = 'idle';
  private station: Station | undefined;
  /** There while something can be written. */
  private frames: Frames | undefined;
  private blocked = false;
  private wasLive = false;
  private cancelRetry: Cancel | undefined;

  /** Has its id, sent or not. */
  private readonly pending = new Pending<Item>();
  /** Is to be sent and has no id yet, because nothing could be written. */
  private readonly waiting = new Deque<Load>();
  private readonly bundler: Bundler | undefined;
  private compressor: Compressor | undefined;
  private readonly timer: ConfirmTimer;

  private readonly ids: IdSequence;
  /** The largest id that a socket was given. */
  private sentTo: PublishingId = -1;
  /** What the broker said that it did not take, since it knows no such publisher any more. */
  private readonly dropped = new Set<PublishingId>();

  /** Whether messages without fields need nothing but their id. */
  private readonly plain: boolean;
  private readonly spanLimit: number;
  private readonly departure: Departure;

  constructor(
    readonly stream: string,
    private readonly host: ProducerHost,
    private readonly settings: SinkSettings,
    private readonly owner: ProducerOwner,
  ) {
    const { subEntry, filterValue, maxInFlight, linger, confirmTimeout } = settings;
    this.ids = new IdSequence(stream);
    this.bundler = subEntry && new Bundler();
    this.plain = subEntry === undefined && filterValue === undefined;
    this.spanLimit = Math.max(smallestSpan, 4 * maxInFlight);
    this.departure = new Departure(host.clock, linger, () => {
      this.flush();
    });
    this.timer = new ConfirmTimer(host.clock, confirmTimeout, (upTo) => {
      this.expire(upTo);
    });
  }

  /** Whether `write` would write. */
  get writable(): boolean {
    return this.frames !== undefined && !this.blocked && this.pending.span < this.spanLimit;
  }

  /** Whether nothing was asked of it, or the last attempt failed. */
  get idle(): boolean {
    return this.state === 'idle';
  }

  /** Whether it holds nothing. */
  get empty(): boolean {
    return this.pending.size === 0 && this.waiting.length === 0 && (this.bundler?.count ?? 0) === 0;
  }

  /** Looks for a link, unless it has one or does. @param after - how the one before was lost */
  open(after?: WeirError): void {
    if (this.state !== 'idle') return;
    this.state = 'opening';
    if (after === undefined) this.host.wake();
    this.cancelRetry = this.host.session.retry(
      (signal) => this.attempt(signal),
      (error) => {
        this.giveUp(error);
      },
      after,
    );
  }

  /**
   * Writes one, while `writable`.
   * @throws FrameTooLargeError, InvalidOptionError, UnsupportedError, PublishError: it is not sent, and no id is used up
   */
  write(load: Load): void {
    const entry = entryOf(load);
    const frames = this.frames!;
    const fields = fieldsOf(entry);
    if (fields !== undefined || !this.plain) {
      this.writeSpecial(load, entry, fields, frames);
      return;
    }
    const size = recordLength(entry, undefined);
    if (size > frames.maxRecord) throw this.tooLarge(size, frames.maxRecord);
    const id = this.ids.take();
    this.pending.push(id, load);
    frames.addEntry(id, entry);
    this.departure.schedule();
  }

  /** Writes one, or keeps it until that is possible. Its turn comes in the order of the calls. @throws as `write` */
  accept(load: Load): void {
    if (this.writable && this.waiting.length === 0) {
      this.write(load);
      return;
    }
    this.waiting.push(load);
    this.open();
  }

  /** Lets nothing linger until all is confirmed. */
  hurry(): void {
    if (!this.empty) this.departure.hurry();
  }

  /** Ends it at the broker. There is nothing left to be confirmed. */
  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.cancelRetry?.();
    this.station?.leave();
    this.detach();
    this.host.session.resumed(this);
  }

  /** The handle ends: nobody can tell what became of what was sent, and the rest is not sent. */
  abandon(error: WeirError): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.cancelRetry?.();
    this.station?.silence();
    this.detach();
    this.drop('the handle was closed', error);
  }

  confirmed(bytes: Uint8Array, start: number, count: number): void {
    const { pending } = this;
    for (let i = 0; i < count; i++) {
      const id = readId(bytes, start + 8 * i);
      const item = pending.take(id);
      // an id may be confirmed twice, and after its time
      if (item !== undefined) confirm(item, id);
    }
    this.answered();
  }

  refused(id: PublishingId, code: number): void {
    if (code === responseCodes.PUBLISHER_DOES_NOT_EXIST) {
      this.droppedByBroker(id);
      return;
    }
    const item = this.pending.take(id);
    if (item === undefined) return;
    refuse(item, publishFailure(code, this.stream), id);
    this.answered();
  }

  drained(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.writeWaiting();
    if (this.writable) this.owner.becameWritable();
  }

  lost(error: WeirError): void {
    if (this.state !== 'live') return;
    this.detach();
    if (error.code === 'CLOSED') {
      this.giveUp(error);
      return;
    }
    this.host.session.suspended(this, error);
    this.state = 'idle';
    this.open(error);
    this.owner.lost(error);
    const { producer, resend } = this.settings;
    if (producer === '' && !resend) this.leaveSentUncertain(error);
  }

  private async attempt(signal: AbortSignal): Promise<void> {
    const { stream, settings, host } = this;
    if (settings.subEntry !== undefined) this.compressor ??= await loadCompressor(settings.subEntry.compression);
    const link = await host.session.producerLink(stream, signal);
    signal.throwIfAborted();
    const station = new Station(link, stream, settings.producer, this);
    try {
      await station.declare();
    } catch (error) {
      throw this.wasLive ? passing(error, stream) : error;
    }
    if (signal.aborted) station.leave();
    signal.throwIfAborted();
    station.settle();
    this.begin(station);
  }

  /** Confirms what is stored, sends again what is not, and goes on with what waited. */
  private begin(station: Station): void {
    const { pending } = this;
    this.station = station;
    this.state = 'live';
    this.wasLive = true;
    this.cancelRetry = undefined;
    this.settleStored(station.stored);
    // whoever was told of a confirmation may have closed it
    if (this.station !== station) return;
    const frames = new Frames({
      publisherId: station.publisherId,
      frameMax: station.connection.frameMax,
      batchSize: Math.min(this.settings.batchSize, this.settings.maxInFlight),
      send: (frame, lastId) => {
        this.send(station, frame, lastId);
      },
    });
    const unfit: { id: PublishingId; error: WeirError }[] = [];
    pending.each((id, item) => {
      const { size, room } = frames.measure(item);
      if (size <= room) frames.add(id, item);
      else unfit.push({ id, error: tooLarge(this.stream, size, room, station.connection.frameMax) });
    });
    frames.flush();
    this.dropped.clear();
    this.frames = frames;
    this.host.session.resumed(this);
    // the node that leads the stream may take smaller frames than the one before
    for (const { id, error } of unfit) {
      const item = pending.take(id);
      if (item !== undefined) refuse(item, error, id);
    }
    if (this.bundler !== undefined && this.bundler.count > 0) this.departure.schedule();
    this.writeWaiting();
    if (this.writable) this.owner.becameWritable();
  }

  /** What the stream has of what was not confirmed when the link was lost. */
  private settleStored(stored: PublishingId): void {
    const { pending } = this;
    // 0 says that nothing is stored, or the id 0: that is sent again, and dropped by the broker where it is
    if (stored < 1) return;
    for (let id = pending.firstId; id !== undefined && id <= stored; id = pending.firstId) {
      confirm(pending.take(id)!, id);
    }
    this.ids.behind(stored);
  }

  private send(station: Station, frame: Uint8Array, lastId: PublishingId): void {
    if (lastId > this.sentTo) this.sentTo = lastId;
    this.timer.sent(lastId, this.pending.firstId!);
    if (!station.connection.send(frame)) this.blocked = true;
  }

  /** Whatever needs more than an id. */
  private writeSpecial(load: Load, entry: Entry, fields: RabbitMqStreamFields | undefined, frames: Frames): void {
    const { stream, settings, bundler } = this;
    const preamble = fields && preambleOf(entry, fields, stream);
    const size = recordLength(entry, preamble);
    if (bundler !== undefined) {
      checkBundled(fields, stream);
      this.bundle(bundler, load, preamble, recordHead + size, frames);
      return;
    }
    const filters = settings.filterValue !== undefined || fields?.filterValue !== undefined;
    if (filters) this.checkFilters();
    const filter = filters ? filterOf(entry, fields, settings.filterValue, stream) : undefined;
    const room = frames.roomFor(filter === undefined ? undefined : (filter?.length ?? 0));
    if (size > room) throw this.tooLarge(size, room);
    const id = fields?.id === undefined ? this.ids.take() : this.ids.given(fields.id);
    const item = preamble === undefined && filter === undefined ? load : new Parcel(load, preamble, filter);
    this.pending.push(id, item);
    frames.add(id, item);
    this.departure.schedule();
  }

  private bundle(bundler: Bundler, load: Load, preamble: Uint8Array | undefined, size: number, frames: Frames): void {
    if (size > frames.maxData) throw this.tooLarge(size, frames.maxData);
    if (bundler.size + size > frames.maxData) this.seal(frames);
    bundler.add(load, preamble);
    // more than the window can never come together
    const full = Math.min(this.settings.subEntry!.size, this.settings.maxInFlight);
    if (bundler.count >= full) this.seal(frames);
    this.departure.schedule();
  }

  /** What was gathered becomes a bundle. */
  private seal(frames: Frames): void {
    const { bundler, compressor } = this;
    if (bundler === undefined || compressor === undefined || bundler.count === 0) return;
    for (const item of bundler.seal(compressor, frames.maxData)) {
      try {
        const id = this.ids.take();
        this.pending.push(id, item);
        frames.add(id, item);
      } catch (error) {
        refuse(item, asWeirError(error, 'rabbitmq-stream'));
      }
    }
  }

  private flush(): void {
    if (this.frames === undefined) return;
    this.seal(this.frames);
    this.frames.flush();
  }

  /** Something was confirmed or refused. */
  private answered(): void {
    if (this.empty) this.departure.relax();
    if (this.waiting.length > 0) this.writeWaiting();
  }

  private writeWaiting(): void {
    const { waiting } = this;
    while (waiting.length > 0 && this.writable) {
      const load = waiting.shift()!;
      try {
        this.write(load);
      } catch (error) {
        refuse(load, asWeirError(error, 'rabbitmq-stream'));
      }
    }
  }

  private checkFilters(): void {
    const { connection } = this.station!;
    if (connection.supports(keys.publish, 2)) return;
    const version = connection.serverProperties.get('version') ?? 'of an unknown version';
    throw new UnsupportedError(
      `cannot publish to '${this.stream}' with filterValue: filters need RabbitMQ 3.13, and this is ${version}`,
      { broker: 'rabbitmq-stream' },
    );
  }

  private tooLarge(size: number, room: number): WeirError {
    return tooLarge(this.stream, size, room, this.station!.connection.frameMax);
  }

  /** Their time is over; what they were answered later is not heard. */
  private expire(upTo: PublishingId): void {
    const reason = `no confirmation within ${String(this.settings.confirmTimeout)} ms`;
    const cause = new BrokerTimeoutError(`'${this.stream}': ${reason}`, { broker: 'rabbitmq-stream' });
    const { pending } = this;
    for (let id = pending.firstId; id !== undefined && id <= upTo; id = pending.firstId) {
      leaveUncertain(pending.take(id)!, id, reason, cause);
    }
    this.answered();
  }

  /**
   * The broker has removed this publisher, and so did not take the message. More of these come with it: when all have been
   * read, it is declared anew and they are sent there, or they fail with what that fails with.
   */
  private droppedByBroker(id: PublishingId): void {
    const { station } = this;
    this.dropped.add(id);
    if (this.dropped.size > 1 || station === undefined) return;
    setImmediate(() => {
      if (this.station !== station) return;
      station.free();
      this.lost(
        new StreamUnavailableError(`the stream '${this.stream}' was deleted, or its leader moved`, {
          broker: 'rabbitmq-stream',
          cause: publishFailure(responseCodes.PUBLISHER_DOES_NOT_EXIST, this.stream),
        }),
      );
    });
  }

  private leaveSentUncertain(cause: WeirError): void {
    const { pending, sentTo, dropped } = this;
    const sent: PublishingId[] = [];
    pending.each((id) => {
      if (id <= sentTo && !dropped.has(id)) sent.push(id);
    });
    for (const id of sent) {
      const item = pending.take(id);
      if (item !== undefined) leaveUncertain(item, id, 'the link was lost before', cause);
    }
  }

  private giveUp(error: WeirError): void {
    if (this.state === 'closed') return;
    this.state = 'failing';
    this.cancelRetry = undefined;
    this.host.session.resumed(this);
    this.drop('RabbitMQ could not be reached again', error);
    this.state = 'idle';
    this.owner.failed(error);
  }

  /** Tells all that it holds that there is no going on. A stream that is gone has none of it. */
  private drop(reason: string, error: WeirError): void {
    const { bundler, sentTo, dropped } = this;
    const held = this.pending.clear();
    const unsent = bundler?.clear() ?? [];
    const gone = error.code === 'STREAM_NOT_FOUND';
    for (const { id, item } of held) {
      if (gone || id > sentTo || dropped.has(id)) refuse(item, error, id);
      else leaveUncertain(item, id, reason, error);
    }
    for (const load of unsent) refuse(load, error);
    for (let n = this.waiting.length; n > 0; n--) refuse(this.waiting.shift()!, error);
    dropped.clear();
    this.departure.relax();
  }

  /** There is no link any more. */
  private detach(): void {
    this.station = undefined;
    this.frames = undefined;
    this.blocked = false;
    this.departure.cancel();
    this.timer.stop();
  }
}

/**
 * With a full disk a broker refuses publishers as if their names were taken. One that could publish there before waits for
 * that to pass.
 */
function passing(error: unknown, stream: string): unknown {
  if (!(error instanceof InUseError)) return error;
  return new StreamUnavailableError(`'${stream}' takes no publisher at the moment`, {
    broker: 'rabbitmq-stream',
    cause: error,
    detail: error.detail,
  });
}
