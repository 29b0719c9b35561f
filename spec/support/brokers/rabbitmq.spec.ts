import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { runFixture } from '../fixtures/run.js';
import { isAlive } from '../lock.js';
import { unique } from '../names.js';
import { isFree } from '../ports.js';
import { descendantsOf } from '../process-tree.js';
import { until, within } from '../wait.js';
import { startRabbitMq, startRabbitMqCluster, stopAll, type RabbitMqServer } from './index.js';

// Frames of the stream protocol without their length: key, version, correlation id where there is one, and the rest.
const text = (value: string): string => {
  const bytes = Buffer.from(value);
  return bytes.length.toString(16).padStart(4, '0') + bytes.toString('hex');
};
const frames = {
  peerProperties: (name: string) => `0011000100000001 00000001 ${text('connection_name')}${text(name)}`,
  saslHandshake: '0012000100000002',
  plain: (user: string, password: string) => {
    const secret = Buffer.from(`\0${user}\0${password}`);
    return `0013000100000003 ${text('PLAIN')} ${secret.length.toString(16).padStart(8, '0')}${secret.toString('hex')}`;
  },
  external: `0013000100000003 ${text('EXTERNAL')} 00000000`,
  tune: '00140001 00100000 0000003c',
  open: (vhost: string) => `0015000100000004 ${text(vhost)}`,
  subscribeFirst: (stream: string) => `0007000100000005 00 ${text(stream)} 0001 000a`,
};

/** As much of a stream client as it takes to see that the other side is one. */
class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
  }

  get received(): Buffer {
    return this.#received;
  }

  /** Sends a frame and resolves with the next one that comes, without its length. */
  async ask(hex: string): Promise<Buffer> {
    this.send(hex);
    return this.next();
  }

  send(hex: string): void {
    const body = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.socket.write(Buffer.concat([length, body]));
  }

  async next(): Promise<Buffer> {
    const end = (): number => (this.#received.length < 4 ? Infinity : 4 + this.#received.readUInt32BE(0));
    await until(() => this.#received.length >= end(), { message: 'a frame' });
    const frame = this.#received.subarray(4, end());
    this.#received = this.#received.subarray(end());
    return frame;
  }

  /** Goes through the handshake and resolves with the code of the last answer. */
  async login(name: string, authenticate: string, vhost = '/'): Promise<number> {
    await this.ask(frames.peerProperties(name));
    await this.ask(frames.saslHandshake);
    const code = (await this.ask(authenticate)).readUInt16BE(8);
    if (code !== 1) {
      return code;
    }
    expect((await this.next()).readUInt16BE(0)).to.equal(0x14);
    this.send(frames.tune);
    return (await this.ask(frames.open(vhost))).readUInt16BE(8);
  }
}

describe('support/brokers/rabbitmq', () => {
  const clients: RawClient[] = [];
  const track = (socket: Socket): RawClient => {
    const client = new RawClient(socket);
    clients.push(client);
    return client;
  };
  const dial = ({ host, port }: { host: string; port: number }): RawClient => track(connect(port, host));
  const guest = frames.plain('guest', 'guest');

  afterEach(() => {
    for (const { socket } of clients.splice(0)) {
      socket.destroy();
    }
  });
  after(() => stopAll());

  describe('a node', () => {
    let server: RabbitMqServer;

    before(async () => {
      server = await startRabbitMq({ needs: 'process' });
    });
    after(() => server.stop());

    it('speaks the stream protocol', async () => {
      const answer = await dial(server).ask(frames.peerProperties('a'));
      expect(answer.subarray(0, 10).toString('hex')).to.equal('80110001000000010001');
      expect(answer.toString('latin1')).to.include('RabbitMQ').and.include('4.0.5');
    });

    it('tells clients to connect to where they do', async () => {
      const client = dial(server);
      await client.ask(frames.peerProperties('a'));
      await client.ask(frames.saslHandshake);
      await client.ask(guest);
      await client.next();
      client.send(frames.tune);
      const opened = (await client.ask(frames.open('/'))).toString('latin1');
      expect(opened).to.include(`${server.port}`).and.include(server.host);
    });

    it('closes the connections of a name', async () => {
      const name = unique('connection');
      const [one, other] = [dial(server), dial(server)];
      expect(await one.login(name, guest)).to.equal(1);
      expect(await other.login(unique('connection'), guest)).to.equal(1);
      const [listed] = await server.management.untilConnected(name);
      expect(listed).to.include({ user: 'guest', vhost: '/', protocol: 'stream', node: server.node });
      await server.management.closeConnection(name);
      await within(one.closed, 5_000, 'the connection to close');
      expect(other.socket.destroyed).to.equal(false);
    });

    it('has users and vhosts of a spec', async () => {
      const { management } = server;
      const [vhost, user] = [unique('vhost'), unique('user')];
      await management.addVhost(vhost);
      await management.addUser(user, 'p"w', { vhost });
      expect(await dial(server).login('a', frames.plain(user, 'p"w'), vhost)).to.equal(1);
      await management.declareStream('a', { 'x-max-length-bytes': 1_000_000 }, vhost);
      await management.publish('a', 'one', { vhost });
      expect(await management.publish('b', 'one', { vhost }).catch((e: unknown) => e)).to.be.an('error');
      await management.deleteUser(user);
      await management.deleteVhost(vhost);
      await management.deleteVhost(vhost);
      const error = await management.streamMembers('a', vhost).catch((e: unknown) => e);
      expect(error).to.be.an('error').with.property('status', 404);
    });

    it('pauses and resumes as a whole', async () => {
      const { pid } = server;
      const states = (): string[] => {
        const pids = descendantsOf(pid).join(',');
        return execFileSync('ps', ['-o', 'stat=', '-p', pids], { encoding: 'utf8' }).trim().split('\n');
      };
      const client = dial(server);
      await new Promise((resolve) => client.socket.once('connect', resolve));
      await server.pause();
      await until(() => states().every((state) => state.startsWith('T')), { message: 'all processes to stop' });
      const answer = client.ask(frames.peerProperties('a'));
      expect(client.received).to.have.lengthOf(0);
      await server.resume();
      expect((await answer).readUInt16BE(0)).to.equal(0x8011);
    });

    it('keeps its port and its streams when it is killed, and when it quits', async () => {
      const { management, port, pid } = server;
      const stream = unique('stream');
      await management.declareStream(stream);
      await management.publish(stream, 'the first message');
      await server.kill();
      expect(server.pid).to.equal(undefined);
      expect(await isFree(port)).to.equal(true);
      await server.restart();
      expect(server.pid).to.be.a('number').and.not.equal(pid);
      await server.quit();
      await server.restart();
      // the management learns of its streams a moment after the node is ready
      const members = await until(async () => {
        const now = await management.streamMembers(stream);
        return now.online.length > 0 && now;
      });
      expect(members).to.deep.equal({
        leader: server.node,
        members: [server.node],
        online: [server.node],
      });
      const client = dial(server);
      expect(await client.login('a', guest)).to.equal(1);
      client.send(frames.subscribeFirst(stream));
      await until(() => client.received.includes('the first message'), { message: 'the message to be delivered' });
    });
  });

  it('leaves no process, mount, port or folder when it has stopped', async () => {
    const server = await startRabbitMq({ needs: 'process' });
    const { folder = '', pid = 0, port, amqpPort = 0 } = server;
    const pids = [pid, ...descendantsOf(pid)];
    expect(pids).to.have.length.above(2);
    // The node's mounts are its own: they can't be left here, for they never are.
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.to.include('run-data');
    expect(readFileSync(`/proc/${pids[1]}/mounts`, 'utf8')).to.include('run-data');
    await server.stop();
    await server.stop();
    expect(pids.filter(isAlive)).to.deep.equal([]);
    expect(existsSync(folder)).to.equal(false);
    expect(await Promise.all([isFree(port), isFree(amqpPort)])).to.deep.equal([true, true]);
    expect(await server.restart().catch((reason: unknown) => reason)).to.be.an('error');
  });

  it('leaves nothing behind a run that is killed', async () => {
    const { child, firstLine, ended } = runFixture('start-rabbitmq.ts');
    const left = JSON.parse(await firstLine) as { port: number; folder: string; pids: number[] };
    child.kill('SIGKILL');
    await ended;
    await until(() => !left.pids.some(isAlive), { message: `the processes ${left.pids.join(', ')} to end` });
    await until(() => !existsSync(left.folder), { message: `${left.folder} to go` });
    expect(await isFree(left.port)).to.equal(true);
  });

  it('tells the log of a node that does not start', async () => {
    const error = await startRabbitMq({ config: 'no_such_option = 1', needs: 'process' }).catch((e: unknown) => e);
    expect(error).to.be.an('error');
    expect((error as Error).message).to.match(/^RabbitMQ \(rabbit@localhost\) ended with .+ before it was ready/);
    expect((error as Error).message).to.include('no_such_option');
  });

  it('asks for a certificate, and takes it for a login', async () => {
    const { tlsPort, host, certificates, url, tlsUrl } = await startRabbitMq({ tls: { verify: true }, external: true });
    expect(url).to.match(/^rabbitmq-stream:/);
    expect(tlsUrl).to.match(/^rabbitmq-stream\+tls:/);
    const { ca = '', clientCert: cert = '', clientKey: key = '' } = certificates?.pem ?? {};
    const secure = (own: { cert?: string; key?: string }): RawClient =>
      track(connectTls({ host, port: tlsPort ?? 0, ca, ...own }));
    expect(await secure({ cert, key }).login('a', frames.external)).to.equal(1);
    expect(await secure({ cert, key }).login('a', guest)).to.equal(1);
    const stranger = secure({});
    stranger.send(frames.peerProperties('a'));
    await within(stranger.closed, 5_000, 'the connection without a certificate to close');
    expect(stranger.received).to.have.lengthOf(0);
    await stopAll();
  });

  describe('at an address', () => {
    const variables = ['RX_WEIR_RABBITMQ', 'RX_WEIR_RABBITMQ_MANAGEMENT'];
    const previous = variables.map((name) => process.env[name]);

    afterEach(() => {
      for (const [index, name] of variables.entries()) {
        const value = previous[index];
        if (value === undefined) {
          delete process.env[name];
        } else {
          process.env[name] = value;
        }
      }
    });

    it('is what the environment says, and cannot be controlled', async () => {
      process.env['RX_WEIR_RABBITMQ'] = 'ann:p%40w@127.0.0.1:5999/theirs';
      process.env['RX_WEIR_RABBITMQ_MANAGEMENT'] = 'http://127.0.0.1:15999';
      const server = await startRabbitMq();
      expect(server).to.include({ kind: 'address', port: 5999, username: 'ann', password: 'p@w', vhost: 'theirs' });
      expect(server.url).to.equal('rabbitmq-stream://ann:p%40w@127.0.0.1:5999/theirs');
      expect(server.management.url).to.equal('http://127.0.0.1:15999');
      expect(await server.kill().catch((reason: unknown) => reason)).to.be.an('error');
    });

    it('has the root vhost and the default user, and no management unless told', async () => {
      process.env['RX_WEIR_RABBITMQ'] = 'localhost:5552';
      delete process.env['RX_WEIR_RABBITMQ_MANAGEMENT'];
      const server = await startRabbitMq();
      expect(server).to.include({ url: 'rabbitmq-stream://guest:guest@localhost:5552', vhost: '/' });
      const error = await server.management.connections().catch((reason: unknown) => reason);
      expect(error).to.be.an('error').with.property('message').that.includes('RX_WEIR_RABBITMQ_MANAGEMENT');
    });
  });

  it('imports definitions', async () => {
    const server = await startRabbitMq({ definitions: { vhosts: [{ name: 'theirs' }] } });
    expect(await server.monitor('/api/vhosts/theirs')).to.include({ name: 'theirs' });
    await server.stop();
  });

  it('elects another leader when that of a stream is killed, of three nodes', async () => {
    const cluster = await startRabbitMqCluster(3);
    const { nodes, management } = cluster;
    expect(new Set(nodes.map(({ node }) => node)).size).to.equal(3);
    const stream = unique('stream');
    await management.declareStream(stream);
    await cluster.untilOnline(stream, 3);
    await management.publish(stream, 'the first message');
    const first = await cluster.leaderOf(stream);
    await first.kill();
    const second = await cluster.leaderOf(stream);
    expect(second.node).not.to.equal(first.node);
    await cluster.management.publish(stream, 'the second message');
    await first.restart();
    await cluster.untilOnline(stream, 3);
    const client = dial(first);
    expect(await client.login('a', guest)).to.equal(1);
    client.send(frames.subscribeFirst(stream));
    await until(() => client.received.includes('the second message'), { message: 'the messages to be delivered' });
    expect(client.received.includes('the first message')).to.equal(true);
    const pids = nodes.flatMap(({ pid = 0 }) => [pid, ...descendantsOf(pid)]);
    await cluster.stop();
    expect(pids.filter(isAlive)).to.deep.equal([]);
  }).timeout(120_000);
});
