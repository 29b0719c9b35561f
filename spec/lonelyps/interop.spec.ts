import { expect } from 'chai';
import type { LonelypsBroker } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { counted, PythonLonelypsc } from '../support/peers/python-lonelypsc.js';
import { until } from '../support/wait.js';
import { Handles, Heard, sha512, subscribed, transports } from './lonelyps-kit.js';

const large = 10 * 1024 * 1024;

// Over HTTP lonelypsc is right about everything that is asked here. Over its websocket, a large notification that is
// compressed and sent in parts is signed with the hash of the wrong bytes, so that the peer sends that uncompressed.

describe('lonelyps with lonelypsc 0.0.18', () => {
  for (const auth of ['none', 'token', 'hmac'] as const) {
    describe(`authorization ${auth}`, () => {
      let server: LonelypssServer;
      const handles = new Handles();

      before(async () => {
        server = await startLonelypss({ auth });
      });

      afterEach(() => handles.close());
      after(() => server.stop());

      for (const transport of transports) {
        describe(`over ${transport}`, () => {
          let peer: PythonLonelypsc;
          let broker: LonelypsBroker;

          before(async () => {
            peer = await PythonLonelypsc.start(server, { transport });
          });

          beforeEach(() => {
            broker = handles.open(transport, server);
          });

          after(() => peer.stop());

          it('hears what the peer says, by topics and by globs', async () => {
            const topic = unique('topic');
            const exact = new Heard(broker, topic);
            const glob = new Heard(broker, { glob: `${topic}/*` });
            await subscribed(broker);
            const values = Array.from({ length: 60 }, (_, n) => `value ${n} ${'ü'.repeat(n % 7)}`);
            for (const each of values) await peer.notify(topic, each);
            await peer.notify(`${topic}/a`, 'one');
            await peer.notify(`${topic}/a/b`, new Uint8Array(0));
            await peer.notify(`other ${topic}`, 'none');
            await until(() => exact.all.length === values.length && glob.all.length === 2);
            expect(exact.texts).to.deep.equal(values);
            expect(glob.texts).to.deep.equal(['one', '']);
            expect(glob.all.map(({ channel }) => channel)).to.deep.equal([`${topic}/a`, `${topic}/a/b`]);
          });

          it('is heard by the peer, by topics and by globs', async () => {
            const topic = unique('topic');
            const exact = await peer.subscribe({ exact: [topic] });
            const glob = await peer.subscribe({ glob: [`${topic}/*`] });
            const values = Array.from({ length: 60 }, (_, n) => `value ${n}`);
            for (const each of values) {
              expect(await broker.publish(topic, Buffer.from(each))).to.deep.include({ ok: true, notified: 1 });
            }
            expect((await broker.publish(`${topic}/a`, Buffer.from('one'))).notified).to.equal(1);
            expect((await broker.publish(`other ${topic}`, Buffer.from('none'))).notified).to.equal(0);
            expect(await exact.texts(values.length)).to.deep.equal(values);
            expect(await glob.texts(1)).to.deep.equal(['one']);
            await Promise.all([exact.stop(), glob.stop()]);
          });

          it('shares topics of any bytes with the peer', async () => {
            const topic = new Uint8Array([...Buffer.from(unique('topic')), 0, 0xff, 0xfe, 0xc3]);
            const heard = new Heard(broker, topic);
            const subscription = await peer.subscribe({ exact: [topic] });
            await subscribed(broker);
            expect((await peer.notify(topic, 'theirs')).notified).to.equal(2);
            expect((await broker.publish(topic, Buffer.from('ours'))).notified).to.equal(2);
            await until(() => heard.all.length === 2);
            expect(heard.texts).to.deep.equal(['theirs', 'ours']);
            expect([...heard.all[0]!.topic]).to.deep.equal([...topic]);
            const [first] = await subscription.take(2);
            expect([...(first?.topic ?? [])]).to.deep.equal([...topic]);
            await subscription.stop();
          });

          it('sends and receives 10 MB', async () => {
            const topic = unique('topic');
            const heard = new Heard(broker, topic);
            const subscription = await peer.subscribe({ exact: [topic] });
            await subscribed(broker);
            const { sha512: theirs } = await peer.notify(topic, large);
            await until(() => heard.all.length === 1, { timeout: 20_000 });
            expect(heard.all[0]!.value).to.have.length(large);
            expect(sha512(heard.all[0]!.value)).to.equal(theirs);
            await broker.publish(topic, counted(large + 1));
            const [, second] = await subscription.take(2);
            expect(second).to.deep.include({ length: large + 1, sha512: sha512(counted(large + 1)) });
            await subscription.stop();
          }).timeout(90_000);
        });
      }

      it('goes from one transport to the other', async () => {
        const topic = unique('topic');
        const peers = await Promise.all(transports.map((transport) => PythonLonelypsc.start(server, { transport })));
        try {
          const brokers = transports.map((transport) => handles.open(transport, server));
          const heard = brokers.map((broker) => new Heard(broker, topic));
          await Promise.all(brokers.map(subscribed));
          const subscriptions = await Promise.all(peers.map((peer) => peer.subscribe({ exact: [topic] })));
          for (const [n, broker] of brokers.entries()) {
            expect((await broker.publish(topic, Buffer.from(`ours ${n}`))).notified).to.equal(4);
          }
          for (const [n, peer] of peers.entries()) {
            expect((await peer.notify(topic, `theirs ${n}`)).notified).to.equal(4);
          }
          const expected = ['ours 0', 'ours 1', 'theirs 0', 'theirs 1'];
          for (const each of heard) {
            await until(() => each.all.length === 4);
            expect(each.texts).to.have.members(expected);
          }
          for (const each of subscriptions) expect(await each.texts(4)).to.have.members(expected);
        } finally {
          await Promise.all(peers.map((peer) => peer.stop()));
        }
      });
    });
  }

  describe('compression over a websocket', () => {
    for (const ours of [true, false]) {
      for (const theirs of [true, false]) {
        it(`${ours ? 'on' : 'off'} here and ${theirs ? 'on' : 'off'} there`, async () => {
          const server = await startLonelypss({ auth: 'hmac' });
          const handles = new Handles();
          const peer = await PythonLonelypsc.start(server, { transport: 'websocket', zstd: theirs });
          try {
            const topic = unique('topic');
            const broker = handles.open('websocket', server, { compression: ours });
            const heard = new Heard(broker, topic);
            const subscription = await peer.subscribe({ exact: [topic] });
            await subscribed(broker);
            const value = Buffer.from('a text that repeats itself, '.repeat(2_000));
            await broker.publish(topic, value);
            await peer.notify(topic, value);
            await until(() => heard.all.length === 2);
            for (const each of heard.all) expect(Buffer.from(each.value).equals(value)).to.equal(true);
            expect((await subscription.take(2)).map((message) => message?.sha512)).to.deep.equal(
              Array(2).fill(sha512(value)),
            );
          } finally {
            await handles.close();
            await peer.stop();
            await server.stop();
          }
        });
      }
    }

    it('large messages come in parts, compressed and not', async () => {
      const server = await startLonelypss({ maxFrameBytes: 70_000 });
      const handles = new Handles();
      const peer = await PythonLonelypsc.start(server, { transport: 'http' });
      try {
        for (const compression of [true, false]) {
          const topic = unique('topic');
          const broker = handles.open('websocket', server, { compression });
          const heard = new Heard(broker, topic);
          await subscribed(broker);
          const { sha512: expected } = await peer.notify(topic, 1_000_000);
          await until(() => heard.all.length === 1);
          expect(sha512(heard.all[0]!.value)).to.equal(expected);
        }
      } finally {
        await handles.close();
        await peer.stop();
        await server.stop();
      }
    });
  });
});
