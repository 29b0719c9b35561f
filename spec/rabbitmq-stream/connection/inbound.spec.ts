import { expect } from 'chai';
import { ConnectionError, FrameTooLargeError, ProtocolError } from '../../../lib/core/errors.js';
import type { Logger } from '../../../lib/core/logger.js';
import { silent } from '../../../lib/core/logger.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeClose, encodeHeartbeat, encodeQueryOffset } from '../../../lib/rabbitmq-stream/codec/requests.js';
import { readQueryOffset } from '../../../lib/rabbitmq-stream/codec/responses.js';
import { Writer } from '../../../lib/rabbitmq-stream/codec/writer.js';
import type { Connection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { FakeRabbitMq, type FakeConnection } from '../../support/fake-rabbitmq.js';
import {
  encodeChunk,
  encodeConsumerUpdate,
  encodeCreditError,
  encodeDeliver,
  encodeMetadataUpdate,
  encodePublishConfirm,
  encodePublishError,
} from '../../support/rabbitmq-frames.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { closeAll, connect, type Heard, hex } from './connection-kit.js';

describe('rabbitmq-stream connection: what the broker sends', () => {
  let fake: FakeRabbitMq;
  let connection: Connection;
  let heard: Heard;
  let server: FakeConnection;
  let warnings: string[];

  const log: Logger = {
    ...silent,
    warn: (line) => void warnings.push(line),
    error: (line) => void warnings.push(line),
  };
  /** A request that is answered behind all that was sent before. */
  const settled = async (): Promise<void> => {
    const error = await refusal(
      connection.request(
        keys.queryOffset,
        (id) => encodeQueryOffset(id, { reference: 'r', stream: 's' }),
        readQueryOffset,
        {
          action: 'ask',
        },
      ),
    );
    expect(error.code).to.equal('OFFSET_NOT_FOUND');
  };

  beforeEach(async () => {
    warnings = [];
    fake = await FakeRabbitMq.start();
    ({ connection, heard } = await connect(fake, { log }));
    server = await fake.connection();
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  const record = hex('005375a00568656c6c6f');
  const chunk = encodeChunk({ entries: [record, record], firstOffset: 4 });
  const everything = Buffer.concat([
    encodePublishConfirm(3, [1, 2n ** 63n]),
    encodePublishError({
      publisherId: 9,
      errors: [
        { id: 77, code: 18 },
        { id: 78, code: 17 },
      ],
    }),
    encodeDeliver(1, chunk),
    encodeDeliver(2, chunk, 4),
    encodeCreditError(42, 4),
    encodeMetadataUpdate('orders'),
    encodeHeartbeat(),
    encodeConsumerUpdate(5, 7, true),
  ]);
  const told = [
    'confirm 3: 1 9223372036854775808',
    'publishError 9: 77 18',
    'publishError 9: 78 17',
    'deliver 1: 76',
    'deliver 2: 76',
    'creditError 42: 4',
    'metadataUpdate orders: 6',
    'consumerUpdate 7: true',
  ];

  it('is told', async () => {
    server.raw(everything);
    await settled();
    expect(heard.lines).to.deep.equal(told);
    expect(heard.chunks).to.deep.equal([Buffer.from(chunk), Buffer.from(chunk)]);
  });

  it('is told when it comes byte by byte', async () => {
    for (const byte of everything) {
      server.raw(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await settled();
    expect(heard.lines).to.deep.equal(told);
    expect(heard.chunks).to.deep.equal([Buffer.from(chunk), Buffer.from(chunk)]);
  });

  it('is told when a thousand frames come at once, with a flush a read', async () => {
    const before = heard.flushes;
    server.raw(Buffer.concat(Array.from({ length: 1000 }, (_, i) => encodePublishConfirm(0, [i]))));
    await settled();
    expect(heard.lines).to.have.length(1000);
    expect(heard.lines.at(-1)).to.equal('confirm 0: 999');
    expect(heard.flushes - before).to.be.within(1, 100);
  });

  it('may be larger than the frame limit, which holds for what a client sends', async () => {
    const large = encodeChunk({ entries: [new Uint8Array(12_000_000)], firstOffset: 0 });
    expect(large.length).to.be.above(connection.frameMax);
    server.raw(encodeDeliver(1, large));
    await settled();
    expect(heard.lines).to.deep.equal([`deliver 1: ${large.length}`]);
    expect(heard.chunks[0]?.equals(large)).to.equal(true);
  });

  it('is ignored where it is a push that nobody knows, and logged once', async () => {
    for (const version of [1, 1, 2]) server.raw(new Writer(0x99, version).u32(1).finish());
    await settled();
    expect(heard.lines).to.deep.equal([]);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include('command 0x0099');
  });

  describe('drops the connection with a ProtocolError', () => {
    const cases: Record<string, Uint8Array> = {
      'a frame of size 0': hex('00000000'),
      'a frame of size 3': hex('00000003001000'),
      'a frame of size 0xffffffff': hex('ffffffff0008'),
      'a frame over the cap': hex('040000010008'),
      'an answer that nobody asked for': new Writer(0x8000 | keys.create, 1, 99).u16(1).finish(),
      'an answer to a command that nobody knows': new Writer(0x8099, 1, 1).u16(1).finish(),
      'an answer that ends in its correlation id': new Writer(0x8000 | keys.create, 1).u16(1).finish(),
      'a Deliver of version 3': new Writer(keys.deliver, 3).u8(1).u64(0).raw(chunk).finish(),
      'a Deliver that ends before the chunk': new Writer(keys.deliver, 1).u8(1).raw(chunk.subarray(0, 47)).finish(),
      'a confirm of version 2': new Writer(keys.publishConfirm, 2).u8(0).u32(0).finish(),
      'a confirm with fewer ids than it says': new Writer(keys.publishConfirm, 1).u8(0).u32(2).u64(1).finish(),
      'a confirm with 2^32 - 1 ids': new Writer(keys.publishConfirm, 1).u8(0).u32(0xffff_ffff).u64(1).finish(),
      'an empty confirm': new Writer(keys.publishConfirm, 1).finish(),
      'a publish error with fewer ids than it says': new Writer(keys.publishError, 1).u8(0).u32(9).u64(1).finish(),
      'a stream name past the end': new Writer(keys.metadataUpdate, 1).u16(6).u16(300).u8(1).finish(),
      'a null stream name': new Writer(keys.metadataUpdate, 1).u16(6).string(null).finish(),
      'an update of a consumer to neither state': new Writer(keys.consumerUpdate, 1, 1).u8(1).u8(2).finish(),
      'an update of a consumer without a state': new Writer(keys.consumerUpdate, 1, 1).u8(1).finish(),
      'a heartbeat of version 2': new Writer(keys.heartbeat, 2).finish(),
      'a close that ends in its code': new Writer(keys.close, 1, 1).u8(1).finish(),
    };
    for (const [title, bytes] of Object.entries(cases)) {
      it(`after ${title}`, async () => {
        server.raw(Buffer.concat([bytes, encodePublishConfirm(1, [1])]));
        const error = await heard.end();
        expect(error).to.be.instanceOf(ProtocolError);
        expect(error.message).to.match(/^the connection to RabbitMQ at 127\.0\.0\.1:\d+ was dropped: /);
        expect(error.retriable).to.equal(true);
        expect(connection.closed).to.equal(true);
        await server.ended();
        expect(heard.lines).to.deep.equal(['closed: ProtocolError']);
      });
    }

    it('after what a handler of chunks takes for malformed', async () => {
      heard.deliver = () => {
        throw new ProtocolError('bad magic', { broker: 'rabbitmq-stream' });
      };
      server.raw(encodeDeliver(1, chunk));
      expect((await heard.end()).message).to.include('was dropped: bad magic');
    });
  });

  it('does not take down the process when a handler throws', async () => {
    heard.metadataUpdate = () => {
      throw new Error('mine');
    };
    server.raw(encodeMetadataUpdate('orders'));
    const error = await heard.end();
    expect(error).to.be.instanceOf(ConnectionError);
    expect((error.cause as Error).message).to.equal('mine');
    expect(warnings).to.have.length(1);
    await server.ended();
  });

  it('does not take down the process when the handler of the end throws', async () => {
    heard.closed = () => {
      throw new Error('mine');
    };
    server.raw(hex('00000000'));
    await until(() => warnings.length === 1, { every: 2 });
    await server.ended();
  });

  describe('ends in the middle of a frame', () => {
    for (const length of [2, 4, 7, 40]) {
      it(`after ${length} bytes: a ConnectionError that says so`, async () => {
        server.raw(encodeDeliver(1, chunk).subarray(0, length));
        server.end();
        const error = await heard.end();
        expect(error).to.be.instanceOf(ConnectionError);
        expect(error.message).to.include('was lost, in the middle of a frame: the broker closed it without a word');
        expect(heard.lines).to.deep.equal(['closed: ConnectionError']);
      });
    }
  });

  it('ends between two frames: a ConnectionError', async () => {
    server.raw(everything);
    server.end();
    const error = await heard.end();
    expect(error.message).to.match(/was lost: the broker closed it without a word$/);
    expect(error.retriable).to.equal(true);
    expect(heard.lines).to.deep.equal([...told, 'closed: ConnectionError']);
  });

  it('ends with a reset: a ConnectionError with what Node says', async () => {
    server.reset();
    const error = await heard.end();
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.detail).to.deep.equal({ code: 'ECONNRESET' });
  });

  describe('Close', () => {
    it('is answered, and its reason told', async () => {
      server.raw(hex('000000190016000100000001000d000d756e6b6e6f776e206672616d65'));
      const error = await heard.end();
      expect(error).to.be.instanceOf(ProtocolError);
      expect(error.message).to.equal(
        `RabbitMQ at 127.0.0.1:${fake.port} closed the connection with UNKNOWN_FRAME (13): unknown frame`,
      );
      expect(error.detail).to.deep.equal({ code: 13, name: 'UNKNOWN_FRAME', reason: 'unknown frame' });
      expect(error.retriable).to.equal(true);
      expect((await server.frame(0x8016)).bytes.toString('hex')).to.equal('0000000a80160001000000010001');
      await server.ended();
      expect(heard.lines).to.deep.equal(['closed: ProtocolError']);
    });

    it('for a frame that was too large is a FrameTooLargeError', async () => {
      server.raw(encodeClose(1, { code: 14, reason: 'frame too large' }));
      expect(await heard.end()).to.be.instanceOf(FrameTooLargeError);
    });

    it('for another reason is a ConnectionError', async () => {
      server.raw(encodeClose(1, { code: 1, reason: 'bye' }));
      const error = await heard.end();
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('OK (1): bye');
    });
  });

  describe('ConsumerUpdate', () => {
    it('is answered once', async () => {
      server.raw(encodeConsumerUpdate(0, 1, true));
      await settled();
      const [reply] = heard.replies;
      reply?.({ type: 'offset', offset: 1n });
      reply?.({ type: 'first' });
      await settled();
      expect(server.framesOf(0x801a).map(({ bytes }) => bytes.toString('hex'))).to.deep.equal([
        '00000014801a000100000000000100040000000000000001',
      ]);
    });

    it('is answered "as subscribed" when its handler throws', async () => {
      heard.consumerUpdate = () => {
        throw new Error('mine');
      };
      server.raw(encodeConsumerUpdate(3, 1, false));
      await settled();
      expect(server.framesOf(0x801a).map(({ bytes }) => bytes.toString('hex'))).to.deep.equal([
        '0000000c801a00010000000300010000',
      ]);
      expect(connection.closed).to.equal(false);
    });

    it('is not answered by a handler that replied and then threw a second time', async () => {
      heard.consumerUpdate = (_id, _active, reply) => {
        reply({ type: 'next' });
        throw new Error('mine');
      };
      server.raw(encodeConsumerUpdate(3, 1, true));
      await settled();
      expect(server.framesOf(0x801a)).to.have.length(1);
    });

    it('may be answered when the connection is gone', async () => {
      server.raw(encodeConsumerUpdate(0, 1, true));
      await settled();
      await connection.close();
      heard.replies[0]?.({ type: 'none' });
      expect(server.framesOf(0x801a)).to.have.length(0);
    });
  });
});
