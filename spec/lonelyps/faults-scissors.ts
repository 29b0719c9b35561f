import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { register, unregister } from '../support/brokers/registry.js';

/** Which way bytes go: to the one that was connected to, or back. */
export type Direction = 'there' | 'back';

/** Stands before a TCP server, and cuts a connection in the middle of what it passes on. */
export class Scissors {
  /** How many connections were cut. */
  cuts = 0;
  private left: { direction: Direction; bytes: number } | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host?: string; readonly port: number },
  ) {
    server.on('connection', (socket) => this.accept(socket));
  }

  static async start(target: { readonly host?: string; readonly port: number }): Promise<Scissors> {
    const server = createServer();
    const scissors = new Scissors(server, target);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    register(scissors);
    return scissors;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Passes on so many more bytes in this direction, and then cuts the connection whose bytes were the last; once. */
  cutAfter(bytes: number, direction: Direction): void {
    this.left = { direction, bytes };
  }

  async stop(): Promise<void> {
    unregister(this);
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private accept(client: Socket): void {
    const server = connect(this.target.port, this.target.host ?? '127.0.0.1');
    this.join(client, server, 'there');
    this.join(server, client, 'back');
  }

  private join(from: Socket, to: Socket, direction: Direction): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (part) => {
      const { left } = this;
      if (left?.direction === direction && (left.bytes -= part.length) <= 0) {
        this.left = undefined;
        this.cuts++;
        // what is let through has to leave before the end does
        to.end(part.subarray(0, part.length + left.bytes), () => to.destroy());
        from.destroy();
      } else if (!to.write(part)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('error', () => undefined);
    from.on('close', () => {
      this.sockets.delete(from);
      if (!to.writableEnded) to.destroy();
    });
  }
}
