import { expect } from 'chai';
import { systemClock } from '../../../lib/core/clock.js';
import { GroupCalls } from '../../../lib/liftbridge/group/calls.js';
import type { Generation } from '../../../lib/liftbridge/group/refusal.js';
import { startLiftbridgeCluster, type LiftbridgeCluster } from '../../support/brokers/index.js';
import { unique } from '../../support/names.js';
import { until } from '../../support/wait.js';
import { administer, type Administration } from '../admin-kit.js';
import { dealt, Member } from './member.js';

describe('liftbridge/group/membership, of a group in a cluster', function () {
  this.timeout(90_000);
  const members: Member[] = [];
  let cluster: LiftbridgeCluster;
  let administration: Administration;

  before(async () => {
    cluster = await startLiftbridgeCluster({ groups: { consumerTimeout: 4_000, coordinatorTimeout: 2_000 } });
    administration = administer({ brokers: cluster.urls });
  });
  after(async () => {
    await Promise.all(members.map((member) => member.end()));
    await administration.close();
    await cluster.stop();
  });

  const start = async (count: number): Promise<{ own: Member[]; generation: () => Promise<Generation> }> => {
    const [group, stream] = [unique('group'), unique('stream')];
    await administration.admin.createStream({ name: stream, partitions: 4, replicationFactor: 3 });
    const own = Array.from({ length: count }, () => new Member(cluster.urls, group, stream));
    members.push(...own);
    await dealt(own, 4);
    const calls = new GroupCalls(administration.session, systemClock, { group, stream });
    const generation = (): Promise<Generation> =>
      until(async () => (await calls.look({ timeout: 10_000 })).generation, { timeout: 30_000 });
    return { own, generation };
  };

  it('members that join, leave and vanish at brokers of their own get along', async () => {
    const { own } = await start(3);
    const [one, other, third] = own as [Member, Member, Member];
    await third.end();
    await dealt([one, other], 4);
    await other.vanish();
    await dealt([one], 4);
    expect(one.told).to.not.include('revoked');
  });

  it('the members of a coordinator that is killed have it replaced, and keep their partitions', async () => {
    const { own, generation } = await start(2);
    const before = await generation();
    const ids = own.map(({ membership }) => membership.consumerId);
    await cluster.kill(before.coordinator);
    await until(() => own.every(({ epoch }) => epoch !== undefined && epoch > before.epoch), { timeout: 60_000 });
    await dealt(own, 4);
    expect((await generation()).coordinator).to.not.equal(before.coordinator);
    expect(own.map(({ membership }) => membership.consumerId)).to.deep.equal(ids);
    await cluster.restart(before.coordinator);
  });

  it('a coordinator that hangs is replaced too', async () => {
    const { own, generation } = await start(2);
    const before = await generation();
    await cluster.pause(before.coordinator);
    await until(() => own.every(({ epoch }) => epoch !== undefined && epoch > before.epoch), { timeout: 60_000 });
    await dealt(own, 4);
    await cluster.resume(before.coordinator);
    await dealt(own, 4);
    expect(own.map(({ failure }) => failure)).to.deep.equal([undefined, undefined]);
  });
});
