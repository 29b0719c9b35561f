import { expect } from 'chai';
import { systemClock } from '../../../lib/core/clock.js';
import { StreamNotFoundError } from '../../../lib/core/errors.js';
import { GroupCalls } from '../../../lib/liftbridge/group/calls.js';
import { GroupRefusal } from '../../../lib/liftbridge/group/refusal.js';
import { startLiftbridge, type LiftbridgeServer } from '../../support/brokers/index.js';
import { unique } from '../../support/names.js';
import { startProxy } from '../../support/proxy.js';
import { until } from '../../support/wait.js';
import { administer, type Administration } from '../admin-kit.js';
import { dealt, Member } from './member.js';

describe('liftbridge/group/membership, of a group on a server', () => {
  const members: Member[] = [];
  let server: LiftbridgeServer;
  let administration: Administration;
  let stream: string;
  let group: string;

  before(async () => {
    server = await startLiftbridge({ needs: 'control', groups: { consumerTimeout: 2_000, coordinatorTimeout: 2_000 } });
    administration = administer({ brokers: server.url });
  });
  after(async () => {
    await administration.close();
    await server.stop();
  });
  beforeEach(async () => {
    stream = unique('stream');
    group = unique('group');
    await administration.admin.createStream({ name: stream, partitions: 4 });
  });
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.end()));
  });

  const join = (url = server.url): Member => {
    const member = new Member(url, group, stream);
    members.push(member);
    return member;
  };

  it('two split the partitions, a third gets its share, and leaves it to the others when it leaves', async () => {
    const one = join();
    await dealt([one], 4);
    const other = join();
    await dealt([one, other], 4);
    const third = join();
    await dealt([one, other, third], 4);
    await third.end();
    const last = third.told.length;
    await dealt([one, other], 4);
    expect(one.epoch).to.equal(other.epoch);
    expect(third.told).to.have.length(last);
    // each change of the group is told once: never the same epoch twice, and no revocation
    for (const { told } of members) {
      const epochs = told.map((each) => (each === 'revoked' ? each : each.epoch));
      expect(new Set(epochs)).to.have.length(epochs.length).and.not.include('revoked');
    }
  });

  it('one that is gone without a word is expired', async () => {
    const [one, other] = [join(), join()];
    await dealt([one, other], 4);
    await other.vanish();
    await dealt([one], 4);
  });

  it('one that is cut off knows that it has nothing by then, and joins again as another when it can', async () => {
    const proxy = await startProxy(server);
    const [one, other] = [join(), join(`${proxy.host}:${proxy.port}`)];
    await dealt([one, other], 4);
    const { consumerId } = other.membership;
    proxy.stall(true);
    await dealt([one], 4);
    expect(other.told.at(-1)).to.equal('revoked');
    proxy.stall(false);
    await dealt([one, other], 4);
    expect(other.membership.consumerId).to.not.equal(consumerId);
    expect(other.told.filter((each) => each === 'revoked')).to.have.length(1);
    await other.end();
    await proxy.stop();
  });

  it('a group that all have left begins anew', async () => {
    const one = join();
    await dealt([one], 4);
    expect(one.epoch).to.equal(0n);
    await one.end();
    const other = join();
    await dealt([other], 4);
    expect(other.epoch).to.equal(0n);
  });

  it('fails where the stream is not there, and when it is deleted', async () => {
    const one = join();
    await dealt([one], 4);
    const none = new Member(server.url, unique('group'), unique('stream'));
    members.push(none);
    await administration.admin.deleteStream(stream);
    for (const member of [one, none]) {
      await until(() => member.failure);
      expect(member.failure).to.be.instanceOf(StreamNotFoundError);
    }
  });

  it('outlives the server, whose group is there after a restart', async () => {
    const [one, other] = [join(), join()];
    await dealt([one, other], 4);
    await server.kill();
    await until(() => one.told.at(-1) === 'revoked' && other.told.at(-1) === 'revoked');
    await server.restart();
    await dealt([one, other], 4);
    expect([one.failure, other.failure]).to.deep.equal([undefined, undefined]);
  });

  it('refuses in words that are understood', async () => {
    const { session } = administration;
    const calls = new GroupCalls(session, systemClock, { group, stream });
    const elsewhere = new GroupCalls(session, systemClock, { group: unique('group'), stream: unique('stream') });
    const call = { timeout: 5_000 };
    const { coordinator } = await calls.join('one', call);
    const here = { coordinator, epoch: 0n };
    const reason = async (asked: Promise<unknown>): Promise<GroupRefusal> => {
      const error: unknown = await asked.then(
        () => undefined,
        (refusal: unknown) => refusal,
      );
      expect(error).to.be.instanceOf(GroupRefusal);
      return error as GroupRefusal;
    };
    expect((await reason(calls.join('one', call))).reason).to.equal('member');
    expect((await reason(elsewhere.join('one', call))).reason).to.equal('no stream');
    expect((await reason(elsewhere.leave('one', call))).reason).to.equal('no group');
    expect((await reason(elsewhere.assignment('one', here, call))).reason).to.equal('no group');
    expect((await reason(elsewhere.report('one', here, call))).reason).to.equal('no group');
    expect((await reason(calls.leave('other', call))).reason).to.equal('stranger');
    expect((await reason(calls.assignment('other', here, call))).reason).to.equal('stranger');
    expect((await reason(calls.report('other', here, call))).reason).to.equal('stranger');
    expect((await reason(calls.assignment('one', { coordinator, epoch: 1_000n }, call))).reason).to.equal('epoch');
    const report = await reason(calls.report('one', { coordinator: 'nobody', epoch: 3n }, call));
    expect(report).to.include({ reason: 'epoch', retriable: false });
    expect(report.generation).to.deep.equal(here);
    expect(await calls.look(call)).to.deep.equal({ generation: here, hasStream: true });
    expect(await elsewhere.look(call)).to.deep.equal({ generation: undefined, hasStream: false });
    expect(await calls.assignment('one', here, call)).to.deep.equal({ epoch: 0n, partitions: [0, 1, 2, 3] });
    await calls.leave('one', call);
  });
});
