import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { ConnectionError, InvalidOptionError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import type { TlsOptions } from '../../../lib/core/tls.js';
import { makeCertificates, type Certificates } from '../../support/certificates.js';
import { command } from '../../support/command.js';
import { FakeRabbitMq } from '../../support/fake-rabbitmq.js';
import { temporaryFolder } from '../../support/guard.js';
import { encodeChunk, encodeDeliver } from '../../support/rabbitmq-frames.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { closeAll, connect } from './connection-kit.js';

describe('rabbitmq-stream connection: TLS', () => {
  let certificates: Certificates;
  let server: SecureContextOptions;
  let expired: SecureContextOptions;
  let encryptedKey: string;
  let fake: FakeRabbitMq;

  before(async () => {
    certificates = await makeCertificates(await temporaryFolder());
    const { ca, serverCert, serverKey, clientKey } = certificates;
    const cwd = dirname(ca);
    const openssl = (...args: string[]): Promise<string> =>
      command('openssl', args, { cwd, install: 'Install openssl.' });
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'server.ext'];
    await openssl('x509', '-req', '-in', 'server.csr', '-days', '-1', ...signing, '-out', 'expired.pem');
    await openssl('ec', '-in', clientKey, '-aes128', '-passout', 'pass:hunter2', '-out', 'encrypted.pem');
    server = { cert: await readFile(serverCert), key: await readFile(serverKey) };
    expired = { ...server, cert: await readFile(join(cwd, 'expired.pem')) };
    encryptedKey = await readFile(join(cwd, 'encrypted.pem'), 'utf8');
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  const trust = (): TlsOptions => ({ ca: certificates.pem.ca });

  it('carries all that plain TCP does', async () => {
    fake = await FakeRabbitMq.start({ tls: server });
    const { connection, heard } = await connect(fake, { tls: trust() });
    const peer = await fake.connection();
    const chunk = encodeChunk({ entries: [Buffer.alloc(300_000, 7)], firstOffset: 0 });
    peer.raw(encodeDeliver(1, chunk));
    await until(() => heard.chunks.length === 1, { every: 2 });
    expect(heard.chunks[0]?.equals(chunk)).to.equal(true);
    expect(heard.flushes).to.be.above(1);
    await connection.close();
    expect(peer.framesOf(keys.close)).to.have.length(1);
    expect(heard.lines).to.deep.equal([`deliver 1: ${chunk.length}`]);
  });

  it('is lost as plain TCP is', async () => {
    fake = await FakeRabbitMq.start({ tls: server });
    for (const end of ['end', 'destroy'] as const) {
      const { heard } = await connect(fake, { tls: trust() });
      fake.connections.at(-1)?.socket[end]();
      expect(await heard.end()).to.be.instanceOf(ConnectionError);
      expect(heard.lines).to.deep.equal(['closed: ConnectionError']);
    }
  });

  it('asks for a name by SNI, and not for an address', async () => {
    fake = await FakeRabbitMq.start({ tls: server });
    await connect({ host: 'localhost', port: fake.port }, { tls: trust() });
    await connect({ host: '127.0.0.1', port: fake.port }, { tls: trust() });
    await connect({ host: '127.0.0.1', port: fake.port }, { tls: { ...trust(), servername: 'localhost' } });
    const asked = fake.connections.map(({ socket }) => (socket as TLSSocket & { servername: unknown }).servername);
    expect(asked).to.deep.equal(['localhost', false, 'localhost']);
  });

  describe('refuses, for good,', () => {
    const cases: Record<string, { server?: () => SecureContextOptions; tls: () => TlsOptions; says: RegExp }> = {
      'a certificate of an authority that nobody trusts': {
        tls: () => ({}),
        says: /an authority that is not trusted; give that as tls\.ca/,
      },
      'a certificate for another name': {
        tls: () => ({ ...trust(), servername: 'rabbit.example' }),
        says: /its certificate is for another host; connect by a name that it has, or set tls\.servername/,
      },
      'a certificate that has expired': {
        server: () => expired,
        tls: trust,
        says: /its certificate has expired \(CERT_HAS_EXPIRED\)/,
      },
      'what the check of the user refuses': {
        tls: () => ({ ...trust(), checkServerIdentity: (host) => new Error(`I do not know ${host}`) }),
        says: /TLS failed: I do not know 127\.0\.0\.1/,
      },
      'a version of TLS that is too old': {
        server: () => ({ ...server, maxVersion: 'TLSv1.2' }),
        tls: () => ({ ...trust(), minVersion: 'TLSv1.3' }),
        says: /TLS finds no version that both sides accept/,
      },
    };
    for (const [title, { server: serverOf, tls, says }] of Object.entries(cases)) {
      it(title, async () => {
        fake = await FakeRabbitMq.start({ tls: serverOf?.() ?? server });
        const error = await refusal(connect(fake, { tls: tls() }));
        expect(error).to.be.instanceOf(ConnectionError);
        expect(error.message).to.match(/^cannot connect to RabbitMQ at 127\.0\.0\.1:\d+: /);
        expect(error.message).to.match(says);
        expect(error.retriable).to.equal(false);
        expect(fake.open).to.equal(0);
      });
    }

    it('a peer that answers without TLS', async () => {
      fake = await FakeRabbitMq.start();
      const connecting = refusal(connect(fake, { tls: trust() }));
      (await fake.connection()).raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
      const error = await connecting;
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('it does not speak TLS on this port');
      expect(error.retriable).to.equal(false);
    });
  });

  it('is told when the peer closes before it is set up', async () => {
    fake = await FakeRabbitMq.start();
    for (const end of ['end', 'reset'] as const) {
      const before = fake.connections.length;
      const connecting = refusal(connect(fake, { tls: trust() }));
      (await fake.connection(before + 1))[end]();
      const error = await connecting;
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('it closed the connection before TLS was set up');
    }
  });

  it('can be told to trust anybody, or a check of the user', async () => {
    fake = await FakeRabbitMq.start({ tls: server });
    await connect(fake, { tls: { rejectUnauthorized: false } });
    await connect(fake, { tls: { ...trust(), servername: 'rabbit.example', checkServerIdentity: () => undefined } });
  });

  describe('own certificates', () => {
    const own = (more: TlsOptions): TlsOptions => ({
      ...trust(),
      cert: certificates.pem.clientCert,
      key: encryptedKey,
      ...more,
    });

    it('can have an encrypted key', async () => {
      fake = await FakeRabbitMq.start({
        tls: { ...server, ca: certificates.pem.ca, requestCert: true, rejectUnauthorized: true },
      });
      await connect(fake, { tls: own({ passphrase: 'hunter2' }) });
      const socket = fake.connections[0]?.socket as TLSSocket;
      expect(socket.getPeerCertificate().subject.CN).to.equal('client');
    });

    for (const [title, more] of [
      ['a wrong passphrase', { passphrase: 'hunter3' }],
      ['text that is no key', { key: 'hunter3' }],
      ['a key of another certificate', { key: undefined }],
      ['something that is no key at all', { key: 3 as unknown as string, passphrase: 'hunter3' }],
    ] as const) {
      it(`are refused with ${title}, without showing it`, async () => {
        fake = await FakeRabbitMq.start({ tls: server });
        const key = title === 'a key of another certificate' ? { key: server.key as Buffer } : {};
        const error = await refusal(connect(fake, { tls: own({ ...more, ...key }) }));
        expect(error).to.be.instanceOf(InvalidOptionError);
        expect(error.message).to.match(/^tls: Node cannot use the certificates or keys that were given \(.+\); check/);
        expect(inspect(error, { depth: 9 })).to.not.include('hunter');
      });
    }
  });
});
