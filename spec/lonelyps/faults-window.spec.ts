import { expect } from 'chai';
import type { LonelypsDelivery } from '../../lib/lonelyps/delivery.js';
import type { LonelypsBroker } from '../../lib/lonelyps/index.js';
import type { LonelypsSourceOptions } from '../../lib/lonelyps/source/options.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { bytesOf, Missing, reaches, Told } from './faults-kit.js';
import { Handles, subscribed, type Transport } from './lonelyps-kit.js';

/** Whether a promise has settled, which only a turn shows. */
function outcome<T>(promise: Promise<T>): { done: boolean; value?: T } {
  const seen: { done: boolean; value?: T } = { done: false };
  void promise.then((value) => Object.assign(seen, { done: true, value }));
  return seen;
}

/** What a source gave, acked only when it is told to. */
class Reluctant {
  readonly all: LonelypsDelivery[] = [];
  private willing = false;

  constructor(broker: LonelypsBroker, topic: string, options: LonelypsSourceOptions) {
    broker.messages(topic, options).subscribe((delivery) => {
      this.all.push(delivery);
      if (this.willing) delivery.ack();
    });
  }

  get texts(): string[] {
    return this.all.map(({ value }) => Buffer.from(value).toString());
  }

  /** What it has, and what it gets from here on. */
  ack(): void {
    this.willing = true;
    for (const each of this.all) each.ack();
  }

  /** Begins anew. */
  rest(): void {
    this.willing = false;
    this.all.length = 0;
  }
}

describe('lonelyps: a full window', function () {
  this.timeout(60_000);
  const handles = new Handles();
  let server: LonelypssServer;
  let publisher: LonelypsBroker;
  let broker: LonelypsBroker;
  let topic: string;
  let missing: Missing;
  let heard: Reluctant;
  let readings: number;

  before(async () => {
    server = await startLonelypss({ sweepInterval: 500, accessLog: true });
  });

  beforeEach(() => {
    publisher = handles.open('http', server, { receive: undefined });
    topic = unique('topic');
  });

  afterEach(() => handles.close());
  after(() => server.stop());

  const open = async (transport: Transport, options: object, source: object): Promise<void> => {
    broker = handles.open(transport, server, options);
    missing = new Missing(broker);
    readings = 0;
    heard = new Reluctant(broker, topic, { onReceiving: () => readings++, ...source });
    await subscribed(broker);
    if (transport === 'http') return;
    heard.ack();
    await reaches(publisher, topic, heard);
    heard.rest();
  };

  describe('over http', () => {
    it('holds the answer and with it the publisher, until there is room', async () => {
      await open('http', {}, { maxInFlight: 2 });
      for (const text of ['a', 'b']) expect((await publisher.publish(topic, bytesOf(text))).notified).to.equal(1);
      const third = publisher.publish(topic, bytesOf('c'));
      const seen = outcome(third);
      // another that goes all the way shows that the third could have
      expect((await publisher.publish(unique('other'), bytesOf('d'))).notified).to.equal(0);
      expect(seen.done).to.equal(false);
      expect(heard.texts).to.deep.equal(['a', 'b']);
      heard.all[0]!.ack();
      expect((await third).notified).to.equal(1);
      expect(heard.texts).to.deep.equal(['a', 'b', 'c']);
      expect(missing.all).to.deep.equal([]);
    });

    it('refuses after answerWithin: missed, and subscribed again', async () => {
      await open('http', { answerWithin: 300 }, { maxInFlight: 2 });
      for (const text of ['a', 'b']) await publisher.publish(topic, bytesOf(text));
      const set = (): number => server.log().split('/v1/set_subscriptions').length - 1;
      const before = set();
      expect((await publisher.publish(topic, bytesOf('c'))).notified).to.equal(0);
      await missing.reaches(topic);
      expect(heard.texts).to.deep.equal(['a', 'b']);
      heard.ack();
      // the broadcaster drops who refuses, once it has said so; then all is set again
      await until(() => set() > before, { timeout: 30_000, message: 'the subscriptions to be set again' });
      await subscribed(broker);
      await until(() => readings === 2, { message: 'the state to be read again' });
      await reaches(publisher, topic, heard);
      expect(heard.texts).not.to.include('c');
    });

    it('holds the answer until what was emitted is settled, where that is asked for', async () => {
      await open('http', { answer: 'settled' }, {});
      const published = publisher.publish(topic, bytesOf('a'));
      const seen = outcome(published);
      await until(() => heard.all.length === 1);
      expect((await publisher.publish(unique('other'), bytesOf('b'))).notified).to.equal(0);
      expect(seen.done).to.equal(false);
      heard.ack();
      expect((await published).notified).to.equal(1);
      expect(missing.all).to.deep.equal([]);
    });

    it('refuses what is given back, or not settled in time, where that is asked for', async () => {
      await open('http', { answerWithin: 300 }, { answer: 'settled' });
      const published = publisher.publish(topic, bytesOf('a'));
      await until(() => heard.all.length === 1);
      heard.all[0]!.release();
      expect((await published).notified).to.equal(0);
      expect((await publisher.publish(topic, bytesOf('b'))).notified).to.equal(0);
      expect(heard.texts).to.deep.equal(['a', 'b']);
      heard.ack();
      await missing.reaches(topic);
    });
  });

  describe('over a websocket', () => {
    it('holds what comes, and gives all of it in order as there is room', async () => {
      await open('websocket', {}, { maxInFlight: 2 });
      const texts = Array.from({ length: 12 }, (_, n) => `value ${n}`);
      for (const text of texts) await publisher.publish(topic, bytesOf(text));
      expect(heard.texts).to.deep.equal(['value 0', 'value 1']);
      heard.ack();
      await until(() => heard.all.length >= texts.length);
      expect(heard.texts).to.deep.equal(texts);
      expect(missing.all).to.deep.equal([]);
    });

    it('lets go by what waits for longer than answerWithin: missed, and still connected', async () => {
      await open('websocket', { answerWithin: 300 }, { maxInFlight: 2 });
      const told = new Told(broker);
      for (const text of ['a', 'b', 'c', 'd']) await publisher.publish(topic, bytesOf(text));
      await missing.reaches(topic);
      await until(() => readings === 2, { message: 'the state to be read again' });
      expect(heard.texts).to.deep.equal(['a', 'b']);
      heard.ack();
      await reaches(publisher, topic, heard);
      expect(heard.texts.slice(0, 3)).not.to.include.members(['c']);
      expect(missing.all).to.deep.equal([topic]);
      expect(told.states).to.deep.equal(['connected']);
    });

    it('tells as missed what is not settled in time, where that is asked for', async () => {
      await open('websocket', { answerWithin: 300 }, { answer: 'settled' });
      await publisher.publish(topic, bytesOf('a'));
      await until(() => heard.all.length === 1);
      await missing.reaches(topic);
      heard.ack();
      await reaches(publisher, topic, heard);
      expect(missing.all).to.deep.equal([topic]);
    });
  });
});
