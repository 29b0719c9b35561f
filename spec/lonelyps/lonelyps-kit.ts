import { createHash } from 'node:crypto';
import { lonelyps, type LonelypsBroker, type LonelypsChannel, type LonelypsOptions } from '../../lib/lonelyps/index.js';
import type { LonelypsHandle } from '../../lib/lonelyps/broker.js';
import type { LonelypsDelivery } from '../../lib/lonelyps/delivery.js';
import type { LonelypsSourceOptions } from '../../lib/lonelyps/source/options.js';
import type { LonelypssServer } from '../support/brokers/index.js';

/** Both ways to a broadcaster. */
export const transports = ['http', 'websocket'] as const;

export type Transport = (typeof transports)[number];

type Server = Pick<LonelypssServer, 'url' | 'socketUrl' | 'auth'>;

/** Handles that are closed after each spec. */
export class Handles {
  private readonly all: LonelypsBroker[] = [];

  /** A handle that hears, on a port of its own or over a websocket. */
  open(
    transport: Transport,
    servers: Server | readonly Server[],
    options: Partial<LonelypsOptions> = {},
  ): LonelypsBroker {
    const list = [servers].flat() as Server[];
    const broker = lonelyps({
      broadcasters: list.map(({ url, socketUrl }) => (transport === 'http' ? url : socketUrl)),
      receive: transport === 'http' ? { listen: { host: '127.0.0.1', port: 0 } } : { websocket: true },
      auth: list[0]!.auth,
      closeTimeout: 2_000,
      reconnect: { initialDelay: 50, maxDelay: 500 },
      ...options,
    });
    this.all.push(broker);
    return broker;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.splice(0).map((broker) => broker.close()));
  }
}

/** Resolves when the handle has subscribed to what is wanted of it. */
export async function subscribed(broker: LonelypsBroker): Promise<void> {
  const { session } = broker as unknown as LonelypsHandle;
  await session.settled();
}

/** What a source gave, acked at once unless told otherwise. */
export class Heard {
  readonly all: LonelypsDelivery[] = [];
  error: unknown;
  private readonly subscription;

  constructor(
    broker: LonelypsBroker,
    channel: LonelypsChannel,
    { acks = true, ...options }: Omit<LonelypsSourceOptions, 'codec'> & { readonly acks?: boolean } = {},
  ) {
    this.subscription = broker.messages(channel, options).subscribe({
      next: (delivery) => {
        this.all.push(delivery);
        if (acks) delivery.ack();
      },
      error: (error: unknown) => {
        this.error = error;
      },
    });
  }

  get texts(): string[] {
    return this.all.map(({ value }) => Buffer.from(value).toString());
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }
}

export function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}
