import {
  Catch,
  Controller,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { expect } from 'chai';
import { defer, EMPTY, of, tap, throwError, type Observable } from 'rxjs';
import { json } from '../../lib/codec/json.js';
import type { BrokerContext } from '../../lib/nest/context.js';
import { OnBrokerEvent } from '../../lib/nest/on-broker.js';
import { deadLetter, release } from '../../lib/nest/outcome.js';
import { until } from '../support/wait.js';
import { Apps } from './transport-kit.js';

const codec = json<{ id: number; member?: boolean }>();
const options = { codec };

describe("what Nest puts around a BrokerServer's handlers", () => {
  const apps = new Apps();
  const log: string[] = [];
  const contexts: BrokerContext[] = [];

  beforeEach(() => {
    log.length = 0;
    contexts.length = 0;
  });

  afterEach(() => apps.end());

  it('runs guards, and a message that one refuses is a failure like any other', async () => {
    @Injectable()
    class Members implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        expect(context.getType()).to.equal('rpc');
        contexts.push(context.switchToRpc().getContext<BrokerContext>());
        return context.switchToRpc().getData<{ member: boolean }>().member;
      }
    }

    @Controller()
    class Orders {
      @UseGuards(Members)
      @OnBrokerEvent('orders', { onError: 'ack' })
      bill(@Payload() { id }: { id: number }): void {
        log.push(`bill ${id}`);
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders], {}, [Members]);
    await broker.publish('orders', { id: 1, member: false }, options);
    await broker.publish('orders', { id: 2, member: true }, options);
    await until(() => contexts.length === 2 && contexts.every(({ delivery }) => delivery.settled));
    expect(log).to.deep.equal(['bill 2']);
  });

  it('runs pipes on the payload, and one that throws is a failure', async () => {
    class Whole implements PipeTransform {
      transform({ id }: { id: number }): number {
        if (!Number.isInteger(id)) throw new TypeError('not a whole number');
        return id;
      }
    }

    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { onError: { after: 2, to: (context) => of(contexts.push(context)) } })
      bill(@Payload(Whole) id: number, @Ctx() { attempt }: BrokerContext): void {
        log.push(`${id} at ${attempt}`);
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    await broker.publish('orders', { id: 1 }, options);
    await broker.publish('orders', { id: 1.5 }, options);
    await until(() => contexts.length === 1);
    expect(log).to.deep.equal(['1 at 1']);
    expect(contexts[0]!.attempt).to.equal(2);
  });

  it('runs interceptors around the handler, and takes the outcome that one emits', async () => {
    @Injectable()
    class Timed implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        const given = context.switchToRpc().getContext<BrokerContext>();
        log.push('before');
        return given.attempt === 1 ? of(release()) : next.handle().pipe(tap({ complete: () => log.push('after') }));
      }
    }

    @Controller()
    class Orders {
      @UseInterceptors(Timed)
      @OnBrokerEvent('orders')
      async bill(@Ctx() context: BrokerContext): Promise<void> {
        contexts.push(context);
        log.push('bill');
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders], {}, [Timed]);
    await broker.publish('orders', { id: 1 }, options);
    await until(() => contexts[0]?.delivery.settled);
    expect(log).to.deep.equal(['before', 'before', 'bill', 'after']);
  });

  it('runs filters, and what they return or throw decides what becomes of the message', async () => {
    @Catch(RangeError)
    class Excuse implements ExceptionFilter {
      catch(error: RangeError, host: ArgumentsHost): Observable<unknown> {
        const context = host.switchToRpc().getContext<BrokerContext>();
        contexts.push(context);
        log.push(`${error.message} ${context.attempt}`);
        if (error.message === 'excused') return EMPTY;
        if (error.message === 'given up') return of(deadLetter(error));
        return context.attempt === 1 ? throwError(() => new Error('again')) : EMPTY;
      }
    }

    const words = ['excused', 'given up', 'retried'];
    const dead: unknown[] = [];

    @Controller()
    class Orders {
      @UseFilters(Excuse)
      @OnBrokerEvent('orders', { onError: { after: 5, to: (_context, error) => of(dead.push(error)) } })
      bill(@Payload() { id }: { id: number }): Observable<never> {
        if (id === 0) throw new RangeError(words[id]);
        return throwError(() => new RangeError(words[id]));
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders], {}, [Excuse]);
    for (const id of words.keys()) await broker.publish('orders', { id }, options);
    await until(() => log.length === 4 && contexts.slice(-1)[0]?.delivery.settled);
    expect(log).to.deep.equal(['excused 1', 'given up 1', 'retried 1', 'retried 2']);
    expect(contexts.filter(({ delivery }) => delivery.settled)).to.have.length(3);
    expect(dead).to.have.length(1);
    expect(dead[0]).to.be.instanceOf(RangeError);
  });

  it('makes controllers of the scope of a request for each message', async () => {
    let made = 0;

    @Controller({ scope: Scope.REQUEST })
    class Orders {
      readonly number = ++made;

      @OnBrokerEvent('orders')
      bill(@Payload() { id }: { id: number }, @Ctx() context: BrokerContext): Observable<string> {
        return defer(() => {
          contexts.push(context);
          log.push(`${id} by ${this.number}`);
          return of('done');
        });
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Orders]);
    await broker.publish('orders', { id: 1 }, options);
    await broker.publish('orders', { id: 2 }, options);
    await until(() => log.length === 2 && contexts.every(({ delivery }) => delivery.settled));
    expect(log).to.have.members(['1 by 1', '2 by 2']);
  });

  it("runs between Nest's processing hooks, and ends with them when the handler has failed too", async () => {
    @Controller()
    class Orders {
      @OnBrokerEvent('orders', { onError: 'ack' })
      bill(@Payload() { id }: { id: number }): Observable<number> {
        log.push(`bill ${id}`);
        return id === 1 ? of(1) : throwError(() => new Error('no'));
      }
    }

    const broker = apps.memory();
    const { server } = await apps.start(broker, [Orders]);
    server.setOnProcessingStartHook((_transport, context, done) => {
      log.push(`start ${(context as BrokerContext).channel}`);
      void done();
    });
    server.setOnProcessingEndHook((_transport, context) => log.push(`end ${(context as BrokerContext).channel}`));
    await broker.publish('orders', { id: 1 }, options);
    await until(() => log.length === 3);
    await broker.publish('orders', { id: 2 }, options);
    await until(() => log.length === 6);
    expect(log).to.deep.equal(['start orders', 'bill 1', 'end orders', 'start orders', 'bill 2', 'end orders']);
  });
});
