import { expect } from 'chai';
import { AuthenticationError, AuthorizationError, ConnectionError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeClose, encodeTune } from '../../../lib/rabbitmq-stream/codec/requests.js';
import { responseCodes } from '../../../lib/rabbitmq-stream/codec/response-codes.js';
import { openConnection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { FakeRabbitMq, type FakeRabbitMqOptions } from '../../support/fake-rabbitmq.js';
import { encodeResponse, encodeSaslAuthenticateResponse } from '../../support/rabbitmq-frames.js';
import { refusal } from '../../support/refusal.js';
import { closeAll, connect, Heard, hex, optionsFor } from './connection-kit.js';

describe('rabbitmq-stream connection: handshake', () => {
  let fake: FakeRabbitMq;
  const start = async (options?: FakeRabbitMqOptions): Promise<FakeRabbitMq> =>
    (fake = await FakeRabbitMq.start(options));

  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  it('sends the bytes that a broker was seen to accept, each frame in one write after the answer to the last', async () => {
    await start();
    await connect(fake);
    const { reads } = await fake.connection();
    expect(reads.slice(0, 3).map((read) => read.toString('hex'))).to.deep.equal([
      '0000003a001100010000000100000002000770726f64756374000570726f6265000f636f6e6e656374696f6e5f6e616d65000b70726f746f2d70726f6265',
      '000000080012000100000002',
      '0000001f00130001000000030005504c41494e0000000c006775657374006775657374',
    ]);
    // a broker takes Tune and Open in one read
    expect(Buffer.concat(reads.slice(3, 5)).toString('hex')).to.match(
      /^0000000c00140001001000000000003c0000000b001500010000000400012f/,
    );
  });

  it('tells which versions it knows, last', async () => {
    await start();
    await connect(fake);
    const { frames } = await fake.connection();
    expect(frames.map(({ key }) => key)).to.deep.equal([
      keys.peerProperties,
      keys.saslHandshake,
      keys.saslAuthenticate,
      keys.tune,
      keys.open,
      keys.exchangeCommandVersions,
    ]);
    expect(frames.at(-1)?.fields()['commands']).to.deep.include({ key: keys.deliver, min: 1, max: 2 });
  });

  it('gives what the broker says of itself', async () => {
    await start({ advertised: { host: 'node-1', port: 5553 } });
    const { connection } = await connect(fake);
    expect(connection.advertised).to.deep.equal({ host: 'node-1', port: 5553 });
    expect(connection.remote).to.deep.equal({ host: fake.host, port: fake.port });
    expect(connection.name).to.equal('proto-probe');
    expect(connection.serverProperties.get('version')).to.equal('4.0.5');
    expect(connection.closed).to.equal(false);
  });

  it('goes to a name with two addresses of which only one answers', async () => {
    await start();
    const { connection } = await connect({ host: 'localhost', port: fake.port });
    expect(connection.remote.host).to.equal('localhost');
    expect(await connection.metadata(['orders'])).to.have.length(1);
  });

  it('takes an Open without properties', async () => {
    await start({ advertised: false });
    const { connection } = await connect(fake);
    expect(connection.advertised).to.equal(undefined);
  });

  it('takes Tune in one piece with the answer before it, and byte by byte', async () => {
    await start();
    fake.on(keys.saslAuthenticate, (frame, connection) => {
      const both = Buffer.concat([
        encodeResponse(frame.key, frame.correlationId),
        encodeTune({ frameMax: 4096, heartbeat: 0 }),
      ]);
      for (const byte of both) connection.raw(Buffer.of(byte));
    });
    const { connection } = await connect(fake, { heartbeat: 0 });
    expect(connection.frameMax).to.equal(4096);
  });

  describe('tune', () => {
    for (const [title, ours, theirs, agreed] of [
      ['the smaller of two limits', 5000, 4000, 4000],
      ['the smaller of two limits, the other way round', 4000, 5000, 4000],
      ["the broker's where this client has none", 0, 5000, 5000],
      ["this client's where the broker has none", 5000, 0, 5000],
      ['none where neither has one', 0, 0, 0],
    ] as const) {
      it(`agrees on ${title}`, async () => {
        await start({ frameMax: theirs, heartbeat: theirs / 1000 });
        const { connection } = await connect(fake, { frameMax: ours, heartbeat: ours });
        const tune = await (await fake.connection()).frame(keys.tune);
        expect(tune.fields()).to.deep.equal({ frameMax: agreed, heartbeat: agreed / 1000 });
        expect(connection.frameMax).to.equal(agreed);
      });
    }

    it('rounds a heartbeat up to seconds', async () => {
      await start();
      await connect(fake, { heartbeat: 1500 });
      const tune = await (await fake.connection()).frame(keys.tune);
      expect(tune.fields()['heartbeat']).to.equal(2);
    });
  });

  describe('versions', () => {
    it('knows what the broker lists, and what no broker lists', async () => {
      await start();
      const { connection } = await connect(fake);
      expect(connection.supports(keys.publish, 2)).to.equal(true);
      expect(connection.supports(keys.publish, 3)).to.equal(false);
      expect(connection.supports(keys.createSuperStream, 1)).to.equal(true);
      expect(connection.supports(keys.resolveOffsetSpec, 1)).to.equal(false);
      expect(connection.supports(keys.deliver, 2)).to.equal(true);
      expect(connection.supports(keys.consumerUpdate, 1)).to.equal(true);
    });

    it('does not ask a broker before 3.11, and takes it to know the first commands', async () => {
      await start({ properties: { version: '3.10.25' } });
      const { connection } = await connect(fake);
      const { frames } = await fake.connection();
      expect(frames.at(-1)?.key).to.equal(keys.open);
      expect(connection.supports(keys.queryOffset, 1)).to.equal(true);
      expect(connection.supports(keys.publish, 2)).to.equal(false);
      expect(connection.supports(keys.streamStats, 1)).to.equal(false);
    });

    for (const version of ['3.11.0-rc.1', '4.3.5', 'main', undefined]) {
      it(`asks a broker of version ${String(version)}`, async () => {
        await start({ properties: version === undefined ? {} : { version } });
        await connect(fake);
        expect((await fake.connection()).framesOf(keys.exchangeCommandVersions)).to.have.length(1);
      });
    }
  });

  describe('EXTERNAL', () => {
    it('sends no data with the mechanism', async () => {
      await start();
      await connect(fake, { sasl: 'external' });
      const frame = await (await fake.connection()).frame(keys.saslAuthenticate);
      expect(frame.fields()).to.deep.equal({ mechanism: 'EXTERNAL', data: null });
    });

    it('is refused here where the broker does not offer it', async () => {
      await start({ mechanisms: ['PLAIN', 'AMQPLAIN'] });
      const error = await refusal(connect(fake, { sasl: 'external' }));
      expect(error).to.be.instanceOf(AuthenticationError);
      expect(error.message).to.include('does not offer the mechanism EXTERNAL but PLAIN, AMQPLAIN');
      await (await fake.connection()).ended();
    });
  });

  describe('refusals', () => {
    for (const [code, type] of [
      [responseCodes.SASL_MECHANISM_NOT_SUPPORTED, AuthenticationError],
      [responseCodes.AUTHENTICATION_FAILURE, AuthenticationError],
      [responseCodes.SASL_ERROR, AuthenticationError],
      [responseCodes.SASL_CHALLENGE, AuthenticationError],
      [responseCodes.AUTHENTICATION_FAILURE_LOOPBACK, AuthorizationError],
    ] as const) {
      it(`of the credentials with ${code} becomes ${type.name}`, async () => {
        await start();
        fake.on(keys.saslAuthenticate, (frame, connection) => {
          connection.raw(encodeSaslAuthenticateResponse(frame.correlationId, code, Buffer.from('more')));
        });
        const heard = new Heard();
        const error = await refusal(connect(fake, { password: 'hunter2' }, heard));
        expect(error).to.be.instanceOf(type);
        expect(error.retriable).to.equal(false);
        expect(error.detail).to.include({ code });
        expect(error.message).to.include(`cannot authenticate as 'guest' at RabbitMQ at 127.0.0.1:${fake.port}`);
        await (await fake.connection()).ended();
        expect(heard.lines).to.deep.equal([]);
      });
    }

    it('of the virtual host is an AuthorizationError that names it', async () => {
      await start();
      fake.on(keys.open, (frame, connection) => {
        connection.raw(encodeResponse(frame.key, frame.correlationId, responseCodes.VIRTUAL_HOST_ACCESS_FAILURE));
        connection.end();
      });
      const error = await refusal(connect(fake, { vhost: 'sales' }));
      expect(error).to.be.instanceOf(AuthorizationError);
      expect(error.message).to.include("cannot open the virtual host 'sales'");
      expect(error.message).to.include('VIRTUAL_HOST_ACCESS_FAILURE (12)');
    });

    it('by Close says the reason, and is answered', async () => {
      await start();
      fake.on(keys.open, (_, connection) => {
        connection.raw(encodeClose(1, { code: responseCodes.INTERNAL_ERROR, reason: 'too many connections' }));
      });
      const error = await refusal(connect(fake));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('INTERNAL_ERROR (15): too many connections');
      const answer = await (await fake.connection()).frame(keys.close | 0x8000);
      expect(answer.bytes.toString('hex')).to.equal('0000000a80160001000000010001');
    });

    it('by a bare close names the step', async () => {
      await start();
      fake.on(keys.saslHandshake, (_, connection) => connection.end());
      const error = await refusal(connect(fake));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('it closed the connection instead of answering SaslHandshake');
      expect(error.retriable).to.equal(true);
    });

    it('by a reset names the step and what Node says', async () => {
      await start();
      fake.on(keys.peerProperties, (_, connection) => connection.reset());
      const error = await refusal(connect(fake));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(
        /lost instead of answering PeerProperties \(ECONNRESET\); check that this is the stream/,
      );
    });

    it('by Close right behind the last answer rejects, and tells no event', async () => {
      await start();
      fake.on(keys.exchangeCommandVersions, (frame, connection) => {
        connection.raw(
          Buffer.concat([
            encodeResponse(frame.key, frame.correlationId, 1, (to) => to.u32(0)),
            encodeClose(1, { code: responseCodes.OK, reason: 'shutdown' }),
          ]),
        );
      });
      const heard = new Heard();
      expect((await refusal(connect(fake, {}, heard))).message).to.include('shutdown');
      expect(heard.lines).to.deep.equal([]);
    });
  });

  it('has no secret in what it shows of itself', async () => {
    await start();
    const { inspect } = await import('node:util');
    const { connection } = await connect(fake, { password: 'hunter2' });
    const shown = inspect(connection, { depth: 20, showHidden: true, getters: true });
    expect(shown).to.include('proto-probe');
    expect(shown).to.not.include('hunter2');
    expect(JSON.stringify(connection)).to.not.include('hunter2');
  });

  it('tells pushes that come too early to nobody', async () => {
    await start();
    fake.once(keys.open, (_, connection, proceed) => {
      connection.raw(hex('0000000f001000010006000770726f746f2d67'));
      proceed();
    });
    const { heard } = await connect(fake);
    expect(heard.lines).to.deep.equal([]);
  });

  it('can be given up', async () => {
    await start();
    fake.on(keys.open, () => undefined);
    const controller = new AbortController();
    const opening = openConnection(optionsFor(fake), new Heard(), controller.signal);
    const server = await fake.connection();
    await server.frame(keys.open);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    expect(await refusal(opening)).to.equal(reason);
    await server.ended();
    expect(await refusal(openConnection(optionsFor(fake), new Heard(), controller.signal))).to.equal(reason);
    expect(fake.connections).to.have.length(1);
  });
});
