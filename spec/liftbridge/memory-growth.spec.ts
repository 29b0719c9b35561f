import { expect } from 'chai';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
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

describe('liftbridge: memory', function () {
  this.timeout(180_000);
  const handles = new Handles();
  let server: LiftbridgeServer;
  /** 1 GB in messages of 10 kB. */
  let backlog: string;
  const count = 100_000;
  const size = 10_240;

  const fill = (plan: Omit<Fill, 'url'>): Promise<undefined> => run('fill', { url: server.url, ...plan });
  const walk = (plan: Omit<Walk, 'url'>): Promise<WalkReport> => run('walk', { url: server.url, ...plan });

  before(async () => {
    server = await startLiftbridge({ needs: 'control' });
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

  it('goes on each time that the window has been full', async () => {
    // what came is used up before there is room again, so that all depends on the broker being asked for more
    const plan = { window: 16, stride: 1, warm: 1_000, last: 9_999 };
    const report = await walk({ stream: backlog, count: 10_000, ...plan });
    expect(report).to.include({ seen: 10_000, bytes: 10_000 * size });
    expectSmall(report);
  });

  // a slow message of each read of the socket must not keep all of that
  it('keeps no more than their own bytes for deliveries that stay unsettled', async () => {
    const plan = { window: 2048, stride: 256, warm: 5_000, holds: 32, last: 29_999 };
    const report = await walk({ stream: backlog, count: 30_000, ...plan });
    expect(report).to.include({ seen: 30_000, bytes: 30_000 * size });
    expect(report.held).to.be.at.least(800);
    expectSmall(report);
  });

  it('walks over small messages, some of which stay unsettled', async () => {
    const small = await newStream(handles.make(server));
    const plan = { stream: small, count: 50_000 };
    await fill({ ...plan, size: 512, maxInFlight: 10_000 });
    // a read of the socket has a hundred of these, and 1500 times that would be more than 64 MiB; the codec gives views
    const report = await walk({ ...plan, window: 4096, stride: 256, warm: 2_000, holds: 32, codec: 'bytes' });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * 512 });
    expect(report.held).to.be.at.least(1_500);
    expectSmall(report);
  });

  it('walks over messages of 1 MB', async () => {
    const large = await newStream(handles.make(server));
    const plan = { stream: large, count: 120 };
    // the broker refuses more than 1 MiB, with what goes with a message
    await fill({ ...plan, size: 1_000_000, maxInFlight: 2 });
    const report = await walk({ ...plan, window: 4, stride: 1, warm: 20 });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * 1_000_000 });
    expect(report.mostUnsettled).to.be.at.most(4);
    expectSmall(report);
  });

  it('walks over three partitions in one window', async () => {
    const merged = await newStream(handles.make(server), { partitions: 3 });
    const plan = { stream: merged, count: 12_000 };
    await fill({ ...plan, size, spread: true });
    const report = await walk({ ...plan, window: 64, stride: 4, warm: 2_000 });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * size });
    expect(report.mostUnsettled).to.be.at.most(64);
    expectSmall(report);
  });

  it('queues no more than the buffer for a broker that stands still', async () => {
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
