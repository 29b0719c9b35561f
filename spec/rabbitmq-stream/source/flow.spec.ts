import { expect } from 'chai';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { until } from '../../support/wait.js';
import { SourceBench, upTo } from '../source-bench.js';

describe('what a source of RabbitMQ Streams tells the broker while it reads', () => {
  let bench: SourceBench;

  beforeEach(async () => {
    bench = await SourceBench.start();
  });

  afterEach(async () => {
    await bench.stop();
  });

  describe('credit', () => {
    /** Chunks of 600 kB each, so that two at a time are as much as may wait. */
    const fill = (chunks: number, records: number): void => {
      const value = 'x'.repeat(Math.floor(600_000 / records));
      for (let n = 0; n < chunks; n++) {
        bench.log.add({ entries: Array.from({ length: records }, () => longData(value)) });
      }
    };

    it('comes back as deliveries settle, and none while the window is full', async () => {
      fill(10, 4);
      bench.acks = false;
      bench.read({ maxInFlight: 4 });
      await bench.saw(4);
      const [only] = bench.log.live;
      // the first is read, and two more are here or on their way
      expect([only!.granted, only!.sent]).to.deep.equal([2, 2]);
      await bench.quiet();
      expect(only!.granted).to.equal(2);
      for (let chunk = 0; chunk < 9; chunk++) {
        for (const each of [...bench.seen]) each.ack();
        await bench.saw(Math.min(40, 4 * (chunk + 2)));
        expect(only!.granted).to.be.within(chunk + 3, chunk + 4);
        expect(only!.sent).to.be.at.most(chunk + 4);
      }
      for (const each of bench.seen) each.ack();
      await bench.quiet();
      expect(bench.offsets).to.deep.equal(upTo(40));
      expect(only!.granted).to.equal(12);
    });

    it('is never for more than two chunks beyond the window, however slow the reader', async () => {
      fill(12, 3);
      bench.acks = false;
      bench.read({ maxInFlight: 2 });
      const [only] = await until(() => bench.log.live.length > 0 && bench.log.live, { every: 2 });
      for (let settled = 0; settled < 36; settled++) {
        await bench.saw(Math.min(settled + 2, 36));
        // chunks that were gone through whole: all of their records were emitted
        const through = Math.floor(bench.seen.length / 3);
        expect(only!.granted).to.be.at.most(through + 2);
        bench.seen[settled]!.ack();
      }
      await bench.quiet();
      expect(bench.offsets).to.deep.equal(upTo(36));
    });

    it('is not given after the source was unsubscribed', async () => {
      fill(10, 4);
      bench.acks = false;
      const subscription = bench.read({ maxInFlight: 4 });
      await bench.saw(4);
      const [only] = bench.log.live;
      subscription.unsubscribe();
      for (const each of bench.seen) each.ack();
      await bench.quiet();
      expect(only!.granted).to.equal(2);
      expect(bench.seen).to.have.length(4);
    });
  });

  describe('ConsumerUpdate', () => {
    /** The replies so far: by correlation id, and what they say. */
    const replies = (): string[] =>
      bench.log.replies.map(({ correlationId, fields }) => {
        const { type, offset } = fields()['offset'] as { type: string; offset?: bigint };
        return `${correlationId} ${type}${offset === undefined ? '' : ` ${offset}`}`;
      });
    const activate = async (correlationId: number, active: boolean): Promise<void> => {
      const before = bench.log.replies.length;
      const [one] = await until(() => bench.log.live.length === 1 && bench.log.live, { every: 2 });
      bench.log.update(one!, correlationId, active);
      await until(() => bench.log.replies.length > before, { every: 2, message: `a reply to ${correlationId}` });
      await bench.quiet();
      if (active) bench.log.activate(one!);
    };

    it('is answered once, and what is emitted follows it', async () => {
      bench.log.grow(3, 3);
      bench.read({ queue: 'g' });
      await activate(7, true);
      await bench.saw(6);
      await activate(8, false);
      expect(replies()).to.deep.equal(['7 first', '8 none']);
      expect(bench.log.stored.get('g')).to.equal(5n);
    });

    it('that gives the role back lets it go on where it stood', async () => {
      bench.log.grow(3, 3);
      bench.read({ queue: 'g' });
      await activate(7, true);
      await bench.saw(6);
      await activate(8, false);
      bench.log.grow(3);
      await activate(9, true);
      await bench.saw(9);
      expect(bench.offsets).to.deep.equal(upTo(9));
      expect(replies()).to.deep.equal(['7 first', '8 none', '9 offset 5']);
    });

    it('is answered once also when it comes while the source is being unsubscribed', async () => {
      bench.log.grow(3);
      const subscription = bench.read({ queue: 'g' });
      await activate(7, true);
      await bench.saw(3);
      const [one] = bench.log.live;
      bench.fake.on(keys.unsubscribe, (_frame, _connection, proceed) => {
        bench.log.update(one!, 8, false);
        bench.log.update(one!, 9, true);
        setImmediate(proceed);
      });
      subscription.unsubscribe();
      await until(() => bench.log.replies.length === 3, { every: 2, message: () => `3 replies: ${replies().join()}` });
      await bench.quiet();
      expect(replies()).to.deep.equal(['7 first', '8 none', '9 none']);
      expect(bench.log.stored.get('g')).to.equal(2n);
    });

    it('is answered once when it comes with deliveries in hand and the source ends meanwhile', async () => {
      bench.log.grow(3);
      bench.acks = false;
      const subscription = bench.read({ queue: 'g' });
      await activate(7, true);
      await bench.saw(3);
      bench.log.update(bench.log.live[0]!, 8, false);
      await bench.quiet();
      expect(replies()).to.deep.equal(['7 first']);
      for (const each of bench.seen) each.ack();
      subscription.unsubscribe();
      await until(() => bench.log.live.length === 0, { every: 2, message: 'the end' });
      await bench.quiet();
      expect(replies()).to.deep.equal(['7 first', '8 none']);
    });
  });
});

/** A record with a long text as its body. */
function longData(text: string): Uint8Array {
  const head = Buffer.from([0x00, 0x53, 0x75, 0xb0, 0, 0, 0, 0]);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}
