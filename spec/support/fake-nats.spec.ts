import { expect } from 'chai';
import { Events, connect, headers, type NatsConnection } from 'nats';
import { ClientParser } from './fake-nats-parser.js';
import { matches, startFakeNats, type FakeNats } from './fake-nats.js';
import { until } from './wait.js';

describe('support/fake-nats', () => {
  let fake: FakeNats;
  let client: NatsConnection;

  beforeEach(async () => {
    fake = await startFakeNats();
    client = await connect({ servers: fake.url, reconnectTimeWait: 5 });
  });

  afterEach(async () => {
    await client.close();
    await fake.stop();
  });

  it('routes publishes to subscribers, with wildcards, groups, headers and limits', async () => {
    const seen: string[] = [];
    const note = (name: string) => (_: Error | null, message: { subject: string; string(): string }) =>
      void seen.push(`${name} ${message.subject} ${message.string()}`);
    client.subscribe('a.*', { callback: note('star') });
    client.subscribe('a.>', { callback: note('rest'), max: 1 });
    client.subscribe('a.b', { callback: note('group'), queue: 'g' });
    client.subscribe('a.b', { callback: note('group'), queue: 'g' });
    client.publish('a.b', 'one');
    client.publish('a.b.c', 'two');
    const head = headers();
    head.set('k', 'v');
    let received: string | undefined;
    client.subscribe('h', { callback: (_, message) => (received = message.headers?.get('k')) });
    client.publish('h', 'three', { headers: head });
    await client.flush();
    await until(() => received);
    expect(received).to.equal('v');
    expect(seen).to.have.members(['star a.b one', 'rest a.b one', 'group a.b one']);
    expect(fake.subscriptions.map(({ subject }) => subject))
      .to.include('a.*')
      .and.not.include('a.>');
  });

  it('lets a spec answer requests, also as if nobody listened', async () => {
    fake.onPublish('svc.*', ({ subject, data, respond }) => respond(`${subject} got ${data.length}`));
    fake.onPublish('gone', ({ noResponders }) => noResponders());
    expect((await client.request('svc.one', 'abc')).string()).to.equal('svc.one got 3');
    for (const subject of ['gone', 'unknown']) {
      const error = await client.request(subject).catch((reason: unknown) => reason);
      expect(error).to.be.an('error').with.property('code', '503');
    }
  });

  it('stops calling a handler that was taken back, and publishes by itself', async () => {
    let calls = 0;
    const remove = fake.onPublish('x', () => calls++);
    client.publish('x');
    await client.flush();
    remove();
    client.publish('x');
    await client.flush();
    expect(calls).to.equal(1);
    let got: Uint8Array | undefined;
    client.subscribe('y', { callback: (_, message) => (got = message.data) });
    await client.flush();
    expect(fake.publish('y', new Uint8Array([0xff, 0x00]))).to.equal(1);
    expect([...(await until(() => got))]).to.deep.equal([255, 0]);
  });

  it('cuts connections, after which a client comes back', async () => {
    const status = client.status()[Symbol.asyncIterator]();
    fake.cut();
    const types = new Set<string>();
    while (!types.has(Events.Reconnect)) {
      const { value } = (await status.next()) as IteratorResult<{ type: string }, undefined>;
      types.add(value?.type ?? '');
    }
    expect(types).to.include(Events.Disconnect);
    await client.flush();
    expect(fake.accepted).to.equal(2);
  });

  it('sends bytes as they are', async () => {
    let text = '';
    client.subscribe('y', { callback: (_, message) => (text = message.string()) });
    await client.flush();
    const [subscription] = fake.subscriptions.filter(({ subject }) => subject === 'y');
    fake.sendRaw(`MSG y ${subscription?.sid} 3\r\na`);
    fake.sendRaw('bc\r\n');
    expect(await until(() => text)).to.equal('abc');
  });

  it('refuses a client with the reason that a spec gives', async () => {
    const strict = await startFakeNats({
      refuse: ({ user }) => (user === 'a' ? undefined : 'Authorization Violation'),
    });
    const error = await connect({ servers: strict.url, user: 'b' }).catch((reason: unknown) => reason);
    expect(error).to.be.an('error').with.property('code', 'AUTHORIZATION_VIOLATION');
    await (await connect({ servers: strict.url, user: 'a' })).close();
    await strict.stop();
  });

  it('reads frames the same however they are chunked', () => {
    const text =
      'CONNECT {"echo":true}\r\nSUB a.b g 1\r\nPUB a.b r 3\r\na\r\n\r\nHPUB h 12 13\r\nNATS/1.0\r\n\r\n!\r\nUNSUB 1 2\r\nPING\r\n';
    const whole = new ClientParser().push(Buffer.from(text));
    const parser = new ClientParser();
    const bytewise = [...Buffer.from(text)].flatMap((byte) => parser.push(Uint8Array.of(byte)));
    expect(bytewise).to.deep.equal(whole);
    expect(whole.map(({ kind }) => kind)).to.deep.equal(['connect', 'sub', 'pub', 'pub', 'unsub', 'ping']);
  });

  it('matches subjects as NATS does', () => {
    expect(matches('a.*.c', 'a.b.c')).to.equal(true);
    expect(matches('a.>', 'a.b.c')).to.equal(true);
    expect(matches('a.>', 'a')).to.equal(false);
    expect(matches('a.*', 'a.b.c')).to.equal(false);
    expect(matches('a.b', 'a.b')).to.equal(true);
    expect(matches('a.b.c', 'a.b')).to.equal(false);
  });
});
