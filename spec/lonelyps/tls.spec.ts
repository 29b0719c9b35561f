import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { expect } from 'chai';
import { ConnectionError } from '../../lib/core/errors.js';
import { lonelyps, type LonelypsBroker, type LonelypsOptions } from '../../lib/lonelyps/index.js';
import { sharedCertificates, type Certificates } from '../support/certificates.js';
import { FakeBroadcaster } from '../support/fake-lonelyps/index.js';
import { refusal } from '../support/refusal.js';
import { resources, untilResources } from '../support/resources.js';
import { Heard, subscribed, transports, type Transport } from './lonelyps-kit.js';
import { bytesOf } from './faults-kit.js';
import { until } from '../support/wait.js';

describe('lonelyps over TLS', () => {
  let certificates: Certificates;
  let had: Record<string, number>;
  let fake: FakeBroadcaster;
  let front: Server;
  let sockets: Socket[];
  let handles: LonelypsBroker[];

  before(async () => {
    certificates = await sharedCertificates();
  });

  beforeEach(async () => {
    await Promise.resolve();
    had = resources();
    handles = [];
    sockets = [];
    fake = await FakeBroadcaster.start();
    front = await speaksTls(certificates, fake.port, sockets);
  });

  afterEach(async () => {
    await Promise.all(handles.map((handle) => handle.close()));
    for (const socket of sockets) socket.destroy();
    front.close();
    await fake.stop();
    await untilResources(had);
  });

  function open(transport: Transport, options: Partial<LonelypsOptions>): LonelypsBroker {
    const { port } = front.address() as AddressInfo;
    const handle = lonelyps({
      broadcasters: `${transport === 'http' ? 'https' : 'wss'}://localhost:${port}`,
      receive: transport === 'http' ? { listen: {} } : { websocket: true },
      ...options,
    });
    handles.push(handle);
    return handle;
  }

  for (const transport of transports) {
    it(`${transport}: trusts the authority that it is given`, async () => {
      const handle = open(transport, { tls: { ca: certificates.pem.ca } });
      const heard = new Heard(handle, 'topic');
      await subscribed(handle);
      expect((await handle.publish('topic', bytesOf('safe'))).notified).to.equal(1);
      await until(() => heard.texts.includes('safe'));
    });

    it(`${transport}: trusts nobody else`, async () => {
      const error = await refusal(open(transport, { tls: true }).connect());
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('tls.ca');
    });
  }
});

/** Something that takes TLS off what comes, and passes it on. */
async function speaksTls({ serverCert, serverKey }: Certificates, port: number, sockets: Socket[]): Promise<Server> {
  const [cert, key] = await Promise.all([readFile(serverCert), readFile(serverKey)]);
  const server = createServer({ cert, key }, (from) => {
    const to = connect(port, '127.0.0.1');
    sockets.push(from, to);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return server;
}
