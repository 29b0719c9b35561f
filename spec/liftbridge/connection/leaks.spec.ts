import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import { ConnectionError } from '../../../lib/core/errors.js';
import type { Channel } from '../../../lib/liftbridge/connection/channel.js';
import { openChannel } from '../../../lib/liftbridge/connection/channel.js';
import { FakeLiftbridge } from '../../support/fake-liftbridge.js';
import { until } from '../../support/wait.js';
import { FiredClock } from '../../support/fired-clock.js';
import { asking, Heard, optionsWith } from './channel-kit.js';

const collect = (globalThis as { gc?: () => void }).gc;

describe('liftbridge connection: leaks', () => {
  let fake: FakeLiftbridge;

  beforeEach(async () => {
    fake = await FakeLiftbridge.start();
    fake.unary('Echo', (request) => request);
    fake.on('Subscribe', (call) => call.send(...Array.from({ length: 50 }, () => Buffer.alloc(100))));
  });
  afterEach(() => fake.stop());

  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length;

  /** Calls in all states: open, stopped, cancelled, ended. */
  const use = async (channel: Channel): Promise<void> => {
    const heard = [new Heard(), new Heard(), new Heard()] as const;
    heard[1].appetite = 1;
    const calls = heard.map((handlers) => channel.call('Subscribe', handlers, Buffer.alloc(0)));
    await Promise.all([heard[0].until(50), heard[1].until(1), heard[2].until(50)]);
    calls[2]?.cancel();
    await channel.unary('Echo', Buffer.alloc(10), asking());
    await channel.probe(5_000);
  };

  for (const end of ['close', 'destroy', 'loss'] as const) {
    it(`leaves no sockets, timers or objects after ${end}`, async () => {
      const before = sockets();
      const clock = new FiredClock();
      const left: WeakRef<Channel>[] = [];
      for (let i = 0; i < 20; i++) {
        const channel = await openChannel({ host: fake.host, port: fake.port }, optionsWith({ clock }));
        await use(channel);
        if (end === 'close') await channel.close();
        if (end === 'destroy') channel.destroy(new ConnectionError('enough'));
        if (end === 'loss') fake.cut();
        left.push(new WeakRef(channel));
      }
      await until(() => fake.open === 0 && sockets() === before, { every: 5, message: 'all sockets to be closed' });
      expect(clock.timers.size).to.equal(0);
      await until(
        async () => {
          collect?.();
          await turn();
          // the loop's last one may still be on the stack
          return left.filter((channel) => channel.deref()).length < 2;
        },
        { every: 5, message: 'the channels to be collected' },
      );
    });
  }

  it('keeps nothing of calls that have ended', async () => {
    const channel = await openChannel({ host: fake.host, port: fake.port }, optionsWith());
    const left: WeakRef<Heard>[] = [];
    for (let i = 0; i < 20; i++) {
      const heard = new Heard();
      const call = channel.call('Subscribe', heard, Buffer.alloc(0));
      await heard.until(50);
      call.cancel();
      left.push(new WeakRef(heard));
    }
    await channel.probe(5_000);
    await until(
      async () => {
        collect?.();
        await turn();
        return left.filter((heard) => heard.deref()).length < 2;
      },
      { every: 5, message: 'the calls to be collected' },
    );
    await channel.close();
  });
});
