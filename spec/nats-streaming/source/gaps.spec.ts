import { expect } from 'chai';
import { encodeMessage } from '../../../lib/nats-streaming/codec/msg-proto-frame.js';
import {
  decodeSubscriptionRequest,
  encodeSubscriptionResponse,
} from '../../../lib/nats-streaming/codec/subscription.js';
import { earliest } from '../../../lib/core/starts.js';
import { startFakeNats, type FakeNats } from '../../support/fake-nats.js';
import { until } from '../../support/wait.js';
import { bytes, textsOf, work } from '../acceptance-kit.js';
import { fakeStan, gone } from '../session-kit.js';
import { Handles, Told } from '../support.js';

describe('NATS Streaming: messages that are missing in a row', () => {
  const handles = new Handles();
  let fake: FakeNats;
  /** The subscription requests, oldest first. */
  let asked: ReturnType<typeof decodeSubscriptionRequest>[];

  beforeEach(async () => {
    fake = await startFakeNats();
    fakeStan(fake);
    asked = [];
    fake.onPublish('_STAN.sub.weir', (message) => {
      asked.push(decodeSubscriptionRequest(message.data));
      message.respond(encodeSubscriptionResponse({ ackInbox: `ack.${asked.length}` }));
    });
  });

  afterEach(async () => {
    await handles.close();
    await fake.stop();
  });

  const make = () => handles.make({ url: fake.url, cluster: 'weir' }, { closeTimeout: 100 });
  const send = (sequence: number, redelivered = false): void => {
    const timestamp = 1_700_000_000_000_000_000n + BigInt(sequence) * 1_000_000n;
    const data = bytes(String(sequence));
    const message = { sequence: BigInt(sequence), subject: 'a', data, timestamp, redelivered };
    fake.publish(asked.at(-1)!.inbox, encodeMessage(message));
  };
  /** Lets the server say that it does not know the session. */
  const forget = (): void => {
    fake.publish(fake.subscriptions[2]!.subject, gone);
  };

  for (const durable of [undefined, 'd']) {
    it(`are emitted when they come late, though nothing told that the wire had lost them (${durable ?? 'plain'})`, async () => {
      const tap = work(make(), 'a', { start: earliest(), ...(durable !== undefined && { durable }) });
      await until(() => asked.length === 1);
      for (const sequence of [1, 2, 5]) send(sequence);
      await tap.first(3);
      for (const sequence of [3, 4]) send(sequence, true);
      expect(textsOf(await tap.first(5))).to.deep.equal(['1', '2', '5', '3', '4']);
    });
  }

  it('are asked for again in the next session, and given up only where the server begins behind them', async () => {
    const broker = make();
    const told = new Told(broker);
    const tap = work(broker, 'a', { start: earliest() });
    await until(() => asked.length === 1);
    for (const sequence of [1, 2, 5]) send(sequence);
    await tap.first(3);
    forget();
    await until(() => asked.length === 2);
    expect(asked[1]!.startSequence).to.equal(2n);
    // the first that is left; what came before is settled already
    for (const sequence of [5, 6]) send(sequence);
    await tap.first(4);
    await until(() => told.states.at(-1) === 'connected');
    forget();
    await until(() => asked.length === 3);
    expect(asked[2]!.startSequence).to.equal(6n);
    for (const sequence of [9, 10]) send(sequence);
    expect(textsOf(await tap.first(6))).to.deep.equal(['1', '2', '5', '6', '9', '10']);
    expect(told.of('gap').map(({ from, to }) => [from, to])).to.deep.equal([[7n, 8n]]);
  });

  it('are not given up when the connection dropped before the first message of a new subscription', async () => {
    const broker = make();
    const told = new Told(broker);
    const tap = work(broker, 'a', { start: earliest() });
    await until(() => asked.length === 1);
    send(1);
    await tap.first(1);
    forget();
    await until(() => asked.length === 2 && told.states.at(-1) === 'connected');
    // 1, 2 and 3 are on the wire
    fake.cut();
    await until(() => told.of('reconnected').length === 2);
    send(4);
    await tap.first(2);
    for (const sequence of [1, 2, 3]) send(sequence, true);
    expect(textsOf(await tap.first(4))).to.deep.equal(['1', '4', '2', '3']);
    expect(told.has('gap')).to.equal(false);
  });
});
