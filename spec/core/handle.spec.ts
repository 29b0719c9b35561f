import { expect } from 'chai';
import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { firstValueFrom } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { text } from '../../lib/codec/text.js';
import { schedulerClock } from '../../lib/core/clock.js';
import {
  ClosedError,
  InvalidOptionError,
  OverflowError,
  PublishError,
  PublishUncertainError,
} from '../../lib/core/errors.js';
import { HandHandle } from './handle-kit.js';
import { HandMade } from './intake-kit.js';
import { turn } from './publisher-kit.js';

/** What a promise came to, so far. */
function outcome(promise: Promise<unknown>): { state: string; error?: unknown } {
  const seen: { state: string; error?: unknown } = { state: 'open' };
  promise.then(
    () => {
      seen.state = 'resolved';
    },
    (error: unknown) => {
      seen.state = 'rejected';
      seen.error = error;
    },
  );
  return seen;
}

describe('BrokerHandle', () => {
  describe('sources', () => {
    it('are made for each subscriber, with the defaults filled in, and stopped with it', () => {
      const handle = new HandHandle();
      const messages = handle.messages('c', { ackWait: 5 });
      expect(handle.sourcesMade).to.deep.equal([]);
      const [a, b] = [messages.subscribe(), messages.subscribe()];
      expect(handle.sourcesMade.map(({ settings }) => settings)).to.deep.equal([
        { ackWait: 5, maxInFlight: 1024 },
        { ackWait: 5, maxInFlight: 1024 },
      ]);
      a.unsubscribe();
      a.unsubscribe();
      expect(handle.sourcesMade.map(({ stopped }) => stopped)).to.deep.equal([true, false]);
      b.unsubscribe();
      expect(handle.log).to.deep.equal(['start c', 'start c', 'stop c', 'stop c']);
    });

    it('leave no listener on their signal behind', () => {
      const handle = new HandHandle();
      const controller = new AbortController();
      const { signal } = controller;
      const ends: string[] = [];
      const messages = handle.messages('c', { signal });
      messages.subscribe().unsubscribe();
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
      messages.subscribe({ complete: () => ends.push('complete') });
      expect(getEventListeners(signal, 'abort')).to.have.length(1);
      controller.abort();
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
      expect([ends, handle.sourcesMade[1]!.stopped]).to.deep.equal([['complete'], true]);
    });

    it('values acks when next returned, and also when next unsubscribed', async () => {
      const handle = new HandHandle();
      const made: HandMade[] = [];
      const emit = (): HandMade => {
        const delivery = new HandMade(made.length + 1);
        made.push(delivery);
        handle.sourcesMade.at(-1)!.receiver.next(delivery);
        return delivery;
      };
      const seen: boolean[] = [];
      const subscription = handle.values('c').subscribe(() => {
        seen.push(made.at(-1)!.settled);
        if (seen.length === 2) subscription.unsubscribe();
      });
      expect([emit().settled, emit().settled, seen]).to.deep.equal([true, true, [false, false]]);
      await turn();
    });

    it('options may be an object without a prototype, or inherit', () => {
      const handle = new HandHandle();
      const options = Object.assign(Object.create(null) as object, { maxInFlight: 3 });
      handle.messages('c', options).subscribe();
      expect(handle.sourcesMade[0]!.settings.maxInFlight).to.equal(3);
    });

    it('all fail when no connection is to be had, and so does what waits to be published', async () => {
      const handle = new HandHandle();
      const errors: unknown[] = [];
      for (let n = 0; n < 2; n++) handle.messages('c').subscribe({ error: (error: unknown) => errors.push(error) });
      handle.port().writable = false;
      const published = outcome(handle.publish('c', new Uint8Array(1)));
      const problem = new InvalidOptionError('given up');
      handle.giveUp(problem);
      await turn();
      expect(errors).to.deep.equal([problem, problem]);
      expect(published.error).to.equal(problem);
    });
  });

  describe('publish', () => {
    it('keeps one window for all calls to a channel, and one for each channel', async () => {
      const handle = new HandHandle();
      for (let n = 0; n < 1030; n++) void handle.publish('c', new Uint8Array(1)).catch(() => undefined);
      void handle.publish('d', new Uint8Array(1)).catch(() => undefined);
      expect([handle.port('c').open.length, handle.port('d').open.length]).to.deep.equal([1024, 1]);
      handle.port('c').confirm();
      expect(handle.port('c').open).to.have.length(1024);
      handle.port('c').confirmAll();
      handle.port('d').confirmAll();
      await handle.close();
    });

    it('rejects with an OverflowError when 10 000 wait beside the window', async () => {
      const handle = new HandHandle();
      const calls = Array.from({ length: 11_025 }, () => outcome(handle.publish('c', new Uint8Array(0))));
      await turn();
      expect(calls.filter(({ state }) => state === 'rejected')).to.have.length(1);
      expect(calls.at(-1)!.error).to.be.instanceOf(OverflowError);
      handle.port('c').confirmAll();
      await handle.close();
    });

    it('forgets idle channels beyond 256', async () => {
      const handle = new HandHandle();
      for (let n = 0; n < 600; n++) {
        const published = handle.publish(`c${n}`, new Uint8Array(1));
        handle.port(`c${n}`).confirm();
        await published;
      }
      const { publishers } = handle as unknown as { publishers: { all: Set<unknown>; direct: Map<string, unknown> } };
      expect(publishers.all.size).to.be.at.most(256);
      expect(publishers.direct.size).to.be.at.most(256);
    });

    it('takes a message back when its signal is aborted in time, and leaves no listener behind', async () => {
      const handle = new HandHandle();
      const controller = new AbortController();
      const { signal } = controller;
      const done = handle.publish('c', new Uint8Array(1), { signal });
      handle.port().confirm();
      await done;
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
      handle.port().writable = false;
      const waiting = outcome(handle.publish('c', new Uint8Array(2), { signal }));
      handle.port().writable = true;
      controller.abort(new Error('enough'));
      await turn();
      expect((waiting.error as Error).message).to.equal('enough');
      await handle.close();
      expect(handle.port().written).to.have.length(1);
    });

    it('rejects what is wrong, instead of throwing', async () => {
      const handle = new HandHandle();
      const calls = [
        handle.publish('', new Uint8Array(1)),
        handle.publish('c', new Uint8Array(1), { key: 'k' }),
        handle.publish('c', new Uint8Array(1), { codec: {} as never }),
        handle.publish('c', new Uint8Array(1), null as never),
        handle.publish('c', 'text'),
      ].map(outcome);
      await turn();
      expect(calls.map(({ state }) => state)).to.deep.equal(Array(5).fill('rejected'));
      expect(calls.slice(0, 3).every(({ error }) => error instanceof InvalidOptionError)).to.equal(true);
      expect(calls[4]!.error).to.be.instanceOf(PublishError);
      expect(handle.port().written).to.deep.equal([]);
    });
  });

  describe('close', () => {
    /** A handle in virtual time. */
    const virtual = (closeTimeout: number) => {
      const scheduler = new TestScheduler(() => undefined);
      const handle = new HandHandle({ closeTimeout, clock: schedulerClock(scheduler) });
      const advance = (ms: number): void => {
        scheduler.schedule(() => undefined, ms);
        scheduler.maxFrames = scheduler.frame + ms;
        scheduler.flush();
      };
      return { handle, advance, scheduler };
    };

    it('completes the sources, waits for what is unsettled and unconfirmed, and hangs up', async () => {
      const { handle, scheduler } = virtual(1_000);
      const ends: string[] = [];
      handle.messages('c').subscribe({ complete: () => ends.push('complete') });
      const [source] = handle.sourcesMade;
      source!.unsettled = 1;
      const published = outcome(handle.publish('c', new Uint8Array(1)));
      const closed = outcome(handle.close());
      expect([ends, source!.stopped]).to.deep.equal([['complete'], true]);
      await turn();
      source!.unsettled = 0;
      source!.end();
      await turn();
      expect([closed.state, handle.log.includes('hang up')]).to.deep.equal(['open', false]);
      handle.port().confirm();
      await turn();
      expect([published.state, closed.state]).to.deep.equal(['resolved', 'resolved']);
      expect(handle.log).to.deep.equal(['start c', 'stop c', 'hang up']);
      expect(scheduler.actions).to.have.length(0);
    });

    it('waits for closeTimeout at most, and tells what it left behind', async () => {
      const { handle, advance } = virtual(1_000);
      const events: unknown[] = [];
      handle.events.subscribe((event) => events.push(event));
      handle.messages('a').subscribe();
      handle.messages('b').subscribe();
      handle.sourcesMade[0]!.unsettled = 3;
      handle.sourcesMade[1]!.unsettled = 1;
      const published = outcome(handle.publish('c', new Uint8Array(1)));
      handle.port('d').writable = false;
      const waiting = outcome(handle.publish('d', new Uint8Array(1)));
      const closed = outcome(handle.close());
      // the time of this source is over before that of the close
      handle.sourcesMade[1]!.end();
      advance(999);
      await turn();
      expect(closed.state).to.equal('open');
      advance(1);
      await turn();
      expect(closed.state).to.equal('resolved');
      expect(events).to.deep.equal([{ type: 'abandoned', unsettled: 4, unconfirmed: 2 }]);
      expect(handle.log.slice(-2)).to.deep.equal(['abandon a', 'hang up']);
      expect(published.error).to.be.instanceOf(PublishUncertainError);
      expect(waiting.error).to.be.instanceOf(ClosedError);
    });

    it('resolves also when the goodbye fails, and says so to the logger', async () => {
      const warnings: unknown[][] = [];
      const log = {
        debug: () => undefined,
        info: () => undefined,
        warn: (...words: unknown[]) => warnings.push(words),
        error: () => undefined,
      };
      const handle = new HandHandle({ log });
      handle.failGoodbye = true;
      await handle.close();
      expect(String(warnings[0])).to.include('goodbye');
      expect(await firstValueFrom(handle.status)).to.deep.equal({ state: 'closed' });
    });

    it('happens once, also when a subscriber that hears of the end closes too', async () => {
      const handle = new HandHandle();
      const calls: Promise<void>[] = [];
      handle.messages('c').subscribe({ complete: () => calls.push(handle.close()) });
      calls.push(handle.close(), handle.close(), handle[Symbol.asyncDispose]());
      await Promise.all(calls);
      expect(new Set(calls).size).to.equal(1);
      expect(handle.log.filter((line) => line === 'hang up')).to.have.length(1);
    });

    it('is over for those who hear of the end', async () => {
      const handle = new HandHandle();
      const outcomes: { state: string; error?: unknown }[] = [];
      handle.messages('c').subscribe({
        complete: () => outcomes.push(outcome(handle.publish('c', new Uint8Array(1)))),
      });
      await handle.close();
      expect(outcomes[0]!.error).to.be.instanceOf(ClosedError);
    });

    it('publishes what sinks have queued, and those who wait to send', async () => {
      const { handle } = virtual(1_000);
      const sink = handle.sink('c', { codec: text, maxInFlight: 1, buffer: 10 });
      sink.next('1');
      sink.next('2');
      const sent = sink.send('3');
      const closed = outcome(handle.close());
      handle.port().confirmAll();
      await turn();
      expect(handle.port().written.map(({ value }) => value)).to.deep.equal(['1', '2', '3']);
      expect([(await sent).ok, closed.state]).to.deep.equal([true, 'resolved']);
    });

    it('keeps nothing of sinks and operators that ended', async () => {
      const handle = new HandHandle();
      const { publishers } = handle as unknown as { publishers: { all: Set<unknown> } };
      for (let n = 0; n < 10; n++) {
        const sink = handle.sink('c', { codec: text });
        sink.next('1');
        sink.complete();
        handle.publishFrom('c', ['1'], { codec: text }).subscribe();
        handle.publishFrom('c', ['1'], { codec: text }).subscribe().unsubscribe();
      }
      expect(publishers.all.size).to.equal(30);
      handle.port().confirmAll();
      expect(publishers.all.size).to.equal(0);
      await handle.close();
    });
  });

  it('shows its state and nothing else to inspect and JSON', () => {
    const handle = new HandHandle();
    expect(inspect(handle)).to.equal("{ broker: 'memory', state: 'idle' }");
    expect(JSON.stringify(handle)).to.equal('{"broker":"memory","state":"idle"}');
  });

  it('forget and connect ask the broker', async () => {
    const handle = new HandHandle();
    await handle.connect();
    await handle.forget('c', { durable: 'd' });
    expect(handle.log).to.deep.equal(['wake', 'drop c d']);
  });
});
