import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { expect } from 'chai';
import { firstValueFrom, NEVER, of, throwError, type Observable } from 'rxjs';
import { json } from '../../lib/codec/json.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import { BrokerContext } from '../../lib/nest/context.js';
import { BROKER } from '../../lib/nest/handler-options.js';
import { OnBrokerEvent } from '../../lib/nest/on-broker.js';
import { ack, deadLetter, release, type Outcome } from '../../lib/nest/outcome.js';
import { BrokerServer } from '../../lib/nest/server.js';
import { collect, until } from '../support/wait.js';
import { Apps } from './transport-kit.js';

interface Order {
  readonly id: number;
}

const codec = json<Order>();
const order = { codec };

describe('BrokerServer', () => {
  const apps = new Apps();

  afterEach(() => apps.end());

  it('gives the payload and its context to the handler of the channel, and acks when that is done', async () => {
    const seen: [Order, BrokerContext][] = [];
    let finish = (): void => {};
    const working = new Promise<void>((resolve) => {
      finish = resolve;
    });

    @Controller()
    class Orders {
      @EventPattern<unknown>('orders', BROKER, { durable: 'billing' })
      async bill(@Payload() data: Order, @Ctx() context: BrokerContext): Promise<void> {
        seen.push([data, context]);
        await working;
      }
    }

    const broker = apps.memory();
    const { app, server } = await apps.start(broker, [Orders]);
    await broker.publish('orders', { id: 7 }, { ...order, key: 'k', headers: { trace: 'on' } });
    const [data, context] = await until(() => seen[0]);
    expect(data).to.deep.equal({ id: 7 });
    expect(context).to.be.instanceOf(BrokerContext);
    expect(context.channel).to.equal('orders');
    expect(context.pattern).to.equal('orders');
    expect(context.broker).to.equal(broker);
    expect(context.headers.get('trace')).to.equal('on');
    expect(context.attempt).to.equal(1);
    expect(context.delivery.offset).to.equal(1n);
    expect(context.getArgByIndex(1)).to.equal('orders');
    expect(context.delivery.settled).to.be.false;
    expect(server.subscriptions).to.deep.equal([
      { channel: 'orders', durable: 'billing', queue: undefined, state: 'live', error: undefined, active: 1 },
    ]);
    finish();
    await until(() => context.delivery.settled);
    expect(app.unwrap()).to.equal(broker);
    expect(await firstValueFrom(app.status)).to.equal('connected');
  });

  it('waits for the Observable that a handler returns', async () => {
    let context: BrokerContext | undefined;
    let completed = false;

    @Controller()
    class Orders {
      @OnBrokerEvent('orders')
      bill(@Payload() _data: Order, @Ctx() given: BrokerContext): Observable<number> {
        context = given;
        return completed ? of(1) : NEVER;
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders], { drainTimeout: 0 });
    await broker.publish('orders', { id: 1 }, order);
    const first = await until(() => context);
    expect(first.delivery.settled).to.be.false;
    completed = true;
    await broker.publish('orders', { id: 2 }, order);
    await until(() => context !== first && context?.delivery.settled);
  });

  it('works on as many at a time as concurrency says', async () => {
    let now = 0;
    let most = 0;
    let done = 0;

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { concurrency: 3, ackWait: 5_000 })
      async bill(): Promise<void> {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        done++;
      }
    }

    const broker = apps.memory();
    for (let id = 0; id < 20; id++) await broker.publish('orders', { id }, order);
    await apps.start(broker, [Orders]);
    await until(() => done === 20);
    expect(most).to.equal(3);
  });

  it('acks before the handler, or leaves it to the handler', async () => {
    const contexts: BrokerContext[] = [];

    @Controller()
    class Orders {
      @OnBrokerEvent('eager', { ack: 'before' })
      eager(@Ctx() context: BrokerContext): void {
        contexts.push(context);
        if (!context.delivery.settled) throw new Error('not settled yet');
        throw new Error('too late to matter');
      }

      @OnBrokerEvent('manual', { ack: 'manual' })
      manual(@Ctx() context: BrokerContext): void {
        contexts.push(context);
        if (context.attempt > 1) context.delivery.ack();
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    await broker.publish('eager', { id: 1 }, order);
    await until(() => contexts.length === 1);
    await broker.publish('manual', { id: 1 }, order);
    const last = await until(() => contexts[2]);
    expect(contexts.map(({ channel }) => channel)).to.deep.equal(['eager', 'manual', 'manual']);
    expect(last.delivery.settled).to.be.true;
  });

  it('releases what failed, so that it comes again', async () => {
    const attempts: number[] = [];

    @Controller()
    class Orders {
      @OnBrokerEvent('orders')
      bill(@Ctx() context: BrokerContext): Observable<never> | undefined {
        attempts.push(context.attempt);
        if (context.attempt === 1) throw new Error('thrown');
        return context.attempt === 2 ? throwError(() => new Error('emitted')) : undefined;
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    await broker.publish('orders', { id: 1 }, order);
    await until(() => attempts.length === 3);
    expect(attempts).to.deep.equal([1, 2, 3]);
  });

  it('publishes a dead letter to another channel after so many attempts, with where it is from', async () => {
    let attempts = 0;

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { onError: { after: 2, to: 'orders.dead' } })
      bill(): void {
        attempts++;
        throw new Error('no such customer');
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    await broker.publish('orders', { id: 1 }, { ...order, key: 'k', headers: { trace: 'on' } });
    const [dead] = await collect<Delivery<Order>>(broker.messages('orders.dead', { start: earliest(), codec }), 1);
    expect(dead!.value).to.deep.equal({ id: 1 });
    expect(new TextDecoder().decode(dead!.key)).to.equal('k');
    expect(Object.fromEntries(dead!.headers)).to.deep.equal({
      trace: 'on',
      'rx-weir-dead-from': 'orders',
      'rx-weir-dead-offset': '1',
      'rx-weir-dead-error': 'Internal server error',
    });
    expect(attempts).to.equal(2);
  });

  it('hands a message that cannot be decoded to the dead letters without an attempt', async () => {
    const dead: unknown[] = [];

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', {
        onError: { after: 5, to: (context, error) => of(dead.push(error, context.delivery.value)) },
      })
      bill(): void {
        dead.push('handled');
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    await broker.publish('orders', new TextEncoder().encode('{'));
    await until(() => dead.length > 0);
    expect(dead[0]).to.include({ code: 'DECODE' });
    expect(dead[1]).to.deep.equal(new TextEncoder().encode('{'));
  });

  it('ends the subscription with a failure and makes it again, under onError: throw', async () => {
    const seen: number[] = [];
    const errors: unknown[] = [];

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { durable: 'd', concurrency: 1, onError: 'throw' })
      bill(@Payload() data: Order): void {
        seen.push(data.id);
        if (seen.length === 1) throw new Error('once');
      }
    }

    const broker = apps.memory();
    for (let id = 1; id <= 3; id++) await broker.publish('orders', { id }, order);
    const { server } = await apps.start(broker, [Orders], { resubscribe: { initialDelay: 1 } });
    server.on('error', (error) => errors.push(error));
    await until(() => seen.length >= 4);
    expect(seen).to.deep.equal([1, 1, 2, 3]);
    expect(errors).to.have.length(1);
    expect(server.subscriptions[0]).to.include({ state: 'live', error: errors[0] });
  });

  it('does what an outcome says, returned or emitted', async () => {
    const seen: string[] = [];
    const dead: unknown[] = [];
    const wanted: Record<string, () => Outcome | Observable<Outcome>> = {
      returned: () => release(),
      emitted: () => of(release({ after: 5 })),
      acked: () => ack(),
      dead: () => deadLetter('why not'),
    };

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { onError: { after: 9, to: (_context, error) => of(dead.push(error)) } })
      bill(@Payload() what: string, @Ctx() context: BrokerContext): unknown {
        seen.push(`${what} ${context.attempt}`);
        return context.attempt === 1 ? wanted[what]!() : undefined;
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    for (const what of Object.keys(wanted)) await broker.publish('orders', what, { codec: json<string>() });
    await until(() => seen.length === 6);
    expect(seen.slice(0, 4)).to.deep.equal(['returned 1', 'emitted 1', 'acked 1', 'dead 1']);
    expect(seen.slice(4)).to.have.members(['returned 2', 'emitted 2']);
    expect(dead).to.deep.equal(['why not']);
  });

  it('shares a subscription among handlers of a channel, and makes one for each durable', async () => {
    const seen: string[] = [];

    @Controller()
    class Mail {
      @EventPattern<unknown>('orders')
      send(): void {
        seen.push('mail');
      }
    }

    @Controller()
    class Books {
      @EventPattern<unknown>('orders')
      keep(): void {
        seen.push('books');
      }

      @EventPattern<unknown>('orders', { durable: 'audit' })
      audit(): void {
        seen.push('audit');
      }
    }

    const broker = apps.memory();
    const { server } = await apps.start(broker, [Mail, Books]);
    expect(server.subscriptions.map(({ durable }) => durable)).to.deep.equal([undefined, 'audit']);
    await broker.publish('orders', { id: 1 }, order);
    await until(() => seen.length === 3);
    expect(seen).to.have.members(['mail', 'books', 'audit']);
  });

  it('refuses what cannot be: an unknown option, one channel wanted in two ways, a pattern without a channel', async () => {
    const broker = apps.memory();

    @Controller()
    class Typo {
      @EventPattern<unknown>('orders', { duarble: 'billing' })
      bill(): void {}
    }

    @Controller()
    class Twice {
      @OnBrokerEvent('orders', { concurrency: 1 })
      one(): void {}

      @OnBrokerEvent('orders', { concurrency: 2 })
      two(): void {}
    }

    @Controller()
    class Nowhere {
      @MessagePattern({ cmd: 'sum' })
      sum(): void {}
    }

    @Controller()
    class BadStart {
      @EventPattern<unknown>('orders', { start: 'earliest' })
      bill(): void {}
    }

    for (const [controller, words] of [
      [Typo, /the handler of "orders".*did you mean 'durable'/],
      [Twice, /share a subscription and differ in concurrency/],
      [Nowhere, /must be the name of a channel.*got \{"cmd":"sum"\}/],
      [BadStart, /start accepts .*call earliest\(\)/],
    ] as const) {
      const error = await apps.start(broker, [controller]).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      expect(error, controller.name).to.be.instanceOf(InvalidOptionError);
      expect((error as Error).message).to.match(words);
    }
    expect(() => new BrokerServer({} as never)).to.throw(InvalidOptionError, 'broker is required');
  });

  it('runs the handlers of its own transport alone', async () => {
    const seen: string[] = [];
    const other = Symbol('other');

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', {}, other)
      theirs(): void {
        seen.push('theirs');
      }

      @OnBrokerEvent('orders')
      ours(): void {
        seen.push('ours');
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders], { transport: other });
    await broker.publish('orders', { id: 1 }, order);
    await until(() => seen.length > 0);
    expect(seen).to.deep.equal(['theirs']);
  });

  it('acks or releases a message of a pattern that nobody has, or counts it as failed', async () => {
    @Controller()
    class Orders {
      @OnBrokerEvent({ channel: 'orders', type: 'paid' }, { durable: 'd', onError: { after: 1, to: 'orders.dead' } })
      paid(): void {}
    }

    for (const onUnknown of ['ack', 'release', 'error'] as const) {
      const broker = apps.memory();
      const { app } = await apps.start(broker, [Orders], { onUnknown });
      const settled: string[] = [];
      const listen = (message: unknown): void => {
        settled.push((message as { outcome: string }).outcome);
      };
      subscribe('rx-weir:settle', listen);
      await broker.publish('orders', { id: 1 }, order);
      await until(() => settled.length > 0);
      unsubscribe('rx-weir:settle', listen);
      expect(settled[0]).to.equal(onUnknown === 'release' ? 'release' : 'ack');
      if (onUnknown === 'error') await collect(broker.messages('orders.dead', { start: earliest() }), 1);
      await app.close();
    }
  });

  it('tells the status and the events of the broker', async () => {
    const broker = apps.memory();
    const { server } = await apps.start(broker, []);
    const told: string[] = [];
    server.on('status', ({ state }) => told.push(state));
    server.on('event', ({ type }) => told.push(type));
    broker.faults.drop();
    await until(() => told.includes('reconnected'));
    expect(told).to.include.members(['connected', 'disconnected', 'reconnecting']);
    expect(() => server.on('sneeze' as 'event', () => {})).to.throw(InvalidOptionError, 'status, event and error');
  });
});
