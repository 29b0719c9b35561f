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

  // the window that HTTP/2 has by itself is smaller, and the broker waits more often
  it('walks over small messages', async () => {
    const plan = { count: 100_000, size: 512 };
    const small = await newStream(handles.make(server));
    await fill({ stream: small, maxInFlight: 10_000, ...plan });
    const report = await walk({ stream: small, count: plan.count, window: 1024, stride: 64, warm: 12_000 });
    expect(report).to.include({ seen: plan.count, bytes: plan.count * plan.size });
    expectSmall(report);

    // what is read of the socket at once has more than a hundred of these: 2048 times that would be 128 MiB
    for (const codec of ['none', 'bytes'] as const) {
      const holding = await walk({
        stream: small,
        count: plan.count,
        window: 4096,
        stride: 256,
        warm: 2_000,
        holds: 64,
        codec,
      });
      expect(holding).to.include({ seen: plan.count, bytes: plan.count * plan.size });
      expect(holding.held).to.be.at.least(1_500);
      expectSmall(holding);
    }
  });
});
