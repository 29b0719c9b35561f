import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const given = new Set<number>();

// Lanes of one run have each a share of the ports: a server that is down for a moment keeps its own.
const [lane = 0, lanes = 1] = (process.env['RX_WEIR_LANE'] ?? '0/1').split('/').map(Number);

/**
 * A free TCP port on loopback. It lies below the range that the system gives to outgoing connections (32768 and up on
 * Linux, 49152 on macOS), so that nobody can take it between a server's death and its restart, and so that a client
 * that keeps dialling a dead port can't be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const port = randomInt(12_000, 32_000);
    if (port % lanes === lane && !given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error('No free TCP port found between 12000 and 32000 on 127.0.0.1.');
}

/** Whether nobody listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
