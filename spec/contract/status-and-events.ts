import { expect } from 'chai';
import { firstValueFrom } from 'rxjs';
import { until } from '../support/wait.js';
import { Tap } from './tap.js';
import { rejection } from './publishing.js';
import { together } from './together.js';
import type { World } from './world.js';

/** How a handle says how it stands. */
export function describeStatus(world: World): void {
  together({
    'is idle until it is used, and connected after connect()': async () => {
      const broker = world.broker();
      const status = new Tap(broker.status);
      expect(status.all).to.deep.equal([{ state: 'idle' }]);
      broker.messages(world.channel());
      broker.sink(world.channel());
      expect(status.all).to.have.length(1);
      await broker.connect();
      await broker.connect();
      expect(status.all.map(({ state }) => state)).to.deep.equal(['idle', 'connecting', 'connected']);
      expect(await firstValueFrom(broker.status)).to.deep.equal({ state: 'connected' });
    },
    'the first use connects': async () => {
      const [a, b] = [world.broker(), world.broker()];
      const tap = world.tap(a, world.channel());
      const status = new Tap(a.status);
      await until(() => status.all.at(-1)!.state === 'connected');
      tap.unsubscribe();
      await world.put(b, world.channel(), '1');
      expect((await firstValueFrom(b.status)).state).to.equal('connected');
    },
    'connect with an aborted signal rejects with its reason': async () => {
      const broker = world.broker();
      const signal = AbortSignal.abort(new Error('enough'));
      expect((await rejection(broker.connect({ signal }))).message).to.equal('enough');
      await broker.connect();
    },
    'two calls of connect at once are fine': async () => {
      const broker = world.broker();
      await Promise.all([broker.connect(), broker.connect()]);
    },
    'status tells closed, also to one who asks later, and it and events complete': async () => {
      const broker = world.broker();
      await broker.connect();
      const status = new Tap(broker.status);
      const events = new Tap(broker.events);
      await broker.close();
      await status.complete();
      await events.complete();
      expect(status.all.at(-1)).to.deep.equal({ state: 'closed' });
      expect(await firstValueFrom(broker.status)).to.deep.equal({ state: 'closed' });
      expect(events.all).to.deep.equal([]);
    },
    'what inspect and JSON show of a handle is its state, and no secret': async () => {
      const broker = world.broker();
      await broker.connect();
      expect(JSON.parse(JSON.stringify(broker))).to.include({ state: 'connected' });
    },
  });
}
