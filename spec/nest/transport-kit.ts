import 'reflect-metadata';
import { Logger, type INestMicroservice, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Broker } from '../../lib/core/broker.js';
import { earliest } from '../../lib/core/starts.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { nestCommon } from '../../lib/nest/packages.js';
import { BrokerServer, type BrokerServerOptions } from '../../lib/nest/server.js';

/** A running application with one server, and what is asked of it. */
export interface Running {
  readonly app: INestMicroservice;
  readonly server: BrokerServer;
}

/** Applications and brokers that end after the spec that made them. */
export class Apps {
  private apps: INestMicroservice[] = [];
  private brokers: Broker[] = [];

  /** A broker in memory, in which a message comes again soon. */
  memory(): MemoryBroker {
    const broker = memory({ closeTimeout: 50, reconnect: { initialDelay: 10 } });
    this.brokers.push(broker as unknown as Broker);
    return broker;
  }

  /** Starts a microservice with these controllers. */
  async start(
    broker: Broker | MemoryBroker,
    controllers: readonly Type[],
    options: Partial<BrokerServerOptions> = {},
    providers: readonly Provider[] = [],
  ): Promise<Running> {
    await silence();
    const server = new BrokerServer({
      broker: broker as unknown as Broker,
      owns: false,
      ...options,
      defaults: { start: earliest(), ackWait: 50, ...options.defaults },
    });
    class AppModule {}
    const app = await NestFactory.createMicroservice(
      { module: AppModule, controllers: [...controllers], providers: [...providers] },
      { strategy: server, logger: false },
    );
    this.apps.push(app);
    await app.listen();
    return { app, server };
  }

  async end(): Promise<void> {
    const { apps, brokers } = this;
    this.apps = [];
    this.brokers = [];
    await Promise.all(apps.map((app) => app.close()));
    await Promise.all(brokers.map((broker) => broker.close()));
  }
}

/** Under tsx, what is required, what is imported and what Nest imports for itself are copies; plain Node has one. */
async function silence(): Promise<void> {
  const imported = await import('@nestjs/common');
  for (const each of [Logger, nestCommon().Logger, imported.Logger]) each.overrideLogger(false);
}
