import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import {
  bytesOf,
  Missing,
  oneOutage,
  reaches,
  rejection,
  spoolFiles,
  through,
  Told,
  untilInterrupted,
  untilRecovered,
} from './faults-kit.js';
import { Scissors } from './faults-scissors.js';
import { Handles, Heard, sha512, subscribed, transports } from './lonelyps-kit.js';

const mebibyte = 2 ** 20;
/** A message that takes many packets, which no compression makes small. */
const large = Buffer.alloc(8 * mebibyte);
for (let at = 0, word = 1; at < large.length; at += 4) {
  word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  large.writeUInt32LE(word, at);
}

describe('lonelyps: a connection that fails', () => {
  const handles = new Handles();
  let server: LonelypssServer;

  before(async () => {
    server = await startLonelypss({ needs: 'control', sweepInterval: 200 });
  });

  afterEach(() => handles.close());
  after(() => server.stop());

  describe('cut in the middle', () => {
    let scissors: Scissors;

    beforeEach(async () => {
      scissors = await Scissors.start(server);
    });

    afterEach(() => scissors.stop());

    for (const transport of transports) {
      describe(`over ${transport}`, () => {
        it('of a message that goes out: uncertain, and it never arrives', async () => {
          const publisher = handles.open(transport, through(scissors, server));
          const hearing = handles.open('websocket', server);
          const topic = unique('topic');
          const heard = new Heard(hearing, topic);
          await subscribed(hearing);
          await reaches(publisher, topic, heard);
          scissors.cutAfter(large.length / 2, 'there');
          expect(await rejection(publisher.publish(topic, large))).to.be.instanceOf(PublishUncertainError);
          expect(scissors.cuts).to.equal(1);
          await reaches(publisher, topic, heard);
          expect(heard.all.some(({ length }) => length >= mebibyte)).to.equal(false);
        });

        it('of a message that goes out, where it may be sent again: all of it arrives', async () => {
          const publisher = handles.open(transport, through(scissors, server), { resend: true });
          const hearing = handles.open('websocket', server);
          const topic = unique('topic');
          const heard = new Heard(hearing, topic);
          await subscribed(hearing);
          await reaches(publisher, topic, heard);
          scissors.cutAfter(large.length / 2, 'there');
          expect(await publisher.publish(topic, large)).to.include({ ok: true, notified: 1 });
          expect(scissors.cuts).to.equal(1);
          await until(() => heard.all.some(({ length }) => length === large.length));
          const arrived = heard.all.filter(({ length }) => length === large.length);
          expect(arrived.map(({ value }) => sha512(value))).to.deep.equal([sha512(large)]);
        });

        it('of a file that goes out: the same, and no file is left', async () => {
          const publisher = handles.open(transport, through(scissors, server), { spoolSize: mebibyte, resend: true });
          await publisher.connect();
          const parts = async function* (): AsyncGenerator<Uint8Array> {
            for (let at = 0; at < large.length; at += mebibyte) yield large.subarray(at, at + mebibyte);
          };
          scissors.cutAfter(large.length / 2, 'there');
          const topic = unique('topic');
          expect((await publisher.publish(topic, parts())).ok).to.equal(true);
          scissors.cutAfter(large.length / 2, 'there');
          const careful = handles.open(transport, through(scissors, server), { spoolSize: mebibyte });
          expect(await rejection(careful.publish(topic, parts()))).to.be.instanceOf(PublishUncertainError);
          expect(scissors.cuts).to.equal(2);
          await until(async () => (await spoolFiles()) === 0, { message: 'the files of the messages to go' });
        });

        it('of an answer: uncertain, and it has arrived', async () => {
          const publisher = handles.open(transport, through(scissors, server));
          const hearing = handles.open('websocket', server);
          const topic = unique('topic');
          const heard = new Heard(hearing, topic);
          await subscribed(hearing);
          await reaches(publisher, topic, heard);
          scissors.cutAfter(4, 'back');
          expect(await rejection(publisher.publish(topic, bytesOf('value')))).to.be.instanceOf(PublishUncertainError);
          await until(() => heard.texts.includes('value'));
        });

        it('of a message that comes in: nothing is emitted, it is told as missed, and all is subscribed', async () => {
          const door = await freePort();
          const behind = await Scissors.start({ port: door });
          const receive = { listen: { host: '127.0.0.1', port: door }, host: `http://127.0.0.1:${behind.port}` };
          const hearing =
            transport === 'http'
              ? handles.open('http', server, { receive, spoolSize: mebibyte })
              : handles.open('websocket', through(scissors, server), { spoolSize: mebibyte });
          const publisher = handles.open('http', server, { receive: undefined });
          const topic = unique('topic');
          const told = new Told(hearing);
          const missing = new Missing(hearing);
          let readings = 0;
          const heard = new Heard(hearing, topic, { onReceiving: () => readings++ });
          await subscribed(hearing);
          await reaches(publisher, topic, heard);
          const cutting = transport === 'http' ? behind : scissors;
          cutting.cutAfter(large.length / 2, transport === 'http' ? 'there' : 'back');
          await publisher.publish(topic, large);
          await missing.reaches(topic);
          expect(cutting.cuts).to.equal(1);
          if (transport === 'websocket') expect(told.states).to.deep.equal(oneOutage);
          await until(() => readings === 2, { message: 'the state to be read again' });
          await subscribed(hearing);
          await reaches(publisher, topic, heard);
          expect(missing.all).to.deep.equal([topic]);
          expect(heard.all.some(({ length }) => length >= mebibyte)).to.equal(false);
          expect(heard.error).to.equal(undefined);
          await until(async () => (await spoolFiles()) === 0, { message: 'what had come of it to go' });
          await handles.close();
          await behind.stop();
        }).timeout(60_000);
      });
    }
  });

  describe('that is half open', () => {
    let proxy: Proxy;

    beforeEach(async () => {
      proxy = await startProxy({ host: '127.0.0.1', port: server.port });
    });

    afterEach(() => proxy.stop());

    const soon = { pingInterval: 200, pingTimeout: 300, connectTimeout: 700 };

    it('over websocket: noticed within pingInterval and pingTimeout, uncertain, and made again', async () => {
      const broker = handles.open('websocket', through(proxy, server), soon);
      const topic = unique('topic');
      const told = new Told(broker);
      const missing = new Missing(broker);
      const heard = new Heard(broker, topic);
      // its subscription and what it publishes have connections of their own, either of which may be noticed first
      const publisher = handles.open('websocket', through(proxy, server), soon);
      await subscribed(broker);
      await reaches(publisher, topic, heard);
      proxy.stall(true);
      const published = rejection(publisher.publish(topic, bytesOf('value')));
      await untilInterrupted(told);
      const { cause } = told.of('disconnected')[0]!;
      expect(cause).to.have.property('code', 'TIMEOUT');
      expect(await published).to.be.instanceOf(PublishUncertainError);
      proxy.stall(false);
      await untilRecovered(told);
      expect(missing.all).to.deep.equal([topic]);
      await reaches(publisher, topic, heard);
    });

    it('over websocket, one way: noticed as well', async () => {
      const broker = handles.open('websocket', through(proxy, server), soon);
      const told = new Told(broker);
      const heard = new Heard(broker, 'topic');
      await subscribed(broker);
      proxy.stallToClient(true);
      await untilInterrupted(told);
      proxy.stallToClient(false);
      await untilRecovered(told);
      await reaches(broker, 'topic', heard);
    });

    it('over HTTP: a request has its time, and is uncertain then', async () => {
      const broker = handles.open('http', through(proxy, server), { totalTimeout: 600 });
      const topic = unique('topic');
      const heard = new Heard(broker, topic);
      await subscribed(broker);
      await reaches(broker, topic, heard);
      proxy.stall(true);
      const error = await rejection(broker.publish(topic, bytesOf('value')));
      expect(error).to.be.instanceOf(PublishUncertainError);
      expect((error as Error).cause).to.have.property('code', 'TIMEOUT');
      proxy.stall(false);
      await reaches(broker, topic, heard);
    });
  });

  describe('to a broadcaster that stands still', () => {
    afterEach(() => server.resume());

    for (const transport of transports) {
      it(`over ${transport}: noticed, uncertain, and well when it goes on`, async () => {
        const options = { pingInterval: 200, pingTimeout: 300, connectTimeout: 1_000, totalTimeout: 1_000 };
        const broker = handles.open(transport, server, options);
        const topic = unique('topic');
        const told = new Told(broker);
        const heard = new Heard(broker, topic);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        await server.pause();
        expect(await rejection(broker.publish(topic, bytesOf('value')))).to.be.instanceOf(PublishUncertainError);
        if (transport === 'websocket') await untilInterrupted(told);
        await server.resume();
        if (transport === 'websocket') await untilRecovered(told);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        expect(heard.texts.filter((text) => text === 'value')).to.have.lengthOf.at.most(1);
        expect(heard.error).to.equal(undefined);
      });
    }
  });
});
