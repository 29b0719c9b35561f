import tls from 'node:tls';
import { expect } from 'chai';
import {
  AuthenticationError,
  AuthorizationError,
  ConnectionError,
  StreamExistsError,
  StreamNotFoundError,
} from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import {
  encodeCreate,
  encodeDeclarePublisher,
  encodeDelete,
  encodeSubscribe,
} from '../../../lib/rabbitmq-stream/codec/requests.js';
import type { Connection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { startRabbitMq } from '../../support/brokers/rabbitmq.js';
import type { RabbitMqServer } from '../../support/brokers/rabbitmq-server.js';
import { makeCertificates } from '../../support/certificates.js';
import { temporaryFolder } from '../../support/guard.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { closeAll, connect } from './connection-kit.js';

const nothing = (): void => undefined;

describe('rabbitmq-stream connection: a real broker', () => {
  let server: RabbitMqServer;
  const stream = 'connection-spec';

  const create = (connection: Connection, args: Record<string, string> = {}): Promise<void> =>
    connection.request(keys.create, (id) => encodeCreate(id, { stream, arguments: args }), nothing, {
      action: `create the stream '${stream}'`,
      stream,
      precondition: 'exists',
    });
  const remove = (connection: Connection): Promise<void> =>
    connection.request(keys.delete, (id) => encodeDelete(id, { stream }), nothing, {
      action: `delete the stream '${stream}'`,
      stream,
    });

  before(async () => {
    server = await startRabbitMq({ external: true });
  });
  after(() => server.stop());
  afterEach(closeAll);

  describe('over TCP', () => {
    it('says who it is, and what it knows', async () => {
      const { connection } = await connect(server);
      expect(connection.serverProperties.get('product')).to.equal('RabbitMQ');
      expect(connection.serverProperties.get('version')).to.match(/^4\.\d/);
      expect(connection.advertised).to.have.keys('host', 'port');
      expect(connection.frameMax).to.equal(1_048_576);
      expect(connection.supports(keys.publish, 2)).to.equal(true);
      expect(connection.supports(keys.createSuperStream, 1)).to.equal(true);
    });

    it('answers requests, with typed errors for what it refuses, and stays', async () => {
      const { connection, heard } = await connect(server);
      expect(await refusal(remove(connection))).to.be.instanceOf(StreamNotFoundError);
      await create(connection);
      expect(await refusal(create(connection))).to.be.instanceOf(StreamExistsError);
      const other = await refusal(create(connection, { 'max-age': '1D' }));
      expect(other).to.be.instanceOf(StreamExistsError);
      expect(other.detail).to.include({ code: 17, name: 'PRECONDITION_FAILED', stream });
      const [found] = await connection.metadata([stream]);
      expect(found).to.deep.include({ stream, code: 1, leader: connection.advertised });
      const error = await refusal(
        connection.request(
          keys.declarePublisher,
          (id) => encodeDeclarePublisher(id, { publisherId: 0, reference: '', stream: 'none' }),
          nothing,
          { action: "publish to 'none'" },
        ),
      );
      expect(error).to.be.instanceOf(StreamNotFoundError);
      await connection.request(
        keys.subscribe,
        (id) => encodeSubscribe(id, { subscriptionId: 3, stream, offset: { type: 'next' }, credit: 1 }),
        nothing,
        { action: 'subscribe' },
      );
      await remove(connection);
      await until(() => heard.lines.length > 0);
      expect(heard.lines).to.deep.equal([`metadataUpdate ${stream}: 6`]);
      await connection.close();
    });

    it('closes at a frame that it does not know, with the reason', async () => {
      const { connection, heard } = await connect(server);
      connection.send(Buffer.from('0000000400990001', 'hex'));
      const error = await heard.end();
      expect(error.message).to.include('UNKNOWN_FRAME (13)');
      expect(connection.closed).to.equal(true);
    });

    it('sends heartbeats, and hears those of this client', async () => {
      const { connection, heard } = await connect(server, { heartbeat: 1000 });
      // the broker would end a silent client when it has sent three or four of its own
      await until(() => heard.flushes >= 5, { timeout: 20_000 });
      expect(connection.closed).to.equal(false);
      expect(heard.lines).to.deep.equal([]);
    });

    it('refuses a wrong password, and a virtual host that is not there', async () => {
      // the broker takes three seconds for either
      const [password, vhost] = await Promise.all([
        refusal(connect(server, { password: 'hunter2' })),
        refusal(connect(server, { vhost: 'nowhere' })),
      ]);
      expect(password).to.be.instanceOf(AuthenticationError);
      expect(password.retriable).to.equal(false);
      expect(password.detail).to.deep.equal({ code: 8, name: 'AUTHENTICATION_FAILURE' });
      expect(`${password.message} ${JSON.stringify(password)} ${password.stack ?? ''}`).to.not.include('hunter2');
      expect(vhost).to.be.instanceOf(AuthorizationError);
      expect(vhost.detail).to.deep.equal({ code: 12, name: 'VIRTUAL_HOST_ACCESS_FAILURE' });
    });

    it('refuses EXTERNAL, which is for TLS', async () => {
      const error = await refusal(connect(server, { sasl: 'external' }));
      expect(error).to.be.instanceOf(AuthenticationError);
      expect(error.message).to.include('it needs TLS with a client certificate');
    });

    it('does not understand a TLS client: it is told where TLS could be', async () => {
      const error = await refusal(connect(server, { tls: {} }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('check that this is the TLS port');
    });

    it('is told when it speaks AMQP on the port that was meant', async () => {
      const error = await refusal(connect({ host: server.host, port: server.amqpPort ?? 0 }));
      expect(error.message).to.include('it speaks AMQP on this port');
      expect(error.retriable).to.equal(false);
    });
  });

  describe('over TLS', () => {
    const at = (): { host: string; port: number } => ({ host: server.host, port: server.tlsPort ?? 0 });
    const pem = (): { readonly ca: string; readonly clientCert: string; readonly clientKey: string } =>
      server.certificates?.pem ?? expect.fail('The server has no certificates.');

    it('is trusted with its authority, by address and by name', async () => {
      const tls = { ca: pem().ca };
      const { connection } = await connect(at(), { tls });
      expect(connection.serverProperties.get('product')).to.equal('RabbitMQ');
      await connect({ ...at(), host: 'localhost' }, { tls });
    });

    it('is not trusted without: a ConnectionError that is final', async () => {
      const error = await refusal(connect(at(), { tls: {} }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.retriable).to.equal(false);
      expect(error.message).to.match(/an authority that is not trusted; give that as tls\.ca \([A-Z_]+\)$/);
    });

    it('is not trusted for another name: a ConnectionError that is final', async () => {
      const error = await refusal(connect(at(), { tls: { ca: pem().ca, servername: 'rabbit.example' } }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.retriable).to.equal(false);
      expect(error.message).to.include('its certificate is for another host');
      expect(error.detail).to.deep.equal({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    });

    it('does not understand a plain client: it is told that TLS could be there', async () => {
      const error = await refusal(connect(at()));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(/it speaks TLS on this port|set tls if it is the TLS port/);
    });

    it('takes the client certificate for credentials', async () => {
      const { ca, clientCert: cert, clientKey: key } = pem();
      await connect(at(), { sasl: 'external', tls: { ca, cert, key } });
    });

    it('refuses EXTERNAL without a client certificate', async () => {
      const error = await refusal(connect(at(), { sasl: 'external', tls: { ca: pem().ca } }));
      expect(error).to.be.instanceOf(AuthenticationError);
    });

    it('refuses a client certificate of another authority', async () => {
      const other = await makeCertificates(await temporaryFolder());
      const { clientCert: cert, clientKey: key } = other.pem;
      const error = await refusal(connect(at(), { tls: { ca: pem().ca, cert, key } }));
      expect(error).to.be.instanceOf(AuthenticationError);
      expect(error.message).to.include('it does not trust the authority of the client certificate');
    });
  });

  describe('over TLS with certificates on both sides', () => {
    let strict: RabbitMqServer;
    before(async () => {
      strict = await startRabbitMq({ tls: { verify: true } });
    });
    after(() => strict.stop());

    it('takes a client with one', async () => {
      const { ca = '', clientCert: cert, clientKey: key } = strict.certificates?.pem ?? {};
      await connect({ host: strict.host, port: strict.tlsPort ?? 0 }, { tls: { ca, cert, key } });
    });

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`refuses a client without one, and says so, with ${version}`, async () => {
        const before = tls.DEFAULT_MAX_VERSION;
        tls.DEFAULT_MAX_VERSION = version;
        try {
          const ca = strict.certificates?.pem.ca;
          const error = await refusal(connect({ host: strict.host, port: strict.tlsPort ?? 0 }, { tls: { ca } }));
          // with 1.2 the alert is the one for all that does not fit
          expect(error).to.be.instanceOf(version === 'TLSv1.2' ? ConnectionError : AuthenticationError);
          expect(error.message).to.match(/requires a client certificate[;,] give tls\.cert and tls\.key/);
          expect(error.retriable).to.equal(false);
        } finally {
          tls.DEFAULT_MAX_VERSION = before;
        }
      });
    }
  });
});
