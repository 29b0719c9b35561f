import { expect } from 'chai';
import {
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  ProtocolError,
  StreamNotFoundError,
  UnsupportedError,
} from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeCreate, encodeQueryOffset } from '../../../lib/rabbitmq-stream/codec/requests.js';
import { responseCodes } from '../../../lib/rabbitmq-stream/codec/response-codes.js';
import { readQueryOffset } from '../../../lib/rabbitmq-stream/codec/responses.js';
import type { Connection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { FakeRabbitMq, type FakeConnection } from '../../support/fake-rabbitmq.js';
import { encodeMetadataResponse, encodeQueryOffsetResponse, encodeResponse } from '../../support/rabbitmq-frames.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { FiredClock } from '../../support/fired-clock.js';
import { closeAll, connect, type Heard } from './connection-kit.js';

describe('rabbitmq-stream connection: requests', () => {
  let fake: FakeRabbitMq;
  let connection: Connection;
  let heard: Heard;
  let server: FakeConnection;
  let clock: FiredClock;

  const ask = (reference = 'app-1'): Promise<number | bigint> =>
    connection.request(
      keys.queryOffset,
      (id) => encodeQueryOffset(id, { reference, stream: 'orders' }),
      readQueryOffset,
      { action: "look up the offset of 'app-1' in 'orders'", stream: 'orders', reference: 'app-1' },
    );

  beforeEach(async () => {
    clock = new FiredClock();
    fake = await FakeRabbitMq.start();
    ({ connection, heard } = await connect(fake, { requestTimeout: 1000, clock }));
    server = await fake.connection();
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  it('are answered in any order', async () => {
    const held: (() => void)[] = [];
    fake.on(keys.queryOffset, ({ correlationId }) => {
      held.push(() => server.raw(encodeQueryOffsetResponse(correlationId, correlationId * 10)));
      if (held.length === 3) for (const answer of held.reverse()) answer();
    });
    expect(await Promise.all([ask(), ask(), ask()])).to.deep.equal([60, 70, 80]);
  });

  it('reject with the typed error of the code, and its detail', async () => {
    fake.on(keys.queryOffset, ({ correlationId }) =>
      server.raw(encodeQueryOffsetResponse(correlationId, 0, responseCodes.STREAM_DOES_NOT_EXIST)),
    );
    const error = await refusal(ask());
    expect(error).to.be.instanceOf(StreamNotFoundError);
    expect(error.message).to.match(
      /^cannot look up the offset of 'app-1' in 'orders': RabbitMQ answered STREAM_DOES_NOT_EXIST \(2\)/,
    );
    expect(error.detail).to.deep.equal({
      code: 2,
      name: 'STREAM_DOES_NOT_EXIST',
      stream: 'orders',
      reference: 'app-1',
    });
    expect(connection.closed).to.equal(false);
  });

  it('of metadata need no code', async () => {
    const leader = { host: 'a', port: 1 };
    fake.on(keys.metadata, ({ correlationId }) =>
      server.raw(
        encodeMetadataResponse(correlationId, [
          { stream: 'orders', code: 1, leader, replicas: [{ host: 'b', port: 2 }] },
          { stream: 'none', code: 2, leader: undefined, replicas: [] },
        ]),
      ),
    );
    expect(await connection.metadata(['none', 'orders'])).to.deep.equal([
      { stream: 'orders', code: 1, leader, replicas: [{ host: 'b', port: 2 }] },
      { stream: 'none', code: 2, leader: undefined, replicas: [] },
    ]);
    expect((await server.frame(keys.metadata)).fields()).to.deep.equal({ streams: ['none', 'orders'] });
  });

  it('time out; the answer that comes after all is ignored', async () => {
    let late: (() => void) | undefined;
    fake.once(keys.queryOffset, ({ correlationId }) => {
      late = () => server.raw(encodeQueryOffsetResponse(correlationId, 7));
    });
    const asking = refusal(ask());
    await until(() => late, { every: 2 });
    clock.fire(1000);
    const error = await asking;
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.include(
      `RabbitMQ at 127.0.0.1:${fake.port} did not answer QueryOffset within 1000 ms (requestTimeout)`,
    );
    late?.();
    fake.on(keys.queryOffset, ({ correlationId }) => server.raw(encodeQueryOffsetResponse(correlationId, 9)));
    expect(await ask()).to.equal(9);
    expect(heard.lines).to.deep.equal([]);
  });

  it('drop the connection when an answer comes twice', async () => {
    fake.on(keys.queryOffset, ({ correlationId }) => {
      server.raw(encodeQueryOffsetResponse(correlationId, 7));
      server.raw(encodeQueryOffsetResponse(correlationId, 7));
    });
    expect(await ask()).to.equal(7);
    const error = await heard.end();
    expect(error).to.be.instanceOf(ProtocolError);
    expect(error.message).to.match(
      /was dropped: an answer to QueryOffset with correlation id 6, which nobody has sent/,
    );
    expect(error.retriable).to.equal(true);
    await server.ended();
  });

  it('drop the connection when an answer is to another command', async () => {
    fake.on(keys.queryOffset, ({ correlationId }) => server.raw(encodeResponse(keys.create, correlationId)));
    const error = await refusal(ask());
    expect(error).to.be.instanceOf(ProtocolError);
    expect(await heard.end()).to.equal(error);
  });

  it('drop the connection when an answer cannot be read, and reject', async () => {
    fake.on(keys.queryOffset, ({ correlationId }) => server.raw(encodeResponse(keys.queryOffset, correlationId)));
    fake.on(keys.metadata, () => undefined);
    const waiting = refusal(connection.metadata(['orders']));
    expect(await refusal(ask())).to.be.instanceOf(ProtocolError);
    const error = await heard.end();
    expect(error).to.be.instanceOf(ProtocolError);
    expect(await waiting).to.equal(error);
    expect(await refusal(ask())).to.equal(error);
  });

  it('do not drop the connection when what was made of an answer throws something else', async () => {
    const read = (): never => {
      throw new Error('mine');
    };
    const error = await refusal(
      connection.request(keys.create, (id) => encodeCreate(id, { stream: 's', arguments: {} }), read, { action: 'x' }),
    );
    expect(error.message).to.equal('mine');
    expect(connection.closed).to.equal(false);
  });

  it('are refused here where the broker does not know the command', async () => {
    const error = await refusal(
      connection.request(keys.resolveOffsetSpec, () => expect.fail('nothing is made'), readQueryOffset, {
        action: "resolve the start of 'orders'",
      }),
    );
    expect(error).to.be.instanceOf(UnsupportedError);
    expect(error.message).to.equal(
      "cannot resolve the start of 'orders': RabbitMQ 4.0.5 does not know the command ResolveOffsetSpec; it needs a later version",
    );
  });

  it('are rejected by a loss, with its error', async () => {
    fake.on(keys.queryOffset, () => server.end());
    const error = await refusal(ask());
    expect(error).to.be.instanceOf(ConnectionError);
    expect(await heard.end()).to.equal(error);
    expect(await refusal(ask())).to.equal(error);
  });

  it('are rejected by close, and after it', async () => {
    fake.on(keys.queryOffset, () => undefined);
    const waiting = refusal(ask());
    await server.frame(keys.queryOffset);
    await connection.close();
    expect(await waiting).to.be.instanceOf(ClosedError);
    expect(await refusal(ask())).to.be.instanceOf(ClosedError);
    expect(heard.lines).to.deep.equal([]);
  });

  describe('with a frame limit of 256 bytes', () => {
    beforeEach(async () => {
      ({ connection, heard } = await connect(fake, { frameMax: 256 }));
      server = await fake.connection(2);
    });

    it('take a frame of exactly that', async () => {
      // size, key, version and correlation id, two string lengths, and the stream's name
      expect((await refusal(ask('x'.repeat(256 - 12 - 4 - 6)))).code).to.equal('OFFSET_NOT_FOUND');
    });

    it('are refused here with a byte more, and nothing is written', async () => {
      const error = await refusal(ask('x'.repeat(257 - 12 - 4 - 6)));
      expect(error).to.be.instanceOf(FrameTooLargeError);
      expect(error.detail).to.deep.equal({ bytes: 257, limit: 256 });
      expect(() => connection.send(new Uint8Array(257))).to.throw(FrameTooLargeError);
      expect((await refusal(ask())).code).to.equal('OFFSET_NOT_FOUND');
      expect(server.framesOf(keys.queryOffset)).to.have.length(1);
    });
  });
});
