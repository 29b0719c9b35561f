import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import {
  bytesOf,
  Missing,
  oneOutage,
  reaches,
  rejection,
  Told,
  untilInterrupted,
  untilRecovered,
  watchful,
} from './faults-kit.js';
import { Handles, Heard, subscribed, transports, type Transport } from './lonelyps-kit.js';

/** What a handle is given so that it finds out soon. Over a websocket it sees the connection go. */
const options = (transport: Transport) => (transport === 'http' ? watchful : {});

describe('lonelyps: a broadcaster that is killed', () => {
  let server: LonelypssServer;
  const handles = new Handles();

  afterEach(async () => {
    await handles.close();
    await server.stop();
  });

  for (const transport of transports) {
    describe(`over ${transport}`, () => {
      for (const database of ['memory', true] as const) {
        it(`and restarted with ${database === true ? 'the subscriptions that it had' : 'none'}: all is subscribed`, async () => {
          server = await startLonelypss({ needs: 'control', database, auth: 'hmac' });
          const broker = handles.open(transport, server, options(transport));
          const publisher = handles.open('http', server, { receive: undefined });
          const topic = unique('topic');
          const told = new Told(broker);
          const missing = new Missing(broker);
          let readings = 0;
          const exact = new Heard(broker, topic, { onReceiving: () => readings++ });
          const glob = new Heard(broker, { glob: `${topic}/*` });
          await subscribed(broker);
          await reaches(publisher, topic, exact);
          expect(readings).to.equal(1);

          await server.kill();
          await untilInterrupted(told);
          // it is met when the broadcaster is back, whether or not that has kept what is wanted
          const back = subscribed(broker);
          await server.restart();
          await back;
          await untilRecovered(told);
          expect(missing.all).to.have.members([topic, `${topic}/*`]);
          await until(() => readings === 2, { message: 'the state to be read again' });
          expect(told.states).to.deep.equal(oneOutage);
          await reaches(publisher, topic, exact);
          await reaches(publisher, `${topic}/a`, glob);
          expect(new Set(exact.texts).size, 'no copies').to.equal(exact.texts.length);
          expect([exact.error, glob.error]).to.deep.equal([undefined, undefined]);
        });
      }

      it('while it is away: what is published waits, and is sent once', async () => {
        server = await startLonelypss({ needs: 'control' });
        const broker = handles.open(transport, server, options(transport));
        const topic = unique('topic');
        const told = new Told(broker);
        const heard = new Heard(broker, topic);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        const before = heard.all.length;
        await server.kill();
        const published = ['a', 'b', 'c'].map((text) => broker.publish(topic, bytesOf(text)));
        await untilInterrupted(told);
        const subscribedAway = new Heard(broker, `${topic}/new`);
        const withdrawn = new AbortController();
        const given = rejection(broker.publish(topic, bytesOf('never'), { signal: withdrawn.signal }));
        withdrawn.abort();
        expect(await given).to.equal(withdrawn.signal.reason);
        await server.restart();
        for (const each of await Promise.all(published)) expect(each.ok).to.equal(true);
        await untilRecovered(told);
        await reaches(broker, `${topic}/new`, subscribedAway);
        await reaches(broker, topic, heard);
        const texts = heard.texts.slice(before);
        // over HTTP they may be out before the subscription is back
        if (transport === 'websocket') expect(texts).to.include.members(['a', 'b', 'c']);
        expect(texts).not.to.include('never');
        expect(new Set(texts).size).to.equal(texts.length);
      });

      it('with a publish on its way: uncertain, or sent again where it may arrive twice', async () => {
        server = await startLonelypss({ needs: 'control' });
        const careful = handles.open(transport, server, options(transport));
        const insistent = handles.open(transport, server, { ...options(transport), resend: true, retries: 6 });
        const topic = unique('topic');
        const heard = new Heard(careful, topic);
        await Promise.all([careful.connect(), insistent.connect()]);
        await subscribed(careful);
        await reaches(careful, topic, heard);
        // it has them in its buffers, and never gets to them
        await server.pause();
        const first = rejection(careful.publish(topic, bytesOf('first')));
        const second = insistent.publish(topic, bytesOf('second'));
        await untilWritten(transport, server);
        await server.kill();
        expect(await first).to.be.instanceOf(PublishUncertainError);
        await server.restart();
        expect((await second).ok).to.equal(true);
        await subscribed(careful);
        await reaches(careful, topic, heard);
        expect(heard.texts).not.to.include('first');
      }).timeout(90_000);

      it('in the middle of a load: each message has its receipt, and nothing hangs', async () => {
        server = await startLonelypss({ needs: 'control' });
        const broker = handles.open(transport, server, options(transport));
        const hearing = handles.open('websocket', server);
        const topic = unique('topic');
        const heard = new Heard(hearing, topic, { maxInFlight: 1_000 });
        await subscribed(hearing);
        await reaches(broker, topic, heard);
        const count = 600;
        const confirmed = new Set<string>();
        const failures: unknown[] = [];
        const names = Array.from({ length: count }, (_, n) => bytesOf(`value ${n}`));
        let killed: Promise<void> | undefined;
        await new Promise<void>((resolve, reject) => {
          broker.publishFrom(topic, names, { maxInFlight: 8 }).subscribe({
            next: (receipt) => {
              if (receipt.ok) confirmed.add(Buffer.from(receipt.value).toString());
              else failures.push(receipt.error);
              if (confirmed.size === 200) killed ??= server.kill().then(() => server.restart());
            },
            error: reject,
            complete: resolve,
          });
        });
        await killed;
        expect(confirmed.size + failures.length).to.equal(count);
        // those that were on their way, and those that took their places before anybody could know
        expect(failures.length).to.be.at.most(16);
        for (const error of failures) expect(error).to.be.instanceOf(PublishUncertainError);
        expect(new Set(heard.texts).size, 'no copies').to.equal(heard.texts.length);
      }).timeout(90_000);

      it('and stays away: the handle closes in time, and a new one says where it looked', async () => {
        server = await startLonelypss({ needs: 'control' });
        const broker = handles.open(transport, server, { ...options(transport), closeTimeout: 300 });
        const topic = unique('topic');
        const told = new Told(broker);
        const heard = new Heard(broker, topic);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        await server.kill();
        const waiting = rejection(broker.publish(topic, bytesOf('never')));
        await untilInterrupted(told);
        await broker.close();
        expect(await waiting).to.have.property('code', 'CLOSED');
        expect(told.states.at(-1)).to.equal('closed');
        const error = await rejection(handles.open(transport, server).connect());
        expect(error).to.have.property('code', 'CONNECTION');
        expect((error as Error).message).to.include(`127.0.0.1:${server.port}`);
      });
    });
  }

  // over HTTP there is no connection to lose: nobody sees a broadcaster go unless something is asked of it meanwhile
  describe('over http, before the handle has noticed', () => {
    it('and restarted with the subscriptions that it had: nothing was lost', async () => {
      server = await startLonelypss({ needs: 'control', database: true });
      const broker = handles.open('http', server);
      const topic = unique('topic');
      const told = new Told(broker);
      const missing = new Missing(broker);
      const heard = new Heard(broker, topic);
      await subscribed(broker);
      await server.kill();
      await server.restart();
      const publisher = handles.open('http', server, { receive: undefined });
      await reaches(publisher, topic, heard);
      expect(missing.all).to.deep.equal([]);
      expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
    });

    it('and restarted with none: the next look at the list tells, and sets it again', async () => {
      server = await startLonelypss({ needs: 'control' });
      const broker = handles.open('http', server, { checkInterval: 2_000 });
      const topic = unique('topic');
      const told = new Told(broker);
      const missing = new Missing(broker);
      const heard = new Heard(broker, topic);
      await subscribed(broker);
      await server.kill();
      await server.restart();
      await untilRecovered(told);
      expect(missing.all).to.deep.equal([topic]);
      await reaches(broker, topic, heard);
    });
  });
});

/** Waits until the broadcaster, which is paused, has bytes that it has not read from two connections. */
async function untilWritten(transport: Transport, server: LonelypssServer): Promise<void> {
  const { readFile } = await import('node:fs/promises');
  const port = server.port.toString(16).toUpperCase().padStart(4, '0');
  await until(
    async () => {
      const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
      const unread = lines.filter((line) => line[1]?.endsWith(`:${port}`) === true && !/:0{8}$/.test(line[4] ?? ''));
      // what waits in a listening socket's queue are connections
      return unread.filter((line) => line[3] !== '0A').length >= 2;
    },
    { message: `two connections over ${transport} with unread bytes` },
  );
}
