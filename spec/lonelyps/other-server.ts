import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Something that is no broadcaster. */
export async function listenWith(
  serve: (socket: Socket) => void,
): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    // it would not see the end of a connection that it does not read
    socket.resume();
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
