import { expect } from 'chai';
import { BrokerTimeoutError, ConnectionError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeClose } from '../../../lib/rabbitmq-stream/codec/requests.js';
import { Writer } from '../../../lib/rabbitmq-stream/codec/writer.js';
import { openConnection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { FakeRabbitMq } from '../../support/fake-rabbitmq.js';
import { encodeMetadataUpdate, encodePublishConfirm } from '../../support/rabbitmq-frames.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { FiredClock } from '../../support/fired-clock.js';
import { closeAll, connect, Heard, hex, optionsFor } from './connection-kit.js';

/** What of this process's sockets is open, on either side. */
const sockets = (): string[] =>
  process.getActiveResourcesInfo().filter((name) => /^(TCPSocket|TCPConnect|TLS)Wrap$/.test(name));

const frame = new Writer(keys.publish, 1).raw(new Uint8Array(65_536)).finish();

describe('rabbitmq-stream connection: its end', () => {
  let fake: FakeRabbitMq;

  beforeEach(async () => {
    fake = await FakeRabbitMq.start();
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  it('says Close, waits for the answer, and tells no event', async () => {
    const { connection, heard } = await connect(fake);
    await connection.close('that is all');
    const server = await fake.connection();
    expect((await server.frame(keys.close)).fields()).to.deep.equal({ code: 1, reason: 'that is all' });
    await server.ended();
    expect(connection.closed).to.equal(true);
    expect(heard.lines).to.deep.equal([]);
  });

  it('sends the bytes of the protocol', async () => {
    const { connection } = await connect(fake);
    await connection.close();
    const server = await fake.connection();
    expect((await server.frame(keys.close)).bytes.toString('hex')).to.equal('0000000e0016000100000006000100024f4b');
  });

  it('is the same when it is asked for again, and nothing goes out after it', async () => {
    const { connection } = await connect(fake);
    const first = connection.close();
    expect(connection.closed).to.equal(true);
    expect(connection.send(hex('0000000400170001'))).to.equal(false);
    expect(connection.close()).to.equal(first);
    await first;
    await connection.close();
    connection.destroy(new ConnectionError('too late'));
    expect((await fake.connection()).frames.at(-1)?.key).to.equal(keys.close);
  });

  it('is not held up by a broker that does not answer', async () => {
    const clock = new FiredClock();
    const { connection, heard } = await connect(fake, { clock });
    fake.on(keys.close, () => undefined);
    const server = await fake.connection();
    const closing = connection.close();
    await server.frame(keys.close);
    expect([...clock.timers].map(({ ms }) => ms)).to.deep.equal([2000]);
    clock.fire();
    await closing;
    await server.ended();
    expect(clock.timers.size).to.equal(0);
    expect(heard.lines).to.deep.equal([]);
  });

  it('is not held up by a broker that does not read', async () => {
    const clock = new FiredClock();
    const { connection } = await connect(fake, { clock, frameMax: 0 });
    const server = await fake.connection();
    server.socket.pause();
    while (connection.send(frame));
    const closing = connection.close();
    clock.fire();
    await closing;
  });

  it('takes what comes meanwhile for nothing', async () => {
    const { connection, heard } = await connect(fake);
    fake.on(keys.close, (_, server, proceed) => {
      server.raw(encodePublishConfirm(0, [1]));
      server.raw(encodeMetadataUpdate('orders'));
      proceed();
    });
    await connection.close();
    expect(heard.lines).to.deep.equal([]);
  });

  it('takes a Close of the broker at the same time for the answer', async () => {
    const { connection, heard } = await connect(fake);
    fake.on(keys.close, (_, server) => server.raw(encodeClose(1, { code: 1, reason: 'me too' })));
    await connection.close();
    await (await fake.connection()).frame(0x8016);
    expect(heard.lines).to.deep.equal([]);
  });

  it('resolves when the connection is lost meanwhile, and after it was lost', async () => {
    for (const end of ['end', 'reset'] as const) {
      const { connection, heard } = await connect(fake);
      fake.once(keys.close, (_, server) => server[end]());
      await connection.close();
      expect(heard.lines).to.deep.equal([]);
    }
    const { connection, heard } = await connect(fake);
    (await fake.connection(3)).end();
    await heard.end();
    await connection.close();
  });

  it('by destroy is told with the error that it was given, once', async () => {
    const { connection, heard } = await connect(fake);
    const mine = new ConnectionError('the stream moved');
    connection.destroy(mine);
    expect(heard.errors).to.deep.equal([mine]);
    connection.destroy(new ConnectionError('again'));
    await connection.close();
    await (await fake.connection()).ended();
    expect(heard.lines).to.deep.equal(['closed: ConnectionError']);
  });

  it('by destroy within a handler stops the frames behind it', async () => {
    const { connection, heard } = await connect(fake);
    heard.metadataUpdate = () => connection.destroy(new ConnectionError('enough'));
    (await fake.connection()).raw(Buffer.concat([encodeMetadataUpdate('a'), encodePublishConfirm(0, [1])]));
    await heard.end();
    await (await fake.connection()).ended();
    expect(heard.lines).to.deep.equal(['closed: ConnectionError']);
    expect(heard.flushes).to.equal(0);
  });

  it('tells when a full socket takes more again', async () => {
    const { connection, heard } = await connect(fake, { frameMax: 0 });
    const server = await fake.connection();
    server.socket.pause();
    while (connection.send(frame));
    expect(heard.drains).to.equal(0);
    server.socket.resume();
    await until(() => heard.drains === 1, { every: 2 });
    expect(connection.send(hex('0000000400170001'))).to.equal(true);
  });

  describe('leaves no socket and no timer', () => {
    let clock: FiredClock;

    const ways: Record<string, () => Promise<void>> = {
      'after close': async () => {
        const { connection } = await connect(fake, { clock });
        await connection.close();
      },
      'after a loss': async () => {
        const { heard } = await connect(fake, { clock });
        fake.connections.at(-1)?.reset();
        await heard.end();
      },
      'after a malformed frame': async () => {
        const { heard } = await connect(fake, { clock });
        fake.connections.at(-1)?.raw(hex('00000000'));
        await heard.end();
      },
      'after a Close of the broker': async () => {
        const { heard } = await connect(fake, { clock });
        fake.connections.at(-1)?.raw(encodeClose(1, { code: 1, reason: '' }));
        await heard.end();
      },
      'after a request that nobody answered': async () => {
        fake.on(keys.metadata, () => undefined);
        const { connection } = await connect(fake, { clock });
        const waiting = refusal(connection.metadata(['s']));
        await connection.close();
        await waiting;
      },
      'after a refusal': async () => {
        fake.on(keys.open, (_, server) => server.end());
        await refusal(connect(fake, { clock }));
      },
      'after it was given up': async () => {
        fake.on(keys.open, () => controller.abort(new Error('no more')));
        const controller = new AbortController();
        await refusal(openConnection(optionsFor(fake, { clock }), new Heard(), controller.signal));
      },
    };
    for (const [title, way] of Object.entries(ways)) {
      it(title, async () => {
        clock = new FiredClock();
        await way();
        expect([...clock.timers].filter(({ ms }) => ms !== 2000)).to.deep.equal([]);
        // what the last bytes may take to leave is over with the socket
        await until(() => sockets().length + clock.timers.size === 0, { every: 2, message: () => sockets().join() });
      });
    }
  });

  describe('before it began', () => {
    it('where nobody listens: a ConnectionError that says so', async () => {
      const { host, port } = fake;
      await fake.stop();
      const error = await refusal(connect({ host, port }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.equal(
        `cannot connect to RabbitMQ at 127.0.0.1:${port}: nobody listens there; check the port, and that the stream plugin is enabled (ECONNREFUSED)`,
      );
      expect(error.retriable).to.equal(true);
      const byName = await refusal(connect({ host: 'localhost', port }));
      expect(byName.detail).to.deep.equal({ code: 'ECONNREFUSED' });
    });

    it('where the name has no address: a ConnectionError that says so', async () => {
      const error = await refusal(connect({ host: 'nowhere.invalid', port: 5552 }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.detail?.['code']).to.be.oneOf(['ENOTFOUND', 'EAI_AGAIN']);
      expect(error.message).to.match(/^cannot connect to RabbitMQ at nowhere\.invalid:5552: /);
    });

    it('where nothing is said: a BrokerTimeoutError after connectTimeout, which names the step', async () => {
      const clock = new FiredClock();
      fake.on(keys.peerProperties, () => undefined);
      const opening = refusal(connect(fake, { clock, connectTimeout: 700 }));
      const server = await fake.connection();
      await server.frame(keys.peerProperties);
      expect([...clock.timers].map(({ ms }) => ms)).to.deep.equal([700]);
      clock.fire();
      const error = await opening;
      expect(error).to.be.instanceOf(BrokerTimeoutError);
      expect(error.message).to.include('no answer to PeerProperties within 700 ms (connectTimeout)');
      expect(error.retriable).to.equal(true);
      await server.ended();
      expect(clock.timers.size).to.equal(0);
    });

    for (const [title, bytes, says] of [
      ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'it speaks HTTP on this port'],
      ['AMQP', hex('414d515000000901'), 'it speaks AMQP on this port'],
      ['TLS', hex('15030300020246'), 'it speaks TLS on this port; set tls'],
    ] as const) {
      it(`where ${title} is spoken: a ConnectionError that says so, and is final`, async () => {
        fake.on(keys.peerProperties, (_, server) => server.raw(bytes));
        const error = await refusal(connect(fake));
        expect(error).to.be.instanceOf(ConnectionError);
        expect(error.message).to.include(says);
        expect(error.retriable).to.equal(false);
      });
    }
  });
});
