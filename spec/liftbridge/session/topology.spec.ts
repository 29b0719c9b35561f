import { expect } from 'chai';
import type { Channel } from '../../../lib/liftbridge/connection/channel.js';
import { grpcStatus } from '../../../lib/liftbridge/codec/grpc-status.js';
import { failureOf, type FakeChannel, Refusal, settled, Watched } from './session-kit.js';

/** Where a channel leads. */
function to(channel: Channel | undefined): string | undefined {
  return (channel as FakeChannel | undefined)?.at;
}

function metadataCalls({ cluster }: Watched): number {
  return cluster.channels.reduce((sum, channel) => sum + channel.count('FetchMetadata'), 0);
}

describe('the session of Liftbridge: where streams are', () => {
  it('leads to the leader of each partition, over one channel a broker', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2', 'n3', 'n2', 'n1'] });
    const { session, cluster } = watched;
    const channels = await Promise.all([0, 1, 2, 3].map((partition) => session.leader('s', partition)));
    expect(channels.map(to)).to.deep.equal(['b:9292', 'c:9292', 'b:9292', 'a:9292']);
    expect(channels[0]).to.equal(channels[2]);
    expect(channels[3]).to.equal(session.main);
    expect(cluster.channels).to.have.length(3);
    await watched.close();
  });

  it('asks once for all who want to know, and not again for what it knows', async () => {
    const watched = await Watched.ofThree().started();
    const before = metadataCalls(watched);
    watched.cluster.streams.set('s', { leaders: ['n2'], subject: 'other' });
    const [one, other] = await Promise.all([watched.session.stream('s'), watched.session.stream('s')]);
    expect(one).to.equal(other);
    expect(one.name).to.equal('s');
    expect(one.subject).to.equal('other');
    expect(one.created).to.equal(7n);
    expect(one.count).to.equal(1);
    await watched.session.stream('s');
    expect(metadataCalls(watched) - before).to.equal(1);
    await Promise.all([watched.session.stream('s', { fresh: true }), watched.session.stream('s', { fresh: true })]);
    expect(metadataCalls(watched) - before).to.equal(2);
    watched.session.forgetStream('s');
    await watched.session.stream('s');
    expect(metadataCalls(watched) - before).to.equal(3);
    // a broker would wait for one that is dead until the deadline
    expect(watched.cluster.channels[0]?.asked.every(({ deadline }) => deadline === false)).to.equal(true);
    await watched.close();
  });

  it('does not keep an answer that was on its way when the stream was forgotten', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    const asking = watched.session.stream('s');
    watched.session.forgetStream('s');
    await asking;
    const before = metadataCalls(watched);
    await watched.session.stream('s');
    expect(metadataCalls(watched) - before).to.equal(1);
    await watched.close();
  });

  it('asks another broker too where one takes long, and a hanging one no longer', async () => {
    const watched = Watched.ofThree();
    watched.cluster.streams.set('s', { leaders: ['n2'] }).set('t', { leaders: ['n2'] });
    await watched.started();
    await watched.session.leader('s', 0);
    watched.cluster.hanging.add('a:9292');
    const asking = watched.session.stream('t');
    await watched.clock.pass(999);
    expect(watched.cluster.to('b:9292').count('FetchMetadata')).to.equal(0);
    await watched.clock.pass(1);
    expect((await asking).name).to.equal('t');
    expect(watched.cluster.to('b:9292').count('FetchMetadata')).to.equal(1);
    await watched.close();
  });

  it('waits 4 s for an answer where there is no other broker to ask, whatever requestTimeout says', async () => {
    const watched = await Watched.ofThree({ brokers: 'a', requestTimeout: 100, pingInterval: Infinity }).started();
    watched.cluster.hanging.add('a:9292');
    const failed = failureOf(watched.session.stream('t'));
    await watched.clock.pass(3_999);
    await watched.clock.pass(1);
    const error = await failed;
    expect(error.code).to.equal('TIMEOUT');
    expect(error.message).to.equal("cannot find the stream 't' at a:9292: no answer within 4000 ms");
    await watched.close();
  });

  it('asks again where the connection was lost meanwhile', async () => {
    const watched = Watched.ofThree({ brokers: ['a', 'b', 'c'] });
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.started();
    await watched.clock.pass(2_000);
    const first = watched.cluster.channels[0]!;
    watched.cluster.hanging.add(first.at);
    const asking = watched.session.stream('s');
    await settled();
    first.drop();
    expect((await asking).name).to.equal('s');
    await watched.close();
  });

  it('knows at once from a broker that is alone that there is no such stream, and waits a second for others', async () => {
    const alone = new Watched();
    alone.cluster.brokers.set('n1', { host: 'a', port: 9292 });
    await alone.started();
    await alone.clock.pass(2_000);
    const error = await failureOf(alone.session.stream('s'));
    expect(error.code).to.equal('STREAM_NOT_FOUND');
    expect(error.message).to.equal("there is no stream 's' on Liftbridge; create it, or check its name");
    await alone.close();

    const watched = await Watched.ofThree().started();
    await watched.clock.pass(2_000);
    const late = watched.session.stream('s');
    await watched.clock.pass(500);
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.clock.pass(500);
    expect((await late).name).to.equal('s');
    const never = failureOf(watched.session.stream('t'));
    await watched.clock.pass(1_000);
    expect((await never).code).to.equal('STREAM_NOT_FOUND');
    await watched.close();
  });

  it('tells of partitions that are not there, and asks anew before', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.session.stream('s');
    const error = await failureOf(watched.session.leader('s', 1));
    expect(error.code).to.equal('STREAM_NOT_FOUND');
    expect(error.message).to.equal("the stream 's' has no partition 1; it has 1, numbered from 0");
    watched.cluster.streams.set('s', { leaders: ['n2', 'n3'] });
    expect(to(await watched.session.leader('s', 1))).to.equal('c:9292');
    await watched.close();
  });

  it('tells of leaders that are not there, and finds them as soon as they are', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['', 'n9'] });
    for (const [partition, reason] of [
      /has no leader at the moment/,
      /led by the broker 'n9', which is not among/,
    ].entries()) {
      const error = await failureOf(watched.session.leader('s', partition));
      expect(error.code).to.equal('STREAM_UNAVAILABLE');
      expect(error.retriable).to.equal(true);
      expect(error.message).to.match(reason);
    }
    watched.cluster.streams.set('s', { leaders: ['n1', 'n2'] });
    expect(to(await watched.session.leader('s', 1))).to.equal('b:9292');
    await watched.close();
  });

  it('forgets who led when a channel is lost, and when it cannot be made', async () => {
    const watched = await Watched.ofThree().started();
    const { cluster, session } = watched;
    cluster.streams.set('s', { leaders: ['n2'] });
    await session.leader('s', 0);
    cluster.kill('b:9292');
    // the metadata are stale for a moment
    const error = await failureOf(session.leader('s', 0));
    expect(error.code).to.equal('CONNECTION');
    expect(error.retriable).to.equal(true);
    expect(error.message).to.match(
      /^nobody listens at b:9292\. Liftbridge gives b:9292 as the address of its broker 'n2'; if it/,
    );
    cluster.streams.set('s', { leaders: ['n3'] });
    expect(to(await session.leader('s', 0))).to.equal('c:9292');
    await watched.close();
  });

  it('leads to replicas that are not the leader, and to the leader where there is no other', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    const reached = new Set<string | undefined>();
    for (let index = 0; index < 50; index++) reached.add(to(await watched.session.replica('s', 0)));
    expect([...reached].sort()).to.deep.equal(['a:9292', 'c:9292']);
    watched.cluster.brokers.delete('n1');
    watched.cluster.brokers.delete('n3');
    expect(to(await watched.session.replica('s', 0, { fresh: true }))).to.equal('a:9292');
    await watched.close();
  });

  it('leads to a broker by its id', async () => {
    const watched = await Watched.ofThree().started();
    expect(to(await watched.session.broker('n3'))).to.equal('c:9292');
    const error = await failureOf(watched.session.broker('n9'));
    expect(error.code).to.equal('STREAM_UNAVAILABLE');
    expect(error.message).to.match(/^the broker 'n9' is not among those/);
    watched.cluster.brokers.set('n9', { host: 'z', port: 1 });
    expect(to(await watched.session.broker('n9'))).to.equal('z:1');
    await watched.close();
  });

  it('takes the way on which it came to a broker that is alone, whatever that calls itself', async () => {
    const watched = new Watched({ brokers: 'outside:1234' });
    watched.cluster.brokers.set('n1', { host: 'inside', port: 9292 });
    watched.cluster.streams.set('s', { leaders: ['n1'] });
    await watched.started();
    expect(await watched.session.leader('s', 0)).to.equal(watched.session.main);
    expect(watched.cluster.dialed).to.deep.equal(['outside:1234']);
    await watched.close();
  });

  it('asks resolveAddress where a broker is, once, and again when it moves', async () => {
    const asked: string[] = [];
    const resolveAddress = async (host: string, port: number) => {
      asked.push(`${host}:${port}`);
      if (host === 'c') throw new Error('no idea');
      return { host: `outer-${host}`, port: host === 'z' ? 0 : port + 1 };
    };
    const watched = Watched.ofThree({ brokers: 'a', resolveAddress });
    watched.cluster.streams.set('s', { leaders: ['n2', 'n3', 'n4'] });
    watched.cluster.brokers.set('n4', { host: 'z', port: 9292 });
    await watched.started();
    expect(to(await watched.session.leader('s', 0))).to.equal('outer-b:9293');
    const failed = await failureOf(watched.session.leader('s', 1));
    expect(failed.code).to.equal('CONNECTION');
    expect(failed.message).to.equal('the function resolveAddress failed for c:9292');
    expect((await failureOf(watched.session.leader('s', 2))).message).to.match(
      /^the function resolveAddress must return/,
    );
    asked.length = 0;
    await watched.session.leader('s', 0, { fresh: true });
    expect(asked).not.to.include('b:9292');
    watched.cluster.brokers.set('n2', { host: 'd', port: 1 });
    expect(to(await watched.session.leader('s', 0, { fresh: true }))).to.equal('outer-d:2');
    await watched.close();
  });

  it('waits for resolveAddress no longer than for a connection, and not when it is closed', async () => {
    const resolveAddress = (): Promise<never> => new Promise(() => undefined);
    const watched = await Watched.ofThree({ brokers: 'a', resolveAddress, requestTimeout: 5_000 }).started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    const aborter = new AbortController();
    const aborted = failureOf(watched.session.leader('s', 0, { signal: aborter.signal }));
    const leader = failureOf(watched.session.leader('s', 0));
    const called = failureOf(watched.session.callLeader('s', 0, 'X', new Uint8Array(), { asked: 'x', decode: String }));
    await settled();
    aborter.abort(new Error('enough'));
    expect((await aborted).message).to.equal('enough');
    await watched.clock.pass(5_250);
    expect((await called).code).to.equal('TIMEOUT');
    await watched.clock.pass(4_750);
    expect([(await leader).code, String((await leader).cause)]).to.deep.equal([
      'CONNECTION',
      'Error: it gave nothing within 10000 ms (connectTimeout)',
    ]);
    const late = failureOf(watched.session.leader('s', 0));
    await settled();
    await watched.close();
    await late;
  });

  it('takes an IPv6 address out of the brackets that a server may give it in', async () => {
    const watched = Watched.ofThree();
    watched.cluster.brokers.set('n2', { host: '[::1]', port: 9292 });
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.started();
    expect((await watched.session.leader('s', 0)).address).to.deep.equal({ host: '::1', port: 9292 });
    await watched.close();
  });

  it('shares one attempt to connect, which ends when nobody waits for it any more', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.session.stream('s');
    watched.cluster.swallow('b:9292');
    const [one, other] = [new AbortController(), new AbortController()];
    const waiting = [one, other].map(({ signal }) => failureOf(watched.session.leader('s', 0, { signal })));
    await settled();
    expect(watched.cluster.dialed.filter((at) => at === 'b:9292')).to.have.length(1);
    one.abort(new Error('one'));
    expect((await waiting[0]!).message).to.equal('one');
    other.abort(new Error('other'));
    expect((await waiting[1]!).message).to.equal('other');
    watched.cluster.accept('b:9292');
    expect(to(await watched.session.leader('s', 0))).to.equal('b:9292');
    await watched.close();
  });

  it('makes another connection where a broker takes no more calls on the first', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.limit = 100;
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    const leaders = await Promise.all(Array.from({ length: 100 }, () => watched.session.leader('s', 0)));
    expect(leaders.map(to)).to.deep.equal(Array(100).fill('b:9292'));
    expect([...new Set(leaders)].map((one) => leaders.filter((each) => each === one).length)).to.deep.equal([84, 16]);
    const [first, second] = [...new Set(leaders)] as FakeChannel[];
    first!.calls = 84;
    await settled();
    expect(await watched.session.leader('s', 0)).to.equal(second);
    first!.calls = 1;
    expect(await watched.session.leader('s', 0)).to.equal(first);
    await settled();
    await watched.clock.pass(12_000);
    expect([first!.closed, second!.closed]).to.deep.equal([false, true]);
    await watched.close();
  });

  it('hands credentials to channels, for the address that each leads to', async () => {
    const service: string[] = [];
    const credentials = {
      generateMetadata: async ({ service_url }: { service_url: string }) => {
        service.push(service_url);
        return { getMap: () => ({ authorization: 'Bearer x', 'id-bin': Uint8Array.of(1, 2) }) };
      },
    };
    const watched = await new Watched({ brokers: 'a', credentials }).started();
    expect(await watched.cluster.channels[0]?.options.metadata?.()).to.deep.equal({
      authorization: 'Bearer x',
      'id-bin': 'AQI=',
    });
    expect(service).to.deep.equal(['https://a:9292/proto.API']);
    await watched.close();
  });
});

describe('the session of Liftbridge: calls', () => {
  const nothing = new Uint8Array();
  const decode = (): unknown => undefined;
  const refusal = (code: keyof typeof grpcStatus, message: string): Refusal => new Refusal(grpcStatus[code], message);

  it('waits for a connection, but not longer than it is told', async () => {
    const watched = new Watched({ brokers: 'a', connectTimeout: 100_000 });
    watched.cluster.swallow('a:9292');
    expect((await failureOf(watched.session.call('X', nothing, { asked: 'x', decode }))).message).to.match(
      /connect first/,
    );
    watched.session.start();
    const failed = failureOf(watched.session.call('X', nothing, { asked: 'x', decode, within: 500 }));
    await watched.clock.pass(500);
    const error = await failed;
    expect(error.code).to.equal('TIMEOUT');
    expect(error.message).to.equal('there was no connection to Liftbridge at a:9292 within 500 ms');
    await watched.close();
  });

  it('is made once more where the connection was lost, unless that is not wanted', async () => {
    const watched = await Watched.ofThree({ brokers: ['a', 'b', 'c'] }).started();
    const { cluster, session, clock } = watched;
    await clock.pass(2_000);
    cluster.answers.set('X', () => 'done');
    const during = async (repeat?: boolean): Promise<unknown> => {
      const { at } = session.main as FakeChannel;
      cluster.hanging.add(at);
      const called = session.call('X', nothing, { asked: 'x', decode, repeat }).catch((error: unknown) => error);
      await settled();
      cluster.to(at).drop();
      cluster.hanging.delete(at);
      await clock.pass(2_000);
      return called;
    };
    expect(await during()).to.equal('done');
    expect(await during(false)).to.equal(cluster.lost);
    await watched.close();
  });

  it('is repeated while the cluster has no leader, until the time is over', async () => {
    const watched = await new Watched().started();
    let refusals = 3;
    const reasons = ['no known metadata leader', 'nats: no responders available for request'];
    watched.cluster.answers.set('X', () => (refusals-- > 0 ? refusal('internal', reasons[refusals % 2]!) : 'done'));
    const done = watched.session.call('X', nothing, { asked: 'x', decode });
    await watched.clock.pass(350);
    expect(await done).to.equal('done');
    refusals = 1_000;
    const failed = failureOf(watched.session.call('X', nothing, { asked: 'do x', decode }));
    await watched.clock.pass(10_000);
    const error = await failed;
    expect(error.code).to.equal('STREAM_UNAVAILABLE');
    expect(error.message).to.match(
      /^cannot do x at a:9292: (no known metadata leader|nats: no responders available for request) \(INTERNAL\); .*electing/,
    );
    await watched.close();
  });

  it('is not repeated for what will stay so', async () => {
    const watched = await new Watched().started();
    for (const [code, message] of [
      ['internal', 'Cursors stream does not exist'],
      ['alreadyExists', 'stream already exists'],
      ['unknown', 'The client is not authorized to call X on resource s'],
    ] as const) {
      watched.cluster.answers.set('X', () => refusal(code, message));
      await failureOf(watched.session.call('X', nothing, { asked: 'x', decode }));
    }
    expect(watched.cluster.channels[0]?.count('X')).to.equal(3);
    await watched.close();
  });

  it('follows a leader that moves', async () => {
    const watched = await Watched.ofThree().started();
    const { cluster, session } = watched;
    cluster.streams.set('s', { leaders: ['n2'] });
    cluster.answers.set('X', ({ at }) =>
      at === 'c:9292' ? 'done' : refusal('failedPrecondition', 'The request should be sent to partition leader'),
    );
    const done = session.callLeader('s', 0, 'X', nothing, { asked: 'x', decode });
    await watched.clock.pass(200);
    cluster.streams.set('s', { leaders: ['n3'] });
    await watched.clock.pass(2_000);
    expect(await done).to.equal('done');
    await watched.close();
  });

  it('finds the next leader when the one asked dies, unless the call must not be repeated', async () => {
    const watched = await Watched.ofThree().started();
    const { cluster, session, clock } = watched;
    cluster.answers.set('X', ({ at }) => at);
    const during = async (repeat?: boolean): Promise<unknown> => {
      cluster.accept('b:9292');
      cluster.streams.set('s', { leaders: ['n2'] });
      session.forgetStream('s');
      cluster.hanging.add('b:9292');
      const called = session
        .callLeader('s', 0, 'X', nothing, { asked: 'x', decode, repeat })
        .catch((error: unknown) => error);
      await settled();
      cluster.kill('b:9292');
      cluster.hanging.delete('b:9292');
      await clock.pass(1_000);
      cluster.streams.set('s', { leaders: ['n3'] });
      await clock.pass(2_000);
      return called;
    };
    expect(await during()).to.equal('c:9292');
    expect(await during(false)).to.equal(cluster.lost);
    await watched.close();
  });

  it('says what was in the way when the time is over', async () => {
    const watched = await Watched.ofThree({ brokers: 'a', requestTimeout: 500 }).started();
    watched.cluster.streams.set('s', { leaders: [''] });
    const failed = failureOf(watched.session.callLeader('s', 0, 'X', nothing, { asked: 'x', decode }));
    await watched.clock.pass(5_000);
    expect((await failed).message).to.match(/^partition 0 of the stream 's' has no leader at the moment/);
    watched.cluster.hanging.add('a:9292');
    const late = failureOf(watched.session.callLeader('s', 0, 'X', nothing, { asked: 'do x', decode }));
    await watched.clock.pass(5_000);
    expect((await late).code).to.equal('TIMEOUT');
    await watched.close();
  });

  it('gives up at once on a partition that is paused, once fresh metadata say so', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'], paused: true });
    watched.cluster.answers.set('FetchPartitionMetadata', () =>
      refusal('failedPrecondition', 'The request should be sent to partition leader'),
    );
    const failed = failureOf(watched.session.tail('s', 0));
    await watched.clock.pass(100);
    const error = await failed;
    expect(error.code).to.equal('STREAM_UNAVAILABLE');
    expect(error.detail?.['paused']).to.equal(true);
    expect(watched.cluster.to('b:9292').count('FetchPartitionMetadata')).to.equal(2);
    await watched.close();
  });

  it('reads the end of a partition', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    const partition = watched.cluster.metadata().streams[0]!.partitions.get(0)!;
    let metadata = { ...partition };
    watched.cluster.answers.set('FetchPartitionMetadata', () => ({ metadata }));
    expect(await watched.session.tail('s', 0)).to.deep.equal({
      newest: undefined,
      highWatermark: undefined,
      latest: 0n,
      created: 7n,
    });
    const latestTimestamp = 1_700_000_000_000_000_001n;
    metadata = {
      ...partition,
      newestOffset: 2n ** 60n,
      highWatermark: 5n,
      messagesReceivedTimestamps: { firstTimestamp: 1n, latestTimestamp },
    };
    expect(await watched.session.tail('s', 0)).to.deep.equal({
      newest: 2n ** 60n,
      highWatermark: 5,
      latest: latestTimestamp,
      created: 7n,
    });
    await watched.close();
  });

  it('is aborted by its signal, wherever it waits', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    const aborter = new AbortController();
    const { signal } = aborter;
    watched.cluster.hanging.add('a:9292');
    watched.cluster.hanging.add('b:9292');
    const failed = [
      watched.session.call('X', nothing, { asked: 'x', decode, signal }),
      watched.session.callLeader('s', 0, 'X', nothing, { asked: 'x', decode, signal }),
      watched.session.stream('s', { signal }),
      watched.session.metadata({ streams: [] }, signal),
    ].map(failureOf);
    await settled();
    aborter.abort(new Error('enough'));
    for (const each of failed) expect((await each).message).to.equal('enough');
    await watched.close();
  });
});
