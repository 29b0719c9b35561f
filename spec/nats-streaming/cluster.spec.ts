import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { startNatsStreamingCluster } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Handles, Load, Worker } from './support.js';

describe('NATS Streaming: a cluster of three', function () {
  this.timeout(120_000);
  const handles = new Handles();

  afterEach(() => handles.close());

  it('goes on under load when the leader is killed', async () => {
    const cluster = await startNatsStreamingCluster();
    try {
      const channel = unique('leader');
      const options = { servers: cluster.urls, pingInterval: 1_000, ackTimeout: 10_000 };
      const node = { url: cluster.urls[0]!, cluster: cluster.cluster };
      const worker = new Worker(handles.make(node, options), channel, { durable: 'worker', ackWait: 2_000 });
      const count = 5_000;
      const load = new Load(handles.make(node, options), channel, count);
      await until(() => load.confirmed.size > 1_500 && worker.acked.size > 500, { timeout: 60_000 });
      await cluster.killLeader();
      await load.done;
      await worker.hasAll(load.confirmed, 60_000);
      expect(load.confirmed.size + load.failed.length).to.equal(count);
      for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
      expect(worker.ackedAndEmitted).to.deep.equal([]);
      expect(worker.ended).to.equal(undefined);
    } finally {
      await handles.close();
      await cluster.stop();
    }
  });
});
