import { expect } from 'chai';
import { decodeUnsubscribeRequest } from '../../../lib/nats-streaming/codec/unsubscribe.js';
import {
  decodeSubscriptionRequest,
  encodeSubscriptionResponse,
} from '../../../lib/nats-streaming/codec/subscription.js';
import { startFakeNats, type FakeMessage, type FakeNats } from '../../support/fake-nats.js';
import { until } from '../../support/wait.js';
import { listen } from '../acceptance-kit.js';
import { fakeStan, gone } from '../session-kit.js';
import { Handles, Told } from '../support.js';

const none = new Uint8Array(0);
const said = (error: string): Uint8Array => encodeSubscriptionResponse({ error });

describe('NATS Streaming: subscriptions that nobody wants any more', () => {
  const handles = new Handles();
  let fake: FakeNats;
  /** The inboxes that were asked for, and those that the server was told to close. */
  let asked: string[];
  let closed: string[];
  let onSubscribe: (message: FakeMessage, times: number) => void;
  let onClose: (message: FakeMessage, times: number) => void;

  beforeEach(async () => {
    fake = await startFakeNats();
    fakeStan(fake);
    asked = [];
    closed = [];
    onSubscribe = (message, times) => message.respond(encodeSubscriptionResponse({ ackInbox: `ack.${times}` }));
    onClose = (message) => message.respond(none);
    fake.onPublish('_STAN.sub.weir', (message) => {
      onSubscribe(message, asked.push(decodeSubscriptionRequest(message.data).inbox));
    });
    fake.onPublish('_STAN.subclose.weir', (message) => {
      onClose(message, closed.push(decodeUnsubscribeRequest(message.data).inbox));
    });
  });

  afterEach(async () => {
    await handles.close();
    await fake.stop();
  });

  const make = (connectTimeout = 5_000) =>
    handles.make({ url: fake.url, cluster: 'weir' }, { connectTimeout, closeTimeout: 100 });

  it('are told to the server until it has answered, however often the connection drops', async () => {
    onClose = (message, times) => {
      if (times < 3) fake.cut();
      else message.respond(none);
    };
    const broker = make();
    const told = new Told(broker);
    const tap = listen(broker, 'a');
    await until(() => fake.subscriptions.length > 4 && asked.length === 1);
    tap.unsubscribe();
    await until(() => closed.length === 3);
    expect(new Set(closed)).to.deep.equal(new Set(['ack.1']));
    // answered is answered: another drop does not bring it up again
    fake.cut();
    await until(() => told.of('reconnected').length === 3);
    const last = listen(broker, 'b');
    await until(() => asked.length === 2);
    last.unsubscribe();
    await until(() => closed.length > 3);
    expect(closed.slice(3)).to.deep.equal(['ack.2']);
  });

  it('are told again where the server was asked for one without an answer, and does not know it yet', async () => {
    onSubscribe = (message, times) => {
      if (times > 1) message.respond(encodeSubscriptionResponse({ ackInbox: 'ack' }));
    };
    onClose = (message, times) => message.respond(times < 3 ? said('stan: invalid subscription') : none);
    const tap = listen(make(1_000), 'a');
    await until(() => closed.length === 3);
    expect(asked).to.have.lengthOf(2);
    expect(closed).to.deep.equal([asked[0], asked[0], asked[0]]);
    expect(tap.error).to.equal(undefined);
  });

  it('are closed in the next session, where they were asked for in the one before', async () => {
    onSubscribe = (message, times) => {
      if (times > 1) message.respond(encodeSubscriptionResponse({ ackInbox: 'ack' }));
      else fake.publish(fake.subscriptions[2]!.subject, gone);
    };
    const tap = listen(make(), 'a');
    await until(() => closed.length === 1);
    expect(asked).to.have.lengthOf(2);
    expect(closed).to.deep.equal([asked[0]]);
    expect(tap.error).to.equal(undefined);
  });

  it('do not end a source whose durable they hold for a moment', async () => {
    onSubscribe = (message, times) => {
      message.respond(
        times < 3 ? said('stan: duplicate durable registration') : encodeSubscriptionResponse({ ackInbox: 'ack' }),
      );
    };
    const tap = listen(make(), 'a', { durable: 'd' });
    await until(() => asked.length === 3);
    expect(tap.error).to.equal(undefined);
  });
});
