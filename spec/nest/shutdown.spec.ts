import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { expect } from 'chai';
import { firstValueFrom, Observable } from 'rxjs';
import { json } from '../../lib/codec/json.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { earliest } from '../../lib/core/starts.js';
import type { BrokerContext } from '../../lib/nest/context.js';
import { OnBrokerEvent } from '../../lib/nest/on-broker.js';
import { release, type Outcome } from '../../lib/nest/outcome.js';
import { collect, until, within } from '../support/wait.js';
import { Apps } from './transport-kit.js';

interface Order {
  readonly id: number;
}

const codec = json<Order>();
const order = { codec };

describe('the end of a BrokerServer', () => {
  const apps = new Apps();

  afterEach(() => apps.end());

  it('begins nothing more, waits for what is at work, acks it, and leaves the rest to the durable', async () => {
    const begun: number[] = [];
    const finish: (() => void)[] = [];

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { durable: 'd', concurrency: 2, ackWait: 5_000 })
      async bill(@Payload() { id }: Order): Promise<void> {
        begun.push(id);
        await new Promise<void>((resolve) => finish.push(resolve));
      }
    }

    const broker = apps.memory();
    for (let id = 1; id <= 5; id++) await broker.publish('orders', { id }, order);
    const { app } = await apps.start(broker, [Orders]);
    await until(() => begun.length === 2);
    let isClosed = false;
    const closing = app.close().then(() => (isClosed = true));
    await broker.publish('orders', { id: 6 }, order);
    finish[0]!();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).to.be.false;
    finish[1]!();
    await closing;
    expect(begun).to.deep.equal([1, 2]);
    expect((await firstValueFrom(broker.status)).state, 'a handle of somebody else').to.equal('connected');
    const rest = await collect<Delivery<Order>>(
      broker.messages('orders', { start: earliest(), durable: 'd', codec }),
      4,
    );
    expect(rest.map(({ value }) => value.id)).to.deep.equal([3, 4, 5, 6]);
  });

  it('releases what has not finished in time, ends its Observable, and closes a broker of its own', async () => {
    const contexts: BrokerContext[] = [];
    let ended = 0;

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { durable: 'd', ackWait: 5_000 })
      bill(@Ctx() context: BrokerContext): Observable<never> {
        contexts.push(context);
        return new Observable(() => () => ended++);
      }
    }

    const broker = apps.memory();
    const { app, server } = await apps.start(broker.handle(), [Orders], { owns: true, drainTimeout: 20 });
    await broker.publish('orders', { id: 1 }, order);
    await until(() => contexts.length === 1);
    const states: string[] = [];
    server.on('status', ({ state }) => states.push(state));
    await app.close();
    expect(ended).to.equal(1);
    expect(states).to.deep.equal(['connected', 'closed']);
    contexts[0]!.delivery.ack();
    expect(contexts[0]!.delivery.settled, 'an ack after the release').to.be.false;
    const [again] = await collect<Delivery<Order>>(
      broker.messages('orders', { start: earliest(), durable: 'd', codec }),
      1,
    );
    expect(again!.value.id).to.equal(1);
    await server.close();
  });

  it('gives back at once what was to be released later', async () => {
    const seen: number[] = [];

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { durable: 'd', ackWait: 5_000 })
      bill(@Payload() { id }: Order): Outcome {
        seen.push(id);
        return release({ after: 60_000 });
      }
    }

    const broker = apps.memory();
    const { app } = await apps.start(broker, [Orders]);
    await broker.publish('orders', { id: 1 }, order);
    await until(() => seen.length === 1);
    await within(app.close(), 2_000, 'the end');
    const [again] = await collect<Delivery<Order>>(
      broker.messages('orders', { start: earliest(), durable: 'd', codec }),
      1,
    );
    expect(again!.redelivered).to.be.true;
  });

  it('ends a subscription that waits to be made again', async () => {
    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { onError: 'throw' })
      bill(): void {
        throw new Error('no');
      }
    }

    const broker = apps.memory();
    const { app, server } = await apps.start(broker, [Orders], { resubscribe: { initialDelay: 60_000 } });
    await broker.publish('orders', { id: 1 }, order);
    await until(() => server.subscriptions[0]!.state === 'waiting');
    await within(app.close(), 2_000, 'the end');
    expect(server.subscriptions[0]).to.include({ state: 'ended', active: 0 });
  });

  it('tells listen() when the broker cannot be reached', async () => {
    const broker = apps.memory();
    await broker.close();
    const error = await apps.start(broker, []).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).to.include({ code: 'CLOSED' });
  });
});
