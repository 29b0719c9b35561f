import { inspect } from 'node:util';
import { connect as connectV3, nkeyAuthenticator as nkeyAuthenticatorV3 } from '@nats-io/transport-node';
import { expect } from 'chai';
import { connect, nkeyAuthenticator, nkeys } from 'nats';
import {
  AuthenticationError,
  AuthorizationError,
  BrokerTimeoutError,
  ConnectionError,
  type WeirError,
} from '../../lib/core/errors.js';
import type { Logger } from '../../lib/core/logger.js';
import { earliest } from '../../lib/core/starts.js';
import type { NatsStreamingBroker, NatsStreamingOptions } from '../../lib/nats-streaming/index.js';
import {
  startNatsServer,
  startNatsStreaming,
  stopAll,
  type BrokerServer,
  type NatsStreamingServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { bytes, failureOf, LentConnection, listen, put, textsOf, work } from './acceptance-kit.js';
import { Handles, Told } from './support.js';

type Secured = Partial<NatsStreamingOptions>;

describe('NATS Streaming: security', () => {
  const handles = new Handles();

  afterEach(async () => {
    await handles.close();
    await stopAll();
  });

  async function works(broker: NatsStreamingBroker): Promise<void> {
    const channel = unique('secured');
    await put(broker, channel, 'one');
    const tap = work(broker, channel, { start: earliest() });
    expect(textsOf(await tap.first(1))).to.deep.equal(['one']);
    tap.unsubscribe();
  }

  /** A logger that keeps all that it is given, as deep as it goes. */
  class Log implements Logger {
    readonly lines: string[] = [];
    readonly debug = this.keep.bind(this);
    readonly info = this.keep.bind(this);
    readonly warn = this.keep.bind(this);
    readonly error = this.keep.bind(this);

    private keep(...given: unknown[]): void {
      this.lines.push(...given.map(everythingOf));
    }
  }

  /** What printing could show of a value, in all the ways in which people print. */
  function everythingOf(value: unknown): string {
    const shown = [
      inspect(value, { depth: 10, showHidden: true, getters: true }),
      JSON.stringify(value),
      String(value),
    ];
    if (value instanceof Error) shown.push(value.message, String(value.stack), everythingOf(value.cause));
    return shown.join('\n');
  }

  /**
   * The handle of the good options works, the one of the bad is refused with that error, at once and for all, and nothing
   * that either shows or logs tells a secret.
   */
  async function guards(
    server: NatsStreamingServer,
    good: Secured,
    bad: Secured,
    type: abstract new (...args: never[]) => WeirError,
    secrets: readonly string[],
  ): Promise<void> {
    const logger = new Log();
    const accepted = handles.make(server, { ...good, logger });
    await works(accepted);
    const refused = handles.make(server, { ...bad, logger, connectTimeout: 60_000 });
    const told = new Told(refused);
    const errors = [
      await failureOf(() => refused.connect()),
      await failureOf(() => refused.publish('orders', bytes('x'))),
      await failureOf(() => refused.messages('orders')),
    ];
    for (const error of errors) {
      expect(error).to.be.instanceOf(type);
      expect(error.message).to.include(String(server.port));
    }
    expect(told.states).to.include.members(['idle', 'connecting']).and.not.include('reconnecting');
    const shown = [...logger.lines, ...errors.map(everythingOf), everythingOf(accepted), everythingOf(refused)];
    for (const secret of secrets) expect(shown.join('\n')).to.not.include(secret);
    expect(logger.lines).to.not.deep.equal([]);
  }

  it('takes user and password, in natsOptions or in the address, and hides them', async () => {
    const server = await startNatsStreaming({ auth: { user: 'ann', password: 'right/s3cret' } });
    const secrets = ['right/s3cret', 'right%2Fs3cret', 'wrong-s3cret'];
    const wrong = { natsOptions: { user: 'ann', pass: 'wrong-s3cret' } };
    await guards(server, { natsOptions: { user: 'ann', pass: 'right/s3cret' } }, wrong, AuthenticationError, secrets);
    const inAddress = (password: string): Secured => ({ servers: server.url.replace('//', `//ann:${password}@`) });
    await guards(server, inAddress('right%2Fs3cret'), inAddress('wrong-s3cret'), AuthenticationError, secrets);
    // also where the first connect may take its time: credentials do not get better
    const patient = handles.make(server, { ...wrong, reconnect: { initial: true, initialDelay: 50 } });
    expect(await failureOf(() => patient.connect())).to.be.instanceOf(AuthenticationError);
  });

  it('takes a token, in natsOptions or in the address, and hides it', async () => {
    const server = await startNatsStreaming({ auth: { token: 'right-t0ken' } });
    const secrets = ['right-t0ken', 'wrong-t0ken'];
    const token = (text: string): Secured => ({ natsOptions: { token: text } });
    await guards(server, token('right-t0ken'), token('wrong-t0ken'), AuthenticationError, secrets);
    const inAddress = (text: string): Secured => ({ servers: server.url.replace('//', `//${text}@`) });
    await guards(server, inAddress('right-t0ken'), inAddress('wrong-t0ken'), AuthenticationError, secrets);
  });

  it('takes an nkey, and hides its seed', async () => {
    const [good, bad] = [nkeys.createUser(), nkeys.createUser()];
    const server = await startNatsStreaming({ auth: { nkey: good.getPublicKey() } });
    const seeds = [good, bad].map((pair) => new TextDecoder().decode(pair.getSeed()));
    const as = (pair: typeof good): Secured => ({ natsOptions: { authenticator: nkeyAuthenticator(pair.getSeed()) } });
    await guards(server, as(good), as(bad), AuthenticationError, seeds);
    // and of the third version of the client, which is borrowed here
    const nats = await connectV3({ servers: server.url, authenticator: nkeyAuthenticatorV3(good.getSeed()) });
    await works(handles.make(server, { nats }));
    await handles.close();
    await nats.close();
  });

  it('speaks TLS, and refuses a server whose certificate another authority has signed', async () => {
    const server = await startNatsStreaming({ tls: true });
    const ca = server.certificates?.pem.ca ?? '';
    await guards(
      server,
      { natsOptions: { tls: { ca } } },
      { natsOptions: { tls: {} } },
      ConnectionError,
      ca.split('\n').slice(1, 2),
    );
  });

  it('shows a certificate of its own where the server asks for one, and hides its key', async () => {
    const server = await startNatsStreaming({ tls: { verify: true } });
    const { ca = '', clientCert: cert = '', clientKey: key = '' } = server.certificates?.pem ?? {};
    const logger = new Log();
    await works(handles.make(server, { natsOptions: { tls: { ca, cert, key } }, logger }));
    // TLS 1.3 tells the client late that its certificate is missing, and nats v2 hears it as a connection that drops
    const refused = handles.make(server, { natsOptions: { tls: { ca } }, logger, connectTimeout: 1_000 });
    const error = await failureOf(() => refused.connect());
    expect(error).to.satisfy((each: unknown) => each instanceof ConnectionError || each instanceof BrokerTimeoutError);
    expect(error.message).to.include(String(server.port));
    expect([...logger.lines, everythingOf(error)].join('\n')).to.not.include(key.split('\n')[1]);
  });

  describe('where the user may not do everything', () => {
    let nats: BrokerServer;
    let server: NatsStreamingServer;

    beforeEach(async () => {
      const stan = ['_STAN.discover.>', '_STAN.sub.>', '_STAN.subclose.>', '_STAN.unsub.>', '_STAN.close.>'];
      const publish = (...subjects: string[]): string => `publish: ${JSON.stringify(subjects)}, subscribe: ">"`;
      nats = await startNatsServer({
        config: `authorization { users: [
          { user: all, password: x },
          { user: writer, password: x, permissions: { ${publish(...stan, '_STAN.pub.weir.open.>', '_INBOX.>')} } },
          { user: mute, password: x, permissions: { ${publish('_STAN.discover.>', '_STAN.close.>', '_INBOX.>')} } },
        ] }`,
      });
      server = await startNatsStreaming({ externalNats: { host: `all:x@${nats.host}`, port: nats.port } });
    });

    const as = (user: string): Secured => ({ servers: nats.url, natsOptions: { user, pass: 'x' } });

    it('fails what is published to a channel that is denied, with its name, and nothing else', async () => {
      const broker = handles.make(server, as('writer'));
      const told = new Told(broker);
      for (let round = 0; round < 2; round++) {
        const [open, closed, again] = await Promise.allSettled([
          broker.publish('open.orders', bytes('1')),
          broker.publish('closed.orders', bytes('2')),
          broker.publish('open.orders', bytes('3')),
        ]);
        expect([open.status, again.status]).to.deep.equal(['fulfilled', 'fulfilled']);
        const { reason } = closed as PromiseRejectedResult;
        expect(reason).to.be.instanceOf(AuthorizationError);
        expect((reason as Error).message).to.include('closed.orders');
      }
      const { ok, error } = await broker.sink('closed.orders').send(bytes('4'));
      expect([ok, error instanceof AuthorizationError]).to.deep.equal([false, true]);
      const reader = handles.make(server, as('all'));
      const got = await work(reader, 'open.orders', { start: earliest() }).first(4);
      expect(textsOf(got)).to.deep.equal(['1', '3', '1', '3']);
      expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
    });

    it('fails a subscription that may not be asked for, without asking twice, and the handle goes on', async () => {
      const lent = await LentConnection.to(nats.url, { user: 'mute', pass: 'x' });
      const broker = handles.make(server, { nats: lent.like });
      const told = new Told(broker);
      const error = (await listen(broker, 'orders').failed()) as Error;
      expect(error).to.be.instanceOf(AuthorizationError);
      expect(error.message).to.include('_STAN.sub.weir');
      expect(lent.said).to.deep.equal(['_STAN.discover.weir', '_STAN.sub.weir']);
      expect(told.states.at(-1)).to.equal('connected');
      await handles.close();
      await lent.real.close();
    });
  });

  it('keeps the credentials of a borrowed connection to itself', async () => {
    const server = await startNatsStreaming({ auth: { user: 'ann', password: 's3cret' } });
    const nats = await connect({ servers: server.url, user: 'ann', pass: 's3cret' });
    const broker = handles.make(server, { nats });
    await works(broker);
    expect(everythingOf(broker)).to.not.include('s3cret');
    await handles.close();
    await until(() => !nats.isClosed());
    await nats.close();
  });
});
