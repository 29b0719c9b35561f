import { expect } from 'chai';
import { startLonelypss, type LonelypssServer } from '../brokers/index.js';
import { unique } from '../names.js';
import { until } from '../wait.js';
import { counted, pythonLonelypsc, PythonLonelypsc, sha512 } from './python-lonelypsc.js';

describe('support/peers/python-lonelypsc', function () {
  this.timeout(60_000);

  const servers = new Map<string, Promise<LonelypssServer>>();
  const serverOf = (auth: 'none' | 'token' | 'hmac'): Promise<LonelypssServer> => {
    const server = servers.get(auth) ?? startLonelypss({ auth, needs: 'control' });
    servers.set(auth, server);
    return server;
  };

  before(() => pythonLonelypsc());
  after(async () => {
    for (const server of servers.values()) await (await server).stop();
  });

  for (const auth of ['none', 'token', 'hmac'] as const) {
    for (const transport of ['http', 'websocket'] as const) {
      describe(`${transport}, ${auth}`, () => {
        let peer: PythonLonelypsc;

        before(async () => {
          peer = await PythonLonelypsc.start(await serverOf(auth), { transport });
        });

        after(() => peer?.stop());

        it('notifies and is notified, of exact topics and of globs', async () => {
          const topic = unique('topic');
          const exact = await peer.subscribe({ exact: [topic, Uint8Array.of(255, 0)] });
          const glob = await peer.subscribe({ glob: [`${topic}/[a-c]`] });
          expect((await peer.notify(topic, 'ü')).notified).to.equal(1);
          expect((await peer.notify(Uint8Array.of(255, 0), Uint8Array.of())).notified).to.equal(1);
          expect((await peer.notify(`${topic}/b`, Uint8Array.of(0, 255))).notified).to.equal(1);
          expect((await peer.notify(`${topic}/d`, 'nobody')).notified).to.equal(0);
          const [first, second] = await exact.take(2);
          expect(Buffer.from(first?.topic ?? []).toString()).to.equal(topic);
          expect(Buffer.from(first?.value ?? []).toString()).to.equal('ü');
          expect(first?.sha512)
            .to.equal(first?.announced)
            .and.to.equal(sha512(Buffer.from('ü')));
          expect(second)
            .to.include({ length: 0 })
            .and.deep.include({ topic: Uint8Array.of(255, 0) });
          const [third] = await glob.take(1);
          expect(third?.value).to.deep.equal(Uint8Array.of(0, 255));
        });

        it('sends and receives more than a MiB', async () => {
          const topic = unique('topic');
          const subscription = await peer.subscribe({ exact: [topic] });
          const size = 3_000_000;
          const { notified, sha512: sent } = await peer.notify(topic, size);
          expect(notified).to.equal(1);
          expect(sent).to.equal(sha512(counted(size)));
          const [message] = await subscription.take(1);
          expect(message).to.include({ length: size, sha512: sent, announced: sent, value: undefined });
        });

        it('says that nothing came, and ends a subscription', async () => {
          const topic = unique('topic');
          const subscription = await peer.subscribe({ exact: [topic], timeout: 20 });
          expect(await subscription.take(2)).to.deep.equal([undefined, undefined]);
          expect(await subscription.receiving()).to.be.a('number');
          await subscription.stop();
          expect((await peer.notify(topic, 'nobody')).notified).to.equal(0);
        });

        it('tells what becomes of its connection', async () => {
          expect(await peer.events()).to.include('established');
        });
      });
    }
  }

  it('is connected again when a broadcaster is back', async () => {
    const server = await startLonelypss({ needs: 'control' });
    const peer = await PythonLonelypsc.start(server, { transport: 'websocket' });
    const subscription = await peer.subscribe({ exact: ['a'] });
    const before = await peer.events();
    await server.kill();
    await until(async () => (await peer.events()).slice(before.length).includes('lost'));
    await server.restart();
    await until(async () => (await peer.events()).slice(before.length + 1).includes('established'));
    await until(async () => (await peer.notify('a', 'again')).notified === 1);
    expect(await subscription.texts(1)).to.deep.equal(['again']);
    expect(await subscription.receiving()).to.be.greaterThan(0);
    await peer.stop();
    await server.stop();
  });

  it('rejects with what the peer said', async () => {
    const { url, socketUrl } = await serverOf('token');
    const stranger = { url, socketUrl, secrets: () => '{"version":"2"}' };
    const peer = await PythonLonelypsc.start(stranger, { transport: 'http' });
    const error = await peer.subscribe({ exact: ['a'] }).catch((reason: unknown) => reason);
    expect(error)
      .to.have.property('message')
      .that.matches(/^The Python peer \(lonelypsc\) failed: PubSubRequest/);
    await peer.kill();
  });
});
