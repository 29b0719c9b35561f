import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { BehaviorSubject, lastValueFrom, type Observable, type Subscription } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import { ClosedError } from '../../lib/core/errors.js';
import { blob, type LonelypsBroker, type LonelypsOptions, type LonelypsSelection } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until, within } from '../support/wait.js';
import { rejection, spoolFiles, through, Told } from './faults-kit.js';
import { endless, kept, possessions, pressed, untilGone, type Possessions } from './leaks-kit.js';
import { Handles, Heard, subscribed, transports } from './lonelyps-kit.js';

const one = new Uint8Array([1]);
const large = new Uint8Array(100_000);
const nothing = { names: [], wanted: 0 };

describe('lonelyps: what is left behind', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let server: LonelypssServer;
  let proxy: Proxy;
  /** The same broadcaster, behind the proxy. */
  let at: LonelypssServer;
  let counted: Possessions;

  before(async () => {
    server = await startLonelypss({ auth: 'token' });
    // what is loaded on first use is there from then on
    for (const transport of transports) await handles.open(transport, server).publish('first', one);
    await handles.close();
  });

  after(() => server.stop());

  beforeEach(async () => {
    // mocha's own timer of a hook that waits is counted before and after
    await Promise.resolve();
    counted = await possessions();
    proxy = await startProxy(server);
    at = through(proxy, server);
  });

  afterEach(async () => {
    await handles.close();
    await proxy.stop();
    await untilGone(counted);
  });

  for (const transport of transports) {
    const open = (options: Partial<LonelypsOptions> = {}, where = at): LonelypsBroker =>
      handles.open(transport, where, options);

    describe(`over ${transport}`, () => {
      /** One of each kind, with small windows; nothing is settled. */
      function subscribeAll(broker: LonelypsBroker, topic: string) {
        const deliveries: Delivery<unknown>[] = [];
        const maxInFlight = 1;
        const selections = new BehaviorSubject<LonelypsSelection>({ exact: [topic, `${topic}/a`] });
        const sources: Observable<Delivery<unknown>>[] = [
          broker.messages(topic, { maxInFlight }),
          broker.messages({ exact: topic, glob: [`${topic}*`, `${topic}/*`] }, { maxInFlight, answer: 'settled' }),
          broker.messages(selections, { maxInFlight, dedupe: { ms: 60_000 } }),
          broker.messages(topic, { maxInFlight, codec: blob() }),
          broker.messages(topic, { maxInFlight, onReceiving: () => Promise.resolve() }),
          broker.hot(topic, { maxInFlight }),
        ];
        const sink = broker.sink(topic);
        const subscriptions = sources.map((source) => source.subscribe((delivery) => deliveries.push(delivery)));
        return {
          deliveries,
          sources: sources.length,
          unsubscribe(): void {
            for (const subscription of subscriptions) subscription.unsubscribe();
            sink.complete();
          },
        };
      }

      it('does not grow with 1 000 subscriptions and 250 sinks that come and go', async () => {
        const broker = open();
        const topic = unique('topic');
        const round = async (n: number): Promise<void> => {
          const aborter = new AbortController();
          const subscriptions: Subscription[] = [];
          let delivered = 0;
          for (let i = 0; i < 50; i++) {
            const own = `${topic}/${n}/${i}`;
            const channels = [topic, own, { exact: [topic, own] }, { glob: `${own}*` }, new BehaviorSubject(own)];
            const source = broker.messages(channels[i % channels.length]!, {
              ...(i % 7 === 0 && { signal: aborter.signal }),
              ...(i % 3 === 0 && { onReceiving: () => undefined }),
            });
            subscriptions.push(
              source.subscribe((delivery) => {
                delivered++;
                // some are left unsettled
                if (i % 2 === 0) delivery.ack();
              }),
            );
          }
          const ends: Promise<unknown>[] = [];
          for (let i = 0; i < 12; i++) {
            const sink = broker.sink(`${topic}/${n}/none`);
            // one in four is never used
            if (i % 4 > 0) sink.next(one);
            ends.push(lastValueFrom(sink.receipts, { defaultValue: undefined }));
            sink.complete();
          }
          // one round in three goes before it is subscribed
          if (n % 3 > 0) {
            await subscribed(broker);
            expect((await broker.publish(topic, one)).notified).to.equal(1);
            await until(() => delivered >= 20, { message: () => `20 deliveries, there are ${delivered}` });
          }
          aborter.abort();
          for (const subscription of subscriptions) subscription.unsubscribe();
          await Promise.all(ends);
          await subscribed(broker);
          await until(async () => (await broker.publish(topic, one)).notified === 0);
        };
        const rounds = async (count: number): Promise<number> => {
          for (let n = 0; n < count; n++) await round(n);
          expect(kept(broker)).to.deep.equal(nothing);
          global.gc?.();
          global.gc?.();
          return process.memoryUsage().heapUsed;
        };
        const heap = await rounds(7);
        expect(((await rounds(20)) - heap) / 2 ** 20, 'growth of the heap in MiB').to.be.below(8);
      });

      describe('a subscription and a sink leave', () => {
        type Case = (broker: LonelypsBroker, topic: string) => Promise<void>;
        const states: Record<string, Case> = {
          'before there is a connection': async (broker, topic) => {
            subscribeAll(broker, topic).unsubscribe();
            await Promise.resolve();
          },
          'while it is being made': async (broker, topic) => {
            proxy.stall(true);
            const all = subscribeAll(broker, topic);
            await until(() => proxy.connections > 0, { every: 1 });
            all.unsubscribe();
            proxy.stall(false);
          },
          'while they subscribe': async (broker, topic) => {
            await broker.connect();
            proxy.stallToClient(true);
            const all = subscribeAll(broker, topic);
            // the broadcaster has the requests then, and its answers do not come
            await rest(server).publish(unique('another'), one);
            all.unsubscribe();
            proxy.stallToClient(false);
          },
          'with full windows and messages that wait before them, and settle later': async (broker, topic) => {
            const all = subscribeAll(broker, topic);
            await subscribed(broker);
            const isFull = (): boolean => all.deliveries.length === all.sources;
            const published = await pressed(rest(server), topic, isFull);
            all.unsubscribe();
            for (const delivery of all.deliveries.splice(0, 2)) delivery.release();
            for (const delivery of all.deliveries) delivery.ack();
            await Promise.all(published);
          },
          'while the link is away': async (broker, topic) => {
            const told = new Told(broker);
            const all = subscribeAll(broker, topic);
            await subscribed(broker);
            await proxy.refuse(true);
            proxy.cut();
            const published = rejection(broker.publish(topic, one));
            await until(() => told.states.at(-1) === 'reconnecting');
            all.unsubscribe();
            await proxy.refuse(false);
            await published;
            await broker.connect();
          },
        };
        for (const [title, leave] of Object.entries(states)) {
          it(title, async () => {
            const broker = open();
            const topic = unique('topic');
            await leave(broker, topic);
            // the handle works, and neither it nor the broadcaster has anything of them
            await until(async () => (await broker.publish(topic, one)).notified === 0, { timeout: 20_000 });
            expect(kept(broker)).to.deep.equal(nothing);
          });
        }
      });

      it('closes in every state: sockets, timers, descriptors and files go', async () => {
        const topic = unique('topic');
        const small = { spoolSize: 1_000, closeTimeout: 500 } as const;
        // at work, with messages in files, at the door and unsettled
        const working = open(small, server);
        const all = subscribeAll(working, topic);
        await subscribed(working);
        const waiting = await pressed(rest(server), topic, () => all.deliveries.length === all.sources);
        // with a publish that nobody answers, some of it read from a stream, and one whose stream has no end
        const publishing = open(small);
        await publishing.connect();
        proxy.stall(true);
        const unanswered = [
          publishing.publish(topic, large),
          publishing.publish(topic, new Blob([large])),
          publishing.publish(topic, endless(50_000)),
        ].map(rejection);
        // connecting, and never used
        const connecting = open({ connectTimeout: 60_000 });
        connecting.messages(topic).subscribe({ error: () => undefined });
        open();
        await until(() => proxy.connections >= 2);
        await within(handles.close(), 20_000, 'all to close');
        for (const error of await Promise.all(unanswered)) expect(error).to.have.property('broker', 'lonelyps');
        expect(await unanswered[2]).to.be.instanceOf(ClosedError);
        await Promise.allSettled(waiting);
        proxy.stall(false);

        // reconnecting, with something to publish
        const reconnecting = open(small);
        const told = new Told(reconnecting);
        subscribeAll(reconnecting, topic);
        await subscribed(reconnecting);
        await proxy.refuse(true);
        proxy.cut();
        const queued = rejection(reconnecting.publish(topic, new Blob([large])));
        await until(() => told.states.at(-1) === 'reconnecting');
        await within(reconnecting.close(), 20_000, 'the one that reconnects to close');
        expect(await queued).to.be.instanceOf(ClosedError);
        await until(async () => (await spoolFiles()) === 0);
      });

      it('keeps the file of a message until it is settled, released or left', async () => {
        const broker = open({ spoolSize: 1_000 }, server);
        const topic = unique('topic');
        const deliveries: Delivery<unknown>[] = [];
        const collect = (delivery: Delivery<unknown>): number => deliveries.push(delivery);
        const left = broker.messages(topic, { codec: blob() }).subscribe(collect);
        const subscriptions = [left, broker.messages(topic, { codec: blob() }).subscribe(collect)];
        const read = new Heard(broker, topic);
        await subscribed(broker);
        await until(async () => (await broker.publish(topic, one)).notified === 1);
        await until(() => deliveries.length >= 2);
        deliveries.splice(0).forEach((delivery) => delivery.ack());
        read.all.length = 0;
        for (let n = 1; n <= 4; n++) {
          await broker.publish(topic, new Blob([large, String(n)]));
          await until(() => deliveries.length === 2 * n && read.all.length === n);
        }
        // one for each message, however many have it
        await until(async () => (await spoolFiles()) === 4 || process.platform !== 'linux');
        for (const delivery of deliveries.slice(0, 2)) delivery.ack();
        for (const delivery of deliveries.slice(2, 4)) delivery.release();
        await until(async () => (await spoolFiles()) === 2 || process.platform !== 'linux');
        for (const subscription of subscriptions) subscription.unsubscribe();
        for (const delivery of deliveries.slice(4)) delivery.ack();
        await until(async () => (await spoolFiles()) === 0);
        read.unsubscribe();
      });

      it('lets a process end that has closed its handle', async () => {
        const options = {
          broadcasters: transport === 'http' ? server.url : server.socketUrl,
          receive: transport === 'http' ? { listen: {} } : { websocket: true },
          auth: server.auth,
          spoolSize: 1_000,
          closeTimeout: 200,
        };
        const file = fileURLToPath(new URL('fixtures/close-and-end.ts', import.meta.url));
        const child = fork(file, [JSON.stringify(options), unique('topic')], { execArgv: ['--import=tsx'] });
        let left: unknown;
        child.on('message', (message) => {
          left = message;
        });
        try {
          const [code] = (await once(child, 'exit')) as [number | null];
          expect(code).to.equal(0);
        } finally {
          child.kill('SIGKILL');
        }
        expect(left).to.deep.equal([]);
      });
    });
  }

  /** A handle that only publishes, past the proxy. */
  function rest(to: LonelypssServer): LonelypsBroker {
    return handles.open('http', to, { receive: undefined });
  }
});
