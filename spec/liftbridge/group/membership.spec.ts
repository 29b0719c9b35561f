import { expect } from 'chai';
import { AuthorizationError, ConnectionError } from '../../../lib/core/errors.js';
import { GroupBench, lost, refusal, refusals } from './membership-kit.js';

describe('liftbridge/group/membership', () => {
  describe('joining', () => {
    it('joins through any broker, asks its coordinator, and tells its partitions of the one stream in order', async () => {
      const bench = new GroupBench();
      bench.membership.start();
      await bench.settle();
      expect(bench.take()).to.equal('join assignment:n1 assigned:01@7');
      expect(bench.assignments).to.deep.equal([{ epoch: 7n, partitions: [0, 1] }]);
      expect(bench.ids).to.deep.equal([bench.membership.consumerId]);
    });

    it('tells of no partitions too', async () => {
      const bench = new GroupBench();
      bench.partitions = [];
      bench.membership.start();
      await bench.settle();
      expect(bench.told()).to.equal('assigned:@7');
    });

    it('has an id of its own each time', () => {
      const ids = Array.from({ length: 100 }, () => new GroupBench().membership.consumerId);
      expect(new Set(ids)).to.have.length(100);
      expect(ids.every((id) => id.length >= 32)).to.equal(true);
    });

    it('waits a second for a stream that was just created', async () => {
      const bench = new GroupBench();
      bench.trouble('join', refusals.noStream, 3);
      bench.membership.start();
      await bench.pass(900);
      expect(bench.take()).to.equal('join join join join assignment:n1 assigned:01@7');
    });

    it('fails where there is no such stream', async () => {
      const bench = new GroupBench();
      bench.trouble('join', refusals.noStream, Infinity);
      bench.membership.start();
      await bench.pass(900);
      expect(bench.told()).to.equal('');
      await bench.pass(400);
      expect(bench.told()).to.equal('failed:STREAM_NOT_FOUND');
      expect(bench.failure).to.include({ retriable: false, broker: 'liftbridge' });
      expect(bench.failure?.message).to.match(/'orders' in the consumer group 'g'/);
      expect(bench.clock.running).to.equal(0);
    });

    it('leaves what a join without an answer has made, and joins as another', async () => {
      const bench = new GroupBench();
      bench.trouble('join', lost());
      bench.trouble('join', refusals.member);
      bench.membership.start();
      await bench.pass(1_000);
      expect(bench.take()).to.equal('join join leave join assignment:n1 assigned:01@7');
      const [first, again, other] = bench.ids;
      expect(again).to.equal(first);
      expect(bench.left).to.deep.equal([first]);
      expect(bench.membership.consumerId).to.equal(other).and.not.equal(first);
    });

    it('joins again where another member has made the group, or left it, at the same moment', async () => {
      const bench = new GroupBench();
      bench.trouble('join', refusals.made);
      bench.trouble('join', refusals.noGroup);
      bench.membership.start();
      await bench.pass(300);
      expect(bench.take()).to.equal('join join join assignment:n1 assigned:01@7');
      expect(new Set(bench.ids)).to.have.length(1);
    });

    it('is tried again as the session says while there is no connection', async () => {
      const bench = new GroupBench();
      bench.trouble('join', lost(), 3);
      bench.membership.start();
      await bench.pass(3_000);
      expect(bench.take()).to.match(/^join join join join assignment:n1 assigned:01@7/);
    });

    it('bears with a broker that has not heard of the group yet', async () => {
      const bench = new GroupBench();
      bench.trouble('assignment', refusals.noGroup, 3);
      bench.hasGroup = false;
      bench.membership.start();
      await bench.pass(100);
      bench.hasGroup = true;
      await bench.pass(200);
      expect(bench.told()).to.equal('assigned:01@7');
      expect(bench.ids).to.have.length(1);
    });

    it('bears with a coordinator that has not heard of the join yet', async () => {
      const bench = new GroupBench();
      bench.trouble('assignment', refusals.stranger, 2);
      bench.membership.start();
      await bench.pass(300);
      expect(bench.told()).to.equal('assigned:01@7');
      expect(bench.ids).to.have.length(1);
    });
  });

  describe('staying', () => {
    it('gives a sign of life every 0.4 of the consumer timeout, and tells nothing that has not changed', async () => {
      const bench = new GroupBench({ consumerTimeout: 10_000 });
      bench.membership.start();
      await bench.settle();
      bench.take();
      await bench.pass(3_990);
      expect(bench.take()).to.equal('');
      await bench.pass(10);
      expect(bench.take()).to.equal('assignment:n1');
      await bench.pass(40_000);
      expect(bench.take()).to.equal(Array(10).fill('assignment:n1').join(' '));
      // the next sign of life, and the end of the lease
      expect(bench.clock.running).to.equal(2);
    });

    it('follows a new epoch at once, be the partitions the same or not', async () => {
      const bench = await new GroupBench().joined();
      await bench.pass(50);
      bench.epoch = 9n;
      bench.membership.refresh();
      await bench.settle();
      expect(bench.take()).to.equal('assignment:n1 look assignment:n1 assigned:01@9');
      bench.epoch = 12n;
      bench.partitions = [3];
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1 look assignment:n1 assigned:3@12');
    });

    it('asks again in short steps while the broker that is asked has fallen behind', async () => {
      const bench = await new GroupBench().joined();
      bench.epoch = 9n;
      bench.lagging = { coordinator: 'n1', epoch: 7n };
      bench.membership.refresh();
      await bench.pass(300);
      expect(bench.take()).to.match(/^(assignment:n1 look ){3}assignment:n1$/);
      bench.lagging = undefined;
      await bench.pass(400);
      expect(bench.told()).to.equal('assigned:01@9');
    });

    it('does not go back to an epoch that was before its join', async () => {
      const bench = new GroupBench();
      bench.trouble('assignment', lost(), 2);
      bench.lagging = { coordinator: 'n3', epoch: 2n };
      bench.membership.start();
      await bench.pass(200);
      expect(bench.take()).to.equal('join assignment:n1 look assignment:n1 look assignment:n1 assigned:01@7');
    });

    it('goes where the coordinator is', async () => {
      const bench = await new GroupBench().joined();
      bench.coordinator = 'n2';
      bench.epoch = 8n;
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1 look assignment:n2 assigned:01@8');
    });

    it('goes on after a connection that was lost', async () => {
      const bench = await new GroupBench().joined();
      bench.trouble('assignment', lost(), 2);
      bench.trouble('look', lost());
      await bench.pass(4_100);
      expect(bench.take()).to.equal('assignment:n1 look assignment:n1 look assignment:n1');
    });

    it('asks at once when it is told to, once for many, and 50 ms after the last time at least', async () => {
      const bench = await new GroupBench().joined();
      await bench.pass(50);
      for (let i = 0; i < 10; i++) bench.membership.refresh();
      await bench.settle();
      expect(bench.take()).to.equal('assignment:n1');
      for (let ms = 0; ms < 1_000; ms += 10) {
        bench.membership.refresh();
        await bench.pass(10);
      }
      expect(bench.take().split(' ')).to.have.length.within(15, 21);
    });

    it('asks again when it is told to while an answer is on its way', async () => {
      const bench = await new GroupBench({ consumerTimeout: 10_000 }).joined();
      bench.trouble('assignment', 'silence');
      bench.membership.refresh();
      await bench.pass(100);
      bench.membership.refresh();
      // the call takes no longer than 0.3 of the consumer timeout
      await bench.pass(2_950);
      expect(bench.take()).to.equal('assignment:n1 look assignment:n1');
    });
  });

  describe('losing', () => {
    it('says so when it was expired, leaves what there may be of it, and joins with another id', async () => {
      const bench = await new GroupBench().joined();
      const { consumerId } = bench.membership;
      bench.trouble('assignment', refusals.stranger);
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1 revoked leave join assignment:n1 assigned:01@7');
      expect(bench.left).to.deep.equal([consumerId]);
      expect(bench.membership.consumerId).to.not.equal(consumerId);
      expect(bench.suspendedBy).to.equal(undefined);
    });

    it('joins again when the group is gone', async () => {
      const bench = await new GroupBench().joined();
      bench.trouble('assignment', refusals.noGroup);
      await bench.pass(4_000);
      expect(bench.told()).to.equal('revoked assigned:01@7');
      bench.trouble('assignment', refusals.epoch);
      bench.hasGroup = false;
      await bench.pass(4_000);
      expect(bench.told()).to.equal('revoked assigned:01@7');
      expect(new Set(bench.ids)).to.have.length(3);
    });

    it('joins again when the group was made anew', async () => {
      const bench = await new GroupBench().joined();
      bench.epoch = 0n;
      bench.trouble('assignment', refusals.epoch);
      bench.trouble('assignment', refusals.stranger);
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1 look assignment:n1 revoked leave join assignment:n1 assigned:01@0');
    });

    it('joins again as the session says where that is not possible at once', async () => {
      const bench = await new GroupBench().joined();
      bench.trouble('assignment', refusals.stranger);
      bench.trouble('join', lost(), 2);
      await bench.pass(4_100);
      expect(bench.take()).to.equal('assignment:n1 revoked leave join retry');
      expect(bench.suspendedBy).to.be.instanceOf(Error);
      await bench.pass(1_000);
      expect(bench.take()).to.equal('join join assignment:n1 assigned:01@7');
      expect(bench.suspendedBy).to.equal(undefined);
    });

    it('says so when it had no answer for the consumer timeout, and is a member again when there is one', async () => {
      const bench = await new GroupBench({ consumerTimeout: 10_000, coordinatorTimeout: 60_000 }).joined();
      bench.trouble('assignment', lost(), Infinity);
      await bench.pass(9_900);
      expect(bench.told()).to.equal('');
      expect(bench.suspendedBy).to.equal(undefined);
      await bench.pass(200);
      expect(bench.told()).to.equal('revoked');
      expect(bench.suspendedBy).to.be.instanceOf(ConnectionError);
      expect(bench.suspendedBy?.cause).to.be.instanceOf(ConnectionError);
      await bench.pass(20_000);
      expect(bench.told()).to.equal('');
      bench.calm();
      await bench.pass(1_100);
      expect(bench.told()).to.equal('assigned:01@7');
      expect(bench.ids).to.have.length(1);
      expect(bench.suspendedBy).to.equal(undefined);
    });

    it('counts from when it has asked, not from when it was answered', async () => {
      const bench = new GroupBench({ consumerTimeout: 10_000 });
      bench.membership.start();
      await bench.settle();
      bench.trouble('assignment', 'silence', Infinity);
      await bench.pass(9_990);
      expect(bench.told()).to.equal('assigned:01@7');
      await bench.pass(10);
      expect(bench.told()).to.equal('revoked');
    });

    it('reports a silent coordinator after the coordinator timeout, and goes where the answer says', async () => {
      const bench = await new GroupBench({ consumerTimeout: 10_000, coordinatorTimeout: 6_000 }).joined();
      bench.trouble('assignment', lost(), Infinity);
      await bench.pass(5_990);
      expect(bench.take()).to.match(/^assignment:n1 look( assignment:n1 look)+( assignment:n1)?$/);
      await bench.pass(3_000);
      expect(bench.take()).to.match(/^(report:n1 )?assignment:n1 report:n1 assignment:n1 report:n1/);
      bench.calm();
      bench.coordinator = 'n2';
      bench.epoch = 8n;
      bench.trouble('report', refusal(mismatch('n2', 8)));
      await bench.pass(1_100);
      expect(bench.take()).to.match(/report:n1 assignment:n2 assigned:01@8$/);
      expect(bench.ids).to.have.length(1);
    });

    it('looks the coordinator up where the answer to a report does not say', async () => {
      const bench = await new GroupBench({ consumerTimeout: 10_000, coordinatorTimeout: 100 }).joined();
      bench.coordinator = 'n2';
      bench.epoch = 8n;
      bench.trouble('report', refusal('Coordinator generation mismatch'));
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1 report:n1 look assignment:n2 assigned:01@8');
    });

    it('joins again where a report says that it is no member', async () => {
      const bench = await new GroupBench({ consumerTimeout: 10_000, coordinatorTimeout: 100 }).joined();
      bench.trouble('assignment', lost());
      bench.trouble('report', refusal('Consumer c is not a member of consumer group g'));
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1 report:n1 revoked leave join assignment:n1 assigned:01@7');
    });

    it('bounds its calls well within the consumer timeout', async () => {
      const bench = await new GroupBench({ consumerTimeout: 10_000, coordinatorTimeout: 60_000 }).joined();
      bench.trouble('assignment', 'silence', Infinity);
      bench.trouble('look', 'silence', Infinity);
      await bench.pass(4_000);
      expect(bench.take()).to.equal('assignment:n1');
      await bench.pass(3_000);
      expect(bench.take()).to.equal('look');
      await bench.pass(3_000);
      expect(bench.take()).to.match(/^(revoked assignment:n1|assignment:n1 revoked)$/);
    });

    it('fails when the stream is deleted', async () => {
      const bench = await new GroupBench().joined();
      bench.epoch = 9n;
      bench.partitions = [];
      bench.hasStream = false;
      await bench.pass(4_000);
      expect(bench.told()).to.equal('');
      await bench.pass(1_300);
      expect(bench.told()).to.equal('failed:STREAM_NOT_FOUND');
      expect(bench.clock.running).to.equal(0);
    });

    it('fails with what no further attempt can mend', async () => {
      const bench = await new GroupBench().joined();
      bench.trouble('assignment', new AuthorizationError('not allowed', { broker: 'liftbridge' }));
      await bench.pass(4_000);
      expect(bench.told()).to.equal('failed:AUTHORIZATION');
      expect(bench.clock.running).to.equal(0);
    });

    it('fails when the session gives up, once', async () => {
      const bench = await new GroupBench().joined();
      const error = new ConnectionError('given up', { broker: 'liftbridge', retriable: false });
      bench.giveUp(error);
      await bench.pass(20_000);
      expect(bench.take()).to.equal('failed:CONNECTION');
      expect(bench.failure).to.equal(error);
      expect(bench.clock.running).to.equal(0);
    });
  });

  describe('ending', () => {
    it('leaves, and nothing is told or asked afterwards', async () => {
      const bench = await new GroupBench().joined();
      const ending = bench.membership.end();
      expect(bench.membership.end()).to.equal(ending);
      await ending;
      bench.membership.refresh();
      await bench.pass(20_000);
      expect(bench.take()).to.equal('leave');
      expect(bench.left).to.deep.equal([bench.membership.consumerId]);
      expect(bench.clock.running).to.equal(0);
    });

    it('asks nothing where it has not joined', async () => {
      const bench = new GroupBench();
      await bench.membership.end();
      expect(bench.take()).to.equal('');
      expect(bench.clock.running).to.equal(0);
    });

    it('waits for a join on its way, and leaves then', async () => {
      const bench = new GroupBench();
      bench.membership.start();
      await bench.membership.end();
      expect(bench.take()).to.equal('join leave');
      expect(bench.left).to.deep.equal(bench.ids);
      expect(bench.clock.running).to.equal(0);
    });

    it('does not wait longer than two seconds, for the join or for the goodbye', async () => {
      for (const asked of ['join', 'leave'] as const) {
        const bench = new GroupBench();
        bench.trouble(asked, 'silence', Infinity);
        bench.membership.start();
        await bench.settle();
        let isOver = false;
        void bench.membership.end().then(() => {
          isOver = true;
        });
        await bench.pass(1_900);
        expect(isOver, asked).to.equal(false);
        await bench.pass(100);
        expect(isOver, asked).to.equal(true);
        expect(bench.clock.running, asked).to.equal(0);
      }
    });

    it('does not wait where there is no connection', async () => {
      const bench = await new GroupBench().joined();
      bench.up = false;
      await bench.membership.end();
      expect(bench.take()).to.equal('');
      expect(bench.clock.running).to.equal(0);
    });

    it('does not mind a goodbye that is refused or lost', async () => {
      for (const trouble of [refusals.stranger, refusals.noGroup, lost()]) {
        const bench = await new GroupBench().joined();
        bench.trouble('leave', trouble);
        await bench.membership.end();
        expect(bench.take()).to.equal('leave');
      }
    });

    it('ends in the middle of anything', async () => {
      for (const asked of ['assignment', 'look', 'report'] as const) {
        const bench = await new GroupBench({ coordinatorTimeout: asked === 'report' ? 100 : 60_000 }).joined();
        bench.trouble('assignment', asked === 'assignment' ? 'silence' : lost(), Infinity);
        bench.trouble(asked, 'silence', Infinity);
        await bench.pass(4_000);
        bench.take();
        await bench.membership.end();
        await bench.pass(20_000);
        expect(bench.take(), asked).to.equal('leave');
        expect(bench.clock.running, asked).to.equal(0);
      }
    });

    it('ends within what it tells', async () => {
      const bench = new GroupBench();
      let ending: Promise<void> | undefined;
      bench.assigned = () => {
        ending = bench.membership.end();
      };
      bench.membership.start();
      await bench.settle();
      await ending;
      await bench.pass(20_000);
      expect(bench.take()).to.equal('join assignment:n1 leave');
      expect(bench.clock.running).to.equal(0);
    });
  });
});

function mismatch(coordinator: string, epoch: number): string {
  return `Coordinator generation mismatch, current coordinator: ${coordinator} epoch: ${epoch}, got coordinator: n1 epoch: 7`;
}
