// A program as its users write it: three brokers in one application, guards, pipes, interceptors and filters, requests
// and replies, and work that a SIGTERM finds in the middle. The specs compile it for each kind of module and run it on
// each major of Nest.
import 'reflect-metadata';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Module,
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
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { earliest } from 'rx-weir';
import { memory } from 'rx-weir/memory';
import { natsStreaming } from 'rx-weir/nats-streaming';
import { BrokerClient, BrokerContext, BrokerServer, OnBrokerEvent, OnBrokerRequest, release } from 'rx-weir/nest';
import { rabbitmqStream } from 'rx-weir/rabbitmq-stream';
import { catchError, firstValueFrom, map, of, range, throwError, toArray, type Observable } from 'rxjs';

const { JOURNAL, NATS_URL, NATS_CLUSTER, NATS_CLIENT, RABBITMQ_URL, CHANNEL } = process.env as Record<string, string>;

const NATS = Symbol('nats');
const RABBITMQ = Symbol('rabbitmq');
const MEMORY = Symbol('memory');

const terminated = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));

@Injectable()
class Journal {
  /** At once and on the disk, so that it is there whatever becomes of this process. */
  note(line: string): void {
    appendFileSync(JOURNAL!, `${line}\n`);
  }
}

/** Ends after the SIGTERM, at the earliest; from number 40 on it never does. */
async function work(id: number): Promise<void> {
  await terminated;
  if (id >= 40) await new Promise(() => undefined);
  await delay(id * 5);
}

@Controller()
class Jobs {
  constructor(private readonly journal: Journal) {}

  @OnBrokerEvent(CHANNEL!, { start: earliest(), durable: 'worker', maxInFlight: 50, ackWait: 5_000 }, NATS)
  async nats(@Payload() { id }: { id: number }): Promise<void> {
    this.journal.note(`begin nats ${id}`);
    await work(id);
    this.journal.note(`done nats ${id}`);
  }

  @EventPattern<string>(CHANNEL!, RABBITMQ, { start: earliest(), durable: 'worker', maxInFlight: 50 })
  async rabbitmq(@Payload() { id }: { id: number }): Promise<void> {
    this.journal.note(`begin rabbitmq ${id}`);
    await work(id);
    this.journal.note(`done rabbitmq ${id}`);
  }
}

@Injectable()
class Members implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToRpc().getData<{ member: boolean }>().member;
  }
}

@Injectable()
class Louder implements PipeTransform<string, string> {
  transform(value: string): string {
    return value.toUpperCase();
  }
}

@Injectable()
class Framed implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { channel } = context.switchToRpc().getContext<BrokerContext>();
    return next.handle().pipe(map((value) => `[${channel}: ${String(value)}]`));
  }
}

@Catch(RangeError)
class Excused implements ExceptionFilter {
  catch(error: RangeError, host: ArgumentsHost): Observable<string> {
    return of(`excused on ${host.switchToRpc().getContext<BrokerContext>().channel}: ${error.message}`);
  }
}

@Controller()
class Talks {
  static readonly attempts: number[] = [];
  static again: () => void;
  static readonly cameAgain = new Promise<void>((resolve) => (Talks.again = resolve));

  @MessagePattern('sum', MEMORY)
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((a, b) => a + b, 0);
  }

  @OnBrokerRequest({ channel: 'talks', type: 'count' }, {}, MEMORY)
  count(@Payload() n: number): Observable<number> {
    return range(1, n);
  }

  @OnBrokerRequest({ channel: 'talks', type: 'fail' }, {}, MEMORY)
  fail(): Observable<never> {
    return throwError(() => new RpcException({ code: 'NO', message: 'not today' }));
  }

  @UseGuards(Members)
  @OnBrokerRequest('members', {}, MEMORY)
  members(): string {
    return 'welcome';
  }

  @UseInterceptors(Framed)
  @OnBrokerRequest('shout', {}, MEMORY)
  shout(@Payload(Louder) word: string): string {
    return word;
  }

  @UseFilters(Excused)
  @OnBrokerRequest('excuses', {}, MEMORY)
  async excuses(): Promise<never> {
    throw new RangeError('too far');
  }

  @OnBrokerEvent('outcomes', { ackWait: 20 }, MEMORY)
  outcome(@Ctx() context: BrokerContext): void {
    Talks.attempts.push(context.attempt);
    if (context.attempt === 1) throw release();
    Talks.again();
  }
}

const inMemory = memory();

@Module({
  imports: [
    ClientsModule.register([{ name: 'TALKS', customClass: BrokerClient, options: { broker: inMemory, owns: false } }]),
  ],
  controllers: [Jobs, Talks],
  providers: [Journal, Members, Louder, Framed, Excused],
})
class AppModule {
  constructor(@Inject('TALKS') readonly client: BrokerClient) {}
}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['fatal'] });
  const clientId = NATS_CLIENT!;
  const nats = natsStreaming({ clusterId: NATS_CLUSTER!, clientId, servers: NATS_URL! });
  const rabbitmq = rabbitmqStream({ url: RABBITMQ_URL! });
  const servers = [
    new BrokerServer({ broker: nats, transport: NATS, drainTimeout: 600 }),
    new BrokerServer({ broker: rabbitmq, transport: RABBITMQ, drainTimeout: 600 }),
    new BrokerServer({ broker: inMemory, transport: MEMORY }),
  ];
  for (const strategy of servers) app.connectMicroservice({ strategy }, { inheritAppConfig: true });
  await app.init();
  await app.startAllMicroservices();
  void terminated.then(() => app.close());

  const { client } = app.get(AppModule);
  const answer = (pattern: unknown, data: unknown): Promise<unknown> =>
    firstValueFrom(
      client.send(pattern, data).pipe(
        toArray(),
        catchError((error: unknown) => of({ error })),
      ),
    );
  const receipt = await firstValueFrom(client.emit('outcomes', {}));
  await Talks.cameAgain;
  const talks = {
    sum: await answer('sum', [1, 2, 3]),
    count: await answer({ channel: 'talks', type: 'count' }, 3),
    fail: await answer({ channel: 'talks', type: 'fail' }, {}),
    unknown: await answer({ channel: 'talks', type: 'whistle' }, {}),
    member: await answer('members', { member: true }),
    stranger: await answer('members', { member: false }),
    shout: await answer('shout', 'hey'),
    excuses: await answer('excuses', {}),
    receipt: (receipt as { confirmed: boolean }).confirmed,
    attempts: Talks.attempts,
    states: await Promise.all(servers.map((server) => firstValueFrom(server.status))),
  };
  process.stdout.write(`${JSON.stringify(talks)}\n`);
}

void main();
