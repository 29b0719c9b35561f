import type { Cancel, Clock } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import { InUseError, StreamUnavailableError, type WeirError } from '../../core/errors.js';
import { asWeirError } from '../../core/publisher.js';
import { responseCodes } from '../codec/response-codes.js';
import type { Compressor } from '../compression/compressor.js';
import { loadCompressor } from '../compression/compressors.js';
import { publishFailure } from '../connection/failures.js';
import type { PublisherHandlers } from '../session/link.js';
import type { Session } from '../session/session.js';
import { Bundler } from './bundler.js';
import { Departure } from './departure.js';
import { IdSequence } from './id-sequence.js';
import { refuse, type Load } from './items.js';
import type { SinkSettings } from './options.js';
import { Packer } from './packer.js';
import type { PublishingId } from './pending.js';
import { Station } from './station.js';
import { Unconfirmed } from './unconfirmed.js';

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
  /** Calls `tell`, which tells of many messages at once. */
  together(tell: () => void): void;
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
  private packer: Packer | undefined;
  private blocked = false;
  private wasLive = false;
  private cancelRetry: Cancel | undefined;

  private readonly unconfirmed: Unconfirmed;
  /** Is to be sent and has no id yet, because nothing could be written. */
  private readonly waiting = new Deque<Load>();
  private readonly bundler: Bundler | undefined;
  private compressor: Compressor | undefined;
  private readonly ids: IdSequence;
  private readonly spanLimit: number;
  private readonly departure: Departure;

  constructor(
    readonly stream: string,
    private readonly host: ProducerHost,
    private readonly settings: SinkSettings,
    private readonly owner: ProducerOwner,
  ) {
    const { subEntry, maxInFlight, linger, confirmTimeout } = settings;
    this.ids = new IdSequence(stream);
    this.bundler = subEntry && new Bundler();
    this.spanLimit = Math.max(smallestSpan, 4 * maxInFlight);
    this.departure = new Departure(host.clock, linger, () => {
      this.packer?.flush();
    });
    this.unconfirmed = new Unconfirmed(stream, host.clock, confirmTimeout, () => {
      this.answered();
    });
  }

  /** Whether `write` would write. */
  get writable(): boolean {
    return this.packer !== undefined && !this.blocked && this.unconfirmed.items.span < this.spanLimit;
  }

  /** Whether nothing was asked of it, or the last attempt failed. */
  get idle(): boolean {
    return this.state === 'idle';
  }

  /** Whether it holds nothing. */
  get empty(): boolean {
    return this.unconfirmed.items.size === 0 && this.waiting.length === 0 && (this.bundler?.count ?? 0) === 0;
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
   * @throws FrameTooLargeError, InvalidOptionError, PublishError: it is not sent, and no id is used up
   */
  write(load: Load): void {
    this.packer!.write(load);
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
    this.owner.together(() => {
      this.unconfirmed.confirmed(bytes, start, count);
    });
    this.answered();
  }

  refused(id: PublishingId, code: number): void {
    if (code === responseCodes.PUBLISHER_DOES_NOT_EXIST) {
      this.droppedByBroker(id);
      return;
    }
    this.unconfirmed.refused(id, publishFailure(code, this.stream));
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
    if (producer === '' && !resend) this.unconfirmed.leaveSent(error);
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
      throw this.wasLive || settings.producer === '' ? passing(error, stream) : error;
    }
    if (signal.aborted) station.leave();
    signal.throwIfAborted();
    station.settle();
    this.begin(station);
  }

  /** Confirms what is stored, sends again what is not, and goes on with what waited. */
  private begin(station: Station): void {
    const { unconfirmed } = this;
    this.station = station;
    this.state = 'live';
    this.wasLive = true;
    this.cancelRetry = undefined;
    // 0 says that nothing is stored, or the id 0: that is sent again, and dropped by the broker where it is
    if (station.stored > 0) unconfirmed.stored(station.stored);
    this.ids.behind(station.stored);
    // whoever was told of a confirmation may have closed it
    if (this.station !== station) return;
    const packer = new Packer({
      stream: this.stream,
      settings: this.settings,
      ids: this.ids,
      pending: unconfirmed.items,
      bundler: this.bundler,
      compressor: this.compressor,
      connection: station.connection,
      publisherId: station.publisherId,
      send: (frame, lastId) => {
        this.send(station, frame, lastId);
      },
    });
    const unfit = packer.repeat();
    unconfirmed.begin();
    this.packer = packer;
    this.host.session.resumed(this);
    // the node that leads the stream may take smaller frames than the one before
    for (const { id, error } of unfit) unconfirmed.refused(id, error);
    if (this.bundler !== undefined && this.bundler.count > 0) this.departure.schedule();
    this.writeWaiting();
    if (this.writable) this.owner.becameWritable();
  }

  private send(station: Station, frame: Uint8Array, lastId: PublishingId): void {
    this.unconfirmed.sent(lastId);
    if (!station.connection.send(frame)) this.blocked = true;
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

  /**
   * The broker has removed this publisher, and so did not take the message. More of these come with it: when all have been
   * read, it is declared anew and they are sent there, or they fail with what that fails with.
   */
  private droppedByBroker(id: PublishingId): void {
    const { station } = this;
    if (!this.unconfirmed.notTaken(id) || station === undefined) return;
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

  private giveUp(error: WeirError): void {
    if (this.state === 'closed') return;
    this.state = 'failing';
    this.cancelRetry = undefined;
    this.host.session.resumed(this);
    this.drop('RabbitMQ could not be reached again', error);
    this.state = 'idle';
    this.wasLive = false;
    this.owner.failed(error);
    // a receipt's listener may have given more
    if (this.waiting.length > 0) this.open();
  }

  /** Tells all that it holds that there is no going on. */
  private drop(reason: string, error: WeirError): void {
    const gathered = this.bundler?.clear() ?? [];
    this.unconfirmed.drop(reason, error);
    for (const load of gathered) refuse(load, error);
    for (let n = this.waiting.length; n > 0; n--) refuse(this.waiting.shift()!, error);
    this.departure.relax();
  }

  /** There is no link any more. */
  private detach(): void {
    this.station = undefined;
    this.packer = undefined;
    this.blocked = false;
    this.departure.cancel();
    this.unconfirmed.pause();
  }
}

/**
 * With a full disk a broker refuses publishers as if their names were taken. One that has no name, or could publish there
 * before, waits for that to pass.
 */
function passing(error: unknown, stream: string): unknown {
  if (!(error instanceof InUseError)) return error;
  return new StreamUnavailableError(`'${stream}' takes no publisher at the moment`, {
    broker: 'rabbitmq-stream',
    cause: error,
    detail: error.detail,
  });
}
