import { expect } from 'chai';
import { earliest, fromAgo, fromOffset, fromTime, latest, newOnly, type Start } from '../../lib/core/starts.js';
import type { NatsStreamingBroker, NatsStreamingStart } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { put, range, subscriptionsOf, textsOf, work } from './acceptance-kit.js';
import { Handles, Told } from './support.js';

describe('NATS Streaming: starts', () => {
  const handles = new Handles();
  const limited = unique('limited');
  let server: NatsStreamingServer;
  let broker: NatsStreamingBroker;

  before(async () => {
    server = await startNatsStreaming({ limits: { perChannel: { [limited]: { messages: 3 } } } });
    broker = handles.make(server);
  });

  after(async () => {
    await handles.close();
    await server.stop();
  });

  const subscribed = (channel: string, count: number): Promise<unknown> =>
    until(async () => (await subscriptionsOf(server, channel)).length === count, { message: `${count} subscriptions` });

  /** Nothing that came, or was passed over, stays unacked. */
  const nothingUnacked = (channel: string): Promise<unknown> =>
    until(async () => (await subscriptionsOf(server, channel)).every(({ pending_count }) => pending_count === 0), {
      message: 'all to be acked',
    });

  it('begin where each says, on a channel of ten and two that follow', async () => {
    const channel = unique('starts');
    await put(broker, channel, ...range(1, 3));
    const third = (await work(broker, channel, { start: fromOffset(3) }).at(0)).time.getTime();
    await until(() => Date.now() > third + 1, { every: 1 });
    const fourthAt = Date.now();
    await put(broker, channel, ...range(4, 10));
    const table: [NatsStreamingStart & Start, first: number][] = [
      [newOnly(), 11],
      [latest(), 10],
      [earliest(), 1],
      [fromOffset(0), 1],
      [fromOffset(1), 1],
      [fromOffset(4), 4],
      [fromOffset(10n), 10],
      [fromOffset(11), 11],
      [fromOffset(12), 12],
      [fromTime(fourthAt), 4],
      [fromTime(new Date(fourthAt)), 4],
      [fromTime(0), 1],
      [fromTime(-1e13), 1],
      [fromTime(new Date(-8.64e15)), 1],
      [fromAgo(0), 11],
      [fromAgo(600_000), 1],
      [fromAgo(1e13), 1],
      [fromAgo(Number.MAX_SAFE_INTEGER), 1],
    ];
    const taps = table.map(([start]) => work(broker, channel, { start }));
    await subscribed(channel, table.length + 1);
    await put(broker, channel, '11', '12');
    for (const [index, [start, first]] of table.entries()) {
      const wanted = range(first, 12);
      const got = await taps[index]!.first(wanted.length);
      const shown = `${start.kind} ${Object.values(start).slice(1).join()}`;
      expect(textsOf(got), shown).to.deep.equal(wanted);
      expect(
        got.map(({ offset }) => String(offset)),
        shown,
      ).to.deep.equal(wanted);
      expect(
        got.some(({ redelivered }) => redelivered),
        shown,
      ).to.equal(false);
    }
    await nothingUnacked(channel);
    // each was there once
    expect(taps.map(({ all }) => all.length)).to.deep.equal(table.map(([, first]) => 13 - first));
  });

  it('wait for exactly the offset that is still to come, and leave nothing below unacked', async () => {
    const channel = unique('beyond');
    await put(broker, channel, ...range(1, 5));
    const tap = work(broker, channel, { start: fromOffset(9), maxInFlight: 1 });
    await subscribed(channel, 1);
    await put(broker, channel, ...range(6, 10));
    expect(textsOf(await tap.first(2))).to.deep.equal(['9', '10']);
    await nothingUnacked(channel);
  });

  it('wait for a moment that is still to come, and pass over what is stored before', async () => {
    const channel = unique('future');
    const begin = Date.now() + 300;
    const tap = work(broker, channel, { start: fromTime(begin), maxInFlight: 2 });
    let sent = 0;
    await until(async () => {
      await put(broker, channel, String(++sent));
      return Date.now() > begin + 20;
    });
    const [first] = await tap.first(1);
    expect(first!.time.getTime()).to.be.at.least(begin);
    await tap.first(sent - Number(first!.offset) + 1);
    expect(textsOf(tap.all)).to.deep.equal(range(Number(first!.offset), sent));
    await nothingUnacked(channel);
  });

  it('begin with the first that is left where the server has removed what was asked for', async () => {
    const told = new Told(broker);
    await put(broker, limited, ...range(1, 10));
    const taps = [earliest(), fromOffset(1), fromOffset(5), fromTime(0)].map((start) =>
      work(broker, limited, { start }),
    );
    for (const tap of taps) expect(textsOf(await tap.first(3))).to.deep.equal(range(8, 10));
    await put(broker, limited, '11');
    for (const tap of taps) expect(textsOf(await tap.first(4))).to.deep.equal(range(8, 11));
    expect(taps.map(({ error }) => error)).to.deep.equal([undefined, undefined, undefined, undefined]);
    expect(told.events).to.deep.equal([]);
  });

  it('lose nothing of a backlog that comes with the answer, and ack all of it', async () => {
    const channel = unique('backlog');
    const count = 2_000;
    await put(broker, channel, ...range(1, count));
    for (const maxInFlight of [1, 16, 1_024]) {
      const tap = work(broker, channel, { start: earliest(), maxInFlight });
      const got = await tap.first(count);
      expect(textsOf(got)).to.deep.equal(range(1, count));
      expect(got.some(({ redelivered }) => redelivered)).to.equal(false);
      await nothingUnacked(channel);
      tap.unsubscribe();
    }
  });

  it('tell the server whole seconds of ackWait, rounded up', async () => {
    const channel = unique('seconds');
    const waits: [ms: number | undefined, seconds: number][] = [
      [1, 1],
      [500, 1],
      [1_000, 1],
      [1_000.5, 2],
      [1_900, 2],
      [undefined, 30],
    ];
    for (const [ackWait] of waits) work(broker, channel, { ackWait });
    await subscribed(channel, waits.length);
    const seconds = (await subscriptionsOf(server, channel)).map(({ ack_wait }) => ack_wait);
    expect(seconds.sort((a, b) => a - b)).to.deep.equal(waits.map(([, wanted]) => wanted));
  });
});
