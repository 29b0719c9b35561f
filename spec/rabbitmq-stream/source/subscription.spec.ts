import { expect } from 'chai';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import type { Session } from '../../../lib/rabbitmq-stream/session/session.js';
import { Subscription } from '../../../lib/rabbitmq-stream/source/subscription.js';
import { until } from '../../support/wait.js';

/** A link that notes what is asked, and answers when it is told to. */
class Peer {
  readonly asked: number[] = [];
  readonly freed: number[] = [];
  private answers: ((error?: Error) => void)[] = [];

  readonly link = {
    closed: false,
    connection: {
      send: () => true,
      request: (key: number) =>
        new Promise<void>((resolve, reject) => {
          this.asked.push(key);
          this.answers.push((error) => {
            if (error === undefined) resolve();
            else reject(error);
          });
        }),
    },
    addSubscriber: () => 7,
    removeSubscriber: (id: number) => {
      this.freed.push(id);
    },
  };

  /** Answers the oldest request. */
  answer(error?: Error): void {
    this.answers.shift()!(error);
  }
}

function subscribe(peer: Peer): Subscription {
  const session = {
    retry: (attempt: (signal: AbortSignal) => Promise<void>) => {
      const aborter = new AbortController();
      attempt(aborter.signal).catch(() => undefined);
      return () => {
        aborter.abort();
      };
    },
    consumerLink: () => Promise.resolve(peer.link),
    resumed: () => undefined,
    suspended: () => undefined,
  } as unknown as Session;
  const nothing = (): void => undefined;
  const handlers = {
    begin: () => Promise.resolve({ type: 'first' } as const),
    subscribed: nothing,
    chunk: nothing,
    flushed: nothing,
    update: nothing,
    lost: nothing,
    failed: nothing,
  };
  const subscription = new Subscription(session, { stream: 's', properties: {} }, handlers);
  subscription.start();
  return subscription;
}

describe('rabbitmq-stream subscription', () => {
  it('unsubscribes once when it ends while Subscribe is not answered, and frees its id once', async () => {
    const peer = new Peer();
    const subscription = subscribe(peer);
    await until(() => peer.asked.length === 1, { every: 1 });
    let ended = false;
    const end = subscription.end().then(() => {
      ended = true;
    });
    peer.answer();
    await until(() => peer.asked.length === 2, { every: 1 });
    expect([ended, peer.freed]).to.deep.equal([false, []]);
    peer.answer();
    await end;
    expect(peer.asked).to.deep.equal([keys.subscribe, keys.unsubscribe]);
    expect(peer.freed).to.deep.equal([7]);
  });

  it('frees its id once when Subscribe is refused while it ends', async () => {
    const peer = new Peer();
    const subscription = subscribe(peer);
    await until(() => peer.asked.length === 1, { every: 1 });
    const end = subscription.end();
    peer.answer(new Error('refused'));
    await end;
    expect(peer.asked).to.deep.equal([keys.subscribe]);
    expect(peer.freed).to.deep.equal([7]);
  });

  it('unsubscribes at once when it was made', async () => {
    const peer = new Peer();
    const subscription = subscribe(peer);
    await until(() => peer.asked.length === 1, { every: 1 });
    peer.answer();
    await Promise.resolve();
    const end = subscription.end();
    expect(peer.asked).to.deep.equal([keys.subscribe, keys.unsubscribe]);
    peer.answer();
    await end;
    expect(peer.freed).to.deep.equal([7]);
  });
});
