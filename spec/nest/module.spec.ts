import { Inject, Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { expect } from 'chai';
import type { Observable } from 'rxjs';
import {
  ConnectionError,
  InvalidOptionError,
  json,
  text,
  type Broker,
  type Delivery,
  type Sink,
} from '../../lib/index.js';
import { memory, type MemoryBroker, type MemoryTypes } from '../../lib/memory/index.js';
import { InjectBroker, InjectSink, InjectSource } from '../../lib/nest/decorators.js';
import type { BrokerModuleAsyncOptions, BrokerSettingsFactory } from '../../lib/nest/module-options.js';
import { BrokerModule } from '../../lib/nest/module.js';
import { getBrokerToken, getSinkToken, getSourceToken } from '../../lib/nest/tokens.js';
import { until } from '../support/wait.js';
import { refusal } from '../support/refusal.js';

interface Order {
  readonly id: number;
}

@Injectable()
class Settings {
  readonly closeTimeout = 123;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

describe('nest/module', () => {
  const apps: TestingModule[] = [];
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function start(...imports: (DynamicModule | Type)[]): Promise<TestingModule> {
    return startWith([], ...imports);
  }

  async function startWith(providers: Type[], ...imports: (DynamicModule | Type)[]): Promise<TestingModule> {
    const app = await Test.createTestingModule({ imports, providers }).compile();
    apps.push(app);
    return app.init();
  }

  describe('forRoot', () => {
    it('injects the handle, connected when the app has started, closed when it has shut down', async () => {
      const broker = memory();
      const app = await start(BrokerModule.forRoot({ broker }));
      expect(app.get(getBrokerToken())).to.equal(broker);
      expect(state(broker)).to.equal('connected');
      await app.close();
      expect(state(broker)).to.equal('closed');
    });

    it('injects several by their names', async () => {
      @Injectable()
      class Both {
        constructor(
          @InjectBroker('orders') readonly orders: Broker,
          @InjectBroker('audit') readonly audit: Broker,
          @InjectBroker() readonly other: Broker,
        ) {}
      }
      const [orders, audit, other] = [memory(), memory(), memory()];
      const app = await startWith(
        [Both],
        BrokerModule.forRoot([
          { name: 'orders', broker: orders },
          { name: 'audit', broker: audit },
        ]),
        BrokerModule.forRoot({ broker: other }),
      );
      const both = app.get(Both);
      expect([both.orders, both.audit, both.other]).to.deep.equal([orders, audit, other]);
      expect([both.orders, both.audit, both.other].map(state)).to.deep.equal(Array(3).fill('connected'));
      await app.close();
      expect([orders, audit, other].map(state)).to.deep.equal(Array(3).fill('closed'));
    });

    it('calls a function once for each app', async () => {
      const made: Broker[] = [];
      const make = (): Promise<Broker> => {
        const broker = memory();
        made.push(broker);
        return Promise.resolve(broker);
      };
      const root = BrokerModule.forRoot({ broker: make });
      const first = await start(root);
      const second = await start(root);
      expect(made).to.have.length(2);
      expect(first.get(getBrokerToken())).to.equal(made[0]);
      expect(second.get(getBrokerToken())).to.equal(made[1]);
    });

    it('leaves the connecting to the first use, where that is asked for', async () => {
      const broker = memory();
      const app = await start(BrokerModule.forRoot({ broker, connect: false }));
      expect(state(broker)).to.equal('idle');
      await app.get<Broker>(getBrokerToken()).publish('a', 'b', { codec: text });
      expect(state(broker)).to.equal('connected');
    });

    it('does not start without the broker, says why, and leaves no handle open', async () => {
      const away = memory({ connectTimeout: 20 });
      away.faults.drop({ for: Infinity });
      const there = memory();
      const app = await Test.createTestingModule({
        imports: [
          BrokerModule.forRoot([
            { name: 'away', broker: away },
            { name: 'there', broker: there },
          ]),
        ],
      }).compile();
      const error = await refusal(app.init());
      expect(error).to.be.instanceOf(ConnectionError);
      expect((error as ConnectionError).message).to.match(
        /^BrokerModule: broker 'away' cannot be reached: .+ \(the app does not start without it; with connect: false it does/,
      );
      expect((error as ConnectionError).broker).to.equal('memory');
      expect([away, there].map(state)).to.deep.equal(['closed', 'closed']);
    });

    it('keeps the class of the error of a handle that cannot be used at all', async () => {
      const closed = memory();
      await closed.close();
      const app = await Test.createTestingModule({ imports: [BrokerModule.forRoot({ broker: closed })] }).compile();
      const error = await refusal(app.init());
      expect(error).to.have.property('code', 'CLOSED');
      expect((error as Error).message).to.match(/^BrokerModule: the broker cannot be reached: .*make another one/);
    });

    it('is global, unless it is asked not to be', async () => {
      @Injectable()
      class Reader {
        constructor(@InjectBroker() readonly broker: Broker) {}
      }
      @Module({ providers: [Reader], exports: [Reader] })
      class ReaderModule {}

      const broker = memory();
      const app = await start(BrokerModule.forRoot({ broker }), ReaderModule);
      expect(app.get(Reader, { strict: false }).broker).to.equal(broker);

      const local = BrokerModule.forRoot({ broker: memory(), isGlobal: false });
      const error = await refusal(Test.createTestingModule({ imports: [local, ReaderModule] }).compile());
      expect((error as Error).message).to.include("rx-weir broker 'default'");

      @Module({ imports: [local], providers: [Reader] })
      class ImportingModule {}
      expect((await start(ImportingModule)).get(Reader, { strict: false }).broker).to.be.an('object');
    });

    it('refuses two brokers of one name', async () => {
      const twice = [{ broker: memory() }, { broker: memory() }];
      const error = await refusal(Test.createTestingModule({ imports: [BrokerModule.forRoot(twice)] }).compile());
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect((error as Error).message).to.include("two brokers with the name 'default'");
    });

    it('refuses options at the call', () => {
      const broker = memory();
      const wrong = (options: object): (() => unknown) => {
        return () => BrokerModule.forRoot(options as { broker: Broker });
      };
      expect(wrong({})).to.throw(InvalidOptionError, 'BrokerModule.forRoot(): broker is required');
      expect(wrong({ broker: 'nats://localhost' })).to.throw(InvalidOptionError, 'broker must be a handle');
      expect(wrong({ broker, drainTimout: 1 })).to.throw(InvalidOptionError, "did you mean 'drainTimeout'?");
      expect(wrong({ broker, connect: 'yes' })).to.throw(InvalidOptionError, 'connect must be true or false');
      expect(wrong({ broker, name: '' })).to.throw(InvalidOptionError, 'name must be');
      expect(wrong([])).to.throw(InvalidOptionError, 'the array of brokers is empty');
    });

    it('refuses what is no handle, where a function gives it', async () => {
      const wrong = BrokerModule.forRoot({ broker: (() => 1) as unknown as () => Broker });
      const error = await refusal(Test.createTestingModule({ imports: [wrong] }).compile());
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect((error as Error).message).to.include("the function that makes broker 'default' must give a handle");
    });
  });

  describe('forRootAsync', () => {
    @Injectable()
    class Maker implements BrokerSettingsFactory {
      constructor(@Inject(Settings) private readonly settings: Settings) {}

      createBroker(): Promise<Broker> {
        return Promise.resolve(memory({ closeTimeout: this.settings.closeTimeout }));
      }
    }

    it('takes a factory of settings with what it injects', async () => {
      const broker = memory();
      const seen: unknown[] = [];
      const app = await start(
        BrokerModule.forRootAsync({
          name: 'orders',
          imports: [SettingsModule],
          inject: [Settings, { token: 'nothing', optional: true }],
          useFactory: async (settings: Settings, nothing: undefined) => {
            seen.push(settings.closeTimeout, nothing);
            await Promise.resolve();
            return { broker: () => broker, connect: false };
          },
        }),
      );
      expect(app.get(getBrokerToken('orders'))).to.equal(broker);
      expect(seen).to.deep.equal([123, undefined]);
      expect(state(broker)).to.equal('idle');
    });

    it('takes a factory of handles, a class, and a provider', async () => {
      @Module({ imports: [SettingsModule], providers: [Maker], exports: [Maker] })
      class MakerModule {}
      const app = await start(
        BrokerModule.forRootAsync([
          { name: 'factory', useFactory: () => memory() },
          { name: 'class', imports: [SettingsModule], useClass: Maker },
          { name: 'existing', imports: [MakerModule], useExisting: Maker },
        ]),
      );
      const handles = ['factory', 'class', 'existing'].map((name) => app.get<Broker>(getBrokerToken(name)));
      expect(new Set(handles)).to.have.property('size', 3);
      expect(handles.map(state)).to.deep.equal(Array(3).fill('connected'));
    });

    it('refuses what a factory should not give, and options that say no way or two', async () => {
      const given = (result: unknown): Promise<unknown> => {
        const useFactory = (() => result) as () => Broker;
        return refusal(Test.createTestingModule({ imports: [BrokerModule.forRootAsync({ useFactory })] }).compile());
      };
      expect(((await given({ brokr: memory() })) as Error).message).to.equal(
        "BrokerModule.forRootAsync(), what the factory of broker 'default' gave: there is no option 'brokr', did you mean 'broker'? accepted are broker, connect, drainTimeout",
      );
      expect(await given(undefined)).to.be.instanceOf(InvalidOptionError);
      const wrong = (options: BrokerModuleAsyncOptions): (() => unknown) => {
        return () => BrokerModule.forRootAsync(options);
      };
      expect(wrong({})).to.throw(InvalidOptionError, 'give one of useFactory, useClass and useExisting; got none');
      expect(wrong({ useFactory: () => memory(), useClass: Maker })).to.throw(InvalidOptionError, 'got 2');
    });
  });

  describe('forFeature', () => {
    it('injects sources and sinks', async () => {
      @Injectable()
      class Billing {
        constructor(
          @InjectSource('orders') readonly orders: Observable<Delivery<Order>>,
          @InjectSink('bills', 'audit') readonly bills: Sink<string>,
        ) {}
      }
      const features = BrokerModule.forFeature<MemoryTypes>([
        { source: 'orders', options: { codec: json<Order>() } },
        {
          sink: 'bills',
          broker: 'audit',
          channel: 'shop.bills',
          options: { message: (bill: string) => ({ value: new TextEncoder().encode(bill), key: bill }) },
        },
      ]);
      @Module({ imports: [features], providers: [Billing] })
      class BillingModule {}

      const [shop, audit] = [memory(), memory()];
      const app = await start(
        BillingModule,
        BrokerModule.forRoot([{ broker: shop }, { name: 'audit', broker: audit }]),
      );
      const { orders, bills } = app.get(Billing, { strict: false });
      const stored: string[] = [];
      audit.values('shop.bills', { codec: text }).subscribe((bill) => stored.push(bill));
      orders.subscribe((order) => {
        bills.next(`bill ${order.value.id}`);
        order.ack();
      });
      await shop.publish('orders', { id: 7 }, { codec: json<Order>() });
      await until(() => stored.length === 1);
      expect(stored).to.deep.equal(['bill 7']);
    });

    it('gives a cold source, and a shared one where that is asked for', async () => {
      const broker = memory();
      const app = await start(
        BrokerModule.forRoot({ broker }),
        BrokerModule.forFeature([{ source: 'a' }, { source: 'b', hot: true, options: { linger: 1 } }]),
      );
      const given: Record<string, Delivery[]> = { a: [], b: [] };
      for (const name of ['a', 'a', 'b', 'b']) {
        app.get<Observable<Delivery>>(getSourceToken(name)).subscribe((delivery) => given[name]?.push(delivery));
      }
      for (const name of ['a', 'b']) await broker.publish(name, new Uint8Array(1));
      await until(() => given['a']?.length === 2 && given['b']?.length === 2);
      // two windows with one delivery each, and one window with one that two handles share
      given['a']?.[0]?.ack();
      expect(given['a']?.map(({ settled }) => settled)).to.deep.equal([true, false]);
      given['b']?.[0]?.ack();
      expect(given['b']?.map(({ settled }) => settled)).to.deep.equal([true, false]);
    });

    it('finds a broker that is not global through its module', async () => {
      const broker = memory();
      const local = BrokerModule.forRoot({ broker, isGlobal: false });
      const app = await start(local, BrokerModule.forFeature([{ sink: 'a' }], { imports: [local] }));
      await app.get<Sink<Uint8Array>>(getSinkToken('a')).send(new Uint8Array(1));
      const alone = Test.createTestingModule({ imports: [local, BrokerModule.forFeature([{ sink: 'a' }])] });
      expect(await refusal(alone.compile())).to.be.instanceOf(Error);
    });

    it('keeps two features apart that look alike', async () => {
      const broker = memory();
      const sink = (channel: string): DynamicModule => BrokerModule.forFeature([{ sink: 'out', channel }]);
      @Injectable()
      class User {
        constructor(@InjectSink('out') readonly out: Sink<Uint8Array>) {}
      }
      @Module({ imports: [sink('a')], providers: [{ provide: 'A', useClass: User }] })
      class A {}
      @Module({ imports: [sink('b')], providers: [{ provide: 'B', useClass: User }] })
      class B {}
      const app = await start(BrokerModule.forRoot({ broker }), A, B);
      const receipts = await Promise.all(
        ['A', 'B'].map((token) => app.get<User>(token, { strict: false }).out.send(new Uint8Array(1))),
      );
      expect(receipts.map(({ channel }) => channel)).to.deep.equal(['a', 'b']);
    });

    it('refuses features at the call, and options of the broker before the app connects', async () => {
      const wrong = (...features: object[]): (() => unknown) => {
        return () => BrokerModule.forFeature(features as [{ sink: string }]);
      };
      expect(wrong({ chanel: 'a' })).to.throw(InvalidOptionError, 'a feature needs a source or a sink');
      expect(wrong({ source: 'a', sink: 'b' })).to.throw(InvalidOptionError, 'make them two');
      expect(wrong({ source: 'a', chanel: 'b' })).to.throw(InvalidOptionError, "did you mean 'channel'?");
      expect(wrong({ sink: 'a', hot: true })).to.throw(InvalidOptionError, "there is no option 'hot'");
      expect(wrong({ sink: 'a' }, { sink: 'a' })).to.throw(
        InvalidOptionError,
        "sink 'a' of broker 'default' is here twice",
      );
      const broker = memory();
      const features = BrokerModule.forFeature([{ source: 'a', options: { durabel: 'd' } as object }]);
      const error = await refusal(
        Test.createTestingModule({ imports: [BrokerModule.forRoot({ broker }), features] }).compile(),
      );
      expect((error as Error).message).to.include("messages('a'): there is no option 'durabel'");
      expect(state(broker)).to.equal('idle');
    });
  });
});

function state(broker: Broker | MemoryBroker): string {
  let found = '';
  broker.status.subscribe((status) => (found = status.state)).unsubscribe();
  return found;
}
