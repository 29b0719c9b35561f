import type { Broker } from '../core/broker.js';
import { memory, type MemoryBroker, type MemoryOptions } from '../memory/index.js';

const stores = new Map<string, MemoryBroker>();

/**
 * A handle on the store of that name. It lives in this process alone: a command sees what it, or another in the same
 * process, has published.
 */
export function memoryHandle(name: string, options: Readonly<Record<string, unknown>>): Broker {
  // made in any case, because it checks the options
  const made = memory(options);
  const found = stores.get(name);
  const { maxBytes: _bytes, maxMessages: _messages, maxAge: _age, ...ofHandle } = options as MemoryOptions;
  const root = found ?? made;
  const handle = root.handle(ofHandle);
  // the root is kept for what it stores; the handle is the command's own
  if (found === undefined) stores.set(name, root);
  return handle;
}
