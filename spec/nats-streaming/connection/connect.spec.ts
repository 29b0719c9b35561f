import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { connect as connectV3 } from '@nats-io/transport-node';
import { expect } from 'chai';
import { Backoff, reconnectDefaults } from '../../../lib/core/backoff.js';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  InvalidOptionError,
  UnsupportedError,
} from '../../../lib/core/errors.js';
import { systemClock } from '../../../lib/core/clock.js';
import { connectNats as connectWeb } from '../../../lib/nats-streaming/connection/connect-web.js';
import { connectNats } from '../../../lib/nats-streaming/connection/connect.js';
import { createConnector, type Connector } from '../../../lib/nats-streaming/connection/connection.js';
import { ReconnectDelays } from '../../../lib/nats-streaming/connection/delays.js';
import type { Link } from '../../../lib/nats-streaming/connection/link.js';
import { firstInstalled, openNats } from '../../../lib/nats-streaming/connection/open.js';
import { readServers } from '../../../lib/nats-streaming/connection/servers.js';
import { resolveOptions, type NatsStreamingOptions } from '../../../lib/nats-streaming/options.js';
import { startFakeNats, type FakeNats } from '../../support/fake-nats.js';
import { until } from '../../support/wait.js';
import { HandClock } from '../session-kit.js';

const base = { clusterId: 'weir', clientId: 'me' };
const borrowable = {
  ...{ publish: fn, subscribe: fn, status: fn, closed: fn, close: fn, flush: fn, isClosed: fn, isDraining: fn },
} as never;
function fn(): void {}

const connector = (options: Partial<NatsStreamingOptions>, connect = connectNats): Connector => {
  const all = { ...base, ...options };
  return createConnector(all, resolveOptions(all), connect, systemClock);
};

/** What a promise is rejected with. */
const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('it was expected to reject');
    },
    (error: unknown) => error as Error,
  );

describe('nats-streaming options', () => {
  it('have defaults', () => {
    const { logger, ...resolved } = resolveOptions({ ...base, servers: 'localhost' });
    expect(logger).to.have.keys('debug', 'info', 'warn', 'error');
    expect(resolved).to.deep.equal({
      ...base,
      discoverPrefix: '_STAN.discover',
      inboxPrefix: '_INBOX',
      ackTimeout: 30_000,
      pingInterval: 5_000,
      pingMaxOut: 3,
      connectTimeout: 5_000,
      closeTimeout: 10_000,
      reconnect: reconnectDefaults,
    });
    expect(resolved.pingInterval * (resolved.pingMaxOut + 1)).to.be.at.least(10_000);
  });

  it('count pings in whole seconds, rounded up', () => {
    expect(resolveOptions({ ...base, servers: 'a', pingInterval: 1_001 }).pingInterval).to.equal(2_000);
    expect(resolveOptions({ ...base, servers: 'a', reconnect: false }).reconnect).to.equal(undefined);
  });

  const wrong: [string, object, RegExp][] = [
    ['no cluster id', { clusterId: undefined, servers: 'a' }, /clusterId is required/],
    ['a cluster id that would cut the wire', { clusterId: 'a b', servers: 'a' }, /clusterId .* white space/],
    ['a cluster id with a wildcard', { clusterId: 'a.>', servers: 'a' }, /clusterId .* wildcard/],
    ['a client id that the server refuses', { clientId: 'a.b', servers: 'a' }, /clientId .*letters/],
    ['an empty client id', { clientId: '', servers: 'a' }, /clientId/],
    ['a prefix with an empty part', { discoverPrefix: 'a..b', servers: 'a' }, /discoverPrefix .* empty part/],
    ['a prefix with a line break', { inboxPrefix: 'a\r\nPUB x', servers: 'a' }, /inboxPrefix [^]*white space/],
    ['an unknown option', { server: 'a' }, /no option 'server', did you mean 'servers'/],
    ['no address', {}, /give servers, such as 'nats:\/\/localhost:4222', or nats/],
    ['two addresses', { servers: 'a', nats: borrowable }, /servers and nats are both given/],
    ['no servers in the list', { servers: [] }, /servers must be/],
    ['natsOptions beside nats', { nats: borrowable, natsOptions: { user: 'x' } }, /natsOptions goes with servers/],
    ['something else as nats', { nats: {} }, /nats must be a connection of 'nats' v2/],
    ['pings more often than each second', { servers: 'a', pingInterval: 999 }, /pingInterval must be .*1000/],
    ['no ping that may be missed', { servers: 'a', pingMaxOut: 0 }, /pingMaxOut must be/],
    [
      'less time to connect than the server takes',
      { servers: 'a', connectTimeout: 500 },
      /connectTimeout must be .*1000/,
    ],
    ['a NATS option of ours', { servers: 'a', natsOptions: { timeout: 5 } }, /natsOptions\.timeout .* connectTimeout/],
    ['a logger that is none', { servers: 'a', logger: {} }, /logger must be/],
    ['a strange scheme', { servers: 'http://a' }, /servers begins with 'http:\/\/'; accepted are/],
    ['an address that is none', { servers: ['a', 'b c'] }, /servers\[1\] must be an address/],
    ['websockets among others', { servers: ['ws://a', 'nats://b'] }, /all websockets/],
  ];
  for (const [what, options, message] of wrong) {
    it(`refuse ${what}`, () => {
      expect(() => resolveOptions({ ...base, ...options })).to.throw(InvalidOptionError, message);
    });
  }

  it('never print what may be a secret', () => {
    for (const options of [
      { servers: 'nats://me:hush@a b' },
      { servers: ['x://hush@a'] },
      { servers: 42, natsOptions: { pass: 'hush' } },
      { servers: 'a', natsOptions: 'hush' },
      { servers: 'a', natsOptions: { pass: 'hush', timeout: 1 } },
      { nats: borrowable, natsOptions: { pass: 'hush' } },
    ]) {
      expect(() => resolveOptions({ ...base, ...options } as never)).to.throw(InvalidOptionError, /^(?!.*hush)/);
    }
    const made = connector({ servers: 'nats://me:hush@localhost', natsOptions: { token: 'hush' } });
    expect(inspect(made, { depth: null, showHidden: true })).to.not.include('hush');
    expect(made.target).to.equal('nats://localhost');
  });

  it('read credentials and TLS from the addresses', () => {
    const read = (servers: string | string[]) => readServers('test', servers);
    expect(read('localhost:4222')).to.deep.equal({
      ...{ servers: ['localhost:4222'], websocket: false, tls: false, credentials: undefined },
    });
    expect(read(['tls://a', 'nats://me:p%40ss:w@b:1'])).to.deep.equal({
      ...{ servers: ['tls://a', 'nats://b:1'], websocket: false, tls: true },
      credentials: { user: 'me', pass: 'p@ss:w' },
    });
    expect(read('nats://tok%@[::1]:4222')).to.deep.include({
      servers: ['nats://[::1]:4222'],
      credentials: { token: 'tok%' },
    });
    expect(read(['ws://a/path?x', 'wss://b'])).to.deep.include({
      servers: ['ws://a/path?x', 'wss://b'],
      websocket: true,
    });
  });
});

describe('nats-streaming connect', () => {
  let fake: FakeNats;
  let links: Link[];

  beforeEach(async () => {
    links = [];
    fake = await startFakeNats({
      refuse: ({ pass, auth_token: token }) =>
        pass === 'wrong' || token === 'wrong' ? 'Authorization Violation' : undefined,
    });
  });

  afterEach(async () => {
    await Promise.all(links.map((link) => link.close(500, systemClock)));
    await fake.stop();
  });

  const open = async (options: Partial<NatsStreamingOptions>, connect = connectNats): Promise<Link> => {
    const link = await connector(options, connect).open();
    links.push(link);
    return link;
  };
  const v3: typeof connectNats = (request) => openNats(connectV3, request);

  for (const [client, connect] of [
    ['nats v2', connectNats],
    ['nats v3', v3],
  ] as const) {
    it(`makes and closes a connection of its own with ${client}`, async () => {
      const link = await open(
        { servers: ['nats://127.0.0.1:1', fake.url], natsOptions: { noRandomize: true } },
        connect,
      );
      expect(link).to.include({ up: true, owned: true });
      await link.close(1_000, systemClock);
      await until(() => fake.connections === 0);
    });

    it(`types what goes wrong with ${client}`, async () => {
      const refused = await rejection(open({ servers: 'nats://127.0.0.1:1' }, connect));
      expect(refused).to.be.instanceOf(ConnectionError).with.property('retriable', true);
      expect(refused.message).to.include('nats://127.0.0.1:1');
      const denied = await rejection(open({ servers: fake.url.replace('//', '//me:wrong@') }, connect));
      expect(denied).to.be.instanceOf(AuthenticationError).with.property('retriable', false);
      const token = await rejection(open({ servers: fake.url, natsOptions: { token: 'wrong' } }, connect));
      expect(token).to.be.instanceOf(AuthenticationError);
      for (const error of [denied, token]) expect(inspect(error, { depth: null })).to.not.include('wrong');
      const tls = await rejection(open({ servers: fake.url.replace('nats:', 'tls:') }, connect));
      expect(tls).to.be.instanceOf(ConnectionError);
      const option = await rejection(
        open({ servers: fake.url, natsOptions: { authenticator: 42, inboxPrefix: '*' } }, connect),
      );
      expect(option).to.be.instanceOf(InvalidOptionError);
    });

    it(`gives up in time on a server that says nothing, with ${client}`, async () => {
      const mute = createServer((socket) => void socket.on('error', () => undefined));
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
      const sockets = new Set<{ destroy(): void }>();
      mute.on('connection', (socket) => sockets.add(socket));
      const { port } = mute.address() as AddressInfo;
      const error = await rejection(open({ servers: `127.0.0.1:${port}`, connectTimeout: 1_000 }, connect));
      expect(error).to.be.instanceOf(BrokerTimeoutError);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => mute.close(resolve));
    });

    it(`comes back by itself with ${client}, and gives up when the attempts are used up`, async () => {
      const link = await open(
        { servers: fake.url, reconnect: { initialDelay: 10, maxDelay: 10, maxAttempts: 3 } },
        connect,
      );
      const told: [string, Error?][] = [];
      link.hooks = {
        ...{ denied: fn, fault: fn },
        down: () => void told.push(['down']),
        up: () => void told.push(['up']),
        closed: (cause) => void told.push(['closed', cause]),
      };
      fake.cut();
      await until(() => told.length === 2);
      await fake.stop();
      await until(() => told.length === 4);
      expect(told.map(([name]) => name)).to.deep.equal(['down', 'up', 'down', 'closed']);
      expect(told[3]?.[1]).to.be.instanceOf(ConnectionError).with.property('retriable', false);
      expect(told[3]?.[1]?.message).to.include('3 attempts');
    });
  }

  it('borrows a connection, or has one made', async () => {
    const nc = await connectV3({ servers: fake.url });
    const borrowed = await open({ nats: nc });
    expect(borrowed).to.include({ up: true, owned: false });
    const made = connector({ nats: () => Promise.resolve(nc) });
    expect(made.renewable).to.equal(true);
    links.push(await made.open());
    await nc.close();
    expect(await rejection(open({ nats: nc })))
      .to.be.instanceOf(ConnectionError)
      .with.property('retriable', false);
    expect(await rejection(open({ nats: () => nc })))
      .to.be.instanceOf(ConnectionError)
      .with.property('retriable', true);
    const failing = await rejection(open({ nats: () => Promise.reject(new Error('no luck')) }));
    expect(failing).to.be.instanceOf(ConnectionError);
    expect(failing.message).to.include('no luck');
    expect(await rejection(open({ nats: () => ({}) as never }))).to.be.instanceOf(InvalidOptionError);
  });

  it('says in one line what to install', async () => {
    const name = ['rx-weir', 'has', 'no', 'such', 'package'].join('-');
    const absent = (): Promise<unknown> => import(name);
    const error = await rejection(firstInstalled('nats', 'nats://a', absent, absent));
    expect(error).to.be.instanceOf(UnsupportedError);
    expect(error.message).to.equal('nats://a needs a NATS client, and none is installed: npm install nats');
    const found = { connect: fn };
    expect(await firstInstalled('nats', 'a', absent, () => Promise.resolve(found))).to.equal(found);
    expect(await firstInstalled('nats', 'a', () => Promise.resolve({ default: found }))).to.equal(found);
    const broken = await rejection(firstInstalled('nats', 'a', () => Promise.reject(new Error('broken'))));
    expect(broken).to.be.instanceOf(ConnectionError);
  });

  it('reaches nothing but websockets from a browser', async () => {
    const error = await rejection(open({ servers: 'nats://localhost' }, connectWeb));
    expect(error).to.be.instanceOf(UnsupportedError);
    expect(error.message).to.include('ws:// or wss://');
  });
});

describe('nats-streaming reconnect delays', () => {
  it('follow the backoff, in sleeps that a close can wait for', () => {
    const clock = new HandClock();
    const backoff = new Backoff({ ...reconnectDefaults, initialDelay: 800, jitter: 0, maxAttempts: 3 });
    const delays = new ReconnectDelays(backoff, clock);
    // as a NATS client does: it attempts where the answer is no more than the time since its last attempt
    let attemptAt = clock.now();
    const sleeps: number[] = [];
    const attempt = (): number => {
      let slept = 0;
      for (;;) {
        const wait = delays.next();
        const left = attemptAt + wait - clock.now();
        if (left <= 0) break;
        const sleep = Math.min(wait, left);
        sleeps.push(sleep);
        slept += sleep;
        clock.advance(sleep);
      }
      attemptAt = clock.now();
      return slept;
    };
    expect(attempt()).to.equal(0);
    delays.reset();
    clock.advance(60_000);
    expect([attempt(), attempt()]).to.deep.equal([800, 1_600]);
    delays.reset();
    clock.advance(10);
    expect([attempt(), attempt(), attempt()]).to.deep.equal([800, 1_600, 3_200]);
    expect(Math.max(...sleeps)).to.equal(500);
    expect(() => delays.next()).to.throw(ConnectionError, /3 attempts/);
  });
});
