import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { getContainerRuntimeClient, StartedTestContainer } from 'testcontainers';
import type { Certificates } from '../certificates.js';
import { removeFolder, temporaryFolder } from '../guard.js';
import { until } from '../wait.js';
import { factsOf, type BrokerServer, type ServerFacts, type ServerPlan } from './broker-server.js';
import { fetchMonitor } from './monitor.js';
import { chooseListeners } from './native-server.js';
import { register, unregister } from './registry.js';

/**
 * Starts a NATS server in a container. Its ports have the same numbers inside and outside, so that they stay the same
 * when it is started again; its files have the same paths as those that the plan has written on this machine.
 */
export async function startContainer(plan: ServerPlan): Promise<BrokerServer> {
  const listeners = { ...(await chooseListeners(plan)), host: '0.0.0.0' };
  const { port, monitorPort, websocketPort, natsPort } = listeners;
  const folder = await temporaryFolder();
  const config = join(folder, 'server.conf');
  await writeFile(config, await plan.configure(listeners, folder));
  const entries = await readdir(folder, { withFileTypes: true });
  const { ca, serverCert, serverKey } = plan.certificates ?? {};
  const files = [
    ...entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name)),
    ...[ca, serverCert, serverKey].filter((path) => path !== undefined),
  ];
  const image: ContainerPlan = {
    image: plan.image,
    command: ['-c', config, ...plan.args],
    environment: plan.environment,
    user: plan.user,
    files: files.map((path) => ({ source: path, target: path })),
    ports: [port, monitorPort, websocketPort, natsPort].filter((number) => number !== undefined),
    ready: plan.ready,
    readyTimeout: plan.readyTimeout,
  };
  return runContainer(image, folder, (host) => factsOf(plan, host, listeners));
}

/** What to run in a container. */
export interface ContainerPlan {
  readonly image: string;
  /** Arguments; without them the image's own. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Default: the image's own user. */
  readonly user?: string | undefined;
  readonly files: readonly { readonly source: string; readonly target: string; readonly mode?: number }[];
  /** Ports, the same inside and outside. */
  readonly ports: readonly number[];
  /** The log line that says it serves. */
  readonly ready: RegExp;
  /** Milliseconds until it must have said so. Default 60 000. */
  readonly readyTimeout: number | undefined;
}

/** The host at which containers' ports are reached. */
export async function containerHost(): Promise<string> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  return (await getContainerRuntimeClient()).info.containerRuntime.host;
}

/** Runs a container, with a folder of its own on this machine that goes with it. */
export async function runContainer(
  plan: ContainerPlan,
  folder: string,
  facts: (host: string) => ServerFacts,
): Promise<ContainerServer> {
  try {
    // Loaded here, since it takes a while and most machines that run specs need it not.
    const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
    const image = new GenericContainer(plan.image)
      .withEnvironment({ ...plan.environment })
      .withCopyFilesToContainer([...plan.files])
      .withExposedPorts(...plan.ports.map((number) => ({ container: number, host: number })))
      .withWaitStrategy(Wait.forLogMessage(plan.ready))
      .withStartupTimeout(plan.readyTimeout ?? 60_000);
    if (plan.user !== undefined) {
      image.withUser(plan.user);
    }
    const container = await (plan.command ? image.withCommand([...plan.command]) : image).start();
    const client = await getContainerRuntimeClient();
    const server = new ContainerServer(plan.ready, facts(container.getHost()), container, client, folder);
    await server.followLog();
    return server;
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

type Client = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

/** A container as a spec sees it. */
export class ContainerServer implements BrokerServer {
  readonly kind = 'container';
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly monitorUrl: string | undefined;
  readonly wsUrl: string | undefined;
  readonly certificates: Certificates | undefined;
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

  constructor(ready: RegExp, facts: ServerFacts, container: StartedTestContainer, client: Client, files: string) {
    this.host = container.getHost();
    this.port = facts.port;
    this.url = facts.url;
    this.monitorUrl = facts.monitorUrl;
    this.wsUrl = facts.wsUrl;
    this.certificates = facts.certificates;
    this.#ready = new RegExp(ready.source, 'g');
    this.#container = container;
    this.#client = client;
    this.#files = files;
    register(this);
  }

  /** Runs a program in it and resolves with its exit code. */
  async run(program: readonly string[]): Promise<number> {
    return (await this.#container.exec([...program])).exitCode;
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
