import { systemClock } from '../../../lib/core/clock.js';
import type { WeirError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import type { OffsetSpec } from '../../../lib/rabbitmq-stream/codec/offset-spec.js';
import {
  openConnection,
  type Connection,
  type ConnectionEvents,
  type ConnectionOptions,
} from '../../../lib/rabbitmq-stream/connection/connection.js';
import { until } from '../../support/wait.js';

/** What a connection has told, in words. */
export class Heard implements ConnectionEvents {
  readonly lines: string[] = [];
  readonly errors: WeirError[] = [];
  readonly replies: ((offset: OffsetSpec) => void)[] = [];
  /** The chunks of Deliver, copied. */
  readonly chunks: Buffer[] = [];
  flushes = 0;
  drains = 0;

  confirm(publisherId: number, bytes: Uint8Array, start: number, count: number): void {
    const ids = Array.from({ length: count }, (_, i) => Buffer.from(bytes).readBigUInt64BE(start + 8 * i));
    this.lines.push(`confirm ${publisherId}: ${ids.join(' ')}`);
  }

  publishError(publisherId: number, id: number | bigint, code: number): void {
    this.lines.push(`publishError ${publisherId}: ${String(id)} ${code}`);
  }

  deliver(subscriptionId: number, bytes: Uint8Array, start: number, end: number): void {
    this.lines.push(`deliver ${subscriptionId}: ${end - start}`);
    this.chunks.push(Buffer.from(bytes.subarray(start, end)));
  }

  creditError(subscriptionId: number, code: number): void {
    this.lines.push(`creditError ${subscriptionId}: ${code}`);
  }

  metadataUpdate(stream: string, code: number): void {
    this.lines.push(`metadataUpdate ${stream}: ${code}`);
  }

  consumerUpdate(subscriptionId: number, active: boolean, reply: (offset: OffsetSpec) => void): void {
    this.lines.push(`consumerUpdate ${subscriptionId}: ${active}`);
    this.replies.push(reply);
  }

  flushed(): void {
    this.flushes++;
  }

  drained(): void {
    this.drains++;
  }

  closed(error: WeirError): void {
    this.lines.push(`closed: ${error.name}`);
    this.errors.push(error);
  }

  /** Waits until the connection has ended, and gives the reason. */
  end(): Promise<WeirError> {
    return until(() => this.errors[0], { every: 2, message: 'the connection to end' });
  }
}

/** Options for a server on this machine; what is not given has a value that suits most specs. */
export function optionsFor(
  server: { readonly host: string; readonly port: number },
  more: Partial<ConnectionOptions> = {},
): ConnectionOptions {
  return {
    host: server.host,
    port: server.port,
    sasl: 'plain',
    username: 'guest',
    password: 'guest',
    vhost: '/',
    frameMax: 1_048_576,
    heartbeat: 60_000,
    connectTimeout: 10_000,
    requestTimeout: 5_000,
    maxFrame: 64 * 1024 * 1024,
    properties: { product: 'probe', connection_name: 'proto-probe' },
    clock: systemClock,
    log: silent,
    ...more,
  };
}

const opened = new Set<Connection>();

/** A connection that `closeAll` ends. */
export async function connect(
  server: { readonly host: string; readonly port: number },
  more: Partial<ConnectionOptions> = {},
  heard = new Heard(),
): Promise<{ readonly connection: Connection; readonly heard: Heard }> {
  const connection = await openConnection(optionsFor(server, more), heard);
  opened.add(connection);
  return { connection, heard };
}

/** Ends what `connect` has made. */
export async function closeAll(): Promise<void> {
  await Promise.all([...opened].map((connection) => connection.close()));
  opened.clear();
}

/** Bytes of hexadecimal digits. */
export const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
