import { expect } from 'chai';
import { constants } from 'node:http2';
import { inspect } from 'node:util';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InvalidOptionError,
  ProtocolError,
  StreamExistsError,
  StreamNotFoundError,
} from '../../../lib/core/errors.js';
import type { CallMetadata } from '../../../lib/liftbridge/connection/channel.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { FiredClock } from '../../support/fired-clock.js';
import { asking, closeAll, connect, Heard, wasReset } from './channel-kit.js';

describe('liftbridge connection: unary calls', () => {
  let fake: FakeLiftbridge;

  beforeEach(async () => {
    fake = await FakeLiftbridge.start();
  });
  afterEach(async () => {
    await closeAll();
    await fake.stop();
  });

  it('ask and are answered, many at a time', async () => {
    fake.unary('Echo', (request) => request);
    const channel = await connect(fake);
    const asked = ['a', 'b', '', 'd'.repeat(200_000)];
    const answers = asked.map((text) => channel.unary('Echo', Buffer.from(text), asking()));
    expect(channel.pending).to.equal(4);
    expect((await Promise.all(answers)).map(String)).to.deep.equal(asked);
    expect([channel.pending, channel.calls]).to.deep.equal([0, 0]);
  });

  it('are requests as gRPC has them', async () => {
    fake.unary('Echo', (request) => request);
    const channel = await connect(fake);
    await channel.unary('Echo', Buffer.alloc(0), asking({ timeout: 2_000 }));
    await channel.unary('Echo', Buffer.alloc(0), asking({ deadline: false }));
    const [first, second] = fake.calls.map(({ headers }) => headers);
    expect(first).to.include({
      ':method': 'POST',
      ':scheme': 'http',
      ':path': '/proto.API/Echo',
      ':authority': fake.url,
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': 'rx-weir',
    });
    expect(Number(/^(\d+)m$/.exec(String(first?.['grpc-timeout']))?.[1])).to.be.within(2_000, 3_000);
    expect(second).to.not.have.property('grpc-timeout');
  });

  it('reject with what the status says, and say of what and where', async () => {
    fake.unary('CreateStream', () => ({ code: 6, message: 'stream already exists' }));
    const channel = await connect(fake);
    const error = await refusal(
      channel.unary('CreateStream', Buffer.alloc(0), asking({ asked: "create the stream 'orders'" })),
    );
    expect(error).to.be.instanceOf(StreamExistsError);
    expect(error.message).to.match(
      /^cannot create the stream 'orders' at 127\.0\.0\.1:\d+: stream already exists \(ALREADY_EXISTS\)/,
    );
    expect(error.detail).to.deep.equal({
      code: 6,
      name: 'ALREADY_EXISTS',
      message: 'stream already exists',
      address: fake.url,
    });
  });

  it('let the caller read the status first', async () => {
    fake.unary('Publish', () => ({ code: 5, message: 'no such partition: 3' }));
    const channel = await connect(fake);
    const own = new StreamNotFoundError('mine');
    const fail = ({ message }: { message: string }): StreamNotFoundError | undefined =>
      message.includes('partition') ? own : undefined;
    expect(await refusal(channel.unary('Publish', Buffer.alloc(0), asking({ fail })))).to.equal(own);
  });

  describe('reject what is no answer:', () => {
    const cases: Record<string, [(fake: FakeLiftbridge) => void, RegExp]> = {
      'no message': [(server) => server.on('Ask', (call) => call.end()), /the answer has no message/],
      'two messages': [
        (server) =>
          server.on('Ask', (call) => {
            call.send(Buffer.from('a'), Buffer.from('b'));
            call.end();
          }),
        /more than one message/,
      ],
      'a page of HTML': [
        (server) => server.on('Ask', (call) => call.trailers({ 'content-type': 'text/html', 'x-status': '0' })),
        /no gRPC|without a grpc-status/,
      ],
    };
    for (const [title, [serve, says]] of Object.entries(cases)) {
      it(title, async () => {
        serve(fake);
        const channel = await connect(fake);
        const error = await refusal(channel.unary('Ask', Buffer.alloc(0), asking()));
        expect(error).to.be.instanceOf(ProtocolError);
        expect(error.message).to.match(/^cannot do a thing at 127\.0\.0\.1:\d+: /);
        expect(error.message).to.match(says);
        expect(channel.up).to.equal(true);
      });
    }

    it('a message that the codec refuses', async () => {
      fake.unary('Ask', (request) => request);
      const channel = await connect(fake);
      const decode = (): never => {
        throw new ProtocolError('not a message');
      };
      const error = await refusal(channel.unary('Ask', Buffer.alloc(1), asking({ decode })));
      expect(error).to.be.instanceOf(ProtocolError);
      expect(error.message).to.include('not a message');
    });

    it('a message over the limit', async () => {
      fake.unary('Ask', () => Buffer.alloc(101));
      const channel = await connect(fake, { maxMessageBytes: 100 });
      const error = await refusal(channel.unary('Ask', Buffer.alloc(1), asking()));
      expect(error).to.be.instanceOf(FrameTooLargeError);
    });
  });

  it('give up when the time is over, by the clock, and tell the server', async () => {
    const clock = new FiredClock();
    const channel = await connect(fake, { clock });
    fake.silent = true;
    const asked = refusal(channel.unary('Ask', Buffer.alloc(0), asking({ timeout: 777 })));
    const call = await fake.call('Ask');
    clock.fire(777);
    const error = await asked;
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.match(/^cannot do a thing at 127\.0\.0\.1:\d+: no answer within 777 ms/);
    await until(() => call.reset === constants.NGHTTP2_CANCEL, { every: 2 });
    expect(clock.timers.size).to.equal(0);
    expect(channel.pending).to.equal(0);
  });

  it('end with the signal', async () => {
    const clock = new FiredClock();
    const channel = await connect(fake, { clock });
    fake.silent = true;
    const controller = new AbortController();
    const asked = refusal(channel.unary('Ask', Buffer.alloc(0), asking({ signal: controller.signal })));
    const call = await fake.call('Ask');
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await asked).to.equal(reason);
    await until(() => call.reset === constants.NGHTTP2_CANCEL, { every: 2 });
    expect(await refusal(channel.unary('Ask', Buffer.alloc(0), asking({ signal: controller.signal })))).to.equal(
      reason,
    );
    expect(fake.callsOf('Ask')).to.have.length(1);
    expect(clock.timers.size).to.equal(0);
  });

  it('end when the connection is lost, or closed', async () => {
    fake.silent = true;
    const channel = await connect(fake);
    const asked = refusal(channel.unary('Ask', Buffer.alloc(0), asking()));
    await fake.call('Ask');
    fake.cut({ reset: true });
    const error = await asked;
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.message).to.match(/^cannot do a thing at .*: the connection to Liftbridge at /);
    expect(error.message).to.match(wasReset);
    expect(error.retriable).to.equal(true);
    expect(await refusal(channel.unary('Ask', Buffer.alloc(0), asking()))).to.be.instanceOf(ConnectionError);

    const other = await connect(fake);
    const waiting = refusal(other.unary('Ask', Buffer.alloc(0), asking()));
    await fake.call('Ask', 2);
    await other.close();
    expect(await waiting).to.be.instanceOf(ClosedError);
    expect(await refusal(other.unary('Ask', Buffer.alloc(0), asking()))).to.be.instanceOf(ClosedError);
  });

  it('may be asked again where the server refused to look at them', async () => {
    fake.on('Ask', (call) => call.rst(constants.NGHTTP2_REFUSED_STREAM));
    const channel = await connect(fake);
    const error = await refusal(channel.unary('Ask', Buffer.alloc(0), asking()));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.retriable).to.equal(true);
  });

  describe('carry metadata', () => {
    it('of strings and bytes, asked for each time', async () => {
      fake.unary('Echo', (request) => request);
      let asked = 0;
      const metadata = (): CallMetadata => ({
        Authorization: `Bearer ${String(++asked)}`,
        'trace-bin': Buffer.from([251, 255, 1]),
        'own-bin': '+/8B',
      });
      const channel = await connect(fake, { metadata });
      await channel.unary('Echo', Buffer.alloc(0), asking());
      await channel.unary('Echo', Buffer.alloc(0), asking());
      expect(fake.calls.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer 1', 'Bearer 2']);
      expect(fake.calls[0]?.headers).to.include({ 'trace-bin': '+/8B', 'own-bin': '+/8B' });
    });

    it('that comes later', async () => {
      fake.unary('Echo', (request) => request);
      const channel = await connect(fake, { metadata: () => Promise.resolve({ token: 'x' }) });
      expect(String(await channel.unary('Echo', Buffer.from('a'), asking()))).to.equal('a');
      expect(fake.calls[0]?.headers['token']).to.equal('x');
    });

    const secret = 'hunter2\u0000';
    const bad: Record<string, CallMetadata> = {
      'with a value of more than ASCII': { token: secret },
      'with a name of spaces': { 'to ken': secret },
      'with a name that gRPC has taken': { 'grpc-timeout': secret },
      'with a name that HTTP has taken': { 'Content-Type': secret },
      'with a pseudo-header': { ':path': secret },
      'with bytes that are no base64': { 'token-bin': secret },
      'with bytes under a name of text': { token: Buffer.from(secret) },
      'with a number': { token: 7 as unknown as string },
    };
    for (const [title, given] of Object.entries(bad)) {
      for (const late of [false, true]) {
        it(`but not ${title}${late ? ', later' : ''}, and do not show it`, async () => {
          const channel = await connect(fake, { metadata: () => (late ? Promise.resolve(given) : given) });
          const error = await refusal(channel.unary('Ask', Buffer.alloc(0), asking()));
          expect(error).to.be.instanceOf(InvalidOptionError);
          expect(error.message).to.include(JSON.stringify(Object.keys(given)[0]));
          expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).to.not.include('hunter');
          const heard = new Heard();
          channel.call('Subscribe', heard, Buffer.alloc(0));
          expect(heard.ends).to.equal(0);
          expect((await heard.end()).name).to.equal('INVALID_ARGUMENT');
          expect(fake.calls).to.have.length(0);
          expect(channel.up).to.equal(true);
        });
      }
    }

    for (const [title, metadata] of [
      [
        'throws',
        () => {
          throw new Error('no token to be had');
        },
      ],
      ['rejects', () => Promise.reject(new Error('no token to be had'))],
    ] as const) {
      it(`unless the function for it ${title}`, async () => {
        const channel = await connect(fake, { metadata });
        const error = await refusal(channel.unary('Ask', Buffer.alloc(0), asking()));
        expect(error).to.be.instanceOf(AuthenticationError);
        expect(error.retriable).to.equal(true);
        expect(error.message).to.not.include('token');
        expect(inspect(error, { depth: 9 })).to.include('no token to be had');
      });
    }

    it('which nothing waits for once it is given up', async () => {
      let give: (metadata: CallMetadata) => void = () => undefined;
      const channel = await connect(fake, { metadata: () => new Promise((resolve) => (give = resolve)) });
      const controller = new AbortController();
      const asked = refusal(channel.unary('Ask', Buffer.alloc(0), asking({ signal: controller.signal })));
      controller.abort(new Error('enough'));
      await asked;
      give({});
      expect(await channel.probe(5_000)).to.equal(true);
      expect(fake.callsOf('Ask')).to.have.length(0);
    });
  });
});
