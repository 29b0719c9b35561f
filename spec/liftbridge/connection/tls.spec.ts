import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createTlsServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { AuthenticationError, ConnectionError, InvalidOptionError } from '../../../lib/core/errors.js';
import type { TlsOptions } from '../../../lib/core/tls.js';
import { sharedCertificates, type Certificates } from '../../support/certificates.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { refusal } from '../../support/refusal.js';
import { asking, closeAll, connect } from './channel-kit.js';

describe('liftbridge connection: TLS', () => {
  let certificates: Certificates;
  let server: ServerOptions;
  let fake: FakeLiftbridge;

  before(async () => {
    certificates = await sharedCertificates();
    const { serverCert, serverKey } = certificates;
    server = { cert: await readFile(serverCert), key: await readFile(serverKey) };
  });
  const start = async (more: ServerOptions = {}): Promise<void> => {
    fake = await FakeLiftbridge.start({ tls: { ...server, ...more } });
  };
  afterEach(async () => {
    await closeAll();
    await fake?.stop();
  });

  const trust = (): TlsOptions => ({ ca: certificates.pem.ca });
  const mutual = (): ServerOptions => ({ ca: certificates.pem.ca, requestCert: true, rejectUnauthorized: true });
  const own = (): TlsOptions => ({ ...trust(), cert: certificates.pem.clientCert, key: certificates.pem.clientKey });

  it('carries all that plain TCP does', async () => {
    await start();
    fake.unary('Echo', (request) => request);
    const channel = await connect(fake, { tls: trust() });
    const large = Buffer.alloc(2_000_000, 3);
    expect((await channel.unary('Echo', large, asking())).equals(large)).to.equal(true);
    expect(fake.calls[0]?.headers[':scheme']).to.equal('https');
    expect(channel.received).to.be.above(2_000_000);
  });

  it('asks for a name by SNI, and not for an address', async () => {
    await start();
    await connect({ host: 'localhost', port: fake.port }, { tls: trust() });
    await connect(fake, { tls: trust() });
    await connect(fake, { tls: { ...trust(), servername: 'localhost' } });
    const asked = fake.sockets.map((socket) => (socket as TLSSocket & { servername: unknown }).servername);
    expect(asked).to.deep.equal(['localhost', false, 'localhost']);
  });

  it('shows the certificate of the client', async () => {
    await start(mutual());
    const channel = await connect(fake, { tls: own() });
    expect(await channel.probe(5_000)).to.equal(true);
    expect((fake.sockets[0] as TLSSocket).getPeerCertificate().subject.CN).to.equal('client');
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`is refused without a certificate where one is required, by ${maxVersion}`, async () => {
      await start({ ...mutual(), maxVersion });
      const error = await refusal(connect(fake, { tls: trust() }));
      expect(error.message).to.match(/^cannot connect to Liftbridge at 127\.0\.0\.1:\d+: /);
      expect(error.message).to.include('requires a client certificate');
      expect(error.message).to.include('tls.cert and tls.key');
      expect(error).to.be.instanceOf(maxVersion === 'TLSv1.3' ? AuthenticationError : ConnectionError);
      expect(error.retriable).to.equal(false);
    });
  }

  const refusals: Record<string, [ServerOptions, () => TlsOptions, RegExp]> = {
    'an authority that nobody trusts': [{}, () => ({}), /an authority that is not trusted; give that as tls\.ca/],
    'a certificate for another name': [
      {},
      () => ({ ...trust(), servername: 'broker.example' }),
      /its certificate is for another host/,
    ],
    'what the check of the user refuses': [
      {},
      () => ({ ...trust(), checkServerIdentity: (host) => new Error(`I do not know ${host}`) }),
      /TLS failed: I do not know 127\.0\.0\.1/,
    ],
    'a version of TLS that is too old': [
      { maxVersion: 'TLSv1.2' },
      () => ({ ...trust(), minVersion: 'TLSv1.3' }),
      /TLS finds no version that both sides accept/,
    ],
  };
  for (const [title, [more, tls, says]] of Object.entries(refusals)) {
    it(`refuses ${title}, for good`, async () => {
      await start(more);
      const error = await refusal(connect(fake, { tls: tls() }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(says);
      expect(error.retriable).to.equal(false);
      expect(fake.sessions).to.have.length(0);
    });
  }

  it('can be told to trust anybody', async () => {
    await start();
    expect((await connect(fake, { tls: { rejectUnauthorized: false } })).up).to.equal(true);
  });

  it('says that a server without TLS has none', async () => {
    fake = await FakeLiftbridge.start();
    const error = await refusal(connect(fake, { tls: trust() }));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.message).to.match(/it does not speak TLS on this port|before TLS was set up/);
  });

  it('says that a server with TLS wants it', async () => {
    await start();
    const error = await refusal(connect(fake));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.message).to.include('set tls if it speaks TLS there');
  });

  it('says that a server offers no HTTP/2', async () => {
    for (const ALPNProtocols of [undefined, ['http/1.1']]) {
      const other = createTlsServer({ ...server, ...(ALPNProtocols && { ALPNProtocols }) }, (socket) => {
        socket.on('error', () => undefined);
      });
      other.on('tlsClientError', () => undefined);
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      const error = await refusal(connect({ host: '127.0.0.1', port }, { tls: trust() }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(/HTTP\/2/);
      expect(error.retriable).to.equal(false);
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('says that it was closed before it was set up', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end());
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const error = await refusal(connect({ host: '127.0.0.1', port }, { tls: trust() }));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.message).to.include('it closed the connection before TLS was set up');
    expect(error.retriable).to.equal(true);
    await new Promise((resolve) => other.close(resolve));
  });

  it('refuses certificates that cannot be read, without showing them', async () => {
    await start();
    const bad: TlsOptions[] = [
      { ...own(), key: 'hunter3' },
      { ...own(), key: 3 as unknown as string, passphrase: 'hunter3' },
      { ...own(), key: undefined, pfx: Buffer.from('hunter3') },
    ];
    for (const tls of bad) {
      const error = await refusal(connect(fake, { tls }));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.match(/^tls: Node cannot use the certificates or keys that were given \(.+\); check/);
      expect(inspect(error, { depth: 9 })).to.not.include('hunter');
    }
  });
});
