import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { expect } from 'chai';
import { concat, firstValueFrom, lastValueFrom, NEVER, of, range, Subject, throwError, timeout, toArray } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Broker } from '../../lib/core/broker.js';
import { natsStreaming } from '../../lib/nats-streaming/index.js';
import { BrokerClient, type BrokerClientOptions } from '../../lib/nest/client.js';
import type { BrokerContext } from '../../lib/nest/context.js';
import { OnBrokerEvent, OnBrokerRequest } from '../../lib/nest/on-broker.js';
import { ack, deadLetter, release } from '../../lib/nest/outcome.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Apps } from './transport-kit.js';

/** The name of a channel of this run. */
const prefix = unique('rr');
const on = (name: string): string => `${prefix}.${name}`;

const contexts: BrokerContext[] = [];
const events: unknown[] = [];
let open = new Subject<number>();

@Controller()
class Talks {
  @OnBrokerRequest(on('sum'))
  async sum(@Payload() numbers: number[], @Ctx() context: BrokerContext): Promise<number> {
    contexts.push(context);
    return numbers.reduce((a, b) => a + b, 0);
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'count' })
  count(@Payload() n: number): Observable<number> {
    return range(1, n);
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'open' })
  open(): Observable<number> {
    return open;
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'silence' })
  silence(): Observable<never> {
    return NEVER;
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'nothing' })
  nothing(): void {}

  @OnBrokerRequest({ channel: on('talks'), type: 'broken' })
  broken(): Observable<number> {
    return concat(
      of(1),
      throwError(() => new Error('half way')),
    );
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'unsayable' })
  unsayable(): bigint {
    return 1n;
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'second try' })
  again(@Ctx() context: BrokerContext): unknown {
    return context.attempt === 1 ? release() : `attempt ${context.attempt}`;
  }

  @OnBrokerRequest({ channel: on('talks'), type: 'quiet' })
  quiet(): unknown {
    return ack();
  }

  @OnBrokerRequest(on('given-up'), { onError: { after: 3, to: (context) => of(events.push(context.channel)) } })
  givenUp(): unknown {
    return deadLetter({ message: 'beyond help' });
  }

  @OnBrokerEvent(on('events'))
  event(@Payload() data: unknown): void {
    events.push(data);
  }

  @OnBrokerEvent({ channel: on('routed'), type: 'paid' })
  paid(@Payload() data: unknown, @Ctx() context: BrokerContext): void {
    events.push(data, context.pattern);
  }
}

/** What both kinds of broker must do: one has headers, the other has none. */
function suite(connect: (apps: Apps) => { server: Broker; client: () => Broker }): void {
  const apps = new Apps();
  const clients: BrokerClient[] = [];
  let make: (options?: Partial<BrokerClientOptions>) => BrokerClient;
  let client: BrokerClient;

  before(async () => {
    const brokers = connect(apps);
    make = (options = {}) => {
      const made = new BrokerClient({ broker: brokers.client(), ...options });
      clients.push(made);
      return made;
    };
    // requests that were released come again soon, and no sooner than this server can
    await apps.start(brokers.server, [Talks], { owns: true, defaults: { ackWait: 1_000 }, drainTimeout: 100 });
    client = make();
  });

  beforeEach(() => {
    open = new Subject();
    events.length = 0;
  });

  after(async () => {
    await Promise.all(clients.splice(0).map((each) => each.close()));
    await apps.end();
  });

  const talk = (type: string, data: unknown = {}): Promise<unknown[]> =>
    lastValueFrom(client.send({ channel: on('talks'), type }, data).pipe(toArray()));

  it('answers with what the handler returns, and acks the request', async () => {
    const asked = client.send<number>(on('sum'), [1, 2, 3]);
    contexts.length = 0;
    expect(await firstValueFrom(asked)).to.equal(6);
    expect(await firstValueFrom(asked), 'each subscription asks').to.equal(6);
    expect(contexts).to.have.length(2);
    await until(() => contexts.every(({ delivery }) => delivery.settled));
  });

  it('answers with each value that the handler emits, and completes with it', async () => {
    expect(await talk('count', 3)).to.deep.equal([1, 2, 3]);
    expect(await talk('nothing')).to.deep.equal([]);
    const seen: number[] = [];
    const subscription = client
      .send<number>({ channel: on('talks'), type: 'open' }, {})
      .subscribe((value) => seen.push(value));
    await until(() => open.observed);
    open.next(1);
    await until(() => seen.length === 1);
    open.next(2);
    await until(() => seen.length === 2);
    subscription.unsubscribe();
    open.next(3);
    open.complete();
    expect(await talk('count', 1)).to.deep.equal([1]);
    expect(seen).to.deep.equal([1, 2]);
  });

  it('keeps many requests apart', async () => {
    const sums = await Promise.all(
      Array.from({ length: 50 }, (_, index) => firstValueFrom(client.send<number>(on('sum'), [index, 1]))),
    );
    expect(sums).to.deep.equal(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it('fails with the error of the handler, after what it emitted', async () => {
    const seen: unknown[] = [];
    const error = await new Promise((resolve) => {
      client
        .send({ channel: on('talks'), type: 'broken' }, {})
        .subscribe({ next: (value) => seen.push(value), error: resolve });
    });
    expect(seen).to.deep.equal([1]);
    // what Nest's own filter makes of an error that it does not know
    expect(error).to.deep.equal({ status: 'error', message: 'Internal server error' });
  });

  it('fails when nobody has the pattern, and when the answer cannot be encoded', async () => {
    const failure = (type: string): Promise<unknown> => talk(type).then(String, (error: unknown) => error);
    expect(await failure('whistle'))
      .to.have.property('message')
      .that.matches(/no matching message handler/);
    expect(await failure('unsayable'))
      .to.have.property('message')
      .that.matches(/bigint/);
  });

  it('leaves a released request to the next attempt, answers an acked one with its end, and one given up with why', async () => {
    expect(await talk('second try')).to.deep.equal(['attempt 2']);
    expect(await talk('quiet')).to.deep.equal([]);
    const error = await lastValueFrom(client.send(on('given-up'), {})).then(String, (failure: unknown) => failure);
    expect(error).to.deep.equal({ message: 'beyond help' });
    await until(() => events.length > 0);
    expect(events).to.deep.equal([on('given-up')]);
  });

  it('emits with a receipt, to a pattern of the channel too', async () => {
    const receipt = await firstValueFrom(client.emit(on('events'), { id: 1 }));
    expect(receipt).to.include({ ok: true, confirmed: true, channel: on('events') });
    await until(() => events.length === 1);
    await firstValueFrom(client.emit({ channel: on('routed'), type: 'paid' }, { id: 2 }));
    await until(() => events.length === 3);
    expect(events).to.deep.equal([{ id: 1 }, { id: 2 }, `{"channel":"${on('routed')}","type":"paid"}`]);
  });

  it('lets clients share a reply channel', async () => {
    const replyChannel = on('replies');
    const two = [make({ replyChannel }), make({ replyChannel: async () => replyChannel })];
    const sums = await Promise.all(two.map((each, index) => firstValueFrom(each.send<number>(on('sum'), [index, 10]))));
    expect(sums).to.deep.equal([10, 11]);
  });

  it('forgets a request when nobody waits for it, and fails what waits when it is closed', async () => {
    const late = client.send({ channel: on('talks'), type: 'silence' }, {});
    await lastValueFrom(late.pipe(timeout({ first: 1, with: () => of('late') })));
    const own = make();
    const failed = lastValueFrom(own.send(on('nobody-there'), {})).then(String, (error: unknown) => error);
    await firstValueFrom(own.send(on('sum'), [1]));
    await own.close();
    expect(await failed).to.include({ code: 'CLOSED' });
    const afterwards = await lastValueFrom(own.send(on('sum'), [])).then(String, (error: unknown) => error);
    expect(afterwards).to.include({ code: 'CLOSED' });
  });
}

describe('requests and replies over memory', () => {
  suite((apps) => {
    const broker = apps.memory();
    return { server: broker as unknown as Broker, client: () => broker.handle() as unknown as Broker };
  });
});

describe('requests and replies over NATS Streaming', () => {
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming();
  });

  suite(() => {
    const connect = (): Broker =>
      natsStreaming({
        clusterId: server.cluster,
        clientId: unique('client'),
        servers: server.url,
        closeTimeout: 500,
      }) as unknown as Broker;
    return { server: connect(), client: connect };
  });
});
