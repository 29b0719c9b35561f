import { expect } from 'chai';
import { ConnectionError, InvalidOptionError, type WeirError } from '../../lib/core/errors.js';
import { openEnvelope, type EnvelopedMessage } from '../../lib/liftbridge/envelope.js';
import {
  natsPublisher,
  type NatsConnectionLike,
  type NatsMessageLike,
  type NatsPublisherOptions,
} from '../../lib/liftbridge/nats-publisher.js';
import { theirEncode, type Fields } from './codec/oracle.js';
import { settled } from './sink/sink-kit.js';

/** A NATS connection that keeps what is published. */
class FakeNats implements NatsConnectionLike {
  info: { readonly max_payload: number } | undefined = { max_payload: 1_000 };
  readonly published: { readonly subject: string; readonly message: EnvelopedMessage }[] = [];
  subscription: { subject: string; callback: (error: Error | null, message: NatsMessageLike) => void } | undefined;
  isDone = false;
  isGoing = false;
  failure: Error | undefined;
  close: (error?: Error) => void = () => undefined;
  private readonly end = new Promise<void | Error>((resolve) => (this.close = resolve));

  publish(subject: string, payload: Uint8Array): void {
    if (this.failure) throw this.failure;
    this.published.push({ subject, message: openEnvelope(payload) as EnvelopedMessage });
  }

  subscribe(
    subject: string,
    options: { callback?: (error: Error | null, message: NatsMessageLike) => void } = {},
  ): { unsubscribe(): void } {
    this.subscription = { subject, callback: options.callback! };
    return {
      unsubscribe: () => {
        this.subscription = undefined;
      },
    };
  }

  closed(): Promise<void | Error> {
    return this.end;
  }

  isClosed(): boolean {
    return this.isDone;
  }

  isDraining(): boolean {
    return this.isGoing;
  }

  tell(data: Uint8Array): void {
    this.subscription!.callback(null, { data });
  }

  ack(fields: Fields): void {
    this.tell(Buffer.concat([Buffer.from('b90e43b400080001', 'hex'), theirEncode('Ack', fields)]));
  }

  get ids(): (string | undefined)[] {
    return this.published.map(({ message }) => message.correlationId);
  }
}

const hi = Buffer.from('hi');

describe('natsPublisher', () => {
  let nats: FakeNats;
  const make = (options?: NatsPublisherOptions): ReturnType<typeof natsPublisher> => natsPublisher(nats, options);
  const failure = (promise: Promise<unknown>): Promise<WeirError> =>
    promise.then(
      () => expect.fail('it was published'),
      (error: unknown) => error as WeirError,
    );

  beforeEach(() => {
    nats = new FakeNats();
  });

  it('publishes an envelope, and resolves with the ack under its correlation id', async () => {
    const publisher = make({ inboxPrefix: '_mine' });
    const first = publisher.publish('a.b', hi, { key: 'k', headers: { h: 'v' }, ackPolicy: 'all', expectedOffset: 4 });
    const second = publisher.publish('a.c', hi);
    const [one, two] = nats.published;
    expect(one).to.have.property('subject', 'a.b');
    expect(one!.message).to.deep.include({
      value: hi,
      key: Buffer.from('k'),
      headers: new Map([['h', Buffer.from('v')]]),
      ackInbox: nats.subscription!.subject,
      ackPolicy: 'all',
      expectedOffset: 4n,
    });
    expect(nats.subscription!.subject).to.match(/^_mine\.[0-9a-f]{32}$/);
    expect(two!.message).to.deep.include({ ackPolicy: 'leader', expectedOffset: undefined });
    nats.ack({ stream: 't', offset: 9n, correlationId: two!.message.correlationId });
    nats.ack({ stream: 's', partitionSubject: 'a.b', msgSubject: 'a.b', offset: 5n, correlationId: nats.ids[0] });
    expect(await first).to.deep.equal({
      stream: 's',
      partitionSubject: 'a.b',
      subject: 'a.b',
      offset: 5n,
      correlationId: nats.ids[0],
      ackPolicy: 'leader',
      receptionTimestamp: undefined,
      commitTimestamp: undefined,
    });
    expect(await second).to.deep.include({ stream: 't', offset: 9n });
    await publisher.close();
    expect(nats.subscription).to.equal(undefined);
  });

  it('resolves at once without acks', async () => {
    const publisher = make();
    expect(await publisher.publish('a', hi, { ackPolicy: 'none', correlationId: 'c' })).to.equal(undefined);
    expect(nats.published[0]!.message).to.deep.include({ ackInbox: undefined, correlationId: 'c', ackPolicy: 'none' });
    await publisher.close();
  });

  it('drops what is no ack of its own', async () => {
    const publisher = make();
    const first = publisher.publish('a', hi);
    nats.tell(hi);
    nats.tell(new Uint8Array());
    nats.tell(Buffer.from('b90e43b40008000112', 'hex'));
    nats.tell(Buffer.from('b90e43b4000800001a026869', 'hex'));
    nats.ack({ offset: 1n, correlationId: 'nobody' });
    nats.ack({ offset: 2n, correlationId: nats.ids[0] });
    // of another stream on the same subject
    nats.ack({ offset: 3n, correlationId: nats.ids[0] });
    expect(await first).to.deep.include({ offset: 2n });
    await publisher.close();
  });

  it('rejects with what an ack refuses', async () => {
    const publisher = make();
    const codes = ['PUBLISH', 'OFFSET_MISMATCH', 'FRAME_TOO_LARGE', 'PUBLISH'];
    for (const [at, code] of codes.entries()) {
      const error = failure(publisher.publish('a', hi));
      nats.ack({ ackError: at + 1, correlationId: nats.ids.at(-1) });
      expect(await error).to.have.property('code', code);
      expect((await error).message).to.contain("the NATS subject 'a'");
    }
    await publisher.close();
  });

  it('is uncertain when no ack comes in time', async () => {
    const publisher = make({ ackTimeout: 20 });
    const [first, second] = [failure(publisher.publish('a', hi)), failure(publisher.publish('a', hi))];
    expect(await first).to.have.property('code', 'PUBLISH_UNCERTAIN');
    expect((await first).message)
      .to.contain('20 ms')
      .and.contain(nats.ids[0]);
    expect(await second).to.have.property('code', 'PUBLISH_UNCERTAIN');
    nats.ack({ offset: 1n, correlationId: nats.ids[0] });
    await publisher.close();
  });

  it('keeps its window, lets wait in order, and bounds who waits', async () => {
    const publisher = make({ maxInFlight: 2, buffer: 2 });
    const all = ['a', 'b', 'c', 'd'].map((subject) => publisher.publish(subject, hi));
    const subjects = (): string => nats.published.map(({ subject }) => subject).join('');
    expect(await failure(publisher.publish('e', hi))).to.have.property('code', 'OVERFLOW');
    await publisher.publish('n', hi, { ackPolicy: 'none' });
    expect(subjects()).to.equal('abn');
    nats.ack({ offset: 1n, correlationId: nats.ids[1] });
    // who comes meanwhile comes later
    const late = publisher.publish('f', hi);
    await settled();
    expect(subjects()).to.equal('abnc');
    for (let at = 0; at < 6; at++) {
      nats.ack({ offset: 1n, correlationId: nats.ids[at] });
      await settled();
    }
    expect(subjects()).to.equal('abncdf');
    await Promise.all([...all, late]);
    await publisher.close();
  });

  it('gives a place back that was not used', async () => {
    const publisher = make({ maxInFlight: 1 });
    expect(await failure(publisher.publish('a', new Uint8Array(1_000)))).to.have.property('code', 'FRAME_TOO_LARGE');
    nats.failure = new Error('the socket is gone');
    const error = await failure(publisher.publish('a', hi));
    expect(error).to.have.property('code', 'CONNECTION');
    expect(error.message).to.contain('the socket is gone');
    nats.failure = undefined;
    const last = publisher.publish('a', hi, { correlationId: 'c' });
    nats.ack({ offset: 1n, correlationId: 'c' });
    await last;
    await publisher.close();
  });

  it('refuses a correlation id that another message waits under', async () => {
    const publisher = make();
    const first = publisher.publish('a', hi, { correlationId: 'c' });
    expect(await failure(publisher.publish('a', hi, { correlationId: 'c' }))).to.be.instanceOf(InvalidOptionError);
    nats.ack({ offset: 1n, correlationId: 'c' });
    await first;
    await publisher.close();
  });

  it('waits for its acks when it closes, and takes nothing more', async () => {
    const publisher = make({ maxInFlight: 1 });
    const first = publisher.publish('a', hi);
    const waits = failure(publisher.publish('b', hi));
    const closing = publisher.close();
    expect(publisher.close()).to.equal(closing);
    expect(await waits).to.have.property('code', 'CLOSED');
    expect(await failure(publisher.publish('c', hi))).to.have.property('code', 'CLOSED');
    expect(nats.subscription).not.to.equal(undefined);
    nats.ack({ offset: 1n, correlationId: nats.ids[0] });
    await closing;
    expect(await first).to.deep.include({ offset: 1n });
    expect(nats.subscription).to.equal(undefined);
  });

  it('is over with its connection', async () => {
    const publisher = make({ maxInFlight: 1 });
    const [first, waits] = [failure(publisher.publish('a', hi)), failure(publisher.publish('b', hi))];
    nats.close(new Error('kicked out'));
    expect(await first).to.have.property('code', 'PUBLISH_UNCERTAIN');
    expect((await first).message).to.contain('kicked out');
    expect(await waits).to.have.property('code', 'CONNECTION');
    expect(await failure(publisher.publish('c', hi))).to.have.property('code', 'CONNECTION');
    await publisher.close();
  });

  it('is over when it is not allowed to hear acks', async () => {
    const publisher = make();
    const first = failure(publisher.publish('a', hi));
    nats.subscription!.callback(new Error('Permissions Violation for Subscription'), { data: hi });
    expect((await first).message).to.contain('Permissions Violation');
    expect(await failure(publisher.publish('b', hi))).to.have.property('code', 'CONNECTION');
    await publisher.close();
  });

  it('refuses what it cannot use', async () => {
    expect(() => natsPublisher({} as never)).to.throw(InvalidOptionError, "a connection of 'nats' v2");
    expect(() => make({ ackTimeout: 0 })).to.throw(InvalidOptionError, 'ackTimeout');
    expect(() => make({ window: 5 } as never)).to.throw(InvalidOptionError, "no option 'window'");
    const publisher = make();
    for (const [subject, value, fields, problem] of [
      ['a b', hi, {}, 'subject'],
      ['a.*', hi, {}, 'subject'],
      ['', hi, {}, 'subject'],
      ['a', 'hi', {}, 'value must be a Uint8Array'],
      ['a', hi, { partition: 1 }, "no option 'partition'"],
      ['a', hi, { expectedOffset: 1, ackPolicy: 'none' }, 'expectedOffset needs an ack'],
    ] as const) {
      const error = await failure(publisher.publish(subject, value as never, fields as never));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.contain(problem);
    }
    await publisher.close();
    nats.isDone = true;
    expect(() => make()).to.throw(ConnectionError, 'closed');
    nats.isDone = false;
    nats.isGoing = true;
    expect(() => make()).to.throw(ConnectionError, 'draining');
  });
});
