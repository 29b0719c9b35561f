import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { expect } from 'chai';
import type { Observable } from 'rxjs';
import {
  BrokerTimeoutError,
  InvalidOptionError,
  PublishError,
  ackConcatMap,
  json,
  text,
  type Broker,
  type Delivery,
  type Sink,
} from '../../lib/index.js';
import { memory } from '../../lib/memory/index.js';
import { InjectBroker, InjectSink, InjectSource } from '../../lib/nest/decorators.js';
import { BrokerModule } from '../../lib/nest/module.js';
import { BrokerTester, BrokerTestingModule } from '../../lib/nest/testing-module.js';
import { refusal } from '../support/refusal.js';

interface Order {
  readonly id: number;
}

/** Bills each order; one without a number is released. */
@Injectable()
class Billing {
  constructor(
    @InjectSource('orders') orders: Observable<Delivery<Order>>,
    @InjectSink('bills', 'audit') bills: Sink<string>,
    @InjectBroker() readonly broker: Broker,
  ) {
    orders
      .pipe(
        ackConcatMap(
          async ({ value }) => {
            if (typeof value.id !== 'number') throw new Error('an order needs a number');
            const receipt = await bills.send(`bill ${value.id}`);
            if (!receipt.ok) throw receipt.error;
          },
          { onError: 'release' },
        ),
      )
      .subscribe();
  }
}

@Module({
  imports: [
    BrokerModule.forFeature([
      { source: 'orders', options: { codec: json<Order>() } },
      { sink: 'bills', broker: 'audit', options: { codec: text } },
    ]),
  ],
  providers: [Billing],
})
class BillingModule {}

let asked = 0;

@Module({
  imports: [
    BillingModule,
    BrokerModule.forRoot({ broker: () => failing() }),
    BrokerModule.forRootAsync({ name: 'audit', useFactory: () => failing() }),
  ],
})
class AppModule {}

describe('nest/testing-module', () => {
  let app: TestingModule;
  beforeEach(() => {
    asked = 0;
  });
  afterEach(() => app.close());

  async function startApp(): Promise<{ orders: BrokerTester; audit: BrokerTester }> {
    const builder = Test.createTestingModule({ imports: [AppModule] });
    app = await BrokerTestingModule.overrideBrokers(builder).compile();
    await app.init();
    return { orders: BrokerTester.of(app), audit: BrokerTester.of(app, 'audit') };
  }

  it('replaces all brokers of an app, without asking for what they are made of', async () => {
    const { orders, audit } = await startApp();
    await orders.emit('orders', { id: 7 }, { codec: json<Order>() });
    expect(await audit.published('bills', 1, { codec: text })).to.deep.equal(['bill 7']);
    const [delivery] = await orders.acked('orders');
    expect(delivery).to.deep.equal({
      channel: 'orders',
      offset: 1n,
      value: { id: 7 },
      redelivered: false,
      outcome: 'acked',
    });
    expect(app.get(Billing, { strict: false }).broker).to.equal(orders.broker);
    expect(asked).to.equal(0);
  });

  it('gives brokers to modules that are tested without the app', async () => {
    app = await Test.createTestingModule({
      imports: [BrokerTestingModule.forRoot({ names: ['default', 'audit'] }), BillingModule],
    }).compile();
    await app.init();
    await BrokerTester.of(app).emit('orders', { id: 8 }, { codec: json<Order>() });
    const bills = await BrokerTester.of(app, 'audit').published('bills');
    expect(bills).to.deep.equal([new TextEncoder().encode('bill 8')]);
  });

  it('tells what was not acked', async () => {
    const { orders } = await startApp();
    await orders.emit('orders', new TextEncoder().encode('{}'));
    const error = await refusal(orders.acked('orders', 1, { timeout: 30 }));
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.equal(
      "BrokerTester.acked('orders'): waited 30 ms for 1 acked; 0 were, and 0 of the 1 given to the app are open",
    );
    expect(orders.deliveries('orders').map(({ outcome }) => outcome)).to.deep.equal(['released']);
    expect(orders.deliveries('other')).to.deep.equal([]);

    const taken: Delivery[] = [];
    orders.broker.messages('other').subscribe((each) => taken.push(each));
    await orders.emit('other', new Uint8Array(1), { key: 'k' });
    await refusal(orders.acked('other', 1, { timeout: 10 }));
    expect(orders.deliveries('other')[0]).to.include({ outcome: 'open' });
    expect(orders.deliveries()).to.have.length(2);
    taken[0]?.ack();
  });

  it('tells what was not published', async () => {
    const { audit } = await startApp();
    await audit.emit('bills', 'by hand', { codec: text });
    const error = await refusal(audit.published('bills', 2, { timeout: 30 }));
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.equal("BrokerTester.published('bills'): waited 30 ms for 2 on the channel; there are 1");
  });

  it('has the faults of the memory broker', async () => {
    const { orders, audit } = await startApp();
    audit.broker.faults.refuse(1, new PublishError('no room'));
    await orders.emit('orders', { id: 1 }, { codec: json<Order>() });
    await refusal(orders.acked('orders', 1, { timeout: 20 }));
    await orders.emit('orders', { id: 2 }, { codec: json<Order>() });
    const given = await orders.acked('orders');
    expect(given.map(({ outcome }) => outcome)).to.deep.equal(['released', 'acked']);
  });

  it('refuses what is none of its own, and options that it does not know', async () => {
    app = await Test.createTestingModule({ imports: [BrokerModule.forRoot({ broker: () => memory() })] }).compile();
    expect(() => BrokerTester.of(app)).to.throw(InvalidOptionError, 'use its overrideBrokers()');
    expect(() => BrokerTester.of(app, 'x')).to.throw(
      InvalidOptionError,
      "there is no broker 'x'; this app has 'default'",
    );
    expect(() => BrokerTestingModule.forRoot({ name: 'x' } as object)).to.throw(
      InvalidOptionError,
      "did you mean 'names'?",
    );
    expect(() => BrokerTestingModule.forRoot({ names: [] })).to.throw(InvalidOptionError, 'a non-empty array');
  });
});

function failing(): Broker {
  asked++;
  throw new Error('a spec has no password');
}
