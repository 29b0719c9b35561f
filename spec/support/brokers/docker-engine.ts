import { request } from 'node:http';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

let answer: Promise<boolean> | undefined;

/**
 * Whether servers run in containers: a Docker engine answers within a second, and RX_WEIR_SERVERS does not say
 * `native`. With `container` there the engine is taken for granted.
 */
export function usesContainers(): Promise<boolean> {
  answer ??= decide(process.env['RX_WEIR_SERVERS']);
  return answer;
}

async function decide(choice: string | undefined): Promise<boolean> {
  switch (choice) {
    case undefined:
    case '':
      return engineAnswers();
    case 'native':
      return false;
    case 'container':
      return true;
    default:
      throw new Error(`RX_WEIR_SERVERS is "${choice}"; it must be native or container, or not set.`);
  }
}

/** Asks the engine at DOCKER_HOST or at one of the usual sockets for a sign of life. */
export async function engineAnswers(): Promise<boolean> {
  const host = process.env['DOCKER_HOST'];
  if (host?.startsWith('tcp://')) {
    const { hostname, port } = new URL(host);
    return ping({ host: hostname, port: Number(port || 2375) });
  }
  const sockets = host?.startsWith('unix://')
    ? [host.slice('unix://'.length)]
    : [
        '/var/run/docker.sock',
        join(process.env['XDG_RUNTIME_DIR'] ?? '/run', 'docker.sock'),
        join(homedir(), '.docker/run/docker.sock'),
      ];
  for (const socketPath of sockets) {
    if (existsSync(socketPath) && (await ping({ socketPath }))) {
      return true;
    }
  }
  return false;
}

function ping(
  where: { readonly socketPath: string } | { readonly host: string; readonly port: number },
): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ ...where, path: '/_ping', agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.on('error', () => resolve(false));
    call.end();
  });
}
