import { expect } from 'chai';
import { constants } from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import { BrokerTimeoutError, ConnectionError, ProtocolError, type WeirError } from '../../../lib/core/errors.js';
import type { Channel } from '../../../lib/liftbridge/connection/channel.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { FiredClock } from '../../support/fired-clock.js';
import { asking, closeAll, connect, Heard, wasReset } from './channel-kit.js';

describe('liftbridge connection: its end', () => {
  let fake: FakeLiftbridge;
  let losses: WeirError[];

  beforeEach(async () => {
    fake = await FakeLiftbridge.start();
    fake.on('Subscribe', (call) => call.send(Buffer.from('a')));
    losses = [];
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  const subscribed = async (channel: Channel): Promise<Heard> => {
    const heard = new Heard();
    channel.call('Subscribe', heard, Buffer.alloc(0));
    await heard.until(1);
    return heard;
  };
  const watched = async (more: Parameters<typeof connect>[1] = {}): Promise<Channel> => {
    const channel = await connect(fake, more);
    channel.onLost((error) => losses.push(error));
    return channel;
  };
  const lost = (): Promise<WeirError> => until(() => losses[0], { every: 2, message: 'the channel to be lost' });

  for (const [title, cut, says] of [
    ['closes', () => fake.cut(), /was lost: the broker closed it without a word/],
    ['resets', () => fake.cut({ reset: true }), wasReset],
    [
      'says goodbye for a reason',
      () => fake.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 'too_many_pings'),
      /was ended by the broker with ENHANCE_YOUR_CALM: too_many_pings/,
    ],
  ] as const) {
    it(`comes when the broker ${title}: every call is told once, and then the channel`, async () => {
      const channel = await watched();
      const calls = [await subscribed(channel), await subscribed(channel)];
      const waiting = new Heard();
      channel.call('Subscribe', waiting);
      cut();
      const error = await lost();
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(says);
      for (const heard of calls) {
        expect([heard.status?.code, heard.cause, heard.ends]).to.deep.equal([14, error, 1]);
      }
      expect([channel.up, channel.calls]).to.deep.equal([false, 0]);
      const late = new Heard();
      channel.call('Subscribe', late, Buffer.alloc(0));
      expect(late.ends).to.equal(0);
      expect((await late.end()).code).to.equal(14);
      expect(late.cause).to.equal(error);
      channel.onLost((again) => losses.push(again));
      await until(() => losses.length === 2, { every: 2 });
      expect(losses[1]).to.equal(error);
      expect(await channel.probe(5_000)).to.equal(false);
      for (let i = 0; i < 5; i++) await turn();
      expect(losses).to.have.length(2);
      expect(waiting.ends).to.equal(1);
    });
  }

  it('comes with the last call where the broker lets calls end', async () => {
    const channel = await watched();
    const heard = await subscribed(channel);
    fake.goaway();
    await until(() => !channel.up, { every: 2 });
    const refused = new Heard();
    channel.call('Subscribe', refused, Buffer.alloc(0));
    expect((await refused.end()).code).to.equal(14);
    expect(refused.cause?.message).to.include('has said goodbye');
    expect(await refusal(channel.unary('Ask', Buffer.alloc(0), asking()))).to.be.instanceOf(ConnectionError);
    expect([heard.ends, channel.calls, losses.length]).to.deep.equal([0, 1, 0]);
    fake.calls[0]?.send(Buffer.from('b'));
    await heard.until(2);
    fake.calls[0]?.end();
    expect((await heard.end()).code).to.equal(0);
    expect((await lost()).message).to.include('the broker said goodbye');
  });

  it('comes at once where nothing is open', async () => {
    await watched();
    fake.goaway();
    expect((await lost()).message).to.include('the broker said goodbye');
  });

  it('lets the calls be made again that the broker has not looked at', async () => {
    const channel = await watched();
    const first = await subscribed(channel);
    const second = await subscribed(channel);
    fake.goaway(constants.NGHTTP2_NO_ERROR, '', 1);
    expect((await second.end()).code).to.equal(14);
    expect(second.status?.message).to.include('REFUSED_STREAM');
    expect(first.ends).to.equal(0);
  });

  describe('by destroy', () => {
    it('tells all calls and listeners once, at once', async () => {
      const channel = await watched();
      const heard = await subscribed(channel);
      const asked = refusal(channel.unary('Subscribe', Buffer.alloc(0), asking()));
      const error = new ConnectionError('enough of it');
      channel.destroy(error);
      channel.destroy(new ConnectionError('again'));
      expect(losses).to.deep.equal([error]);
      expect([heard.ends, heard.cause]).to.deep.equal([1, error]);
      expect((await asked).cause).to.equal(error);
      await until(() => fake.open === 0, { every: 2 });
      expect([losses.length, heard.ends]).to.deep.equal([1, 1]);
      await channel.close();
    });

    it('can come from inside of a message', async () => {
      fake.on('Subscribe', (call) => call.send(Buffer.from('a'), Buffer.from('b')));
      const channel = await watched();
      const lines: string[] = [];
      const handlers = {
        message: () => {
          lines.push('message');
          channel.destroy(new ConnectionError('enough of it'));
          return true;
        },
        flushed: () => lines.push('flushed'),
        drained: () => lines.push('drained'),
        ended: () => lines.push('ended'),
      };
      channel.call('Subscribe', handlers, Buffer.alloc(0));
      await lost();
      await until(() => fake.open === 0, { every: 2 });
      expect(lines).to.deep.equal(['message', 'ended']);
    });
  });

  describe('by close', () => {
    it('cancels what is open, tells nobody, and leaves nothing', async () => {
      const clock = new FiredClock();
      const channel = await watched({ clock });
      const heard = await subscribed(channel);
      const stopped = new Heard();
      stopped.appetite = 1;
      channel.call('Subscribe', stopped, Buffer.alloc(0));
      await stopped.until(1);
      const closing = channel.close();
      expect([channel.up, channel.calls]).to.deep.equal([false, 0]);
      await Promise.all([closing, channel.close()]);
      await until(() => fake.open === 0, { every: 2 });
      expect(fake.calls.map(({ reset }) => reset)).to.deep.equal([8, 8]);
      expect([heard.ends, stopped.ends, losses.length, clock.timers.size]).to.deep.equal([0, 0, 0, 0]);
      const late = new Heard();
      channel.call('Subscribe', late, Buffer.alloc(0));
      await late.end();
      expect(late.cause?.code).to.equal('CLOSED');
    });

    it('does not wait for a broker that does not answer', async () => {
      const clock = new FiredClock();
      const channel = await watched({ clock });
      await subscribed(channel);
      // no bytes are read any more, so that neither the goodbye nor the end of the connection is seen
      const done = channel.close();
      clock.fire(1_000);
      await done;
      expect(clock.timers.size).to.equal(0);
    });

    it('does nothing after a loss', async () => {
      const channel = await watched();
      fake.cut();
      await lost();
      await channel.close();
      expect(losses).to.have.length(1);
    });
  });

  it('is not told to a listener that has left', async () => {
    const channel = await connect(fake);
    const told: string[] = [];
    const leave = channel.onLost(() => told.push('left'));
    channel.onLost(() => told.push('stayed'));
    leave();
    leave();
    fake.cut();
    await until(() => told.length > 0, { every: 2 });
    expect(told).to.deep.equal(['stayed']);
  });

  describe('a probe', () => {
    it('is content with any answer', async () => {
      const channel = await watched();
      expect(await channel.probe(5_000)).to.equal(true);
      expect(fake.calls[0]?.headers[':path']).to.equal('/grpc.health.v1.Health/Check');
      expect(fake.calls[0]?.requests[0]?.toString('latin1')).to.equal('\n\tproto.API');
      for (const code of [5, 12, 7, 14]) {
        fake.unary('Check', () => ({ code, message: 'no' }));
        expect(await channel.probe(5_000)).to.equal(true);
      }
      expect([channel.up, channel.calls, channel.pending]).to.deep.equal([true, 0, 0]);
    });

    it('drops a channel that does not answer', async () => {
      const clock = new FiredClock();
      const channel = await watched({ clock });
      const heard = await subscribed(channel);
      fake.silent = true;
      const probing = channel.probe(555);
      await fake.call('Check');
      clock.fire(555);
      expect(await probing).to.equal(false);
      expect(losses).to.have.length(1);
      expect(losses[0]).to.be.instanceOf(ConnectionError).and.not.instanceOf(BrokerTimeoutError);
      expect(losses[0]?.message).to.include('a health check had no answer within 555 ms');
      expect(heard.cause).to.equal(losses[0]);
      await until(() => fake.open === 0, { every: 2 });
    });

    it('does without the metadata', async () => {
      const channel = await watched({ metadata: () => Promise.reject(new Error('no token')) });
      expect(await channel.probe(5_000)).to.equal(true);
    });
  });

  it('comes with a ProtocolError where the bytes are no HTTP/2', async () => {
    const channel = await watched();
    const heard = await subscribed(channel);
    // a frame of settings on a stream
    fake.raw(Buffer.from('000000040000000001', 'hex'));
    const error = await lost();
    expect(error).to.be.instanceOf(ProtocolError);
    expect(error.message).to.match(/was dropped: what came is no HTTP\/2/);
    expect(error.retriable).to.equal(true);
    expect(heard.cause).to.equal(error);
  });
});
