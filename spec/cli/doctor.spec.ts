import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  stopAll,
  type LiftbridgeServer,
  type LonelypssServer,
  type NatsStreamingServer,
  type RabbitMqServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { cli, Collected, type Ran } from './cli-kit.js';

interface Report {
  readonly ok: boolean;
  readonly code: number;
  readonly checks: readonly {
    readonly name: string;
    readonly state: string;
    readonly found: string;
    readonly advice?: string;
  }[];
}

describe('rx-weir doctor', () => {
  let stan: NatsStreamingServer;
  let rabbit: RabbitMqServer;
  let lift: LiftbridgeServer;
  let lonely: LonelypssServer;
  let foreign: Server | undefined;

  before(async () => {
    [stan, rabbit, lift, lonely] = await Promise.all([
      startNatsStreaming({ auth: { user: 'ann', password: 's3cret' } }),
      startRabbitMq({ tls: true }),
      startLiftbridge({ tls: true }),
      startLonelypss({ auth: 'token' }),
    ]);
  });

  afterEach(() => {
    foreign?.close();
    foreign = undefined;
  });

  after(stopAll);

  const stanUrl = (userinfo = 'ann:s3cret', cluster = stan.cluster): string =>
    `nats-streaming://${userinfo}@${stan.host}:${stan.port}/${cluster}`;

  /** Runs it, and expects the first thing that is wrong to be this one. */
  async function findsWrong(
    args: readonly string[],
    name: string,
    code: number,
    found: RegExp,
    advice: RegExp,
  ): Promise<Report> {
    const ran = await cli(['doctor', ...args, '--json']);
    const report = JSON.parse(ran.stdout) as Report;
    const wrong = report.checks.find(({ state }) => state === 'failed');
    expect(wrong?.name, ran.stdout).to.equal(name);
    expect(wrong?.found).to.match(found);
    expect(wrong?.advice).to.match(advice);
    expect([ran.code, report.code, report.ok]).to.deep.equal([code, code, false]);
    return report;
  }

  async function findsNothing(...args: string[]): Promise<Ran> {
    const ran = await cli(['doctor', ...args]);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    expect(ran.stdout)
      .to.match(/^✓ url /)
      .and.to.match(/^✓ round trip .* came back in \d+ ms$/m)
      .and.not.to.include('✗');
    return ran;
  }

  it('finds nothing wrong where nothing is, and removes what it made', async () => {
    await findsNothing('memory:');
    const nats = await findsNothing(stanUrl());
    expect(nats.stdout)
      .to.match(/^✓ versions +NATS server 2\.9/m)
      .and.not.to.include('s3cret');
    const amqp = await findsNothing(`${String(rabbit.tlsUrl)}?tls.ca=${rabbit.certificates!.ca}`);
    expect(amqp.stdout)
      .to.match(/^✓ tls .*the certificate of localhost is trusted/m)
      .and.to.match(/^✓ clock /m);
    await findsNothing(`liftbridge+tls://${lift.url}`, '--tlsca', lift.certificates!.ca);
    const streams = JSON.parse(
      (await cli(['info', `liftbridge+tls://${lift.url}`, '--tlsca', lift.certificates!.ca, '--json'])).stdout,
    ) as { streams: string[] };
    expect(streams.streams.filter((name) => name.startsWith('rx-weir-doctor'))).to.deep.equal([]);
  });

  it('finds nothing wrong with lonelyps, over HTTP and the websocket', async () => {
    const token = (lonely.auth.toBroadcaster as { token: string }).token;
    const back = lonely.auth.toSubscriber as { token: string };
    const query = `auth.toBroadcaster.type=token&auth.toBroadcaster.token=${token}&auth.toSubscriber.type=token&auth.toSubscriber.token=${back.token}`;
    for (const url of [lonely.url, lonely.socketUrl]) {
      const { stdout } = await findsNothing(`lonelyps+${url}?${query}`);
      expect(stdout)
        .to.match(/^✓ clock /m)
        .and.not.to.include(token);
    }
  });

  it('names a host without an address', async () => {
    await findsWrong(
      ['liftbridge://no-such-host.invalid'],
      'name',
      3,
      /no-such-host\.invalid: .*(ENOTFOUND|EAI_AGAIN)/,
      /host/,
    );
  });

  it('names a port on which nothing listens', async () => {
    const port = await freePort();
    const { checks } = await findsWrong(
      [`liftbridge://127.0.0.1:${port}`],
      'port',
      3,
      new RegExp(`nothing listens on 127\\.0\\.0\\.1:${port}`),
      /start the broker, or check the port/,
    );
    expect(checks.at(-1)).to.include({ name: 'versions', state: 'unreached' });
  });

  it('names the other protocol on the port', async () => {
    const needs = /needs RabbitMQ's stream protocol/;
    const rabbitAt = (port: number): string[] => [`rabbitmq-stream://127.0.0.1:${port}`];
    await findsWrong(rabbitAt(stan.port), 'protocol', 3, /speaks NATS/, /rabbitmq-stream is on 5552/);
    if (rabbit.amqpPort !== undefined)
      await findsWrong(rabbitAt(rabbit.amqpPort), 'protocol', 3, /speaks AMQP/, /5552/);
    await findsWrong(rabbitAt(lonely.port), 'protocol', 3, /speaks HTTP\/1\.1/, /5552/);
    await findsWrong(rabbitAt(lonely.port), 'protocol', 3, needs, /5552/);
    const wrong = `lonelyps://127.0.0.1:${rabbit.port}`;
    await findsWrong([wrong], 'protocol', 3, /speaks RabbitMQ's stream protocol, and lonelyps needs HTTP/, /3003/);
  });

  it('names a port that takes everything and says nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    foreign = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const args = [`liftbridge://127.0.0.1:${port}`, '--wait', '100ms'];
    await findsWrong(args, 'protocol', 3, /speaks nothing: it takes what is sent/, /check the port/);
  });

  it('names credentials that are wrong, and never shows them', async () => {
    const wrong = [stanUrl('ann:wrong-one')];
    const report = await findsWrong(
      wrong,
      'authentication',
      4,
      /did not accept the credentials/,
      /check user and password/,
    );
    expect(JSON.stringify(report)).not.to.include('wrong-one');
    const { host, port } = rabbit;
    await findsWrong(
      [`rabbitmq-stream://guest:no@${host}:${port}`],
      'authentication',
      4,
      /AUTHENTICATION_FAILURE/,
      /password/,
    );
    await findsWrong([`lonelyps+${lonely.url}`], 'authentication', 4, /401/, /subscriber-secrets\.json/);
  });

  it('names a cluster id that is not that of the server', async () => {
    const args = [stanUrl(undefined, 'elsewhere')];
    const { checks } = await findsWrong(args, 'session', 3, /cluster 'elsewhere'/, /'elsewhere'.*-cid/);
    expect(checks.find(({ name }) => name === 'authentication')?.state).to.equal('ok');
  });

  it('names a stream that is not there', async () => {
    const name = unique('missing');
    await findsWrong(
      [rabbit.url, name, '--no-write'],
      'channel',
      5,
      /there is no stream .* virtual host '\/'/,
      /--create/,
    );
    const secured = [`liftbridge+tls://${lift.url}`, '--tlsca', lift.certificates!.ca];
    await findsWrong([...secured, name], 'channel', 5, /there is no stream/, /--create/);
  });

  it('names TLS that is required, not offered, or not trusted', async () => {
    await findsWrong([`liftbridge://${lift.url}`], 'tls', 3, /requires TLS/, /write liftbridge\+tls:\/\//);
    const { host, port, tlsPort } = rabbit;
    await findsWrong([`rabbitmq-stream+tls://${host}:${port}`], 'tls', 3, /no TLS is spoken there/, /without TLS/);
    await findsWrong([`rabbitmq-stream+tls://${host}:${String(tlsPort)}`], 'tls', 3, /not trusted/, /--tlsca FILE/);
    const tls = stanUrl().replace('nats-streaming:', 'nats-streaming+tls:');
    await findsWrong([tls], 'tls', 3, /offers no TLS/, /without TLS/);
  });

  it('names an option that the broker does not have', async () => {
    await findsWrong(['liftbridge://h?retrise=3'], 'url', 2, /there is no option 'retrise'/, /docs\/cli\.md/);
  });

  it('says it in colours on a terminal, unless NO_COLOR is set', async () => {
    const run = async (env: Record<string, string>): Promise<string> => {
      const stdout = new Collected();
      stdout.isTTY = true;
      return (await cli(['doctor', 'memory:', '--no-write'], { stdout, env })).stdout;
    };
    expect(await run({})).to.include('\u001b[32m✓\u001b[0m url');
    expect(await run({ NO_COLOR: '1' }))
      .to.match(/^✓ url/)
      .and.to.match(/^- round trip +left out/m);
  });
});
