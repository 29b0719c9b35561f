import { connect, createServer, type AddressInfo } from 'node:net';
import type { Address } from '../../../lib/rabbitmq-stream/options.js';
import { register, unregister } from '../../support/brokers/registry.js';

/** A TCP load balancer. */
export interface Balancer extends Address {
  /** How many connections it has taken. */
  readonly accepted: number;
  stop(): Promise<void>;
}

/** Starts one on loopback that leads to the targets in turn. */
export async function startBalancer(targets: readonly Address[]): Promise<Balancer> {
  let accepted = 0;
  const close = new Set<() => void>();
  const server = createServer((client) => {
    const { host, port } = targets[accepted++ % targets.length] as Address;
    const target = connect(port, host);
    const end = (): void => {
      client.destroy();
      target.destroy();
      close.delete(end);
    };
    close.add(end);
    client.setNoDelay(true);
    target.setNoDelay(true);
    client.pipe(target).pipe(client);
    for (const socket of [client, target]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const balancer: Balancer = {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async stop() {
      unregister(balancer);
      for (const end of close) end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  register(balancer);
  return balancer;
}
