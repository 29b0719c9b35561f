import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedCertificates, type Certificates } from '../certificates.js';
import { removeFolder, temporaryFolder } from '../guard.js';
import { PythonEnvironment } from '../peers/python-environment.js';
import { freePort } from '../ports.js';
import { cpuOf } from '../process-cpu.js';
import { ServerProcess } from '../server-process.js';
import { addressedServer, addressFrom, type BrokerAddress } from './address.js';
import { withFacts } from './broker-server.js';
import { authOf, chosenAuth, isChosen, secretsText, type LonelypssAuth } from './lonelypss-auth.js';
import type { LonelypssOptions, LonelypssServer } from './lonelypss-server.js';
import { NativeServer } from './native-server.js';

const loopback = '127.0.0.1';

const environment = new PythonEnvironment({
  name: 'lonelyps',
  title: 'lonelypss',
  oldest: '3.10',
  folder: '../servers/lonelypss',
});

/** The folder of the virtual environment that it runs in, made when the cache has not got it. */
export function lonelypss(): Promise<string> {
  return environment.folder();
}

/**
 * Gives a lonelypss 0.0.12. The address in RX_WEIR_LONELYPS (`host:port`; RX_WEIR_LONELYPS_SECRETS has the path of its
 * subscriber-secrets.json, if it has one) serves those who ask for nothing special; else it is a process, for there is no
 * image to run in a container. What is not stopped by the spec is stopped by the root hooks.
 *
 * @throws Error when there is an address whose secrets are not those that the spec asks for
 */
export async function startLonelypss(options: LonelypssOptions = {}): Promise<LonelypssServer> {
  const { auth, ...special } = options;
  const address = addressFrom('RX_WEIR_LONELYPS');
  if (address && Object.values(special).every((value) => value === undefined)) {
    return addressedLonelypss(address, auth);
  }
  const python = await environment.python();
  const given = chosenAuth(auth);
  const certificates = options.tls ? await sharedCertificates() : undefined;
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const folder = await temporaryFolder();
    const settings = await writeSettings(options, port, folder, given, certificates);
    const process = new ServerProcess({
      name: 'lonelypss',
      file: python,
      args: [environment.path('broadcaster.py'), settings],
      cwd: folder,
      env: {
        PYTHONDONTWRITEBYTECODE: '1',
        // With TLS it posts to itself and has to trust its own certificate.
        ...(certificates && { SSL_CERT_FILE: certificates.ca }),
      },
      ready: /Uvicorn running on/,
      ...(options.readyTimeout === undefined ? {} : { readyTimeout: options.readyTimeout }),
    });
    try {
      await process.start();
      return nativeLonelypss(port, folder, process, given, certificates);
    } catch (error) {
      await removeFolder(folder);
      // Another run may take a port between our look and the server's bind.
      if (attempt === 3 || options.port !== undefined || !process.log().includes('address already in use')) {
        throw error;
      }
    }
  }
}

/** Writes what the broadcaster reads, with its secrets beside it, and gives the path. */
async function writeSettings(
  options: LonelypssOptions,
  port: number,
  folder: string,
  auth: LonelypssAuth,
  certificates: Certificates | undefined,
): Promise<string> {
  const { database, sweepInterval } = options;
  const secrets = join(folder, 'broadcaster-secrets.json');
  await writeFile(secrets, secretsText(auth), { mode: 0o600 });
  const settings = {
    port,
    secrets,
    database: database === true ? join(folder, 'subscriptions.db') : database === 'memory' ? ':memory:' : database,
    zstd: options.zstd,
    max_frame_bytes: options.maxFrameBytes,
    sweep_interval: sweepInterval && sweepInterval / 1_000,
    minimal_headers: options.minimalHeaders,
    access_log: options.accessLog,
    self_url: options.selfUrl,
    tls: certificates && { cert: certificates.serverCert, key: certificates.serverKey },
  };
  const file = join(folder, 'settings.json');
  await writeFile(file, JSON.stringify(settings));
  return file;
}

function nativeLonelypss(
  port: number,
  folder: string,
  process: ServerProcess,
  auth: LonelypssAuth,
  certificates: Certificates | undefined,
): LonelypssServer {
  const secure = certificates ? 's' : '';
  const socketUrl = `ws${secure}://${loopback}:${port}`;
  const url = `http${secure}://${loopback}:${port}`;
  const server = new NativeServer(
    { port, url, monitorUrl: undefined, wsUrl: socketUrl, certificates },
    folder,
    process,
  );
  return withFacts(server, {
    socketUrl,
    auth,
    secrets: () => secretsText(auth),
    cpu() {
      if (server.pid === undefined) {
        throw new Error('The broadcaster does not run; its CPU time went with its process.');
      }
      return cpuOf(server.pid);
    },
  });
}

async function addressedLonelypss(address: BrokerAddress, choice: LonelypssOptions['auth']): Promise<LonelypssServer> {
  const path = process.env['RX_WEIR_LONELYPS_SECRETS']?.trim();
  const auth = authOf(path ? await readFile(path, 'utf8') : undefined);
  const { host, port } = address;
  if (choice !== undefined && !isChosen(auth, choice)) {
    throw new Error(
      `The broadcaster at ${host}:${port} came from RX_WEIR_LONELYPS, and has ${auth.toBroadcaster.type} towards it and ` +
        `${auth.toSubscriber.type} towards subscribers by RX_WEIR_LONELYPS_SECRETS. The spec asks for another ` +
        "authorization; unset both, or ask for needs: 'control'.",
    );
  }
  const socketUrl = `ws://${host}:${port}`;
  return withFacts(addressedServer(address, undefined), {
    url: `http://${host}:${port}`,
    wsUrl: socketUrl,
    socketUrl,
    auth,
    secrets: () => secretsText(auth),
    cpu: () => {
      throw new Error(`The broadcaster at ${host}:${port} came from the environment; ask for needs: 'control'.`);
    },
  });
}
