import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { getContainerRuntimeClient, StartedTestContainer } from 'testcontainers';
import { removeFolder, temporaryFolder } from '../guard.js';
import { until } from '../wait.js';
import type { BrokerServer, Listeners, ServerPlan } from './broker-server.js';
import { fetchMonitor } from './monitor.js';
import { chooseListeners } from './native-server.js';
import { register, unregister } from './registry.js';

/**
 * Starts a server in a container. Its ports have the same numbers inside and outside, so that they stay the same when
 * it is started again; its files have the same paths as those that the plan has written on this machine.
 */
export async function startContainer(plan: ServerPlan): Promise<BrokerServer> {
  // Loaded here, since it takes a while and most machines that run specs need it not.
  const testcontainers = await import('testcontainers');
  const { GenericContainer, Wait } = testcontainers;
  const listeners = { ...(await chooseListeners(plan)), host: '0.0.0.0' };
  const { port, monitorPort, websocketPort } = listeners;
  const folder = await temporaryFolder();
  const config = join(folder, 'server.conf');
  await writeFile(config, await plan.configure(listeners, folder));
  const entries = await readdir(folder, { withFileTypes: true });
  const { ca, serverCert, serverKey } = plan.certificates ?? {};
  const files = [
    ...entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name)),
    ...[ca, serverCert, serverKey].filter((path) => path !== undefined),
  ];
  try {
    const container = await new GenericContainer(plan.image)
      .withCommand(['-c', config, ...plan.args])
      .withCopyFilesToContainer(files.map((path) => ({ source: path, target: path })))
      .withExposedPorts(
        ...[port, monitorPort, websocketPort]
          .filter((number) => number !== undefined)
          .map((number) => ({ container: number, host: number })),
      )
      .withWaitStrategy(Wait.forLogMessage(plan.ready))
      .withStartupTimeout(plan.readyTimeout ?? 60_000)
      .start();
    const client = await testcontainers.getContainerRuntimeClient();
    const server = new ContainerServer(plan, listeners, container, client, folder);
    await server.followLog();
    return server;
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

type Client = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

class ContainerServer implements BrokerServer {
  readonly kind = 'container';
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly monitorUrl: string;
  readonly wsUrl: string | undefined;
  readonly certificates: ServerPlan['certificates'];
  readonly pid = undefined;
  readonly folder = undefined;
  readonly #ready: RegExp;
  readonly #container: StartedTestContainer;
  readonly #client: Client;
  readonly #files: string;
  #stream: Readable | undefined;
  #log = '';
  #starts = 1;
  #stopped: Promise<void> | undefined;

  constructor(plan: ServerPlan, listeners: Listeners, container: StartedTestContainer, client: Client, files: string) {
    const { certificates } = plan;
    const host = container.getHost();
    this.host = host;
    this.port = listeners.port;
    this.url = `${certificates ? 'tls' : 'nats'}://${host}:${listeners.port}`;
    this.monitorUrl = `http://${host}:${listeners.monitorPort}`;
    this.wsUrl = plan.websocket ? `${certificates ? 'wss' : 'ws'}://${host}:${listeners.websocketPort}` : undefined;
    this.certificates = certificates;
    this.#ready = new RegExp(plan.ready.source, 'g');
    this.#container = container;
    this.#client = client;
    this.#files = files;
    register(this);
  }

  /** Reads the log from its beginning, since the engine ends the stream with each end of the process. */
  async followLog(): Promise<void> {
    this.#stream?.destroy();
    this.#log = '';
    this.#stream = await this.#container.logs();
    this.#stream.setEncoding('utf8');
    this.#stream.on('data', (chunk: string) => (this.#log = (this.#log + chunk).slice(-(1 << 20))));
    this.#stream.on('error', () => undefined);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.resume();
    this.#stream?.destroy();
    await this.#container.stop({ timeout: 0 });
    await removeFolder(this.#files);
    unregister(this);
  }

  async kill(): Promise<void> {
    await this.#signal('SIGKILL');
  }

  async quit(): Promise<void> {
    await this.resume();
    await this.#signal('SIGTERM');
  }

  async pause(): Promise<void> {
    if ((await this.#state()).Running) {
      await this.#engine().pause();
    }
  }

  async resume(): Promise<void> {
    if ((await this.#state()).Paused) {
      await this.#engine().unpause();
    }
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.#engine().start();
    this.#starts++;
    await this.followLog();
    await until(() => (this.#log.match(this.#ready) ?? []).length >= this.#starts, {
      timeout: 20_000,
      message: () => `the restarted container to be ready. Its log:\n${this.#log.slice(-8_000)}\n`,
    });
  }

  log(): string {
    return this.#log;
  }

  monitor<T>(path: string): Promise<T> {
    return fetchMonitor(this.monitorUrl, path) as Promise<T>;
  }

  async #signal(signal: string): Promise<void> {
    const { Running, Paused } = await this.#state();
    if (!Running) {
      return;
    }
    if (Paused) {
      await this.#engine().unpause();
    }
    const end: Promise<unknown> = this.#engine().wait();
    await this.#engine().kill({ signal });
    await end;
  }

  #engine(): ReturnType<Client['container']['getById']> {
    return this.#client.container.getById(this.#container.getId());
  }

  async #state(): Promise<{ readonly Running: boolean; readonly Paused: boolean }> {
    return (await this.#engine().inspect()).State;
  }
}
