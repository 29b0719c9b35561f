import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { checkOptions, checkValue, codec, count, duration, text } from '../core/check.js';
import type { Decoder } from '../core/codec.js';
import type { BaseDelivery, Delivery, PlaceOwner } from '../core/delivery.js';
import type { Receiver } from '../core/emission.js';
import { DecodeError, InvalidOptionError } from '../core/errors.js';
import { load } from '../core/load.js';
import type { Source } from '../core/handle.js';
import type { SourceSettings } from '../core/settings.js';
import { MemoryHandle } from '../memory/broker.js';
import { resolveHandleOptions, type MemoryHandleOptions, type ResolvedMemoryOptions } from '../memory/options.js';
import type { MemoryServer } from '../memory/store/server.js';
import { AssertionError } from './assertion-error.js';
import type { Entry, Journal } from './journal.js';
import { show } from './show.js';
import { Tape, timeoutOf } from './tape.js';
import type { PublishedMessage, PublishedOptions } from './test-broker.js';
import type { VirtualTime } from './virtual-time.js';
import type { WaitOptions } from './waiters.js';

/** What the handles on one store share. @internal */
export interface SharedTest {
  readonly server: MemoryServer;
  readonly handles: Set<MemoryHandle>;
  readonly journal: Journal;
  readonly history: number;
  readonly virtual: VirtualTime | undefined;
  readonly scheduler: SchedulerLike | undefined;
}

const noHeaders: ReadonlyMap<string, unknown> = new Map();

/** @internal */
export class TestHandle extends MemoryHandle {
  private readonly tapes = new Map<string, Tape<Delivery<unknown>>>();

  constructor(
    private readonly resolved: ResolvedMemoryOptions,
    private readonly shared: SharedTest,
  ) {
    super(resolved, shared);
  }

  get inFlight(): number {
    return this[load].inFlight;
  }

  get scheduler(): SchedulerLike {
    return this.shared.virtual?.scheduler ?? this.shared.scheduler ?? asyncScheduler;
  }

  published(channel: string, options?: PublishedOptions<unknown>): unknown[] {
    return this.read('published', channel, options).map(({ value }) => value);
  }

  publishedMessages(channel: string, options?: PublishedOptions<unknown>): PublishedMessage<unknown>[] {
    return this.read('publishedMessages', channel, options);
  }

  // async, so that whatever is wrong with the call rejects
  async untilPublished(
    channel: string,
    wanted: number,
    options: Partial<PublishedOptions<unknown>> & WaitOptions = {},
  ): Promise<unknown[]> {
    const where = `untilPublished('${channel}', ${wanted})`;
    checkValue(where, 'channel', channel, text());
    checkValue(where, 'count', wanted, count());
    checkOptions(where, options, { codec: codec('decode'), timeout: duration({ infinity: true }) });
    const timeout = timeoutOf(where, { timeout: options.timeout });
    const { journal } = this.shared;
    const values = (): unknown[] =>
      this.read('untilPublished', channel, { codec: options.codec }).map((each) => each.value);
    return journal.waiters.wait({
      timeout,
      look: () => (journal.of(channel).length < wanted ? undefined : { value: values() }),
      late: () => {
        const all = values();
        const came = all.length === 0 ? 'nothing was published' : `${all.length} came: ${show(all)}`;
        return new AssertionError(`${where}: within ${timeout} ms ${came}`);
      },
    });
  }

  deliveries(channel: string): Tape<Delivery<unknown>> {
    checkValue('deliveries()', 'channel', channel, text());
    let tape = this.tapes.get(channel);
    if (tape === undefined) {
      const remedy = `call clear() between specs, or give testBroker() a higher history; this is deliveries('${channel}')`;
      tape = new Tape(this.shared.history, remedy);
      this.tapes.set(channel, tape);
    }
    return tape;
  }

  clear(): void {
    this.shared.journal.clear();
    for (const tape of this.tapes.values()) tape.forget();
  }

  async advance(ms: number): Promise<void> {
    checkValue('advance()', 'ms', ms, duration());
    const { virtual, scheduler } = this.shared;
    if (virtual === undefined) {
      const whose =
        scheduler === undefined
          ? "is real; make it with testBroker({ time: 'virtual' })"
          : "is the scheduler's, which moves it";
      throw new InvalidOptionError(`advance(): the time of this broker ${whose}`, { broker: 'memory' });
    }
    await virtual.advance(ms);
  }

  override handle(options: MemoryHandleOptions = {}): TestHandle {
    const { clock, closeTimeout } = this.resolved;
    return new TestHandle(resolveHandleOptions({ closeTimeout, ...options }, clock), this.shared);
  }

  override close(): Promise<void> {
    let done = false;
    const closed = super.close().then(() => {
      done = true;
    });
    // who waits for the end cannot move the time as well
    void this.shared.virtual?.advance(this.resolved.closeTimeout, () => done);
    return closed;
  }

  protected override createSource(
    channel: string,
    settings: SourceSettings,
    receiver: Receiver,
    onEnd: () => void,
  ): Source {
    const tape = this.deliveries(channel);
    const recording: Receiver = {
      next: (delivery) => {
        try {
          tape.record(delivery);
          tellSettled(delivery as BaseDelivery<unknown>, tape.poke);
        } catch {
          // more than is kept: the tape tells whoever asks it, and the program under test goes on
        }
        receiver.next(delivery);
      },
      error: (error) => {
        receiver.error(error);
      },
      complete: () => {
        receiver.complete();
      },
    };
    return super.createSource(channel, settings, recording, onEnd);
  }

  private read(
    call: string,
    channel: string,
    options: { readonly codec?: Decoder<unknown> | undefined } = {},
  ): PublishedMessage<unknown>[] {
    const where = `${call}('${channel}')`;
    checkValue(where, 'channel', channel, text());
    checkOptions(where, options, { codec: codec('decode') });
    return this.shared.journal.of(channel).map((entry) => message(where, channel, entry, options.codec));
  }
}

/** Tells of what becomes of a delivery in hands that have never seen the recording. */
function tellSettled(delivery: BaseDelivery<unknown>, told: () => void): void {
  const { first } = delivery;
  const { owner } = first;
  // a copy has the owner of its first, which tells already
  if (owner === undefined || first !== delivery) return;
  const telling: PlaceOwner = {
    settled: (settled) => {
      owner.settled(settled);
      told();
    },
    released: (released) => {
      owner.released(released);
      told();
    },
  };
  first.owner = telling;
}

function message(
  where: string,
  channel: string,
  { offset, time, data, fields }: Entry,
  decoder: Decoder<unknown> | undefined,
): PublishedMessage<unknown> {
  const headers = fields?.headers ?? noHeaders;
  const beside = { channel, offset, time: new Date(time), key: fields?.key, headers, id: fields?.id };
  if (decoder === undefined) return { value: data, ...beside };
  try {
    return { value: decoder.decode(data, { channel, headers }), ...beside };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DecodeError(`${where}: the codec cannot decode the message at offset ${offset}: ${reason}`, {
      broker: 'memory',
      cause,
    });
  }
}
