import { expect } from 'chai';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { expectSmall, runChild } from '../support/memory/child.js';
import type { FloodReport } from '../support/memory/flooding.js';
import type { WalkReport } from '../support/memory/walking.js';
import type { Fill } from './fixtures/fill.js';
import type { PublishBlindly } from './fixtures/publish-blindly.js';
import type { Walk } from './fixtures/walk.js';
import { Handles, newStream } from './support.js';

/** Runs one of the fixtures and gives what it reported. */
function run<R>(fixture: string, plan: object, asked?: (what: string) => Promise<void>): Promise<R> {
  return runChild(new URL(`fixtures/${fixture}.ts`, import.meta.url), plan, asked);
}

describe('RabbitMQ Streams: memory', function () {
  this.timeout(180_000);
  const handles = new Handles();
  let server: RabbitMqServer;
  /** 1 GB in messages of 10 kB, in chunks of up to some MB. */
  let backlog: string;
  const count = 100_000;
  const size = 10_240;

  const fill = (plan: Omit<Fill, 'url'>): Promise<undefined> => run('fill', { url: server.url, ...plan });
  const walk = (plan: Omit<Walk, 'url'>): Promise<WalkReport> => run('walk', { url: server.url, ...plan });

  before(async () => {
    server = await startRabbitMq({ needs: 'control' });
    backlog = await newStream(handles.make(server));
    await fill({ stream: backlog, count, size });
  });

  after(async () => {
    await handles.close();
    await server.stop();
  });

  it('walks over 1 GB in less than 64 MB, never with more than the window unsettled', async () => {
    const report = await walk({ stream: backlog, count, window: 256, stride: 16, warm: 10_000 });
    expect(report).to.include({ seen: count, bytes: count * size });
    expect(report.mostUnsettled).to.be.at.most(256);
    expectSmall(report);
  });

  // one slow message of each of many chunks must not keep all of those
  for (const codec of ['none', 'bytes', 'amqp'] as const) {
    it(`keeps no chunk for one delivery of it that stays unsettled (codec: ${codec})`, async () => {
      const part = count / 5;
      const report = await walk({
        stream: backlog,
        count: part,
        window: 1024,
        stride: 64,
        warm: 2_000,
        codec,
        holds: 'one of each buffer',
      });
      expect(report).to.include({ seen: part, bytes: part * size });
      expect(report.held).to.be.at.least(100);
      expectSmall(report);
    });
  }

  it('walks over small messages in large chunks', async () => {
    const small = await newStream(handles.make(server));
    const plan = { stream: small, count: 120_000 };
    await fill({ ...plan, size: 512, options: { maxInFlight: 10_000 } });
    const report = await walk({ ...plan, window: 1024, stride: 64, warm: 12_000 });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * 512 });
    expectSmall(report);
  });

  it('walks over messages of 1 MB', async () => {
    const large = await newStream(handles.make(server));
    const plan = { stream: large, count: 200 };
    await fill({ ...plan, size: 1_000_000, options: { maxInFlight: 2 } });
    const report = await walk({ ...plan, window: 4, stride: 1, warm: 20 });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * 1_000_000 });
    expect(report.mostUnsettled).to.be.at.most(4);
    expectSmall(report);
  });

  it('keeps no batch that was inflated for one delivery of it that stays unsettled', async () => {
    const batches = await newStream(handles.make(server));
    const plan = { stream: batches, count: 100_000 };
    const subEntry = { size: 1_000, compression: 'gzip' } as const;
    await fill({ ...plan, size: 1_000, options: { maxInFlight: 10_000, subEntry } });
    const report = await walk({ ...plan, window: 1024, stride: 64, warm: 10_000, holds: 'one of each buffer' });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * 1_000 });
    expect(report.held).to.be.at.least(100);
    expectSmall(report);
  });

  it('walks over many chunks of one message', async () => {
    const tiny = await newStream(handles.make(server));
    const plan = { stream: tiny, count: 3_000 };
    await fill({ ...plan, size: 100, options: { maxInFlight: 1 } });
    const report = await walk({ ...plan, window: 64, stride: 4, warm: 500 });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * 100 });
    expectSmall(report);
  });

  it('queues no more than the buffer for a broker that does not confirm', async () => {
    const stream = await newStream(handles.make(server));
    const plan = { stream, count: 100_000, size: 1_000, maxInFlight: 1_000, buffer: 5_000 };
    const asked = (what: string): Promise<void> => (what === 'pause' ? server.pause() : server.resume());
    const blind: PublishBlindly = { url: server.url, ...plan };
    const report = await run<FloodReport>('publish-blindly', blind, asked);
    expect(report.mostPending).to.be.at.most(6_000);
    expect(report.others).to.equal(0);
    expect(report.overflown).to.be.at.least(90_000);
    expect(report.confirmed + report.overflown).to.equal(105_000);
    expectSmall(report);
  });
});
