import 'reflect-metadata';
import { Controller, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Payload } from '@nestjs/microservices';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { bytes } from '../../lib/codec/bytes.js';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import type { Broker } from '../../lib/core/broker.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import { BrokerRecord } from '../../lib/nest/broker-record.js';
import { BrokerClient } from '../../lib/nest/client.js';
import { OnBrokerRequest } from '../../lib/nest/on-broker.js';
import { collect, until } from '../support/wait.js';
import { Apps } from './transport-kit.js';

describe('BrokerClient', () => {
  const apps = new Apps();
  const contexts: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((each) => each.close()));
    await apps.end();
  });

  it('is a customClass of ClientsModule, which closes it', async () => {
    const store = apps.memory();
    const broker = store.handle();
    class AppModule {}
    const imports = [ClientsModule.register([{ name: 'ORDERS', customClass: BrokerClient, options: { broker } }])];
    const context = await NestFactory.createApplicationContext({ module: AppModule, imports }, { logger: false });
    contexts.push(context);
    const client = context.get<BrokerClient>('ORDERS');
    expect(client).to.be.instanceOf(BrokerClient);
    expect(client.unwrap()).to.equal(broker);
    const states: string[] = [];
    const told: string[] = [];
    client.status.subscribe((state) => states.push(state));
    client.on('status', ({ state }) => told.push(state));
    const receipt = await firstValueFrom(client.emit('orders', { id: 7 }));
    expect(receipt).to.include({ ok: true, confirmed: true, offset: 1n });
    const [delivery] = await collect<Delivery<unknown>>(
      store.messages('orders', { start: earliest(), codec: json() }),
      1,
    );
    expect(delivery!.value).to.deep.equal({ id: 7 });
    expect(delivery!.headers.size).to.equal(0);
    await context.close();
    contexts.length = 0;
    expect(states).to.deep.equal(['idle', 'connecting', 'connected', 'closed']);
    expect(told).to.deep.equal(['idle', 'connecting', 'connected']);
    expect(() => client.on('sneeze' as 'event', () => {})).to.throw(InvalidOptionError, 'status and event');
  });

  it('publishes an event once, whether or not anybody subscribes to what emit returned', async () => {
    const broker = apps.memory();
    const client = new BrokerClient({ broker: broker as unknown as Broker });
    const emitted = client.emit('orders', 1);
    await lastValueFrom(emitted);
    client.emit('orders', 2);
    await until(async () => (await collect(broker.values('orders', { start: earliest() }), 2)).length === 2);
    await client.close();
  });

  it('sends key, headers and the metadata of a dispatch hook beside the data', async () => {
    const broker = apps.memory();
    const client = new BrokerClient({ broker: broker as unknown as Broker });
    client.setOnDispatchHook((packet) => {
      packet.metadata = { traceparent: '00-1-2-01' };
    });
    await firstValueFrom(client.emit('orders', new BrokerRecord({ id: 1 }, { key: 'k', headers: { tenant: 'a' } })));
    const [delivery] = await collect<Delivery<unknown>>(
      broker.messages('orders', { start: earliest(), codec: json() }),
      1,
    );
    expect(delivery!.value).to.deep.equal({ id: 1 });
    expect(new TextDecoder().decode(delivery!.key)).to.equal('k');
    expect(Object.fromEntries(delivery!.headers)).to.deep.equal({ tenant: 'a', traceparent: '00-1-2-01' });
    await client.close();
  });

  it('takes a codec of your own for requests, and one for replies', async () => {
    @Controller()
    class Talks {
      @OnBrokerRequest('length')
      length(@Payload() data: Uint8Array): string {
        return data.length === 0 ? '' : `${data.length} bytes`;
      }
    }

    const broker = apps.memory();
    await apps.start(broker, [Talks], { codec: bytes, replies: { codec: text } });
    const client = new BrokerClient({ broker: broker as unknown as Broker, codec: bytes as never, replyCodec: text });
    expect(await firstValueFrom(client.send('length', new Uint8Array(3)))).to.equal('3 bytes');
    expect(await firstValueFrom(client.send('length', new Uint8Array(0)))).to.equal('');
    await client.close();
  });

  it('fails what it cannot send, and goes on', async () => {
    const broker = apps.memory();
    const named: { channel?: string } = {};
    const client = new BrokerClient({
      broker: broker as unknown as Broker,
      replyChannel: async () => {
        if (named.channel === undefined) throw new Error('no channel yet');
        return named.channel;
      },
    });
    const failure = (sent: { subscribe: unknown }): Promise<unknown> =>
      lastValueFrom(sent as never).then(String, (error: unknown) => error);
    expect(await failure(client.emit('orders', 1n))).to.include({ code: 'DECODE' });
    expect(await failure(client.emit({ cmd: 'sum' }, 1))).to.be.instanceOf(InvalidOptionError);
    expect(await failure(client.send('orders', 1))).to.have.property('message', 'no channel yet');
    named.channel = 'replies';
    @Controller()
    class Talks {
      @OnBrokerRequest('double')
      double(@Payload() n: number): number {
        return n * 2;
      }
    }
    await apps.start(broker, [Talks]);
    expect(await failure(client.send('double', 1n))).to.include({ code: 'DECODE' });
    expect(await firstValueFrom(client.send('double', 21))).to.equal(42);
    await client.close();
    await client.close();
    expect(await failure(client.emit('orders', 1))).to.include({ code: 'CLOSED' });
  });

  it('refuses options that are not what it takes', () => {
    expect(() => new BrokerClient({} as never)).to.throw(InvalidOptionError, 'broker is required');
    const broker = apps.memory() as unknown as Broker;
    expect(() => new BrokerClient({ broker, replychannel: 'r' } as never)).to.throw(
      InvalidOptionError,
      "did you mean 'replyChannel'",
    );
  });
});
