import type { BrokerServer, ServerPlan } from './broker-server.js';
import { startContainer } from './container-server.js';
import { usesContainers } from './docker-engine.js';
import { startNative } from './native-server.js';

/** Starts a server: in a container where a Docker engine answers and nothing speaks against it, else as a process. */
export async function startPlan(plan: ServerPlan, options: { readonly native?: boolean } = {}): Promise<BrokerServer> {
  if (!options.native && (await usesContainers())) {
    return startContainer(plan);
  }
  return startNative(plan);
}

/** Builds what `startPlan` will run on this machine; containers bring their own. */
export async function prepare(binary: () => Promise<string>): Promise<void> {
  if (!(await usesContainers())) {
    await binary();
  }
}
