import { expect } from 'chai';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { WeirError } from '../../../lib/core/errors.js';
import type { Call } from '../../../lib/liftbridge/connection/call.js';
import type { Channel } from '../../../lib/liftbridge/connection/channel.js';
import { HttpChannel } from '../../../lib/liftbridge/connection/http-channel.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { asking, closeAll, connect, Heard, optionsWith } from './channel-kit.js';

describe('liftbridge connection: a goodbye', () => {
  let fake: FakeLiftbridge;

  beforeEach(async () => {
    fake = await FakeLiftbridge.start();
    fake.on('Subscribe', (call) => call.send(Buffer.from('a')));
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  /** A call, and whether the broker has seen it. */
  const begin = (channel: Channel, method: string): { heard: Heard; call: Call } => {
    const heard = new Heard();
    return { heard, call: channel.call(method, heard) };
  };

  it('is told once, while calls go on', async () => {
    const channel = await connect(fake);
    const told: string[] = [];
    channel.onGoodbye(() => told.push('goodbye'));
    channel.onGoodbye(() => told.push('left'))();
    channel.onLost(() => told.push('lost'));
    const { heard } = begin(channel, 'Subscribe');
    await heard.until(1);
    fake.goaway();
    await until(() => told.length > 0, { every: 2 });
    fake.goaway();
    for (let i = 0; i < 5; i++) await turn();
    expect([told, channel.up, heard.ends]).to.deep.equal([['goodbye'], false, 0]);
    fake.calls[0]?.end();
    await until(() => told.length > 1, { every: 2 });
    expect(told).to.deep.equal(['goodbye', 'lost']);
  });

  it('says which calls the broker has not looked at', async () => {
    const channel = await connect(fake);
    const seen = begin(channel, 'Subscribe');
    await seen.heard.until(1);
    const passed = begin(channel, 'Subscribe');
    passed.call.write(Buffer.from('x'));
    await fake.call('Subscribe', 2);
    fake.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 'no', 1);
    await passed.heard.end();
    await seen.heard.end();
    expect([seen.call.unseen, passed.call.unseen]).to.deep.equal([false, true]);
  });

  it('is one of a single call where the broker refuses it unread', async () => {
    fake.on('Subscribe', (call) => call.rst(constants.NGHTTP2_REFUSED_STREAM));
    fake.on('Break', (call) => call.rst(constants.NGHTTP2_INTERNAL_ERROR));
    const channel = await connect(fake);
    const [refused, broken] = [begin(channel, 'Subscribe'), begin(channel, 'Break')];
    await refused.heard.end();
    await broken.heard.end();
    expect([refused.call.unseen, broken.call.unseen]).to.deep.equal([true, false]);
  });

  it('finds calls that were never sent, because their metadata had not come', async () => {
    const channel = await connect(fake, { metadata: () => new Promise(() => undefined) });
    const { heard, call } = begin(channel, 'Subscribe');
    call.write(Buffer.from('x'));
    fake.cut();
    await heard.end();
    expect(call.unseen).to.equal(true);
  });

  it('is ours when the numbers of the streams are used up', async () => {
    const { host, port } = fake;
    const socket = connectTcp({ host, port });
    const session = connectHttp2(`http://${host}`, { createConnection: () => socket });
    await once(session, 'remoteSettings');
    (session as unknown as { setNextStreamID(id: number): void }).setNextStreamID(2 ** 31 - 1);
    const channel = new HttpChannel({ host, port }, optionsWith(), { socket, session });
    const told: string[] = [];
    const losses: WeirError[] = [];
    channel.onGoodbye(() => told.push('goodbye'));
    channel.onLost((error) => losses.push(error));
    const { heard } = begin(channel, 'Subscribe');
    await heard.until(1);
    expect((await refusal(channel.unary('Ask', Buffer.alloc(0), asking()))).code).to.equal('CONNECTION');
    expect([told, channel.up, heard.ends]).to.deep.equal([['goodbye'], false, 0]);
    fake.calls[0]?.end();
    await heard.end();
    await until(() => losses.length > 0, { every: 2, message: 'the channel to be lost' });
    await channel.close();
  });
});
