import type { Receiver } from '../core/emission.js';
import type { Source } from '../core/handle.js';
import type { SourceSettings } from '../core/settings.js';
import { MemoryHandle, type MemoryBroker } from '../memory/broker.js';
import type { MemoryDelivery } from '../memory/delivery.js';
import { resolveMemoryOptions, type MemoryOptions } from '../memory/options.js';
import { MemoryServer } from '../memory/store/server.js';

/** How many deliveries are remembered. */
const maxRecorded = 10_000;

/** A memory handle that remembers what it has delivered. @internal */
export class TestBroker extends MemoryHandle {
  /** In the order of their emission; the oldest go first when there are too many. */
  readonly delivered: MemoryDelivery<unknown>[] = [];

  constructor(options: MemoryOptions) {
    const resolved = resolveMemoryOptions(options);
    const { maxBytes, maxMessages, maxAge } = options;
    const server = new MemoryServer({ clock: resolved.clock, maxBytes, maxMessages, maxAge });
    super(resolved, { server, handles: new Set() });
  }

  /** The same handle with the type that users have. */
  get broker(): MemoryBroker {
    return this as unknown as MemoryBroker;
  }

  protected override createSource(
    channel: string,
    settings: SourceSettings,
    receiver: Receiver,
    onEnd: () => void,
  ): Source {
    const recording: Receiver = {
      next: (delivery) => {
        this.delivered.push(delivery as MemoryDelivery<unknown>);
        if (this.delivered.length > maxRecorded) this.delivered.shift();
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
}
