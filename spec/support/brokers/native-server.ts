import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificates } from '../certificates.js';
import { removeFolder, temporaryFolder } from '../guard.js';
import { freePort } from '../ports.js';
import { ServerProcess } from '../server-process.js';
import { factsOf, type BrokerServer, type Listeners, type ServerFacts, type ServerPlan } from './broker-server.js';
import { fetchMonitor } from './monitor.js';
import { register, unregister } from './registry.js';

const loopback = '127.0.0.1';

/** Starts a server as a process of this machine, on loopback, with a folder of its own. */
export async function startNative(plan: ServerPlan): Promise<BrokerServer> {
  const file = await plan.binary();
  for (let attempt = 1; ; attempt++) {
    const listeners = await chooseListeners(plan);
    const folder = await temporaryFolder();
    const config = join(folder, 'server.conf');
    await writeFile(config, await plan.configure(listeners, folder));
    const process = new ServerProcess({
      name: plan.name,
      file,
      args: ['-c', config, ...plan.args],
      cwd: folder,
      ready: plan.ready,
      env: plan.environment,
      ...(plan.readyTimeout === undefined ? {} : { readyTimeout: plan.readyTimeout }),
    });
    try {
      await process.start();
      return new NativeServer(factsOf(plan, loopback, listeners), folder, process);
    } catch (error) {
      await removeFolder(folder);
      // Another run may take a port between our look and the server's bind.
      if (attempt === 3 || plan.ports?.port !== undefined || !process.log().includes('address already in use')) {
        throw error;
      }
    }
  }
}

/** The listeners of a plan, on loopback, with free ports where it names none. */
export async function chooseListeners(
  plan: Pick<ServerPlan, 'ports' | 'websocket' | 'embedsNats'>,
): Promise<Listeners> {
  const { ports = {} } = plan;
  return {
    host: loopback,
    port: ports.port ?? (await freePort()),
    monitorPort: ports.monitorPort ?? (await freePort()),
    websocketPort: ports.websocketPort ?? (plan.websocket ? await freePort() : undefined),
    routePort: ports.routePort ?? (await freePort()),
    natsPort: ports.natsPort ?? (plan.embedsNats ? await freePort() : undefined),
  };
}

/** A process of this machine as a spec sees it. Whoever makes one has it running. */
export class NativeServer implements BrokerServer {
  readonly kind = 'native';
  readonly host = loopback;
  readonly port: number;
  readonly url: string;
  readonly monitorUrl: string | undefined;
  readonly wsUrl: string | undefined;
  readonly certificates: Certificates | undefined;
  readonly folder: string;
  readonly #process: ServerProcess;
  #stopped: Promise<void> | undefined;

  constructor(facts: ServerFacts, folder: string, process: ServerProcess) {
    this.port = facts.port;
    this.url = facts.url;
    this.monitorUrl = facts.monitorUrl;
    this.wsUrl = facts.wsUrl;
    this.certificates = facts.certificates;
    this.folder = folder;
    this.#process = process;
    register(this);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    // Nobody reads the data afterwards, so there is nothing to shut down in order.
    await this.#process.kill();
    await removeFolder(this.folder);
    unregister(this);
  }

  async kill(): Promise<void> {
    await this.#process.kill();
  }

  async quit(): Promise<void> {
    await this.#process.quit();
  }

  async pause(): Promise<void> {
    this.#process.pause();
  }

  async resume(): Promise<void> {
    this.#process.resume();
  }

  async restart(): Promise<void> {
    if (this.#stopped) {
      throw new Error('A server that was stopped has no data left to restart from.');
    }
    await this.#process.kill();
    await this.#process.start();
  }

  log(): string {
    return this.#process.log();
  }

  monitor<T>(path: string): Promise<T> {
    return fetchMonitor(this.monitorUrl, path) as Promise<T>;
  }
}
