import { StreamNotFoundError, StreamUnavailableError, WeirError, ConnectionError } from '../../core/errors.js';
import { unlessAborted } from '../../core/pause.js';
import { addressText } from '../connection/address.js';
import type { Channel } from '../connection/channel.js';
import type { PartitionInfo, StreamInfo } from '../metadata.js';
import type { ResolvedOptions } from '../options.js';
import { isSame, shuffled } from './addresses.js';
import type { Pool } from './pool.js';
import type { LookUpOptions, Topology } from './topology.js';

/** What {@link Routes} are made of. @internal */
export interface RoutesParts {
  readonly options: ResolvedOptions;
  readonly pool: Pick<Pool, 'get'>;
  readonly topology: Topology;
}

const broker = 'liftbridge';

/** The way to the broker that has what is wanted. Each is one attempt; who needs more tries again. @internal */
export class Routes {
  constructor(private readonly parts: RoutesParts) {}

  /** A channel to the leader of a partition. */
  async leader(stream: string, partition: number, options: LookUpOptions = {}): Promise<Channel> {
    const { id } = await this.led(stream, partition, options);
    return this.reach(id, stream, options.signal);
  }

  /** A channel to a broker with an up-to-date copy, be it the leader only where there is no other. */
  async replica(stream: string, partition: number, options: LookUpOptions = {}): Promise<Channel> {
    const { topology } = this.parts;
    const { id: leader, isr } = await this.led(stream, partition, options);
    const [other] = shuffled(isr.filter((id) => id !== leader && topology.hasBroker(id)));
    return this.reach(other ?? leader, stream, options.signal);
  }

  /** A channel to a broker by its id. */
  async broker(id: string, { fresh = false, signal }: LookUpOptions = {}): Promise<Channel> {
    const { topology } = this.parts;
    if (fresh || !topology.hasBroker(id)) await topology.refresh(signal);
    if (!topology.hasBroker(id)) {
      throw new StreamUnavailableError(
        `the broker '${id}' is not among those that the cluster tells of at the moment`,
        {
          broker,
          detail: { id },
        },
      );
    }
    return this.reach(id, undefined, signal);
  }

  /** Who leads a partition, and who has a copy. What is remembered is asked anew where it does not say. */
  private async led(
    stream: string,
    partition: number,
    { fresh = false, signal }: LookUpOptions,
  ): Promise<{ id: string; isr: readonly string[] }> {
    const { topology } = this.parts;
    const isNew = fresh || !topology.has(stream);
    const first = await topology.stream(stream, { fresh, signal });
    const known = this.leaderOf(first, partition);
    if (typeof known !== 'string') return known;
    const info = isNew ? first : await topology.stream(stream, { fresh: true, signal });
    const found = this.leaderOf(info, partition);
    if (typeof found !== 'string') return found;
    const detail = { stream, partition };
    if (info.partitions.has(partition)) throw new StreamUnavailableError(found, { broker, detail });
    throw new StreamNotFoundError(found, { broker, detail });
  }

  /** The leader, or what is wrong. */
  private leaderOf(info: StreamInfo, number: number): { id: string; isr: readonly string[] } | string {
    const partition: PartitionInfo | undefined = info.partitions.get(number);
    if (!partition) {
      return `the stream '${info.name}' has no partition ${number}; it has ${info.count}, numbered from 0`;
    }
    const what = `partition ${number} of the stream '${info.name}'`;
    const { leader, isr } = partition;
    if (leader === undefined) return `${what} has no leader at the moment; it is being elected`;
    if (this.parts.topology.hasBroker(leader)) return { id: leader, isr };
    return `${what} is led by the broker '${leader}', which is not among those that the cluster tells of; another is being elected`;
  }

  private async reach(id: string, stream: string | undefined, signal: AbortSignal | undefined): Promise<Channel> {
    const { pool, topology, options } = this.parts;
    try {
      const address = await unlessAborted(topology.address(id), signal);
      if (!address) throw new StreamUnavailableError(`the broker '${id}' is gone`, { broker, detail: { id } });
      try {
        return await pool.get(address, signal);
      } catch (error) {
        throw signal?.aborted === true || options.seeds.some((seed) => isSame(seed, address))
          ? error
          : withAdvice(error, id, addressText(address));
      }
    } catch (error) {
      // it may have moved to a broker that can be reached
      if (stream !== undefined && signal?.aborted !== true) topology.forget(stream);
      throw error;
    }
  }
}

/** A broker that was found through a seed and is not reachable by its own address is most often one in a container. */
function withAdvice(error: unknown, id: string, address: string): unknown {
  if (!(error instanceof WeirError) || !error.retriable) return error;
  if (error.code !== 'CONNECTION' && error.code !== 'TIMEOUT') return error;
  return new ConnectionError(
    `${error.message}. Liftbridge gives ${address} as the address of its broker '${id}'; if it cannot be reached from here, ` +
      'set host and port in its configuration, or give resolveAddress to the handle',
    { broker, cause: error, detail: error.detail },
  );
}
