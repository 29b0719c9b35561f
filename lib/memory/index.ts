import { MemoryHandle, type MemoryBroker } from './broker.js';
import { resolveMemoryOptions, type MemoryOptions } from './options.js';
import { MemoryServer } from './store/server.js';

export type { MemoryBroker, MemoryDeliveryKind, MemoryTypes } from './broker.js';
export type { MemoryDelivery } from './delivery.js';
export type { MemoryFaults } from './faults.js';
export type { MemoryHandleOptions, MemoryOptions } from './options.js';

/**
 * A broker inside this process: replay, durables, queue groups, manual acks and redelivery, without a server. The
 * embedded default, and the test double for programs that use another one: faults come on demand, and all time can be
 * virtual. What it holds is gone with the process.
 * @throws InvalidOptionError
 */
export function memory(options: MemoryOptions = {}): MemoryBroker {
  const resolved = resolveMemoryOptions(options);
  const { maxBytes, maxMessages, maxAge } = options;
  const server = new MemoryServer({ clock: resolved.clock, maxBytes, maxMessages, maxAge });
  return new MemoryHandle(resolved, { server, handles: new Set() }) as unknown as MemoryBroker;
}
