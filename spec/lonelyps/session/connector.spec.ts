import { expect } from 'chai';
import { reconnectPolicy } from '../../../lib/core/backoff.js';
import { silent } from '../../../lib/core/logger.js';
import { Connector } from '../../../lib/lonelyps/session/connector.js';
import { ManualClock, settled } from '../../support/manual-clock.js';

interface Link {
  readonly name: string;
}

/** A connector whose attempts end when it is said, whatever becomes of their signal. */
class Run {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  readonly attempts: { made(link: Link): void; refused(error: Error): void }[] = [];
  readonly connector = new Connector<Link>({
    options: { reconnect: reconnectPolicy({ initial: true, initialDelay: 10, jitter: 0 }), logger: silent },
    clock: this.clock,
    limit: 1_000,
    names: 'here',
    connect: () => new Promise((made, refused) => this.attempts.push({ made, refused })),
    discard: ({ name }) => this.told.push(`discard ${name}`),
    hooks: {
      up: ({ name }) => this.told.push(`up ${name}`),
      down: () => this.told.push('down'),
      failed: () => this.told.push('failed'),
    },
  });
}

describe('lonelyps connector', () => {
  it('discards a link that is made when it was closed', async () => {
    const run = new Run();
    run.connector.start();
    run.connector.close();
    await settled();
    run.attempts[0]!.made({ name: 'late' });
    await settled();
    expect(run.told).to.deep.equal(['discard late']);
    expect(run.clock.size).to.equal(0);
  });

  it('discards a link whose attempt is closed in the turn in which it is made', async () => {
    const run = new Run();
    run.connector.start();
    run.attempts[0]!.made({ name: 'late' });
    run.connector.close();
    await settled();
    expect(run.told).to.deep.equal(['discard late']);
  });

  it('discards a link that is made after its time, and takes that of the next attempt', async () => {
    const run = new Run();
    run.connector.start();
    await run.clock.pass(1_010);
    run.attempts[0]!.made({ name: 'late' });
    run.attempts[1]!.made({ name: 'in time' });
    await settled();
    expect(run.told).to.have.members(['discard late', 'up in time']);
    expect(run.connector.link?.name).to.equal('in time');
    run.connector.close();
  });

  it('hears what an attempt that nobody waits for fails with', async () => {
    const run = new Run();
    run.connector.start();
    run.connector.close();
    await settled();
    run.attempts[0]!.refused(new Error('late'));
    await settled();
    expect(run.told).to.deep.equal([]);
  });
});
