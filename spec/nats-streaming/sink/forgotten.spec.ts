import { expect } from 'chai';
import { systemClock } from '../../../lib/core/clock.js';
import { ConnectionError, PublishError, PublishUncertainError } from '../../../lib/core/errors.js';
import { StanBroker, type NatsStreamingBroker } from '../../../lib/nats-streaming/broker.js';
import { encodeConnectResponse } from '../../../lib/nats-streaming/codec/connect.js';
import { encodePubAck } from '../../../lib/nats-streaming/codec/pub-ack.js';
import { decodePubMsg } from '../../../lib/nats-streaming/codec/pub-msg.js';
import { connectNats } from '../../../lib/nats-streaming/connection/connect.js';
import { createConnector } from '../../../lib/nats-streaming/connection/connection.js';
import { resolveOptions, type NatsStreamingOptions } from '../../../lib/nats-streaming/options.js';
import type { FakeMessage, FakeNats } from '../../support/fake-nats.js';
import { clientName } from '../../support/names.js';
import { until } from '../../support/wait.js';
import { bytes } from '../acceptance-kit.js';
import { accepted, gone, startScripted, type FakeStan, type HandClock } from '../session-kit.js';
import { Told } from '../support.js';

const invalid = 'stan: invalid publish request';

describe('NATS Streaming: what is unconfirmed when the server forgets the session', () => {
  let fake: FakeNats;
  let stan: FakeStan;
  let clock: HandClock;
  let end: () => Promise<void>;
  let broker: NatsStreamingBroker & Pick<StanBroker, 'session'>;
  let told: Told;
  /** What the server was sent, oldest first. */
  let sent: FakeMessage[];
  /** What became of what was published, in the order in which it was told. */
  let ends: string[];

  beforeEach(async () => {
    ({ fake, stan, clock, end } = await startScripted());
    sent = [];
    ends = [];
    fake.onPublish('_STAN.pub.weir.>', (message) => sent.push(message));
    make();
  });

  afterEach(async () => {
    await closed();
    await end();
  });

  function make(given: Partial<NatsStreamingOptions> = {}): void {
    const options = { clusterId: 'weir', clientId: clientName(), servers: fake.url, closeTimeout: 100, ...given };
    const resolved = resolveOptions(options);
    const connector = createConnector(options, resolved, connectNats, systemClock);
    broker = new StanBroker(resolved, connector, clock) as unknown as typeof broker;
    told = new Told(broker);
  }

  /** Closes the handle, in its time. No timer of it is left. */
  async function closed(): Promise<void> {
    const closing = broker.close();
    let done = false;
    void closing.then(() => (done = true));
    await until(() => {
      clock.advance(50);
      return done;
    });
    expect(clock.waiting).to.equal(0);
  }

  const textOf = ({ data }: FakeMessage): string => new TextDecoder().decode(decodePubMsg(data).data);
  const texts = (): string[] => sent.map(textOf);
  const answer = (message: FakeMessage, error = ''): void =>
    message.respond(encodePubAck({ guid: decodePubMsg(message.data).guid, error }));
  const listens = (message: FakeMessage): boolean =>
    fake.subscriptions.some(({ subject }) => subject === message.reply);

  function publish(text: string, options: { id?: string; resend?: boolean } = {}): void {
    const { id, ...sink } = options;
    broker
      .sink('orders', { ...sink, message: (value: Uint8Array) => ({ value, ...(id !== undefined && { id }) }) })
      .send(bytes(text))
      .then(
        ({ error }) => ends.push(`${text} ${error === undefined ? 'confirmed' : nameOf(error)}`),
        (error: unknown) => ends.push(`${text} ${nameOf(error)}`),
      );
  }

  function nameOf(error: unknown): string {
    if (error instanceof PublishUncertainError) return `uncertain: ${error.message.split(': ')[1]!.split(';')[0]}`;
    if (error instanceof PublishError) return 'refused';
    return error instanceof ConnectionError ? 'failed' : String(error);
  }

  /** Publishes these and waits until the server has them. */
  async function written(...values: string[]): Promise<FakeMessage[]> {
    const before = sent.length;
    for (const value of values) publish(value);
    await until(() => sent.length === before + values.length);
    return sent.slice(before);
  }

  /** The server forgets the session, and the client learns it. Resolves before or after it is renewed. */
  async function forget(renewed = true): Promise<void> {
    stan.ping = (message) => message.respond(gone);
    if (!renewed) stan.connect = () => undefined;
    const { connect } = stan.asked;
    broker.session.verify();
    await until(() => stan.asked.connect > connect);
    stan.ping = (message) => message.respond(new Uint8Array(0));
    if (renewed) await until(() => told.of('reconnected').length > 0);
  }

  it('is sent again when its refusal comes after the answer to the ping, in its order', async () => {
    const first = await written('1', '2', '3', '4');
    let asked: FakeMessage | undefined;
    stan.connect = (message) => (asked = message);
    stan.ping = (message) => {
      message.respond(gone);
      // the answer to the ping has overtaken these
      for (const late of first.slice(1, 3)) answer(late, invalid);
    };
    answer(first[0]!, invalid);
    await until(() => asked !== undefined);
    publish('5');
    asked!.respond(encodeConnectResponse(accepted));
    await until(() => sent.length === 8);
    expect(texts().slice(4)).to.deep.equal(['1', '2', '3', '5']);
    // this one comes when the session is renewed
    answer(first[3]!, invalid);
    await until(() => sent.length === 9);
    expect(texts().at(-1)).to.equal('4');
    for (const message of sent.slice(4)) answer(message);
    await until(() => ends.length === 5);
    expect(ends).to.have.members(['1', '2', '3', '4', '5'].map((text) => `${text} confirmed`));
    expect(new Set(sent.map(({ data }) => decodePubMsg(data).guid)).size).to.equal(5);
    await until(() => !listens(first[0]!));
    expect(told.of('reconnected')).to.deep.equal([{ type: 'reconnected', session: 'renewed' }]);
  });

  it('is confirmed, or refused for another reason, by what still comes', async () => {
    const [one, two] = await written('1', '2');
    await forget();
    answer(one!);
    answer(two!, 'too many channels');
    await until(() => ends.length === 2);
    expect(ends).to.deep.equal(['1 confirmed', '2 refused']);
    expect(sent).to.have.length(2);
    await until(() => !listens(one!));
  });

  it('is uncertain when no answer comes within half a second, and nothing else waits for that', async () => {
    const [lost] = await written('1');
    await forget();
    const [confirmed] = await written('2');
    answer(confirmed!);
    await until(() => ends.length === 1);
    expect(ends).to.deep.equal(['2 confirmed']);
    expect(listens(lost!)).to.equal(true);
    const [open] = await written('3');
    clock.advance(499);
    expect(ends).to.have.length(1);
    clock.advance(1);
    await until(() => ends.length === 2);
    expect(ends.at(-1)).to.equal('1 uncertain: the server lost this session');
    await until(() => !listens(lost!));
    // written on the renewed session: none of that time's business
    answer(open!);
    await until(() => ends.length === 3);
    expect(ends.at(-1)).to.equal('3 confirmed');
    expect(texts()).to.deep.equal(['1', '2', '3']);
  });

  it('keeps its id to itself for that time', async () => {
    publish('1', { id: 'a' });
    await until(() => sent.length === 1);
    await forget();
    publish('2', { id: 'a' });
    await until(() => ends.length === 1);
    expect(ends).to.deep.equal(['2 refused']);
    answer(sent[0]!, invalid);
    await until(() => sent.length === 2);
    answer(sent[1]!);
    await until(() => ends.length === 2);
    expect([texts(), ends.at(-1)]).to.deep.equal([['1', '1'], '1 confirmed']);
  });

  it('with resend it is sent again at once, and what the first copy is answered does not count', async () => {
    publish('1', { resend: true });
    await until(() => sent.length === 1);
    const [plain] = await written('2');
    await forget();
    await until(() => sent.length === 3);
    answer(sent[0]!, invalid);
    answer(plain!);
    await until(() => ends.length === 1);
    expect(ends).to.deep.equal(['2 confirmed']);
    answer(sent[2]!);
    await until(() => ends.length === 2);
    expect([texts(), ends.at(-1)]).to.deep.equal([['1', '2', '1'], '1 confirmed']);
  });

  it('is uncertain at once when the connection drops; what was refused is sent when it is back', async () => {
    const [, two] = await written('1', '2', '3');
    await forget(false);
    answer(two!, invalid);
    answer(sent[2]!, 'too many channels');
    await until(() => ends.length === 1);
    stan.connect = (message) => message.respond(encodeConnectResponse(accepted));
    fake.cut();
    await until(() => ends.length === 2);
    expect(ends).to.deep.equal(['3 refused', '1 uncertain: the connection dropped']);
    await until(() => sent.length === 4);
    answer(sent[3]!);
    await until(() => ends.length === 3);
    expect([texts().at(-1), ends.at(-1)]).to.deep.equal(['2', '2 confirmed']);
  });

  it('is uncertain when the session is lost once more, or the handle closed', async () => {
    await written('1');
    await forget();
    const [two] = await written('2');
    stan.ping = (message) => message.respond(gone);
    broker.session.verify();
    await until(() => ends.length === 1);
    expect(ends).to.deep.equal(['1 uncertain: the server lost this session']);
    await until(() => told.of('reconnected').length === 2);
    expect(listens(two!)).to.equal(true);
    await closed();
    expect(ends.at(-1)).to.equal('2 uncertain: the handle was closed');
  });

  describe('or when it may have done so', () => {
    beforeEach(() => {
      // whoever asks gets no answer, so that nobody knows why the message was refused
      stan.ping = () => undefined;
    });

    it('is refused when the connection drops and comes back, and the session still stands', async () => {
      const [one] = await written('1');
      answer(one!, invalid);
      await until(() => stan.asked.ping > 0);
      stan.ping = (message) => message.respond(new Uint8Array(0));
      fake.cut();
      await until(() => ends.length === 1);
      expect(ends).to.deep.equal(['1 refused']);
      expect(told.of('reconnected')).to.deep.equal([{ type: 'reconnected', session: 'kept' }]);
    });

    it('fails with the handle when there is no other session', async () => {
      make({ reconnect: false });
      const [one] = await written('1');
      answer(one!, invalid);
      await until(() => stan.asked.ping > 0);
      fake.cut();
      await until(() => ends.length === 1);
      expect(ends).to.deep.equal(['1 failed']);
    });
  });
});
