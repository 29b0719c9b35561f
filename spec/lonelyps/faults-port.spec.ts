import { expect } from 'chai';
import type { LonelypsBroker } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import type { Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { bytesOf, guardedDoor, Missing, oneOutage, reaches, Told, untilRecovered } from './faults-kit.js';
import { Handles, Heard, subscribed } from './lonelyps-kit.js';

// A broadcaster that cannot deliver a message says so when it sweeps next, twenty times at once and whatever is answered, and
// forgets the subscription then. Where it sweeps before the port is there again, that goes unheard. One that sweeps when it
// starts, and then never, is told when.

/** ms */
const never = 1_000_000;

describe('lonelyps: a port that the broadcaster does not reach', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: LonelypssServer;
  let proxy: Proxy;
  let publisher: LonelypsBroker;
  let broker: LonelypsBroker;
  let topics: readonly [string, string, string];
  let missing: Missing;
  let told: Told;
  let readings: number;
  let heard: readonly Heard[];

  const open = async (options: object = {}): Promise<void> => {
    const door = await guardedDoor();
    proxy = door.proxy;
    broker = handles.open('http', server, { receive: door.receive, ...options });
    const topic = unique('topic');
    topics = [`${topic}/a`, `${topic}/b`, `${topic}/c`];
    missing = new Missing(broker);
    told = new Told(broker);
    readings = 0;
    const onReceiving = (): unknown => readings++;
    heard = topics.map((each) => new Heard(broker, each, { onReceiving }));
    await subscribed(broker);
    for (const [n, each] of topics.entries()) await reaches(publisher, each, heard[n]!);
    expect(readings).to.equal(3);
  };

  const start = async (sweepInterval: number): Promise<void> => {
    server = await startLonelypss({ needs: 'control', database: true, sweepInterval, auth: 'hmac' });
    publisher = handles.open('http', server, { receive: undefined });
  };

  const sweep = async (): Promise<void> => {
    await server.kill();
    await server.restart();
  };

  /** Ends what there is too: a broadcaster keeps its connections. */
  const shut = async (): Promise<void> => {
    await proxy.refuse(true);
    proxy.cut();
  };

  afterEach(async () => {
    await handles.close();
    await proxy.stop();
    await server.stop();
  });

  it('for one message: told as missed once a topic, and all is subscribed again', async () => {
    await start(never);
    await open();
    await shut();
    const [a, b] = topics;
    for (const each of [a, b, a, b]) expect((await publisher.publish(each, bytesOf('lost'))).notified).to.equal(0);
    await proxy.refuse(false);
    await sweep();
    await Promise.all([missing.reaches(a), missing.reaches(b)]);
    await subscribed(broker);
    for (const [n, each] of topics.entries()) await reaches(publisher, each, heard[n]!);
    await until(() => readings === 5, { message: 'two states to be read again' });
    expect(missing.all).to.have.members([a, b]);
    expect(heard.flatMap(({ texts }) => texts)).not.to.include('lost');
    // a message was lost, and no broadcaster
    expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
    expect(told.of('missed').map(({ channel }) => channel)).to.have.members([a, b]);
  });

  it('nor with the word of it: the next look at the list finds out, and all is told', async () => {
    await start(200);
    await open({ checkInterval: 1_500 });
    await shut();
    const [a] = topics;
    expect((await publisher.publish(a, bytesOf('lost'))).notified).to.equal(0);
    await untilRecovered(told, 1, 40_000);
    expect(missing.all).to.have.members(topics);
    expect(told.states).to.deep.equal(oneOutage);
    await proxy.refuse(false);
    await reaches(publisher, a, heard[0]!);
    expect(heard[0]!.texts).not.to.include('lost');
  });

  it('as long as the port is there for others: nobody else is kept waiting', async () => {
    await start(never);
    await open();
    const other = handles.open('http', server);
    const also = new Heard(other, topics[0]);
    await subscribed(other);
    await reaches(publisher, topics[0], also, 2);
    await shut();
    expect((await publisher.publish(topics[0], bytesOf('for one'))).notified).to.equal(1);
    await until(() => also.texts.includes('for one'));
    await proxy.refuse(false);
    await sweep();
    await missing.reaches(topics[0]);
    await subscribed(broker);
    await reaches(publisher, topics[0], heard[0]!, 2);
  });
});
