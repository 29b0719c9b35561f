import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { AuthenticationError, ProtocolError } from '../../lib/core/errors.js';
import type { AuthSide } from '../../lib/lonelyps/auth/auth-options.js';
import type { LonelypsBroker, LonelypsOptions } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { expectSmall } from '../support/memory/child.js';
import { Gauge } from '../support/memory/gauge.js';
import { unique } from '../support/names.js';
import { everythingOf, Log } from '../support/refusals.js';
import { resources, untilResources } from '../support/resources.js';
import { Told } from '../support/told.js';
import { until, within } from '../support/wait.js';
import { answerOf, Door, served, type ForgedSignature } from './abuse-kit.js';
import { Missing, spoolFiles } from './faults-kit.js';
import { Handles, Heard, subscribed } from './lonelyps-kit.js';
import { receiveBody } from './node/callback-client.js';

const megabyte = 1_000_000;
const wrongKey: AuthSide = { type: 'hmac', secret: randomBytes(64) };
const minute = 60_000;

describe('lonelyps: what is thrown at its port', function () {
  this.timeout(60_000);
  const handles = new Handles();
  const log = new Log();
  let server: LonelypssServer;
  let publisher: LonelypsBroker;
  let counted: Record<string, number>;
  let door: Door;
  let broker: LonelypsBroker;
  let topic: string;
  let heard: Heard;
  let told: Told;
  let missing: Missing;

  before(async () => {
    server = await startLonelypss({ auth: 'hmac' });
  });

  after(async () => {
    await server.stop();
    const { toBroadcaster, toSubscriber } = server.auth;
    for (const side of [toBroadcaster, toSubscriber]) {
      if (side.type === 'hmac') expect(log.lines.join('\n')).to.not.include(side.secret);
    }
  });

  beforeEach(async () => {
    // mocha's own timer of a hook that waits is counted before and after
    await Promise.resolve();
    counted = resources();
  });

  /** A handle that listens, and one that publishes. */
  async function start(options: Partial<LonelypsOptions> = {}): Promise<void> {
    broker = handles.open('http', server, { logger: log, ...options });
    publisher = handles.open('http', server, { receive: undefined });
    told = new Told(broker);
    missing = new Missing(broker);
    topic = unique('topic');
    heard = new Heard(broker, topic);
    await subscribed(broker);
    door = new Door(broker, server.auth.toSubscriber);
  }

  afterEach(async () => {
    // whatever was thrown, the subscription is there, and nothing of it has arrived
    await served(publisher, topic, heard);
    expect(heard.texts.filter((text) => text.includes('forged'))).to.deep.equal([]);
    expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
    expect(missing.all).to.deep.equal([]);
    await handles.close();
    door.leave();
    await untilResources(counted);
  });

  it('is refused where its signature is missing, wrong, or for something else', async () => {
    await start();
    const callback = door.callback(topic);
    const cases: [status: number, authorization: string | undefined][] = [
      [401, undefined],
      [401, ''],
      [403, 'X-HMAC'],
      [403, 'X-HMAC 1:x:'],
      [403, 'Bearer token'],
      [403, `X-HMAC ${'9'.repeat(5_000)}`],
    ];
    const others: ForgedSignature[] = [
      { side: wrongKey },
      { topic: 'another' },
      { message: 'another' },
      { identifier: randomBytes(8) },
      { url: 'http://another/v1/receive' },
      { url: door.urls.recover },
      { side: server.auth.toBroadcaster },
    ];
    for (const other of others) cases.push([403, door.sign(callback, other)]);
    cases.push([403, door.signMissed(topic)]);
    for (const [status, authorization] of cases) {
      const answer = await door.receive(callback, authorization);
      expect([answer.status, answer.body.length], authorization ?? 'none').to.deep.equal([status, 0]);
    }
    for (const [status, authorization] of [
      [401, undefined],
      [403, door.signMissed(topic, wrongKey)],
      [403, door.signMissed('another')],
      [403, door.sign(callback)],
    ] as const) {
      const answer = await door.missed(topic, authorization);
      expect([answer.status, answer.body.length]).to.deep.equal([status, 0]);
    }
    const faults = told.of('protocol').map(({ error }) => error);
    expect(faults).to.have.length(cases.length + 4);
    for (const fault of faults) {
      expect(fault).to.be.instanceOf(AuthenticationError);
      expect(fault.message).to.match(/40[13].*authorization/);
      for (const [, authorization] of cases) {
        if (authorization?.includes(':')) expect(everythingOf(fault)).to.not.include(authorization);
      }
    }
  });

  it('is refused where its time is more than two minutes off, or its signature was used', async () => {
    await start();
    const callback = door.callback(topic, 'accepted');
    const now = Date.now();
    for (const at of [0, now - 3 * minute, now + 3 * minute]) {
      expect((await door.receive(callback, door.sign(callback, { at }))).status).to.equal(403);
      expect((await door.missed(topic, door.signMissed(topic, undefined, at))).status).to.equal(403);
    }
    // even a signature that is right is good once, also where all copies come together
    const authorization = door.sign(callback, { at: now - minute });
    const answers = await Promise.all(Array.from({ length: 20 }, () => door.receive(callback, authorization)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, ...Array<number>(19).fill(403)]);
    expect((await door.receive(callback, authorization)).status).to.equal(403);
    expect(heard.texts).to.deep.equal(['accepted']);
    const reasons = told.of('protocol').map(({ error }) => /another time|used before/.exec(error.message)?.[0]);
    expect(reasons).to.deep.equal([...Array(6).fill('another time'), ...Array(20).fill('used before')]);
  });

  it('is refused where its body is too large, before it is read, or not what was said', async () => {
    await start({ maxMessageBytes: megabyte });
    const socket = await door.open();
    socket.write(`${door.head(200 * megabyte)}\r\n`);
    expect(await answerOf(socket)).to.match(/^HTTP\/1\.1 413 /);
    // the heads may be as long as a topic, so that the message alone is over the limit
    const large = door.callback(topic, 'x'.repeat(megabyte + 1));
    expect((await door.receive(large, door.sign(large))).status).to.equal(413);

    const callback = door.callback(topic);
    const bad: [status: number, options: object][] = [
      [411, { headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' } }],
      [400, { headers: { 'repr-digest': undefined } }],
      [400, { length: 3n }],
      [400, { length: 300n }],
      [400, { length: 2n ** 64n - 1n }],
      [400, { extra: Buffer.of(0) }],
      [404, { path: '/v1/other' }],
      [404, { path: '/v1/receive/' }],
      [405, { method: 'PUT' }],
    ];
    for (const [status, options] of bad) {
      const { headers } = options as { headers?: Record<string, undefined> };
      const forged = { ...callback, ...options, headers: { ...headers } };
      expect((await door.receive(forged, door.sign(callback))).status, JSON.stringify(headers)).to.equal(status);
    }
    const another = { ...callback, message: 'FORGED' };
    const lied = await door.receive(
      { ...another, headers: { 'repr-digest': /sha-512=\S+/.exec(door.head(0, 'forged'))![0] } },
      door.sign(callback),
    );
    expect(lied.status).to.equal(403);
    expect(told.of('protocol').filter(({ error }) => error instanceof ProtocolError).length).to.be.at.least(7);
  });

  it('is refused where it is no HTTP, or has endless headers', async () => {
    await start();
    for (const [status, text] of [
      [400, '\x16\x03\x01 hello\r\n\r\n'],
      [400, 'POST /v1/receive HTTP/1.1\r\n\r\n'],
      [400, `${door.head(5)}content-length: 7\r\n\r\n`],
      [431, `${door.head(5)}x-filler: ${'a'.repeat(100_000)}\r\n\r\n`],
      [431, `${door.head(5)}${'x: y\r\n'.repeat(50_000)}\r\n`],
    ] as const) {
      const socket = await door.open();
      socket.write(text);
      expect(await answerOf(socket)).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });

  it('is cut off with 408 where headers or bodies trickle, and others are served meanwhile', async () => {
    await start({ headersTimeout: 1_000, bodyTimeout: 1_000 });
    const callback = door.callback(topic, 'forged'.repeat(1_000));
    const body = receiveBody(callback);
    const inHeaders = await many(10, async () => {
      const socket = await door.open();
      door.trickle(socket, Buffer.from(`${door.head(5)}x-filler: ${'a'.repeat(30_000)}`));
      return socket;
    });
    const inBodies = await many(10, async () => {
      const socket = await door.open();
      socket.write(`${door.head(body.length, callback.message)}authorization: ${door.sign(callback)}\r\n\r\n`);
      door.trickle(socket, body);
      return socket;
    });
    const answers = Promise.all([...inHeaders, ...inBodies].map(answerOf));
    let over = false;
    void answers.then(() => (over = true));
    // from their first byte to their last
    do await served(publisher, topic, heard, 5);
    while (!over);
    for (const answer of await answers) expect(answer).to.match(/^HTTP\/1\.1 408 /);
  });

  it('takes no memory: floods with wrong signatures, and all else at a time, while others are served', async () => {
    await start({ spoolSize: 65_536, closeTimeout: 1_000, headersTimeout: 60_000 });
    await served(publisher, topic, heard);
    const gauge = new Gauge();
    const silent = await many(100, () => door.silent());
    const body = receiveBody({ topic, message: 'forged', length: BigInt(90 * megabyte) });
    const length = body.length - 6 + 90 * megabyte;
    const filler = Buffer.alloc(megabyte);
    const statuses = await many(20, async () => {
      const socket = await door.open();
      const callback = door.callback(topic);
      socket.write(`${door.head(length)}authorization: ${door.sign(callback, { side: wrongKey })}\r\n\r\n`);
      socket.write(body);
      const answer = answerOf(socket);
      await pour(socket, filler, 20);
      return (await answer).slice(0, 12);
    });
    // those whose answer was overtaken by the end of their connection have got nothing in either
    for (const status of statuses) expect(['HTTP/1.1 403', '']).to.include(status);
    await many(10, async () => {
      const socket = await door.open();
      const callback = door.callback(topic);
      socket.write(`${door.head(length, callback.message)}authorization: ${door.sign(callback)}\r\n\r\n`);
      socket.write(body);
      await pour(socket, filler, 5);
    });
    const wrong = many(300, async () => {
      const callback = door.callback(topic, 'x'.repeat(10_000));
      const { status } = await door.receive(callback, door.sign(callback, { side: wrongKey }));
      gauge.lookAtRss();
      return status;
    });
    await served(publisher, topic, heard, 50);
    expect(new Set(await wrong)).to.deep.equal(new Set([403]));
    // what has a wrong signature is not stored at all
    expect(await spoolFiles()).to.be.at.most(10);
    expect(silent.filter(({ destroyed }) => !destroyed)).to.have.length(100);
    gauge.lookAtManaged();
    expectSmall(gauge.growth);
    await served(publisher, topic, heard);
  });

  it('does not keep it open: with a hundred connections that say nothing it closes at once', async () => {
    await start({ headersTimeout: 60_000, bodyTimeout: 60_000, closeTimeout: 60_000 });
    const silent = await many(100, () => door.silent());
    for (const socket of silent.slice(0, 30)) socket.write('POST /v1/rec');
    await served(publisher, topic, heard);
    await within(broker.close(), 15_000, 'the handle to close');
    await until(() => door.connections === 0);
    await refused(door.port);
    // what follows each spec needs one that is open
    door.leave();
    await start();
  });

  it('is closed to those beyond maxConnections, until others have gone', async () => {
    await start({ maxConnections: 20, headersTimeout: 1_000 });
    await many(60, () => door.silent());
    await until(() => door.connections <= 20);
    // those that were let in are closed for what they do not say, so that there is room
    await until(() => door.connections === 0);
  });
});

function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make));
}

/** Writes as long as somebody reads. */
async function pour(socket: Socket, filler: Buffer, times: number): Promise<void> {
  for (let time = 0; time < times && !socket.destroyed; time++) {
    if (socket.write(filler)) continue;
    // an error is followed by the close
    await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve));
  }
}

/** Nobody listens there. */
async function refused(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).to.equal('ECONNREFUSED');
}
