import type { BeforeApplicationShutdown, OnApplicationShutdown } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { expect } from 'chai';
import { lastValueFrom, type Observable } from 'rxjs';
import { ackMergeMap, autoAck, ClosedError, text, type Broker, type Delivery, type Status } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import type { BrokerModuleOptions } from '../../lib/nest/module-options.js';
import { BrokerModule } from '../../lib/nest/module.js';
import { getSourceToken } from '../../lib/nest/tokens.js';
import { refusal } from '../support/refusal.js';
import { until } from '../support/wait.js';

describe('nest/lifecycle', () => {
  const warnings: string[] = [];
  const logger = { log: noop, error: noop, warn: (message: string) => warnings.push(message) };
  beforeEach(() => warnings.splice(0));

  /** Each broker has a source 'jobs', at which `work` is done. */
  async function start(
    brokers: readonly (BrokerModuleOptions & { readonly broker: MemoryBroker })[],
    work: (delivery: Delivery<string>, broker: string) => Promise<unknown>,
    hooks: Partial<BeforeApplicationShutdown & OnApplicationShutdown> = {},
  ): Promise<{ app: TestingModule; story: string[] }> {
    const named = brokers.map((broker, index) => ({ ...broker, name: `broker${index}` }));
    const app = await Test.createTestingModule({
      imports: [
        BrokerModule.forRoot(named),
        BrokerModule.forFeature(named.map(({ name }) => ({ source: 'jobs', broker: name, options: { codec: text } }))),
      ],
      providers: [{ provide: 'hooks', useValue: hooks }],
    })
      .setLogger(logger)
      .compile();
    await app.init();
    const story: string[] = [];
    for (const { name, broker } of named) {
      app
        .get<Observable<Delivery<string>>>(getSourceToken('jobs', name))
        .pipe(ackMergeMap((delivery) => work(delivery, name), { concurrency: 100 }))
        .subscribe({ complete: () => story.push(`${name} completes ${stateOf(broker)}`) });
    }
    return { app, story };
  }

  it('ends the sources, waits for the handlers at work, and then closes', async () => {
    const broker = memory();
    const work = new Gate();
    const { app, story } = await start([{ broker }], () => work.promise, {
      onApplicationShutdown: () => {
        story.push(`other providers shut down, broker ${stateOf(broker)}`);
      },
    });
    for (let n = 1; n <= 100; n++) await broker.publish('jobs', `job ${n}`, { codec: text });
    await until(() => work.waiting === 100);

    let hasEnded = false;
    app
      .get<Observable<Delivery>>(getSourceToken('jobs', 'broker0'))
      .pipe(autoAck())
      .subscribe({ complete: () => (hasEnded = true) });
    const closed = app.close().then(() => story.push('closed'));
    await until(() => hasEnded);
    await broker.publish('jobs', 'one too late', { codec: text });
    await new Promise(setImmediate);
    expect(story).to.deep.equal([]);
    work.open();
    await closed;
    expect(story.filter((line) => !line.startsWith('other'))).to.deep.equal(['broker0 completes connected', 'closed']);
    expect(work.waiting).to.equal(100);
    expect(stateOf(broker)).to.equal('closed');
    expect(warnings).to.deep.equal([]);
  });

  it('drains all brokers at once', async () => {
    const [one, two] = [memory(), memory()];
    const [first, second] = [new Gate(), new Gate()];
    const { app, story } = await start(
      [{ broker: one }, { broker: two }],
      // each is done when the other's source was ended by the shutdown
      (_, name) => (name === 'broker0' ? first : second).promise,
    );
    for (const broker of [one, two]) await broker.publish('jobs', 'job', { codec: text });
    await until(() => first.waiting + second.waiting === 2);
    const closed = app.close();
    second.open();
    await until(() => story.length === 1);
    expect(story).to.deep.equal(['broker1 completes connected']);
    first.open();
    await closed;
    expect([one, two].map(stateOf)).to.deep.equal(['closed', 'closed']);
  });

  it('lets the app publish until its servers are closed', async () => {
    const broker = memory();
    const sent: unknown[] = [];
    const { app } = await start([{ broker }], () => Promise.resolve(), {
      beforeApplicationShutdown: async () => {
        sent.push((await broker.publish('log', 'bye', { codec: text })).ok);
      },
    });
    await app.close();
    expect(sent).to.deep.equal([true]);
  });

  it('shuts down without the handlers that take longer than drainTimeout, and says so', async () => {
    const broker = memory({ closeTimeout: 60 });
    const { app } = await start([{ broker, drainTimeout: 20 }], () => new Promise(noop));
    const abandoned: number[] = [];
    broker.events.subscribe((event) => {
      if (event.type === 'abandoned') abandoned.push(event.unsettled);
    });
    await broker.publish('jobs', 'job', { codec: text });
    await until(() => loadOf(broker) === 1);
    await app.close();
    expect(warnings).to.deep.equal([
      "broker 'broker0' is not closed after a drainTimeout of 20 ms, with 1 deliveries that were not settled (a durable gets them again) and 0 publishes that were not confirmed",
    ]);
    await until(() => stateOf(broker) === 'closed');
    expect(abandoned).to.deep.equal([1]);
    expect(warnings[1]).to.match(/^broker 'broker0' closed with 1 deliveries/);
  });

  it('waits for deliveries that were taken past the module, too', async () => {
    const broker = memory();
    const { app } = await start([{ broker }], () => Promise.resolve());
    const taken: Delivery[] = [];
    let hasEnded = false;
    broker.messages('direct').subscribe({ next: (each) => taken.push(each), complete: () => (hasEnded = true) });
    await broker.publish('direct', 'job', { codec: text });
    await until(() => taken.length === 1);
    const closed = app.close();
    await until(() => hasEnded);
    expect(stateOf(broker)).to.equal('connected');
    taken[0]?.ack();
    await closed;
    expect(stateOf(broker)).to.equal('closed');
    expect(warnings).to.deep.equal([]);
  });

  it('refuses whoever subscribes to a source while the app shuts down', async () => {
    const broker = memory();
    const work = new Gate();
    const { app } = await start([{ broker }], () => work.promise);
    const source = app.get<Observable<Delivery>>(getSourceToken('jobs', 'broker0'));
    let hasEnded = false;
    source.pipe(autoAck()).subscribe({ complete: () => (hasEnded = true) });
    await broker.publish('jobs', 'job', { codec: text });
    await until(() => work.waiting === 1);
    const closed = app.close();
    await until(() => hasEnded);
    expect(stateOf(broker)).to.equal('connected');
    const error = await refusal(lastValueFrom(source));
    expect(error).to.be.instanceOf(ClosedError);
    expect(error.message).to.equal("source 'jobs' of broker 'broker0': the app shuts down");
    work.open();
    await closed;
  });

  it('tells once that the app cannot start, and not to its sources too', async () => {
    const broker = memory({ connectTimeout: 20 });
    broker.faults.drop({ for: Infinity });
    const app = await Test.createTestingModule({
      imports: [BrokerModule.forRoot({ broker }), BrokerModule.forFeature([{ source: 'jobs' }])],
    }).compile();
    const told: string[] = [];
    app.get<Observable<Delivery>>(getSourceToken('jobs')).subscribe({
      error: () => told.push('error'),
      complete: () => told.push('complete'),
    });
    expect((await refusal(app.init())).message).to.include('the broker cannot be reached');
    expect(told).to.deep.equal(['complete']);
  });

  it('can be closed twice, and by itself', async () => {
    const broker = memory();
    const { app, story } = await start([{ broker }], () => Promise.resolve());
    await broker.close();
    expect(story).to.have.length(1);
    await app.close();
    await app.close();
  });
});

/** What many wait for. */
class Gate {
  waiting = 0;
  private release: () => void = noop;
  private readonly opened = new Promise<void>((resolve) => (this.release = resolve));

  get promise(): Promise<void> {
    this.waiting++;
    return this.opened;
  }

  open(): void {
    this.release();
  }
}

function stateOf(broker: Broker | MemoryBroker): Status['state'] | undefined {
  let state: Status['state'] | undefined;
  broker.status.subscribe((status) => (state = status.state)).unsubscribe();
  return state;
}

function loadOf(broker: object): number {
  return (broker as Record<symbol, { inFlight: number }>)[Symbol.for('rx-weir.broker.load')]?.inFlight ?? 0;
}

function noop(): void {
  // nothing to do
}
