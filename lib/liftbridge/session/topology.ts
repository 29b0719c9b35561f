import { bounded } from '../../core/bounded.js';
import type { Clock } from '../../core/clock.js';
import { ConnectionError, InvalidOptionError, StreamNotFoundError } from '../../core/errors.js';
import { pause, unlessAborted } from '../../core/pause.js';
import { streamErrors } from '../codec/enums.js';
import { decodeFetchMetadataResponse, type FetchMetadataResponse } from '../codec/metadata.js';
import { encodeFetchMetadataRequest } from '../codec/requests.js';
import { addressText, type Address } from '../connection/address.js';
import type { Channel } from '../connection/channel.js';
import { streamInfo, type StreamInfo } from '../metadata.js';
import { cursorsStream } from '../names.js';
import type { ResolvedOptions } from '../options.js';
import { firstOf } from './first-of.js';
import { isSame, shuffled } from './addresses.js';
import type { Main } from './main.js';
import type { Pool } from './pool.js';

/** What a {@link Topology} is made of. @internal */
export interface TopologyParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly main: Pick<Main, 'ready'>;
  readonly pool: Pick<Pool, 'channels'>;
}

/** How metadata are asked for. @internal */
export interface LookUpOptions {
  /** Whether what is known already does not count. */
  readonly fresh?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What to ask metadata of. @internal */
export interface MetadataRequest {
  /** None: all streams. */
  readonly streams: readonly string[];
  readonly groups?: readonly string[] | undefined;
}

/** A broker, and where it is. */
interface Place {
  readonly host: string;
  readonly port: number;
  /** Where to connect to, as far as that is known. */
  address: Address | undefined;
}

const broker = 'liftbridge';

/**
 * A broker that asks a dead one waits 3 s for it before it answers, so that less patience than this gives up too soon. Told
 * of a deadline, it would wait until that: metadata are asked for without. @internal
 */
export const metadataPatience = 4_000;
/** Milliseconds after which another broker is asked too. */
const hedge = 1_000;
/** Milliseconds in which a broker hears of a stream that another one has made. */
const rumour = 1_000;
/** How many streams are remembered. */
const capacity = 1_000;

/** What is known of the cluster: where its brokers are, and which of them lead the partitions of a stream. @internal */
export class Topology {
  private places = new Map<string, Place>();
  private readonly streams = new Map<string, StreamInfo>();
  private readonly asking = new Map<string, Promise<StreamInfo | undefined>>();

  private readonly closing = new AbortController();

  constructor(private readonly parts: TopologyParts) {}

  /** Nobody wants to know anything any more. */
  close(error: Error): void {
    this.closing.abort(error);
  }

  /** Where brokers are, as far as that is known without asking. */
  get addresses(): Address[] {
    return [...this.places.values()].flatMap(({ address }) => address ?? []);
  }

  /** Whether a stream is remembered. */
  has(stream: string): boolean {
    return this.streams.has(stream);
  }

  /** Whether a partition is said to be paused, which may be over. */
  isPaused(stream: string, partition: number): boolean {
    return this.streams.get(stream)?.partitions.get(partition)?.paused === true;
  }

  /** Whether a broker is there, or nothing is known of any. */
  isKnown(address: Address): boolean {
    const { addresses } = this;
    // one whose address is not resolved yet may be there
    return (
      addresses.length < this.places.size || addresses.length === 0 || addresses.some((each) => isSame(each, address))
    );
  }

  /** Whether a broker is among those that the cluster tells of. */
  hasBroker(id: string): boolean {
    return this.places.has(id);
  }

  /**
   * A stream. Who asks for the same at the same time gets the same answer.
   * @throws StreamNotFoundError, AuthorizationError, and what `fetch` throws
   */
  async stream(name: string, { fresh = false, signal }: LookUpOptions = {}): Promise<StreamInfo> {
    signal?.throwIfAborted();
    const cached = this.streams.get(name);
    if (cached && !fresh) return cached;
    const { clock } = this.parts;
    const end = clock.now() + rumour;
    for (let wait = 50; ; wait *= 2) {
      const found = await unlessAborted(this.asking.get(name) ?? this.lookUp(name), signal);
      if (found) return found;
      // a broker that is alone has made it itself; the servers' own streams are there a little after a server is
      const isAlone = this.places.size === 1 && name !== cursorsStream;
      if (isAlone || clock.now() + wait > end) throw notFound(name);
      await pause(wait, clock, signal);
    }
  }

  /** What is remembered of a stream is wrong, or may be. */
  forget(name: string): void {
    this.streams.delete(name);
    // what is on its way may be older
    this.asking.delete(name);
  }

  /** A broker may be gone: the streams that it led are led by another one soon. */
  forgetLedBy(address: Address): void {
    const gone = new Set<string>();
    for (const [id, place] of this.places) if (place.address && isSame(place.address, address)) gone.add(id);
    for (const [name, { partitions }] of this.streams) {
      for (const { leader } of partitions.values()) if (leader !== undefined && gone.has(leader)) this.forget(name);
    }
  }

  /** Learns where the brokers are. */
  async refresh(signal?: AbortSignal): Promise<void> {
    // asking for no stream is asking for all
    await unlessAborted(this.asking.get(cursorsStream) ?? this.lookUp(cursorsStream), signal);
  }

  /**
   * Where a broker is that the cluster tells of.
   * @throws ConnectionError where `resolveAddress` failed; InvalidOptionError where it gave no address
   */
  async address(id: string): Promise<Address | undefined> {
    const place = this.places.get(id);
    if (!place) return undefined;
    return (place.address ??= await this.resolve(place));
  }

  /**
   * Asks for metadata: over the main channel, and over another one too if that takes long. One attempt, without a limit as long
   * as there is no connection.
   * @throws BrokerTimeoutError, ConnectionError, AuthorizationError, ClosedError
   */
  async fetch(request: MetadataRequest, signal?: AbortSignal): Promise<FetchMetadataResponse> {
    const { main } = this.parts;
    const channel = await main.ready({ signal });
    try {
      return await this.ask(channel, request, signal);
    } catch (error) {
      if (channel.up || !(error instanceof ConnectionError)) throw error;
      return this.ask(await main.ready({ signal }), request, signal);
    }
  }

  private async ask(
    first: Channel,
    request: MetadataRequest,
    signal: AbortSignal | undefined,
  ): Promise<FetchMetadataResponse> {
    const { options, clock, pool } = this.parts;
    const timeout = Math.max(metadataPatience, options.requestTimeout);
    const asked = request.streams.length === 1 ? `find the stream '${request.streams[0]}'` : 'tell of the cluster';
    const bytes = encodeFetchMetadataRequest(request);
    const askAt = async (channel: Channel, abort: AbortSignal): Promise<[FetchMetadataResponse, Channel]> => {
      const decode = decodeFetchMetadataResponse;
      const unary = { asked, decode, timeout, deadline: false, signal: abort };
      return [await channel.unary('FetchMetadata', bytes, unary), channel];
    };
    try {
      const [response, from] = await firstOf(
        [
          (abort) => askAt(first, abort),
          (abort) => {
            const [other] = shuffled(pool.channels.filter((each) => each !== first));
            return other ? askAt(other, abort) : Promise.reject(new Error('there is no other broker to ask'));
          },
        ],
        { clock, stagger: hedge, signal: signal ?? new AbortController().signal },
      );
      this.learn(response, from);
      return response;
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }

  /** Takes the brokers that were told of. */
  private learn({ brokers }: FetchMetadataResponse, from: Channel): void {
    const places = new Map<string, Place>();
    for (const { id, host: advertised, port } of brokers) {
      // the configuration of a server may have an IPv6 address in the brackets that it needs where a port follows
      const host = /^\[(.+)\]$/.exec(advertised)?.[1] ?? advertised;
      const before = this.places.get(id);
      const place = before?.host === host && before.port === port ? before : { host, port, address: undefined };
      // who answers and is alone is reached by the way on which it was asked, whatever it calls itself
      if (brokers.length === 1) place.address = from.address;
      places.set(id, place);
    }
    this.places = places;
    for (const [id, { address }] of places) {
      if (address) continue;
      this.address(id).catch((error: unknown) => {
        this.parts.options.logger.debug(`the address of the broker ${id} is not known`, error);
      });
    }
  }

  private lookUp(name: string): Promise<StreamInfo | undefined> {
    const asking = this.find(name);
    this.asking.set(name, asking);
    asking.then(
      (found) => {
        if (this.asking.get(name) !== asking) return;
        this.forget(name);
        if (found) this.remember(found);
      },
      () => {
        if (this.asking.get(name) === asking) this.asking.delete(name);
      },
    );
    return asking;
  }

  private async find(name: string): Promise<StreamInfo | undefined> {
    const { streams } = await this.fetch({ streams: [name] });
    const found = streams.find((stream) => stream.name === name && stream.error === streamErrors.ok);
    return found && streamInfo(found);
  }

  private remember(stream: StreamInfo): void {
    if (this.streams.size >= capacity) {
      const [oldest] = this.streams.keys();
      this.streams.delete(oldest as string);
    }
    this.streams.set(stream.name, stream);
  }

  /** A function of the user's that never comes to an end must not keep those waiting who have no limit of their own. */
  private inTime<T>(call: () => T | Promise<T>): Promise<T> {
    const { options, clock } = this.parts;
    const ms = options.connectTimeout;
    const late = (): Error => new Error(`it gave nothing within ${ms} ms (connectTimeout)`);
    const { signal } = this.closing;
    return bounded({ clock, ms, late, signal }, (bound) => unlessAborted(Promise.resolve(call()), bound));
  }

  private async resolve({ host, port }: Place): Promise<Address> {
    const { resolveAddress } = this.parts.options;
    if (!resolveAddress) return { host, port };
    const asked = { host, port };
    let given: Partial<Address> | undefined;
    try {
      given = await this.inTime(() => resolveAddress(host, port));
    } catch (error) {
      throw new ConnectionError(`the function resolveAddress failed for ${addressText(asked)}`, {
        broker,
        cause: error,
      });
    }
    const address = { host: given?.host, port: given?.port };
    if (isAddress(address)) return address;
    throw new InvalidOptionError(
      'the function resolveAddress must return an object with host, a non-empty string, and port, an integer from 1 to 65535; ' +
        `it did not for ${addressText(asked)}`,
      { broker },
    );
  }
}

function isAddress(value: { host: unknown; port: unknown }): value is Address {
  const { host, port } = value;
  return typeof host === 'string' && host !== '' && Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536;
}

function notFound(stream: string): StreamNotFoundError {
  return new StreamNotFoundError(`there is no stream '${stream}' on Liftbridge; create it, or check its name`, {
    broker,
    detail: { stream },
  });
}
