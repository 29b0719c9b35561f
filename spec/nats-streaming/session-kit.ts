import { systemClock, type Cancel, type Clock } from '../../lib/core/clock.js';
import { connectNats } from '../../lib/nats-streaming/connection/connect.js';
import { createConnector, type ConnectNats } from '../../lib/nats-streaming/connection/connection.js';
import { encodeConnectResponse, type ConnectResponse } from '../../lib/nats-streaming/codec/connect.js';
import { encodePingResponse } from '../../lib/nats-streaming/codec/ping.js';
import { resolveOptions, type NatsStreamingOptions } from '../../lib/nats-streaming/options.js';
import { Session, type SessionHooks } from '../../lib/nats-streaming/session/session.js';
import { startFakeNats, type FakeHandler, type FakeNats } from '../support/fake-nats.js';
import { clientName } from '../support/names.js';
import { until } from '../support/wait.js';

/** A call of one of the hooks. */
export interface Told {
  readonly hook: keyof SessionHooks;
  readonly argument: unknown;
}

/** A session whose hooks are written down. */
export interface Watched {
  readonly session: Session;
  /** What was told so far, oldest first. */
  readonly told: readonly Told[];
  /** The same in short: `connected first`, `interrupted`, `failed IN_USE`. */
  readonly story: readonly string[];
  /** Resolves when the story holds that line `times` times. */
  until(line: string, times?: number): Promise<void>;
  /** The error of the last `failed`, awaited. */
  failure(): Promise<Error & { readonly code?: string; readonly detail?: Readonly<Record<string, unknown>> }>;
  /** Ends the ack inbox that the last `lost` has left. */
  endAcks(): void;
}

/** What a spec gives beside the options of the factory. */
export interface WatchOptions extends Partial<NatsStreamingOptions> {
  readonly clock?: Clock;
  readonly connect?: ConnectNats;
}

const sessions = new Set<Session>();

/** A session that has not started. Ended by `closeSessions`. */
export function watchSession({ clock = systemClock, connect = connectNats, ...given }: WatchOptions): Watched {
  const options: NatsStreamingOptions = { clusterId: 'weir', clientId: clientName(), ...given };
  const resolved = resolveOptions(options);
  const told: Told[] = [];
  const story: string[] = [];
  let endAcks: Cancel | undefined;
  const note = (hook: keyof SessionHooks, argument: unknown, word?: string): void => {
    told.push({ hook, argument });
    story.push(word === undefined ? hook : `${hook} ${word}`);
  };
  const hooks: SessionHooks = {
    connected: (kept) => note('connected', kept, kept),
    interrupted: (cause) => note('interrupted', cause),
    // it goes with `interrupted`, but for a drop that follows a silence
    dropped: () => undefined,
    lost: (cause, end) => {
      endAcks = end;
      note('lost', cause);
    },
    failed: (error) => note('failed', error, error.code),
    replaced: (reason) => note('replaced', reason),
    pubAck: (data) => note('pubAck', data),
    lateAck: (data) => note('lateAck', data),
    denied: (subject, error) => note('denied', error, subject),
    fault: (error) => note('fault', error, error.code),
  };
  const session = new Session({
    options: resolved,
    // the NATS client paces its reconnects by the real time
    connector: createConnector(options, resolved, connect, systemClock),
    clock,
    hooks,
  });
  sessions.add(session);
  return {
    session,
    told,
    story,
    async until(line, times = 1) {
      const message = (): string => `'${line}' among: ${story.join(', ') || 'nothing'}`;
      const count = (): number => story.filter((each) => each === line).length;
      const before = story.length;
      // after a failure nothing comes any more
      const failed = (): boolean => story.slice(before).some((each) => each.startsWith('failed'));
      await until(() => count() >= times || failed(), { timeout: 20_000, message });
      if (count() < times) throw new Error(`Waited for ${message()}.`, { cause: told.at(-1)?.argument });
    },
    async failure() {
      const failed = await until(() => told.findLast(({ hook }) => hook === 'failed'), {
        timeout: 20_000,
        message: () => `a failure among: ${story.join(', ') || 'nothing'}`,
      });
      return failed.argument as Error & { readonly code?: string };
    },
    endAcks: () => endAcks?.(),
  };
}

/** The same, started. */
export function startSession(options: WatchOptions): Watched {
  const watched = watchSession(options);
  watched.session.start();
  return watched;
}

/** The same, connected. */
export async function connectSession(options: WatchOptions): Promise<Watched> {
  const watched = startSession(options);
  await watched.until('connected first');
  return watched;
}

/** Ends what a spec has left open. */
export async function closeSessions(): Promise<void> {
  const open = [...sessions];
  sessions.clear();
  await Promise.all(open.map((session) => session.close(1_000)));
}

/** A clock that goes only when a spec says so. */
export class HandClock implements Clock {
  private time = 1_000_000;
  private readonly timers = new Set<{ at: number; call: () => void }>();

  /** How many timers wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** In how many milliseconds the first of them is due; Infinity without any. */
  get next(): number {
    return Math.min(Infinity, ...[...this.timers].map(({ at }) => at - this.time));
  }

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): Cancel {
    const timer = { at: this.time + ms, call };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  soon(call: () => void): void {
    queueMicrotask(call);
  }

  /** Lets that many milliseconds pass, and calls what is due in its order. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.call();
    }
    this.time = end;
  }
}

/** The streaming server's side of a session on a fake NATS server, to be told otherwise by a spec. */
export interface FakeStan {
  connect: FakeHandler;
  ping: FakeHandler;
  close: FakeHandler;
  /** How often each was asked. */
  readonly asked: { connect: number; ping: number; close: number };
}

/** What the fake answers to a connect request. */
export const accepted: Partial<ConnectResponse> = {
  pubPrefix: '_STAN.pub.weir',
  subRequests: '_STAN.sub.weir',
  unsubRequests: '_STAN.unsub.weir',
  closeRequests: '_STAN.close.weir',
  subCloseRequests: '_STAN.subclose.weir',
  pingRequests: '_STAN.discover.weir.pings',
  pingInterval: 5,
  pingMaxOut: 3,
  protocol: 1,
};

/** Lets a fake NATS server answer as the streaming server of the cluster `weir` does. */
export function fakeStan(fake: FakeNats): FakeStan {
  const none = new Uint8Array(0);
  const stan: FakeStan = {
    connect: (message) => message.respond(encodeConnectResponse(accepted)),
    ping: (message) => message.respond(none),
    close: (message) => message.respond(none),
    asked: { connect: 0, ping: 0, close: 0 },
  };
  const subjects = { connect: '_STAN.discover.weir', ping: accepted.pingRequests!, close: accepted.closeRequests! };
  for (const name of ['connect', 'ping', 'close'] as const) {
    fake.onPublish(subjects[name], (message) => {
      stan.asked[name]++;
      stan[name](message);
    });
  }
  return stan;
}

/** What the server answers when somebody else has the client id, or the session. */
export const inUse = encodeConnectResponse({ error: 'stan: clientID already registered' });
export const gone = encodePingResponse({ error: 'client has been replaced or is no longer registered' });

/** A scripted server, and what a session over it is made with. */
export interface Scripted {
  readonly fake: FakeNats;
  readonly stan: FakeStan;
  readonly clock: HandClock;
  options(): { servers: string; clock: HandClock };
  /** Ends the sessions and the server. */
  end(): Promise<void>;
}

/** Starts a fake NATS server with a fake streaming server on it, in a time that goes by hand. */
export async function startScripted(): Promise<Scripted> {
  const fake = await startFakeNats();
  const clock = new HandClock();
  return {
    fake,
    stan: fakeStan(fake),
    clock,
    options: () => ({ servers: fake.url, clock }),
    async end() {
      const closing = closeSessions();
      // what waits for the clock is not to hold up the end
      await until(() => {
        clock.advance(500);
        return clock.waiting === 0;
      });
      await closing;
      await fake.stop();
    },
  };
}
