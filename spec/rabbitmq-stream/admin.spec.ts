import { expect } from 'chai';
import { systemClock } from '../../lib/core/clock.js';
import { Connecting } from '../../lib/core/connecting.js';
import type { WeirError } from '../../lib/core/errors.js';
import { Admin } from '../../lib/rabbitmq-stream/admin.js';
import { resolveOptions, type RabbitMqStreamOptions } from '../../lib/rabbitmq-stream/options.js';
import { forgotten } from '../../lib/rabbitmq-stream/positions.js';
import { Session } from '../../lib/rabbitmq-stream/session/session.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { until } from '../support/wait.js';
import { failureOf } from './session/session-kit.js';

/** The administration of a handle, without the handle. */
function administer(options: RabbitMqStreamOptions): { readonly admin: Admin; readonly session: Session } {
  const connecting = new Connecting();
  const resolved = resolveOptions(options);
  const session = new Session({
    options: resolved,
    clock: systemClock,
    hooks: {
      located: () => connecting.made(),
      connected: () => undefined,
      interrupted: () => undefined,
      failed: (error) => connecting.failed(error),
    },
  });
  const admin = new Admin({
    session,
    clock: systemClock,
    patience: 5000,
    connect: async () => {
      if (session.up) return;
      const connected = connecting.wait(undefined);
      session.start();
      await connected;
    },
  });
  return { admin, session };
}

describe('administration of RabbitMQ Streams: checks', () => {
  // nothing is connected for what is refused here
  const admin = new Admin({
    session: { up: false } as Session,
    clock: systemClock,
    patience: 0,
    connect: () => Promise.reject(new Error('connected')),
  });
  const refused = async (
    call: (bare: Record<string, (...args: unknown[]) => Promise<unknown>>) => Promise<unknown>,
  ) => {
    const error: WeirError = await failureOf(call(admin as never));
    expect(error.code).to.equal('INVALID_OPTION');
    return error.message;
  };

  it('names what is wrong with a name', async () => {
    const long = 'é'.repeat(128);
    expect(await refused((bare) => bare['createStream']!(''))).to.equal(
      "createStream(''): name must be a non-empty string; got an empty string",
    );
    expect(await refused((bare) => bare['createStream']!(7))).to.match(/^createStream\(7\): name must be/);
    expect(await refused((bare) => bare['createStream']!(long))).to.match(/it has 256 bytes, and 255 are the most/);
    expect(await refused((bare) => bare['createStream']!('a\nb'))).to.match(/it has a line break/);
    expect(await refused((bare) => bare['createStream']!('a\ud800'))).to.match(/half of a surrogate pair/);
    expect(await refused((bare) => bare['createStream']!('amq.orders'))).to.match(/RabbitMQ keeps names with 'amq\.'/);
    expect(await refused((bare) => bare['createSuperStream']!('amq.x', { partitions: 1 }))).to.match(/'amq\.'/);
    for (const method of ['deleteStream', 'streamExists', 'streamStats', 'deleteSuperStream', 'partitions']) {
      expect(await refused((bare) => bare[method]!(''))).to.match(new RegExp(`^${method}\\(''\\): name must be`));
      expect(await refused((bare) => bare[method]!(long))).to.match(/255 are the most/);
    }
  });

  it('names what is wrong with the name of a position or a producer', async () => {
    const long = 'x'.repeat(256);
    for (const method of ['storeOffset', 'queryOffset', 'lag']) {
      expect(await refused((bare) => bare[method]!('', 's', 1))).to.match(
        /reference must be a non-empty string of up to 255/,
      );
      expect(await refused((bare) => bare[method]!(long, 's', 1))).to.match(/reference must be .*: it has 256$/);
      expect(await refused((bare) => bare[method]!('r', undefined, 1))).to.match(/stream must be a non-empty string/);
    }
    expect(await refused((bare) => bare['lastPublishingId']!('', 's'))).to.match(/producer must be/);
    expect(await refused((bare) => bare['lastPublishingId']!('p', ''))).to.match(/stream must be/);
  });

  it('names what is wrong with an offset', async () => {
    for (const offset of [-1, 1.5, 2 ** 53, -1n, forgotten, '5', undefined]) {
      expect(await refused((bare) => bare['storeOffset']!('r', 's', offset))).to.match(
        /^storeOffset\('r', 's'\): offset must be an offset: an integer, as number or bigint, from 0 to 2\^64 - 2; got/,
      );
    }
  });

  it('names what is wrong with the arguments of a stream', async () => {
    const wrong: [object, RegExp][] = [
      [
        { maxAge: 'bogus' },
        /maxAge must be a non-empty string of digits and one of Y M D h m s, such as '7D'; got 'bogus'/,
      ],
      [{ maxAge: '7d' }, /maxAge must be/],
      [{ maxAge: '0s' }, /maxAge must be/],
      [{ maxAge: 0 }, /maxAge must be a number of milliseconds, 1 or more/],
      [{ maxLengthBytes: 0 }, /maxLengthBytes must be an integer from 1/],
      [{ maxSegmentBytes: 3_000_000_001 }, /maxSegmentBytes must be an integer from 1 to 3000000000/],
      [{ filterSizeBytes: 15 }, /filterSizeBytes must be an integer from 16 to 255/],
      [{ filterSizeBytes: 256 }, /filterSizeBytes must be/],
      [{ leaderLocator: 'random' }, /leaderLocator must be one of 'client-local', 'balanced', 'least-leaders'/],
      [{ initialClusterSize: 0 }, /initialClusterSize must be/],
      [{ ifNotExists: 1 }, /ifNotExists must be true or false/],
      [{ maxlengthBytes: 1 }, /no option 'maxlengthBytes', did you mean 'maxLengthBytes'\?/],
    ];
    for (const [options, message] of wrong) {
      expect(await refused((bare) => bare['createStream']!('s', options))).to.match(message);
      expect(await refused((bare) => bare['createSuperStream']!('s', { partitions: 1, ...options }))).to.match(message);
    }
    expect(await refused((bare) => bare['deleteStream']!('s', { ifNotExists: true }))).to.match(
      /no option 'ifNotExists'/,
    );
    expect(await refused((bare) => bare['deleteSuperStream']!('s', { ifExists: 'yes' }))).to.match(/ifExists must be/);
  });

  it('names what is wrong with the partitions of a super stream', async () => {
    const wrong: [object | undefined, RegExp][] = [
      [undefined, /it is not said what its partitions are; give partitions, their number, or bindingKeys/],
      [{}, /it is not said what its partitions are/],
      [{ partitions: 0 }, /partitions must be an integer from 1/],
      [{ bindingKeys: [] }, /bindingKeys must be a non-empty array/],
      [{ bindingKeys: ['a', ''] }, /bindingKeys\[1\] must be a non-empty string/],
      [{ bindingKeys: ['a', 'b', 'a'] }, /bindingKeys must differ from each other; 'a' is there twice/],
      [{ partitions: 1, bindingKeys: ['a'] }, /partitions and bindingKeys are both given/],
      [{ bindingKeys: ['x'.repeat(254)] }, /the partition 's-x+' cannot be called so: it has 256 bytes/],
    ];
    for (const [options, message] of wrong) {
      expect(await refused((bare) => bare['createSuperStream']!('s', options))).to.match(message);
    }
  });

  it('is stopped by a handle that cannot connect', async () => {
    expect((await failureOf(admin.createStream('s'))).message).to.equal('connected');
  });
});

describe('administration of RabbitMQ Streams', function () {
  this.timeout(60_000);
  let server: RabbitMqServer;
  let admin: Admin;
  let session: Session;
  const sessions: Session[] = [];
  let serial = 0;
  const unique = (name = 'stream'): string => `${name}-${process.pid}-${Date.now()}-${serial++}`;
  const connect = (options: RabbitMqStreamOptions): Admin => {
    const made = administer(options);
    sessions.push(made.session);
    return made.admin;
  };

  before(async () => {
    server = await startRabbitMq();
    ({ admin, session } = administer({ url: server.url }));
    sessions.push(session);
  });
  after(async () => {
    await Promise.all(sessions.map((each) => each.close(2000)));
    await server.stop();
  });

  describe('streams', () => {
    it('are made, found and deleted', async () => {
      const name = unique();
      expect(await admin.streamExists(name)).to.equal(false);
      await admin.createStream(name);
      expect(await admin.streamExists(name)).to.equal(true);
      await admin.deleteStream(name);
      expect(await admin.streamExists(name)).to.equal(false);
    });

    it('have the arguments that were given', async () => {
      const name = unique();
      await admin.createStream(name, {
        maxAge: 90_500,
        maxLengthBytes: 2e9,
        maxSegmentBytes: 1e6,
        filterSizeBytes: 32,
        leaderLocator: 'balanced',
        initialClusterSize: 1,
      });
      const path = `/api/queues/${encodeURIComponent(server.vhost)}/${encodeURIComponent(name)}`;
      const queue = await server.management.request<{ arguments: object }>('GET', path);
      expect(queue.arguments).to.deep.equal({
        'x-queue-type': 'stream',
        'x-max-age': '91s',
        'x-max-length-bytes': 2e9,
        'x-stream-max-segment-size-bytes': 1e6,
        'x-stream-filter-size-bytes': 32,
        'x-queue-leader-locator': 'balanced',
        'x-initial-cluster-size': 1,
      });
    });

    it('take an age of every unit', async () => {
      for (const unit of 'YMDhms') {
        const name = unique();
        await admin.createStream(name, { maxAge: `7${unit}` });
        await admin.deleteStream(name);
      }
    });

    it('can be called what people write', async () => {
      for (const name of [unique('日本語 é ✓'), unique('it\'s/a %2F \\ "name" #?'), ` ${unique()} `, 'é'.repeat(127)]) {
        await admin.createStream(name);
        expect(await admin.streamExists(name)).to.equal(true);
        expect(await failureOf(admin.createStream(name))).to.have.property('code', 'STREAM_EXISTS');
        await admin.deleteStream(name);
        expect(await admin.streamExists(name)).to.equal(false);
      }
    });

    it('exist once', async () => {
      const name = unique();
      await admin.createStream(name, { maxAge: '1h' });
      const error = await failureOf(admin.createStream(name, { maxAge: '1h' }));
      expect(error).to.deep.include({ code: 'STREAM_EXISTS', retriable: false, broker: 'rabbitmq-stream' });
      expect(error.detail).to.deep.equal({ code: 5, name: 'STREAM_ALREADY_EXISTS', stream: name });
      await admin.createStream(name, { maxAge: '1h', ifNotExists: true });
    });

    it('exist with other arguments, with ifNotExists too', async () => {
      const name = unique();
      await admin.createStream(name, { maxAge: '1h' });
      for (const ifNotExists of [false, true]) {
        const error = await failureOf(admin.createStream(name, { maxAge: '2h', ifNotExists }));
        expect(error).to.have.property('code', 'STREAM_EXISTS');
        expect(error.detail).to.deep.include({ code: 17, name: 'PRECONDITION_FAILED' });
        expect(error.message).to.match(/exists with other arguments/);
      }
    });

    it('that are not there cannot be deleted, unless that is fine', async () => {
      const name = unique();
      const error = await failureOf(admin.deleteStream(name));
      expect(error).to.have.property('code', 'STREAM_NOT_FOUND');
      expect(error.message).to.include(`delete the stream '${name}'`);
      await admin.deleteStream(name, { ifExists: true });
    });

    it('are told from queues', async () => {
      const name = unique('queue');
      const path = `/api/queues/${encodeURIComponent(server.vhost)}/${encodeURIComponent(name)}`;
      await server.management.request('PUT', path, { durable: true });
      expect(await admin.streamExists(name)).to.equal(false);
      expect(await failureOf(admin.createStream(name, { ifNotExists: true }))).to.have.property(
        'code',
        'STREAM_EXISTS',
      );
      expect(await failureOf(admin.deleteStream(name))).to.have.property('code', 'STREAM_NOT_FOUND');
      expect(await failureOf(admin.streamStats(name))).to.have.property('code', 'STREAM_NOT_FOUND');
      await admin.deleteStream(name, { ifExists: true });
      await server.management.request('DELETE', path);
    });

    it('tell how they stand', async () => {
      const name = unique();
      await admin.createStream(name);
      const empty = await admin.streamStats(name);
      expect(empty).to.include({ firstChunkId: undefined, lastChunkId: undefined, committedChunkId: undefined });
      expect([...empty.all]).to.deep.include(['committed_chunk_id', -1n]);
      for (let count = 0; count < 3; count++) await server.management.publish(name, 'x');
      const stats = await until(
        async () => {
          const found = await admin.streamStats(name);
          return found.committedChunkId === 2n && found;
        },
        { message: 'three chunks' },
      );
      expect(stats).to.include({ firstChunkId: 0n, lastChunkId: 2n });
      expect(await failureOf(admin.streamStats(unique()))).to.have.property('code', 'STREAM_NOT_FOUND');
    });
  });

  describe('super streams', () => {
    it('are made with a number of partitions, found and deleted', async () => {
      const name = unique('super');
      await admin.createSuperStream(name, { partitions: 3, maxAge: '1h', leaderLocator: 'client-local' });
      const partitions = [0, 1, 2].map((index) => `${name}-${index}`);
      expect(await admin.partitions(name)).to.deep.equal(partitions);
      expect(await session.route(name, '1')).to.deep.equal([partitions[1]]);
      expect(await session.route(name, 'none')).to.deep.equal([]);
      for (const partition of partitions) expect(await admin.streamExists(partition)).to.equal(true);
      expect(await admin.streamExists(name)).to.equal(false);
      await admin.deleteSuperStream(name);
      for (const partition of partitions) expect(await admin.streamExists(partition)).to.equal(false);
      expect(await failureOf(admin.partitions(name))).to.have.property('code', 'STREAM_NOT_FOUND');
    });

    it('keep more than ten partitions in their order', async () => {
      const name = unique('super');
      await admin.createSuperStream(name, { partitions: 12 });
      expect(await admin.partitions(name)).to.deep.equal(Array.from({ length: 12 }, (_, index) => `${name}-${index}`));
      await admin.deleteSuperStream(name);
    });

    it('are made with routing keys', async () => {
      const name = unique('super é');
      await admin.createSuperStream(name, { bindingKeys: ['amér', 'émea', '日本'] });
      expect(await admin.partitions(name)).to.deep.equal([`${name}-amér`, `${name}-émea`, `${name}-日本`]);
      expect(await session.route(name, '日本')).to.deep.equal([`${name}-日本`]);
      await admin.deleteSuperStream(name);
    });

    it('exist once', async () => {
      const name = unique('super');
      await admin.createSuperStream(name, { partitions: 2 });
      const error = await failureOf(admin.createSuperStream(name, { partitions: 2 }));
      expect(error).to.have.property('code', 'STREAM_EXISTS');
      await admin.createSuperStream(name, { partitions: 2, ifNotExists: true });
      const other = await failureOf(admin.createSuperStream(name, { bindingKeys: ['a', 'b'], ifNotExists: true }));
      expect(other).to.have.property('code', 'STREAM_EXISTS');
      expect(other.message).to.include(`there is one with other partitions: ${name}-0, ${name}-1`);
      await admin.deleteSuperStream(name);
    });

    it('are not made where a partition, or another exchange, has the name', async () => {
      const name = unique('super');
      await admin.createStream(`${name}-1`);
      for (const ifNotExists of [false, true]) {
        const error = await failureOf(admin.createSuperStream(name, { partitions: 2, ifNotExists }));
        expect(error).to.have.property('code', 'STREAM_EXISTS');
        if (ifNotExists) expect(error.message).to.match(/there is none, but something else has its name/);
      }
      expect(await admin.streamExists(`${name}-0`)).to.equal(false);
      const exchange = unique('exchange');
      const path = `/api/exchanges/${encodeURIComponent(server.vhost)}/${exchange}`;
      await server.management.request('PUT', path, { type: 'direct', durable: true });
      const error = await failureOf(admin.createSuperStream(exchange, { partitions: 1, ifNotExists: true }));
      expect(error).to.have.property('code', 'STREAM_EXISTS');
      expect(await failureOf(admin.partitions(exchange))).to.have.property('code', 'STREAM_NOT_FOUND');
      // RabbitMQ would delete the exchange
      expect(await failureOf(admin.deleteSuperStream(exchange))).to.have.property('code', 'STREAM_NOT_FOUND');
      await admin.deleteSuperStream(exchange, { ifExists: true });
      expect(await server.management.request('GET', path)).to.have.property('name', exchange);
    });

    it('that are not there cannot be deleted, unless that is fine', async () => {
      const name = unique();
      expect(await failureOf(admin.deleteSuperStream(name))).to.have.property('code', 'STREAM_NOT_FOUND');
      await admin.deleteSuperStream(name, { ifExists: true });
      await admin.createStream(name);
      expect(await failureOf(admin.deleteSuperStream(name))).to.have.property('code', 'STREAM_NOT_FOUND');
      expect(await failureOf(admin.partitions(name))).to.have.property('code', 'STREAM_NOT_FOUND');
      expect(await admin.streamExists(name)).to.equal(true);
    });
  });

  describe('positions', () => {
    let stream: string;
    before(async () => {
      stream = unique();
      await admin.createStream(stream);
    });

    it('are stored and told, by name', async () => {
      await admin.storeOffset('éa', stream, 5);
      await admin.storeOffset('b', stream, 2n ** 64n - 2n);
      expect(await admin.queryOffset('éa', stream)).to.equal(5n);
      expect(await admin.queryOffset('b', stream)).to.equal(2n ** 64n - 2n);
      await admin.storeOffset('éa', stream, 0n);
      expect(await admin.queryOffset('éa', stream)).to.equal(0n);
      await admin.storeOffset('x'.repeat(255), stream, 7);
      expect(await admin.queryOffset('x'.repeat(255), stream)).to.equal(7n);
    });

    it('are not there where none was stored', async () => {
      const error = await failureOf(admin.queryOffset('never', stream));
      expect(error).to.deep.include({ code: 'OFFSET_NOT_FOUND', retriable: false });
      expect(error.detail).to.deep.include({ code: 19, stream, reference: 'never' });
    });

    it('are forgotten', async () => {
      await admin.storeOffset('old', stream, 5);
      await admin.forget('old', stream);
      await admin.forget('old', stream);
      expect(await failureOf(admin.queryOffset('old', stream))).to.have.property('code', 'OFFSET_NOT_FOUND');
      expect(await failureOf(admin.lag('old', stream))).to.have.property('code', 'OFFSET_NOT_FOUND');
      await admin.storeOffset('old', stream, 6);
      expect(await admin.queryOffset('old', stream)).to.equal(6n);
    });

    it('that were never stored are forgotten without a trace', async () => {
      const before = await admin.streamStats(stream);
      await admin.forget('unknown', stream);
      expect(await admin.streamStats(stream)).to.deep.equal(before);
    });

    it('need a stream', async () => {
      const name = unique();
      for (const call of [
        admin.storeOffset('r', name, 1),
        admin.queryOffset('r', name),
        admin.forget('r', name),
        admin.lag('r', name),
        admin.lastPublishingId('p', name),
        admin.lastOffset(name),
      ]) {
        expect(await failureOf(call)).to.have.property('code', 'STREAM_NOT_FOUND');
      }
    });
  });

  describe('the end of a stream', () => {
    it('is not there while the stream is empty, or has nothing but stored positions', async () => {
      const stream = unique();
      await admin.createStream(stream);
      expect(await admin.lastOffset(stream)).to.equal(undefined);
      await admin.storeOffset('r', stream, 0);
      expect(await admin.lastOffset(stream)).to.equal(undefined);
      expect(await admin.lag('r', stream)).to.equal(0n);
    });

    it('is the last record, whatever comes after it', async () => {
      const stream = unique();
      await admin.createStream(stream);
      for (let count = 1; count <= 4; count++) {
        await server.management.publish(stream, 'x');
        await until(async () => (await admin.lastOffset(stream)) === BigInt(count - 1));
      }
      await admin.storeOffset('r', stream, 1);
      expect(await admin.lastOffset(stream)).to.equal(3n);
      expect(await admin.lag('r', stream)).to.equal(2n);
      await admin.storeOffset('r', stream, 3);
      expect(await admin.lag('r', stream)).to.equal(0n);
      // of a stream of that name that was there before
      await admin.storeOffset('r', stream, 300);
      expect(await admin.lag('r', stream)).to.equal(0n);
    });

    it('leaves no subscription behind', async () => {
      const stream = unique();
      await admin.createStream(stream);
      await server.management.publish(stream, 'x');
      await until(async () => (await admin.lastOffset(stream)) === 0n);
      const ends = await Promise.all(Array.from({ length: 20 }, () => admin.lastOffset(stream)));
      expect(new Set(ends)).to.deep.equal(new Set([0n]));
      const link = await session.consumerLink(stream);
      expect(link.count).to.equal(0);
      await admin.deleteStream(stream);
    });
  });

  it('tells the last publishing id of a producer, 0 where there is none', async () => {
    const stream = unique();
    await admin.createStream(stream);
    expect(await admin.lastPublishingId('producer é', stream)).to.equal(0n);
  });

  describe('refusals', () => {
    it('tell of a missing permission', async () => {
      const name = unique('nobody');
      await server.management.addUser(name, 'secret', { configure: '^$', write: '^$', read: '^$' });
      const stream = unique();
      await admin.createStream(stream);
      const { host, port } = server;
      const nobody = connect({ host, port, vhost: server.vhost, username: name, password: 'secret' });
      for (const call of [
        (): Promise<unknown> => nobody.createStream(unique()),
        () => nobody.deleteStream(stream),
        () => nobody.deleteStream(stream, { ifExists: true }),
        () => nobody.streamStats(stream),
        () => nobody.storeOffset('r', stream, 1),
        () => nobody.queryOffset('r', stream),
        () => nobody.forget('r', stream),
        () => nobody.lastPublishingId('p', stream),
        () => nobody.createSuperStream(unique(), { partitions: 1 }),
        () => nobody.lastOffset(stream),
      ]) {
        const error = await failureOf(call());
        expect(error, error.message).to.deep.include({ code: 'AUTHORIZATION', retriable: false });
        expect(error.detail).to.include({ code: 16, name: 'ACCESS_REFUSED' });
      }
      // these are open to all
      expect(await nobody.streamExists(stream)).to.equal(true);
      await server.management.deleteUser(name);
    });

    it('leave the connection as it is', async () => {
      const stream = unique();
      await failureOf(admin.queryOffset('r', stream));
      await failureOf(admin.deleteSuperStream(stream));
      const { connection } = session.locator;
      await admin.createStream(stream);
      expect(session.locator.connection).to.equal(connection);
    });

    it('tell of a wrong password and a wrong virtual host', async () => {
      const { host, port, username, password } = server;
      const wrong = failureOf(connect({ host, port, username, password: 'wrong' }).streamExists('s'));
      const nowhere = failureOf(connect({ host, port, username, password, vhost: 'no such' }).streamExists('s'));
      expect(await wrong).to.deep.include({ code: 'AUTHENTICATION', retriable: false });
      expect((await wrong).message).not.to.include('wrong');
      expect(await nowhere).to.deep.include({ code: 'AUTHORIZATION', retriable: false });
    });
  });
});
