import { systemClock } from '../../../lib/core/clock.js';
import type { WeirError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import type { Address } from '../../../lib/liftbridge/connection/address.js';
import type { CallHandlers, CallStatus } from '../../../lib/liftbridge/connection/call.js';
import {
  openChannel,
  type Channel,
  type ChannelOptions,
  type UnaryOptions,
} from '../../../lib/liftbridge/connection/channel.js';
import { until } from '../../support/wait.js';

/** What a call has told, in words. */
export class Heard implements CallHandlers {
  readonly lines: string[] = [];
  /** The messages, copied. */
  readonly messages: Buffer[] = [];
  status: CallStatus | undefined;
  cause: WeirError | undefined;
  ends = 0;
  flushes = 0;
  drains = 0;
  /** How many more messages are taken before reading is stopped. */
  appetite = Infinity;

  message(bytes: Uint8Array, start: number, end: number): boolean {
    this.messages.push(Buffer.from(bytes.subarray(start, end)));
    this.lines.push(`message ${end - start}`);
    return --this.appetite > 0;
  }

  flushed(): void {
    this.flushes++;
  }

  drained(): void {
    this.drains++;
  }

  ended(status: CallStatus, cause: WeirError | undefined): void {
    this.ends++;
    this.status = status;
    this.cause = cause;
    this.lines.push(`ended ${status.name}`);
  }

  /** Waits until the call has ended, and gives how. */
  end(): Promise<CallStatus> {
    return until(() => this.status, { every: 2, message: 'the call to end' });
  }

  /** Waits until so many messages have come in all. */
  async until(count: number): Promise<void> {
    await until(() => this.messages.length >= count, {
      every: 2,
      message: () => `${count} messages, of which ${this.messages.length} came`,
    });
  }
}

/** Options that suit most specs. */
export function optionsWith(more: Partial<ChannelOptions> = {}): ChannelOptions {
  return {
    tls: undefined,
    metadata: undefined,
    connectTimeout: 10_000,
    maxMessageBytes: 4 * 1024 * 1024,
    windowBytes: 1024 * 1024,
    clock: systemClock,
    log: silent,
    ...more,
  };
}

const opened = new Set<Channel>();

/** A channel that `closeAll` ends. */
export async function connect(server: Address, more: Partial<ChannelOptions> = {}): Promise<Channel> {
  const { host, port } = server;
  const channel = await openChannel({ host, port }, optionsWith(more));
  opened.add(channel);
  return channel;
}

/** Ends what `connect` has made. */
export async function closeAll(): Promise<void> {
  await Promise.all([...opened].map((channel) => channel.close()));
  opened.clear();
}

/** How a reset is told: Node ends a socket before it resets it, and the end may be all that the other side sees. */
export const wasReset = /was lost: (.*ECONNRESET|the broker closed it without a word)/;

/** Options of a unary call whose answer is given as it comes. */
export function asking(more: Partial<UnaryOptions<Buffer>> = {}): UnaryOptions<Buffer> {
  return { asked: 'do a thing', decode: (bytes) => Buffer.from(bytes), timeout: 5_000, ...more };
}
