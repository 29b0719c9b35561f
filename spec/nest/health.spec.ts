import { Controller, Get, Inject, type INestApplication, Module } from '@nestjs/common';
import { HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { Test, type TestingModule } from '@nestjs/testing';
import { expect } from 'chai';
import type { Observable, Subscription } from 'rxjs';
import { InvalidOptionError, json, text, type Delivery } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { BrokerHealthIndicator } from '../../lib/nest/health.js';
import { BrokerRegistry } from '../../lib/nest/lifecycle.js';
import { ManagedBroker } from '../../lib/nest/managed-broker.js';
import { BrokerModule } from '../../lib/nest/module.js';
import { getSourceToken } from '../../lib/nest/tokens.js';
import { refusal } from '../support/refusal.js';
import { until } from '../support/wait.js';

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(BrokerHealthIndicator) private readonly brokers: BrokerHealthIndicator,
  ) {}

  @Get('live')
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.brokers.isAlive('broker')]);
  }

  @Get('ready')
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.brokers.isReady('broker')]);
  }
}

describe('nest/health', () => {
  const apps: (TestingModule | INestApplication)[] = [];
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function start(broker: MemoryBroker, connect = true): Promise<[BrokerHealthIndicator, TestingModule]> {
    const app = await Test.createTestingModule({
      imports: [
        BrokerModule.forRoot({ broker, connect, drainTimeout: 20 }),
        BrokerModule.forFeature([{ source: 'orders', options: { codec: json() } }]),
      ],
    }).compile();
    apps.push(app);
    await app.init();
    return [app.get(BrokerHealthIndicator), app];
  }

  it('answers through terminus and HTTP, from the live status', async () => {
    const broker = memory();
    @Module({
      imports: [TerminusModule.forRoot({ logger: false }), BrokerModule.forRoot({ broker })],
      controllers: [HealthController],
    })
    class AppModule {}
    const app = (await Test.createTestingModule({ imports: [AppModule] }).compile()).createNestApplication({
      logger: false,
    });
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    const ask = async (path: string): Promise<[number, Record<string, Record<string, unknown>>]> => {
      const response = await fetch(`${await app.getUrl()}/health/${path}`);
      return [response.status, ((await response.json()) as { details: never }).details];
    };
    const [status, details] = await ask('ready');
    expect(status).to.equal(200);
    expect(details['broker']).to.include({ status: 'up', state: 'connected', inFlight: 0, unconfirmed: 0 });

    broker.faults.drop({ for: Infinity });
    const [dropped, down] = await ask('ready');
    expect(dropped).to.equal(503);
    expect(down['broker']).to.include({ status: 'down', state: 'reconnecting' });
    expect(down['broker']?.['message']).to.match(/^it is reconnecting: /);
    expect(down['broker']?.['cause']).to.be.a('string');
    // a restart of the app would not bring the broker back
    expect((await ask('live'))[0]).to.equal(200);

    broker.faults.restore();
    await until(async () => (await ask('ready'))[0] === 200);
  });

  it('is down for a handle that something else has closed', async () => {
    const broker = memory();
    const [health] = await start(broker);
    await broker.close();
    expect((await health.isAlive('b')).b).to.include({ status: 'down', message: 'its handle was closed' });
    expect((await health.isReady('b')).b).to.include({ status: 'down', message: 'it is closed' });
  });

  it('is alive and not ready while the app shuts down', async () => {
    const broker = memory();
    const [health, app] = await start(broker);
    await app.close();
    expect((await health.isAlive('b')).b.status).to.equal('up');
    expect((await health.isReady('b')).b).to.include({ status: 'down', message: 'the app shuts down' });
  });

  it('is down when another process takes the name, until the broker is had again', async () => {
    const broker = memory();
    const [health] = await start(broker);
    const { story } = broker as unknown as { story: { tell(event: object): void } };
    story.tell({ type: 'replaced', reason: 'client me is registered by another' });
    expect((await health.isAlive('b')).b).to.include({
      status: 'down',
      message: 'another process has its name: client me is registered by another',
    });
    broker.faults.drop();
    await until(async () => (await health.isAlive('b')).b.status === 'up');
  });

  it('takes a broker as ready that nobody has used, where the app does not connect', async () => {
    const broker = memory({ connectTimeout: 20 });
    const [health] = await start(broker, false);
    expect((await health.isReady('b')).b).to.include({ status: 'up', state: 'idle' });
    broker.faults.drop({ for: Infinity });
    await refusal(broker.connect());
    expect((await health.isReady('b')).b).to.include({ status: 'down', state: 'idle' });
  });

  it('tells what is at work, and is down beyond the limits', async () => {
    const broker = memory();
    const [health, app] = await start(broker);
    const open: Delivery[] = [];
    const listening = app.get<Observable<Delivery>>(getSourceToken('orders')).subscribe((each) => open.push(each));
    for (let n = 0; n < 3; n++) await broker.publish('orders', n, { codec: json() });
    await until(() => open.length === 3);
    const { b } = await health.isHealthy('b', { maxInFlight: 3, maxUnconfirmed: 0 });
    expect(b).to.include({ status: 'up', inFlight: 3, unconfirmed: 0 });
    expect(b.sources?.['orders']).to.include({ subscribers: 1 });
    expect(Date.parse(b.sources?.['orders']?.lastDelivery ?? '')).to.be.closeTo(Date.now(), 10_000);
    expect((await health.isHealthy('b', { maxInFlight: 2 })).b).to.include({
      status: 'down',
      message: '3 deliveries are in flight, more than 2',
    });
    for (const each of open) each.ack();
    expect((await health.isHealthy('b', { maxInFlight: 2 })).b.status).to.equal('up');

    await until(async () => (await health.isHealthy('b', { maxSilence: 30 })).b.status === 'down');
    expect((await health.isHealthy('b', { maxSilence: 30 })).b.message).to.equal(
      "source 'orders' has been silent for more than 30 ms",
    );
    expect((await health.isHealthy('b', { maxSilence: 3_600_000 })).b.status).to.equal('up');
    listening.unsubscribe();
    expect((await health.isHealthy('b', { maxSilence: 30 })).b.status).to.equal('up');
  });

  it('is down while a source that ended with an error has no listener', async () => {
    const broker = memory();
    const [health, app] = await start(broker);
    const errors: unknown[] = [];
    const listen = (): Subscription =>
      app
        .get<Observable<Delivery>>(getSourceToken('orders'))
        .subscribe({ error: (error: unknown) => errors.push(error) });
    listen();
    await broker.publish('orders', 'no JSON', { codec: text });
    await until(() => errors.length === 1);
    const { b } = await health.isHealthy('b');
    expect(b.status).to.equal('down');
    expect(b.message).to.match(/^source 'orders' has ended: cannot decode the message at offset 1 of 'orders'/);
    expect((await health.isReady('b')).b.status).to.equal('up');
    listen();
    expect((await health.isHealthy('b')).b.status).to.equal('up');
  });

  it('speaks for one broker or for all', async () => {
    const [orders, audit] = [memory(), memory()];
    const app = await Test.createTestingModule({
      imports: [
        BrokerModule.forRoot([
          { name: 'orders', broker: orders },
          { name: 'audit', broker: audit },
        ]),
      ],
    }).compile();
    apps.push(app);
    await app.init();
    const health = app.get(BrokerHealthIndicator);
    audit.faults.drop({ for: Infinity });
    const { all } = await health.isReady('all');
    expect(all.status).to.equal('down');
    expect(all.message).to.match(/^audit: it is reconnecting: /);
    expect(all.brokers?.['orders']).to.include({ state: 'connected' });
    expect(all.brokers?.['audit']).to.include({ state: 'reconnecting' });
    expect((await health.isReady('b', { broker: 'orders' })).b.status).to.equal('up');
    audit.faults.restore();
  });

  it('throws what terminus 10 looks for, where that is installed', async () => {
    const registry = new BrokerRegistry();
    const broker = memory();
    registry.add(new ManagedBroker('orders', broker, {}));
    const health = new BrokerHealthIndicator(registry, () => true);
    const error = (await refusal(health.isReady('b'))) as Error & { causes?: unknown };
    expect(error).to.include({ isHealthCheckError: true, name: 'HealthCheckError', message: 'b is down: it is idle' });
    expect(error.causes).to.have.nested.property('b.status', 'down');
    await broker.connect();
    expect((await health.isReady('b')).b.status).to.equal('up');
    await broker.close();
  });

  it('refuses what it does not know', async () => {
    const [health] = await start(memory());
    expect(await refusal(health.isReady('b', { broker: 'x' }))).to.be.instanceOf(InvalidOptionError);
    const options = { maxInflight: 1 } as object;
    expect((await refusal(health.isHealthy('b', options))).message).to.include("did you mean 'maxInFlight'?");
    expect(await refusal(health.isReady('b', { maxInFlight: 1 } as object))).to.be.instanceOf(InvalidOptionError);
    expect((await refusal(new BrokerHealthIndicator(new BrokerRegistry()).isReady('b'))).message).to.equal(
      'BrokerHealthIndicator.isReady(): this app has no broker',
    );
  });
});
