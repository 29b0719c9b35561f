import { expect } from 'chai';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { expectSmall, runChild } from '../support/memory/child.js';
import { unique } from '../support/names.js';
import type { Consumption, ConsumptionReport } from './fixtures/consume-slowly.js';
import type { Publication, PublicationReport } from './fixtures/publish-streams.js';
import { Handles, transports } from './lonelyps-kit.js';

const megabyte = 1_000_000;

describe('lonelyps: memory', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let server: LonelypssServer;

  before(async () => {
    server = await startLonelypss();
  });

  afterEach(() => handles.close());
  after(() => server.stop());

  /** Publishes to somebody slow, three at a time, as soon as that one is subscribed. */
  const consume = (size: number, plan: Omit<Consumption, 'topic'>): Promise<ConsumptionReport> => {
    const topic = unique('topic');
    const publish = async (): Promise<void> => {
      const publisher = handles.open('http', server, { receive: undefined });
      const value = new Uint8Array(size);
      let left = plan.count;
      const one = async (): Promise<void> => {
        while (left-- > 0) await publisher.publish(topic, value);
      };
      await Promise.all([one(), one(), one()]);
    };
    const fixture = new URL('fixtures/consume-slowly.ts', import.meta.url);
    return runChild(fixture, { topic, ...plan }, publish);
  };

  const publish = (plan: Publication): Promise<PublicationReport> =>
    runChild(new URL('fixtures/publish-streams.ts', import.meta.url), plan);

  for (const transport of transports) {
    describe(`over ${transport}`, () => {
      const url = (): string => (transport === 'http' ? server.url : server.socketUrl);

      it('a slow consumer of 200 MB has its window in memory, and no more', async () => {
        const plan = { url: url(), count: 200, window: 8, spoolSize: 2 * megabyte, warm: 30 };
        const report = await consume(megabyte, plan);
        expect(report).to.include({ seen: 200, bytes: 200 * megabyte, missed: 0, mostUnsettled: 8, mostFiles: 0 });
        expectSmall(report);
      });

      it('a slow consumer of 200 MB in large messages has them on disk until they are settled', async () => {
        const plan = { url: url(), count: 20, window: 8, spoolSize: megabyte, warm: 5 };
        const report = await consume(10 * megabyte, plan);
        expect(report).to.include({ seen: 20, bytes: 200 * megabyte, missed: 0, mostUnsettled: 8, files: 0 });
        // those of the window, and those that wait for a place in it
        expect(report.mostFiles).to.be.within(8, 12);
        expectSmall(report);
      });

      it('a publisher of 200 MB in streams has one at a time on disk', async () => {
        const plan = { url: url(), topic: unique('topic'), spoolSize: megabyte, warm: 2 };
        const report = await publish({ ...plan, count: 8, size: 25 * megabyte });
        expect(report).to.include({ confirmed: 8, mostFiles: 1, files: 0 });
        expectSmall(report);
      });
    });
  }
});
