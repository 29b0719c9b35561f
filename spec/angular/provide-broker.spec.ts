import { createEnvironmentInjector, ErrorHandler, inject, InjectionToken, runInInjectionContext } from '@angular/core';
import { expect } from 'chai';
import { firstValueFrom } from 'rxjs';
import {
  BROKER,
  brokerToken,
  injectBroker,
  injectBrokerStatus,
  injectValues,
  provideBroker,
  withCodec,
  withConnect,
  withName,
  withServer,
} from '../../lib/angular/index.js';
import { earliest, InvalidOptionError, text, type Broker, type Status } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { until } from '../support/wait.js';
import { startApp, type App } from './platform.js';

const current = (broker: Broker): Promise<Status> => firstValueFrom(broker.status);

describe('angular: provideBroker', () => {
  let app: App | undefined;

  afterEach(() => app?.destroy());

  const start = async (...args: Parameters<typeof startApp>): Promise<App> => (app = await startApp(...args));
  const run = <T>(work: () => T): T => runInInjectionContext(app!.injector, work);

  it('runs a factory at the first use, once, where it can inject', async () => {
    const NAME = new InjectionToken<string>('name');
    const made: string[] = [];
    const factory = (): MemoryBroker => {
      made.push(inject(NAME));
      return memory();
    };
    await start([{ provide: NAME, useValue: 'shop' }, provideBroker(factory)]);
    expect(made).to.deep.equal([]);
    const broker = run(() => injectBroker());
    expect(run(() => inject(BROKER))).to.equal(broker);
    expect(made).to.deep.equal(['shop']);
    expect((await current(broker)).state).to.equal('idle');
  });

  it('closes what a factory has made with the application, and leaves a handle that it was given', async () => {
    const [own, given] = [memory(), memory()];
    await start([provideBroker(() => own), provideBroker(given, withName('given'))]);
    run(() => [injectBroker(), injectBroker('given')]);
    app!.destroy();
    await until(async () => (await current(own)).state === 'closed');
    expect((await current(given)).state).to.equal('idle');
    await given.close();
  });

  it('closes the broker of a route with its injector', async () => {
    await start([]);
    const broker = memory();
    const route = createEnvironmentInjector([provideBroker(() => broker, withConnect())], app!.injector);
    await until(async () => (await current(broker)).state === 'connected');
    route.destroy();
    await until(async () => (await current(broker)).state === 'closed');
  });

  it('provides several, by name and by token', async () => {
    const LIVE = brokerToken<MemoryBroker>('live');
    const brokers = [memory(), memory(), memory()] as const;
    await start([
      provideBroker(brokers[0]),
      provideBroker(brokers[1], withName('orders')),
      provideBroker(brokers[2], withName(LIVE), withCodec(text)),
    ]);
    expect(run(() => [injectBroker(), injectBroker('orders'), injectBroker(LIVE)])).to.deep.equal(brokers);
    expect(run(() => injectBroker('live'))).to.equal(brokers[2]);
    expect(brokerToken('live')).to.equal(LIVE);
    await brokers[2].publish('news', 'ready', { codec: text });
    const news = run(() => injectValues<string, MemoryBroker>('news', { broker: LIVE, start: earliest() }));
    expect(await firstValueFrom(news)).to.equal('ready');
    await Promise.all(brokers.map((broker) => broker.close()));
  });

  it('gives what a spec provides under the token, with the codec that stays', async () => {
    const double = memory();
    const real = (): never => {
      throw new Error('the real broker was made');
    };
    await start([provideBroker<Broker>(real, withCodec(text)), { provide: BROKER, useValue: double }]);
    await double.publish('news', 'ready', { codec: text });
    expect(await firstValueFrom(run(() => injectValues<string>('news', { start: earliest() })))).to.equal('ready');
    await double.close();
  });

  it('connects at the start where it is told to, without waiting', async () => {
    const [early, late, closed] = [memory(), memory(), memory()];
    await closed.close();
    await start([
      provideBroker(early, withConnect()),
      provideBroker(late, withName('late')),
      provideBroker(closed, withName('closed'), withConnect()),
    ]);
    expect(run(() => injectBrokerStatus({ broker: 'closed' }))()).to.deep.equal({ state: 'closed' });
    await until(async () => (await current(early)).state === 'connected');
    expect((await current(late)).state).to.equal('idle');
    await Promise.all([early.close(), late.close()]);
  });

  it('waits for the connection where it is told to, and fails with it', async () => {
    const broker = memory();
    await start([provideBroker(() => broker, withConnect({ wait: true }))]);
    expect((await current(broker)).state).to.equal('connected');
    const closed = memory();
    await closed.close();
    const told: unknown[] = [];
    const handler = { provide: ErrorHandler, useValue: { handleError: (error: unknown) => told.push(error) } };
    const failed = await startApp([handler, provideBroker(closed, withConnect({ wait: true }))]).catch(
      (error: unknown) => error,
    );
    expect(failed).to.have.property('code', 'CLOSED');
    expect(told).to.deep.equal([failed]);
  });

  it('says what is wrong with what it is given', async () => {
    const refused = (work: () => unknown): string => {
      try {
        work();
      } catch (error) {
        expect(error).to.be.instanceOf(InvalidOptionError);
        return (error as Error).message;
      }
      return '';
    };
    const given = 5 as unknown as Broker;
    expect(refused(() => provideBroker(given))).to.contain('takes a handle, or a function that makes one');
    expect(refused(() => provideBroker(memory(), {} as never))).to.contain('argument 2 must be a feature');
    expect(refused(() => provideBroker(memory(), withServer('on'), withServer('off')))).to.contain(
      'withServer() is given twice',
    );
    expect(refused(() => withServer('of' as never))).to.contain("must be one of 'off', 'on'");
    expect(refused(() => withConnect({ await: true } as never))).to.contain("there is no option 'await'");
    expect(refused(() => withCodec((() => text) as never))).to.contain('must be a codec');
    expect(refused(() => withName(''))).to.contain('a non-empty string');
    await start([provideBroker(() => given)]);
    expect(refused(() => run(() => injectBroker()))).to.contain('the function must return a handle');
    expect(refused(() => run(() => injectBroker('orders')))).to.contain(
      "no broker is provided with the name orders; add provideBroker(…, withName('orders'))",
    );
    expect(refused(() => run(() => injectValues('a', { broker: 7 as never })))).to.contain(
      "injectValues('a'): broker must be",
    );
    expect(() => injectBroker()).to.throw('NG0203');
  });
});
