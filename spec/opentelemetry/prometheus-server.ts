import { access, chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { register, unregister } from '../support/brokers/registry.js';
import { cached } from '../support/cache.js';
import { command } from '../support/command.js';
import { removeFolder, temporaryFolder } from '../support/guard.js';
import { freePort } from '../support/ports.js';
import { willNeed } from '../support/provision.js';
import { ServerProcess } from '../support/server-process.js';

const install =
  'Prometheus comes from its Debian package, which apt-get downloads without installing it. Elsewhere install it, and give ' +
  'the path of the program in RX_WEIR_PROMETHEUS.';

let binary: Promise<string> | undefined;

/** The path of the program: of RX_WEIR_PROMETHEUS, else out of Debian's package, of which it needs nothing else. */
export function prometheusBinary(): Promise<string> {
  binary ??= find();
  return binary;
}

willNeed('Prometheus', prometheusBinary);

async function find(): Promise<string> {
  const own = process.env['RX_WEIR_PROMETHEUS'];
  if (own) {
    await access(own);
    return own;
  }
  return cached({ name: 'prometheus', pins: ['Debian', 'layout 1'], build: unpack });
}

async function unpack(target: string): Promise<void> {
  const folder = `${target}.package`;
  await mkdir(folder, { recursive: true });
  try {
    await download(folder);
    const file = (await readdir(folder)).find((name) => name.endsWith('.deb'));
    if (file === undefined) throw new Error(`apt-get has downloaded nothing. ${install}`);
    await command('dpkg-deb', ['--extract', join(folder, file), join(folder, 'root')], { install });
    await copyFile(join(folder, 'root/usr/bin/prometheus'), target);
    await chmod(target, 0o755);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Not as the user that apt has for downloads, which may not write everywhere. */
async function download(cwd: string): Promise<void> {
  const args = ['-o', 'APT::Sandbox::User=root', 'download', 'prometheus'];
  await command('apt-get', args, { cwd, install }).catch(async () => {
    // the lists of packages may not be there yet, or be older than what is offered
    await command('apt-get', ['-o', 'DPkg::Lock::Timeout=300', 'update'], { install });
    await command('apt-get', args, { cwd, install });
  });
}

/** A series and its value, as `/api/v1/query` tells it. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus that runs. */
export interface PrometheusServer {
  readonly url: string;
  /** What a query gives. @throws Error with what Prometheus said to a wrong one. */
  query(expression: string): Promise<Sample[]>;
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus that scrapes one target, five times a second.
 * @param target - `host:port`
 */
export async function startPrometheus(target: string): Promise<PrometheusServer> {
  const file = await prometheusBinary();
  const folder = await temporaryFolder();
  const port = await freePort();
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
    scrape_configs: [{ job_name: 'rx-weir', static_configs: [{ targets: [target] }] }],
  };
  // JSON is YAML, too
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const server = new ServerProcess({
    name: 'Prometheus',
    file,
    args: ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`],
    cwd: folder,
    ready: /Server is ready to receive web requests/,
  });
  await server.start();
  const url = `http://127.0.0.1:${port}`;
  const running: PrometheusServer = {
    url,
    query: (expression) => query(url, expression),
    stop: async () => {
      unregister(running);
      await server.kill();
      await removeFolder(folder);
    },
  };
  register(running);
  return running;
}

interface Answer {
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

async function query(url: string, expression: string): Promise<Sample[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: expression }),
  });
  const { data, error } = (await response.json()) as Answer;
  if (data === undefined) throw new Error(`${expression}: ${String(error)}`);
  return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}
