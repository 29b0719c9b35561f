import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Subject } from 'rxjs';
import { earliest } from '../../lib/core/starts.js';
import type { NatsStreamingDelivery } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Handles } from './support.js';

const mebibyte = 2 ** 20;

interface Report {
  readonly seen: number;
  readonly bytes: number;
  readonly mostUnsettled: number;
  readonly rssGrowth: number;
  readonly managedGrowth: number;
}

/** Runs one of the fixtures and gives what it reported. */
async function run(fixture: string, ...args: (string | number)[]): Promise<Report | undefined> {
  const file = fileURLToPath(new URL(`fixtures/${fixture}.ts`, import.meta.url));
  const child = fork(file, args.map(String), { execArgv: ['--import=tsx', '--expose-gc'] });
  let report: Report | undefined;
  child.on('message', (message) => {
    report = message as Report;
  });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code, `${fixture} ended`).to.equal(0);
  } finally {
    child.kill('SIGKILL');
  }
  return report;
}

describe('NATS Streaming: memory of a slow consumer', function () {
  this.timeout(180_000);
  const handles = new Handles();
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming({ limits: { messages: 0, bytes: 0 } });
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  it('walks over 1 GB in less than 64 MB, never with more than the window unsettled', async () => {
    const channel = unique('backlog');
    const count = 100_000;
    const size = 10_240;
    await run('fill', server.url, server.cluster, channel, count, size);
    const report = await run('slow-consumer', server.url, server.cluster, channel, count, 256);
    expect(report).to.include({ seen: count, bytes: count * size });
    expect(report!.mostUnsettled).to.be.at.most(256);
    expect(report!.rssGrowth / mebibyte, 'growth of rss in MiB').to.be.below(64);
    expect(report!.managedGrowth / mebibyte, 'growth of heap and buffers in MiB').to.be.below(64);
  });

  it('never has more than the window unsettled when everything is redelivered at once', async () => {
    const channel = unique('flood');
    const broker = handles.make(server);
    const wide = 400;
    const narrow = 8;
    for (let i = 0; i < wide; i++) void broker.publish(channel, new Uint8Array(1_000));
    // a wide window of a durable is left unsettled, and a narrow one takes it over: the server sends all of it at once
    const first = broker.messages(channel, { start: earliest(), durable: 'd', maxInFlight: wide, ackWait: 1_000 });
    let received = 0;
    const subscription = first.subscribe(() => received++);
    await until(() => received === wide);
    subscription.unsubscribe();
    const work$ = new Subject<NatsStreamingDelivery>();
    const open = new Set<bigint>();
    const done = new Set<bigint>();
    let most = 0;
    const second = broker.messages(channel, { durable: 'd', maxInFlight: narrow, ackWait: 1_000 });
    second.subscribe((delivery) => {
      if (done.has(delivery.offset)) return;
      open.add(delivery.offset);
      most = Math.max(most, open.size);
      work$.next(delivery);
    });
    work$.subscribe((delivery) => {
      setImmediate(() => {
        open.delete(delivery.offset);
        done.add(delivery.offset);
        delivery.ack();
      });
    });
    await until(() => done.size === wide, { timeout: 120_000, message: () => `${done.size} of ${wide}` });
    expect(most).to.be.at.most(narrow);
  });
});
