import { expect } from 'chai';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { BrokerTimeoutError, ConnectionError } from '../../../lib/core/errors.js';
import type { Address } from '../../../lib/liftbridge/connection/address.js';
import { openChannel } from '../../../lib/liftbridge/connection/channel.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { FiredClock } from '../../support/fired-clock.js';
import { closeAll, connect, optionsWith } from './channel-kit.js';

describe('liftbridge connection: opening', () => {
  let servers: Server[];
  let sockets: Socket[];

  beforeEach(() => {
    servers = [];
    sockets = [];
  });
  afterEach(async () => {
    await closeAll();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** A server that is none of ours. */
  const serve = async (accept: (socket: Socket) => void): Promise<Address> => {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      // what nobody reads would keep the end of the connection from being seen
      socket.resume();
      accept(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  };
  const gone = (): Promise<unknown> => until(() => sockets.every(({ closed }) => closed), { every: 2 });

  it('resolves when the settings of the broker are here', async () => {
    const fake = await FakeLiftbridge.start();
    const clock = new FiredClock();
    const channel = await connect(fake, { clock });
    expect(channel.up).to.equal(true);
    expect(channel.address).to.deep.equal({ host: fake.host, port: fake.port });
    expect(clock.timers.size).to.equal(0);
    await fake.stop();
  });

  const refusals: Record<string, [(socket: Socket) => void, RegExp, boolean]> = {
    'a web server': [
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
      /it does not speak HTTP\/2 on this port; check that this is the gRPC port/,
      false,
    ],
    'a NATS server': [(socket) => socket.write('INFO {"server_id":"x"}\r\n'), /it does not speak HTTP\/2/, false],
    'a server that begins with another frame': [
      (socket) => socket.write(Buffer.from('000000000000000001', 'hex')),
      /it does not speak HTTP\/2/,
      false,
    ],
    'a server that closes, as one with TLS does': [
      (socket) => socket.once('data', () => socket.end()),
      /it closed the connection before it had sent its HTTP\/2 settings; .*set tls if it speaks TLS there/,
      true,
    ],
    'a server that answers with a TLS alert': [
      (socket) => socket.once('data', () => socket.end(Buffer.from('15030100020246', 'hex'))),
      /set tls if it speaks TLS there/,
      true,
    ],
    'a server that resets': [
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      // Node ends a socket before it resets it, and the end may be all that is seen
      /it closed the connection before it had sent its HTTP\/2 settings( \(ECONNRESET\))?; /,
      true,
    ],
  };
  for (const [title, [accept, says, retriable]] of Object.entries(refusals)) {
    it(`tells ${title} from a broker`, async () => {
      const address = await serve(accept);
      const error = await refusal(connect(address));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(/^cannot connect to Liftbridge at 127\.0\.0\.1:\d+: /);
      expect(error.message).to.match(says);
      expect(error.retriable).to.equal(retriable);
      await gone();
    });
  }

  it('says that nobody listens, or that there is no such host', async () => {
    const address = await serve(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const refused = await refusal(connect(address));
    expect(refused).to.be.instanceOf(ConnectionError);
    expect(refused.message).to.include('nobody listens there');
    expect(refused.detail).to.deep.equal({ address: `127.0.0.1:${String(address.port)}`, code: 'ECONNREFUSED' });
    expect(refused.retriable).to.equal(true);
    const unknown = await refusal(connect({ host: 'no-such-host.invalid', port: 1 }));
    expect(unknown.message).to.match(/no-such-host\.invalid:1: the name (has no address|server did not answer)/);
  });

  it('takes no longer than it may', async () => {
    const address = await serve(() => undefined);
    const clock = new FiredClock();
    const connecting = refusal(connect(address, { clock, connectTimeout: 321 }));
    await until(() => sockets[0]?.bytesRead, { every: 2 });
    clock.fire(321);
    const error = await connecting;
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.match(
      /no HTTP\/2 settings within 321 ms \(connectTimeout\); check that this is the gRPC port/,
    );
    expect(clock.timers.size).to.equal(0);
    await gone();
  });

  it('ends with the signal, at each step', async () => {
    const address = await serve(() => undefined);
    const reason = new Error('enough');
    expect(await refusal(openChannel(address, optionsWith(), AbortSignal.abort(reason)))).to.equal(reason);
    const early = new AbortController();
    const connecting = refusal(openChannel(address, optionsWith(), early.signal));
    early.abort(reason);
    expect(await connecting).to.equal(reason);
    const late = new AbortController();
    const greeting = refusal(openChannel(address, optionsWith(), late.signal));
    await until(() => sockets.at(-1)?.bytesRead, { every: 2 });
    late.abort(reason);
    expect(await greeting).to.equal(reason);
    await gone();
  });
});
